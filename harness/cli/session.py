"""The phones of one command: of adb servers, of a farm, or virtual ones."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.adb.server import AdbServer
from harness.cli import console
from harness.cli.farm_process import running_farm
from harness.devices.profile import load_profiles
from harness.devices.sources import (
    LocalServer,
    NamedServers,
    PhoneSource,
    Session,
    plugged_source,
)
from harness.devices.stf import StfFarm
from harness.errors import InputError, did_you_mean
from harness.paths import shadowed
from harness.results.store import RunFolder
from harness.scenario import JobSpec, LoadedScenario, expand_jobs

_SERIAL = re.compile(r"VLAB-.+-([0-9a-f]{6})")
_COUNTED = re.compile(r"([a-z0-9][a-z0-9._-]*)(?:=([1-9][0-9]{0,2}))?")


def parse_profiles(words: Sequence[str], where: str) -> dict[str, int]:
    """Read ``profile`` or ``profile=count`` words.

    Raises:
        InputError: Not of this form, or no such profile.
    """
    known = load_profiles()
    counts: dict[str, int] = {}
    for word in words:
        match = _COUNTED.fullmatch(word.strip())
        if match is None:
            raise InputError(f"{word!r} is not PROFILE or PROFILE=COUNT", where=where)
        name = match[1]
        if name not in known:
            meant = did_you_mean(name, known)
            raise InputError(
                f"there is no profile {name!r}",
                where=where,
                hint=f"{meant}Profiles: {', '.join(known)}.",
            )
        counts[name] = counts.get(name, 0) + int(match[2] or 1)
    return counts


def profiles_wanted(loaded: LoadedScenario, only: Sequence[str]) -> dict[str, int]:
    """Return the virtual phones that a scenario needs: one of each profile that its jobs name.

    A job that names no profile is content with any phone; if no job names one, a generic phone
    is started. ``count: n`` asks for n of each.
    """
    known = load_profiles()
    counts: dict[str, int] = {}
    for job in expand_jobs(loaded, only):
        demands = job.content.phones
        for name in demands.profile or ():
            if name in known:
                counts[name] = max(counts.get(name, 1), demands.count or 1)
    return counts or {"generic": 1}


def _virtual_profiles(
    words: str, loaded: LoadedScenario | None, only: Sequence[str]
) -> dict[str, int]:
    if words:
        return parse_profiles(words.split(","), "--farm")
    return profiles_wanted(loaded, only) if loaded is not None else {"generic": 1}


def _mark_of(run: Path | None) -> str | None:
    """Return what the serials of a run's virtual phones end with."""
    farm = (RunFolder.open(run).record().farm or {}) if run is not None else {}
    serial = _SERIAL.fullmatch(str(next(iter(farm.get("phones") or ()), "")))
    return serial[1] if serial is not None else None


@dataclass(frozen=True)
class VirtualFarm:
    """Virtual phones started for one command, on an adb server of their own.

    Args:
        profiles: Profile name -> number of phones.
        mark: End of their serials; a new one if None.
    """

    profiles: Mapping[str, int]
    mark: str | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """See `harness.devices.sources.PhoneSource`."""
        with contextlib.ExitStack() as stack:
            with unhurried():
                server = stack.enter_context(AdbServer.start_private())
                phones = ", ".join(f"{n} x {name}" for name, n in self.profiles.items())
                console.note(f"starting virtual phones ({phones}) ...")
                up = stack.enter_context(
                    running_farm(self.profiles, server.address, mark=self.mark)
                )
            words = ",".join(f"{name}={n}" for name, n in self.profiles.items())
            yield Session(
                (server,),
                {"option": f"virtual:{words}", "phones": [p.serial for p in up.phones]},
            )


def phone_source(
    *,
    farm: str | None = None,
    adb: Sequence[str] | None = None,
    loaded: LoadedScenario | None = None,
    only: Sequence[str] = (),
    specs: Sequence[JobSpec] = (),
    resumed: Path | None = None,
) -> PhoneSource:
    """Return where a command's phones come from.

    Args:
        farm: As `--farm` has it.
        adb: Addresses of adb servers; None for adb's own default.
        loaded: The scenario, from which it follows which phones a farm must have.
        only: Its filters.
        specs: The jobs themselves, where there is no scenario to read (resume).
        resumed: The run folder that is gone on with: its virtual phones come back by their names.

    Raises:
        InputError: An option is wrong.
    """
    if farm is None:
        return NamedServers(adb) if adb else LocalServer()
    if adb:
        raise InputError("give --farm or --adb, not both", where="--adb")
    kind, _, words = farm.partition(":")
    if kind == "virtual":
        return VirtualFarm(_virtual_profiles(words, loaded, only), _mark_of(resumed))
    if kind == "stf":
        if loaded is not None:
            specs = expand_jobs(loaded, only)
        wanted = [spec.content.phones for spec in specs]
        return replace(StfFarm.parse(words), wanted=wanted, note=console.note)
    return plugged_source(kind, words)


@contextlib.contextmanager
def open_session(
    *,
    farm: str | None = None,
    adb: Sequence[str] | None = None,
    loaded: LoadedScenario | None = None,
    only: Sequence[str] = (),
    specs: Sequence[JobSpec] = (),
    resumed: Path | None = None,
) -> Iterator[Session]:
    """Make a command's phones reachable, see `phone_source`, and give them back at the end.

    Raises:
        InputError: An option is wrong.
        NoPhoneError: A farm has none for us.
        ServerUnavailable: A server does not answer.
        FarmError: The virtual phones did not start.
    """
    for told in shadowed("device_profiles"):
        console.note(told)
    source = phone_source(
        farm=farm, adb=adb, loaded=loaded, only=only, specs=specs, resumed=resumed
    )
    with source.open() as session:
        yield session


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Let Ctrl-C wait until what is being started can also be stopped."""
    pending: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pending:
        raise KeyboardInterrupt
