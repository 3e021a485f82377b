"""Phones of an STF farm (DeviceFarmer): reserved, connected, and given back on every way out.

A phone is reserved over REST, made reachable by ``remoteConnect`` and added to an adb server of our
own by ``adb connect``. What was reserved stands in a file under a lock, from before the reservation
until after the release: where a process died in between, the next one that speaks to the same farm
gives the phones back. The farm itself takes a phone back that has no traffic for `IDLE_MS`.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from harness.adb.errors import AdbError
from harness.adb.server import AdbServer, adb_binary
from harness.devices.inventory import PhoneInfo, inventory
from harness.devices.profile import GENERIC, DeviceProfile, load_profiles, recognise
from harness.devices.requirements import match
from harness.devices.sources import Session
from harness.devices.stf_api import TOKEN_VARIABLE, StfApi, StfDevice, StfError, base_url
from harness.devices.stf_borrowed import Borrowed, give_back_left
from harness.errors import InputError, NoPhoneError
from harness.paths import cache_root
from harness.scenario.demands import Demands

IDLE_MS = 30 * 60 * 1000
"""After so long without traffic the farm takes a phone back by itself: longer than any pause of a
run that lives, short enough for a shared farm."""
_AUTHORISE_S = 30.0
_KEY_TITLE = "mobileasr-lab"
_OPTION = re.compile(r"(count|serial)=([^,=]+)")

Note = Callable[[str], None]


@dataclass(frozen=True)
class StfFarm:
    """A farm as ``--farm stf:URL[,count=N][,serial=S]...`` names it.

    Args:
        url: Address, as a browser has it.
        count: Take at most so many phones.
        serials: Take these only.
        wanted: What the jobs ask for; one phone is taken for each as long as one fits.
        note: Told what a user should know.
    """

    url: str
    count: int | None = None
    serials: tuple[str, ...] = ()
    wanted: Sequence[Demands] = ()
    note: Note = field(default=lambda _: None)

    @classmethod
    def parse(cls, text: str) -> StfFarm:
        """Read what follows ``stf:``.

        Raises:
            InputError: It is not of this form.
        """
        url, *options = text.split(",")
        count: int | None = None
        serials: list[str] = []
        for option in options:
            found = _OPTION.fullmatch(option.strip())
            if found is None or (found[1] == "count" and not re.fullmatch("[1-9][0-9]*", found[2])):
                raise InputError(
                    f"{option!r} is no option of an STF farm",
                    where="--farm",
                    hint="Write stf:https://stf.example.org,count=4 or ,serial=R58M1,serial=R58M2",
                )
            if found[1] == "count":
                count = int(found[2])
            else:
                serials.append(found[2])
        return cls(base_url(url), count, tuple(serials))

    def api(self) -> StfApi:
        """Return the farm with the token of the environment.

        Raises:
            InputError: There is no token.
        """
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token:
            raise InputError(
                f"no access token for {self.url}",
                where=TOKEN_VARIABLE,
                hint="Make one in STF (Settings > Keys > Access Tokens) and put it into this "
                "environment variable.",
            )
        return StfApi(self.url, token)

    def listed(self) -> list[PhoneInfo]:
        """Return what the farm lists, reserving nothing; also gives back what a dead run left."""
        api = self.api()
        give_back_left(api, self.note)
        return [self._info(device) for device in api.devices() if self._named(device)]

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """See `harness.devices.sources.PhoneSource`."""
        if not (self.wanted or self.count or self.serials):
            raise InputError(
                "say which phones to take from the farm: others use it too",
                where="--farm",
                hint=f"Write stf:{self.url},count=2 or ,serial=...",
            )
        api = self.api()
        give_back_left(api, self.note)
        devices = [device for device in api.devices() if self._named(device)]
        home = _adb_home()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(contextlib.closing(AdbServer.start_private(folder=home)))
            borrowed = stack.enter_context(Borrowed.of(api, server, self.note))
            self._introduce(api, home)
            phones = self._take(api, server, borrowed, devices)
            if not phones:
                raise NoPhoneError(self._why_none(devices))
            record = {"option": self.option, "phones": [phone.serial for phone in phones]}
            yield Session((server,), record)

    @property
    def option(self) -> str:
        """The farm as ``--farm`` has it."""
        words = [f"stf:{self.url}", *(f"serial={serial}" for serial in self.serials)]
        return ",".join(words if self.count is None else [*words, f"count={self.count}"])

    @cached_property
    def _profiles(self) -> dict[str, DeviceProfile]:
        return load_profiles()

    # -- inside ---------------------------------------------------------------------------------

    def _named(self, device: StfDevice) -> bool:
        return not self.serials or device.serial in self.serials

    def _take(
        self, api: StfApi, server: AdbServer, borrowed: Borrowed, devices: Sequence[StfDevice]
    ) -> list[PhoneInfo]:
        """Reserve a phone for each thing wanted, as long as there are some that may fit."""
        free = {device.serial: device for device in devices if device.free}
        taken: list[PhoneInfo] = []
        for demands in self.wanted or [Demands(each=True)]:
            need = len(free) if demands.each else 1
            need = min(need if demands.count is None else demands.count, len(free))
            for device in sorted(
                free.values(), key=lambda candidate: not self._surely(demands, candidate)
            ):
                if need == 0 or (self.count is not None and len(taken) >= self.count):
                    break
                if not self._may_fit(demands, device):
                    continue
                info = self._borrow(api, server, borrowed, free.pop(device.serial))
                if info is None:
                    continue
                if any(match(wanted, info).fits for wanted in self.wanted or [demands]):
                    taken.append(info)
                    need -= match(demands, info).fits
                else:
                    borrowed.give_back(device.serial)
        return taken

    def _borrow(
        self, api: StfApi, server: AdbServer, borrowed: Borrowed, device: StfDevice
    ) -> PhoneInfo | None:
        """Reserve and connect one phone; None, with a note, where that does not work."""
        try:
            address = borrowed.take(device.serial, IDLE_MS)
            _wait_for(server, address)
            (info,) = inventory(server, only=[address])
        except (StfError, AdbError) as error:
            self.note(f"{device.serial} of {api.url} is left out: {error}")
            borrowed.give_back(device.serial)
            return None
        if not info.usable:
            self.note(f"{device.serial} of {api.url} is {info.state}. {info.advice}")
            borrowed.give_back(device.serial)
            return None
        return info

    def _introduce(self, api: StfApi, home: Path) -> None:
        """Make our adb key known; an STF without that call asks its user in the browser."""
        try:
            public = (home / ".android/adbkey.pub").read_text("utf-8").strip()
            api.add_adb_key(public, _KEY_TITLE)
        except (StfError, OSError) as error:
            self.note(f"the adb key could not be made known to {api.url}: {error}")

    def _info(self, device: StfDevice) -> PhoneInfo:
        """Return a phone as far as the farm's list tells."""
        said = {"ro.product.model": device.model, "ro.product.device": device.marketName}
        properties = {name: value for name, value in said.items() if value}
        profile = recognise(properties, self._profiles)
        known = profile is not None and profile.name != GENERIC
        sdk = str(device.sdk or "")
        return PhoneInfo(
            serial=device.serial,
            adb_serial=device.serial,
            adb_server=self.url,
            state=device.state,
            profile=profile.name if profile and known else "",
            title=device.marketName or device.model or "",
            model=device.model or "",
            manufacturer=device.manufacturer or "",
            android=device.version or "",
            sdk=int(sdk) if sdk.isdigit() else 0,
            abi=device.abi or "",
            soc=profile.soc if profile and known else "",
        )

    def _may_fit(self, demands: Demands, device: StfDevice) -> bool:
        """Say whether nothing that the farm tells of a phone speaks against it."""
        info = self._info(device)
        told = {
            "serial": True,
            "profile": bool(info.profile),
            "soc": bool(info.soc),
            "android": bool(info.android),
            "sdk": info.sdk > 0,
            "abi": bool(info.abi),
        }
        asked = {name: value for name, value in demands if told.get(name)}
        return match(Demands(**asked), info).fits

    def _surely(self, demands: Demands, device: StfDevice) -> bool:
        return demands.profile is not None and bool(self._info(device).profile)

    def _why_none(self, devices: Sequence[StfDevice]) -> str:
        lines = [f"no phone of the farm {self.url} that is asked for can be had now:"]
        lines += [
            f"  {device.serial} ({device.model or 'unknown'}): {device.state}" for device in devices
        ]
        if not devices:
            names = ", ".join(self.serials)
            lines.append(f"  it lists none{f' called {names}' if names else ''} for you")
        return "\n".join(lines)


def _adb_home() -> Path:
    """Return the home of our adb server: its key stays the same, so a farm learns it once."""
    home = cache_root() / "stf" / "adb"
    key = home / ".android/adbkey"
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(home / ".lock"):
        if not key.is_file():
            subprocess.run(
                [str(adb_binary()), "keygen", str(key)],
                check=False,
                capture_output=True,
                timeout=_AUTHORISE_S,
                env={**os.environ, "HOME": str(home)},
            )
    return home


def _wait_for(server: AdbServer, address: str) -> None:
    """Wait until a phone that was just connected can be used.

    Raises:
        AdbError: It cannot, with adb's word for it.
    """
    until = time.monotonic() + _AUTHORISE_S
    while (state := server.state(address)) != "device":
        if time.monotonic() > until:
            hint = ""
            if state in ("unauthorized", "authorizing", "offline"):
                hint = ": allow its adb key in STF (open the phone there once and confirm)"
            raise AdbError(f"it stays {state}{hint}", serial=address, command="connect")
        time.sleep(0.1)
