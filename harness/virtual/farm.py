"""Virtual phones on loopback ports, all in one process: ``python -m harness.virtual.farm``.

Prints one line a phone once the adb server lists it, then says that it's ready, and stays until
it's interrupted (or its standard input ends, with ``--until-stdin-closes``). Whatever way it ends,
no process and no file of a phone is left, unless ``--keep``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.devices.profile import DeviceProfile, load_profile, read_profile
from harness.errors import HarnessError, InputError
from harness.virtual import adb_server
from harness.virtual.control import Control
from harness.virtual.farm_folder import FarmFolder, clean_up_dead_farms, until_gone
from harness.virtual.fault_plan import read_plan
from harness.virtual.fault_runner import FaultRunner
from harness.virtual.faults import FaultError
from harness.virtual.root import IsolationProbe, probe_isolation
from harness.virtual.root.tools import has_android_shell
from harness.virtual.system.server import TICKS_A_SECOND
from harness.virtual.virtual_phone import VirtualPhone

_LOG = logging.getLogger(__name__)
_TICK_S = 1 / TICKS_A_SECOND


class Farm:
    """Some virtual phones and their common clock.

    Args:
        folder: Where they live.
        profiles: One profile a phone, in order.
        options: What the command line says further.
    """

    def __init__(
        self, folder: FarmFolder, profiles: Sequence[DeviceProfile], options: argparse.Namespace
    ) -> None:
        self._folder = folder
        self._profiles = profiles
        self._options = options
        self.phones: dict[str, VirtualPhone] = {}
        self._control: Control | None = None
        self._faults: FaultRunner | None = None
        self._plan = None if options.faults is None else read_plan(options.faults)
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Boot all phones."""
        isolation = await _isolation(self._options.isolation)
        if isolation.reason:
            _LOG.warning("phones without roots of their own: %s", isolation.reason)
        serials = self._serials()
        self._folder.watch(serials)
        speed = self._options.trace_speed if self._options.trainer == "trace" else None
        for serial, profile in zip(serials, self._profiles, strict=True):
            self.phones[serial] = VirtualPhone(
                profile,
                serial,
                self._folder.path / serial,
                self._folder.proc_dir(serial),
                isolation=isolation.kind,
                isolation_reason=isolation.reason,
                shell=self._options.shell,
                battery_percent=self._options.battery_percent,
                power=self._options.power,
                trace_speed=speed,
            )
        await asyncio.gather(*(phone.start() for phone in self.phones.values()))
        self._faults = FaultRunner(self.phones)
        self._control = Control(self._faults, self._folder.socket)
        await self._control.start()
        self._clock = asyncio.ensure_future(self._tick())

    def begin_faults(self) -> None:
        """Let the plan's clock run.

        Raises:
            InputError: A fault is for no phone of this farm.
        """
        if self._plan is not None and self._faults is not None:
            try:
                self._faults.start(self._plan)
            except FaultError as error:
                raise InputError(str(error), where=str(self._options.faults)) from error

    async def stop(self) -> None:
        """End all phones and everything of theirs. Idempotent."""
        if self._clock is not None:
            self._clock.cancel()
        if self._faults is not None:
            await self._faults.stop()
        if self._control is not None:
            await self._control.stop()
        ends = await asyncio.gather(
            *(phone.stop() for phone in self.phones.values()), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException):
                _LOG.error("a phone did not stop cleanly: %r", end)
        self.phones.clear()

    def announce(self) -> list[dict[str, Any]]:
        """Return what each phone's line says."""
        return [
            {
                "serial": phone.serial,
                "adb_serial": f"127.0.0.1:{phone.port}",
                "profile": phone.profile.name,
                "pid": os.getpid(),
                "root": str(phone.root.root_dir),
            }
            for phone in self.phones.values()
        ]

    @property
    def control(self) -> str:
        """Path of the control socket."""
        return str(self._folder.socket)

    def _serials(self) -> list[str]:
        mark = self._options.mark or self._folder.id
        counts: dict[str, int] = {}
        serials = []
        for profile in self._profiles:
            counts[profile.name] = counts.get(profile.name, 0) + 1
            serials.append(f"VLAB-{profile.name}-{counts[profile.name]}-{mark}")
        return serials

    async def _tick(self) -> None:
        """Keep the figures of all phones: the n-th tick is due at start + n * period."""
        loop = asyncio.get_running_loop()
        start, number = loop.time(), 0
        while True:
            for phone in self.phones.values():
                _tick(phone)
            number = max(number + 1, int((loop.time() - start) / _TICK_S))
            await asyncio.sleep(max(0.0, start + number * _TICK_S - loop.time()))


def _tick(phone: VirtualPhone) -> None:
    try:
        phone.system.tick()
    except Exception:  # noqa: BLE001 - one phone's broken figures mustn't stop the clock of all
        _LOG.exception("%s: tick failed", phone.serial)


async def _isolation(wanted: str) -> IsolationProbe:
    if wanted == "none":
        return IsolationProbe("none", "it was asked for")
    probe = await probe_isolation()
    if wanted == "userns" and probe.kind != "userns":
        raise InputError(f"no user namespaces for phones here: {probe.reason}")
    return probe


async def run(options: argparse.Namespace) -> int:
    """Run a farm until it's told to end; return the exit code."""
    if options.shell == "android" and not has_android_shell():
        raise InputError(
            "--shell android: mksh and toybox are not both installed",
            hint="Install them (Debian: apt-get install mksh toybox), or leave --shell out.",
        )
    stop = _until_told(options.until_stdin_closes)
    profiles = _profiles(options.profile)
    if options.mark is not None:
        await until_gone(options.mark)
    if options.root is None:
        clean_up_dead_farms()
    folder = FarmFolder(options.root, keep=options.keep)
    try:
        farm = Farm(folder, profiles, options)
    except HarnessError:
        folder.close()
        raise
    try:
        await farm.start()
        if options.connect:
            await asyncio.gather(
                *(_connect(options, line["adb_serial"]) for line in farm.announce())
            )
        farm.begin_faults()
        _say(options, farm)
        await stop.wait()
    finally:
        if options.connect:
            with contextlib.suppress(adb_server.AdbServerError):
                await asyncio.gather(
                    *(
                        adb_server.disconnect("127.0.0.1", options.adb_port, line["adb_serial"])
                        for line in farm.announce()
                    )
                )
        await farm.stop()
        folder.close()
    return 0


async def _connect(options: argparse.Namespace, address: str) -> None:
    await adb_server.connect("127.0.0.1", options.adb_port, address)


def _say(options: argparse.Namespace, farm: Farm) -> None:
    for line in farm.announce():
        text = f"{line['serial']}  {line['adb_serial']}  {line['profile']}"
        print(json.dumps(line) if options.json else text)
    print(json.dumps({"ready": True, "control": farm.control}) if options.json else "ready")
    sys.stdout.flush()


def _until_told(until_stdin_closes: bool) -> asyncio.Event:
    """Return an event that's set by SIGINT, SIGTERM, SIGHUP or the end of standard input."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:

        def read() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                stop.set()

        try:
            loop.add_reader(0, read)
        except PermissionError:  # a regular file or /dev/null: at its end from the start
            stop.set()
    return stop


def _profiles(wanted: Sequence[str]) -> list[DeviceProfile]:
    """Return one profile a phone from ``NAME=COUNT`` or ``FILE.yaml=COUNT``."""
    found: list[DeviceProfile] = []
    for text in wanted:
        name, equals, count = text.rpartition("=")
        if not equals:
            name, count = text, "1"
        if not count.isdigit() or not 1 <= int(count) <= 500:
            raise InputError(f"--profile {text}: the number of phones must be 1 to 500")
        by_file = name.endswith((".yaml", ".yml"))
        profile = read_profile(Path(name)) if by_file else load_profile(name)
        found += [profile] * int(count)
    return found


def _mark(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{6}", text):
        raise argparse.ArgumentTypeError("must be six hexadecimal digits")
    return text


def _speed(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError("must be 0.01 to 1000")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.virtual.farm", description=__doc__)
    parser.add_argument(
        "--profile", action="append", required=True, metavar="NAME=COUNT",
        help="device profile (or its YAML file) and number of phones; may be repeated",
    )  # fmt: skip
    parser.add_argument("--adb-port", type=int, help="adb server that shall list the phones")
    parser.add_argument("--no-connect", dest="connect", action="store_false",
                        help="don't tell any adb server")  # fmt: skip
    parser.add_argument("--root", type=Path, help="folder for the phones' files")
    parser.add_argument("--keep", action="store_true", help="leave the files behind")
    parser.add_argument("--mark", type=_mark, metavar="HEX",
                        help="end of the serials, as a farm before had it")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when standard input does")  # fmt: skip
    parser.add_argument("--isolation", choices=("auto", "none", "userns"), default="auto")
    parser.add_argument(
        "--shell", choices=("android", "host"),
        help="mksh and toybox, or the host's; android where they are installed",
    )  # fmt: skip
    parser.add_argument("--battery-percent", type=float, default=87.0)
    parser.add_argument("--power", choices=("none", "usb", "ac"), default="none")
    parser.add_argument("--trainer", choices=("litert", "trace"), default="litert",
                        help="train, or replay a cost model measured before")  # fmt: skip
    parser.add_argument("--trace-speed", type=_speed, default=1.0, metavar="TIMES",
                        help="replay so many times as fast as measured")  # fmt: skip
    parser.add_argument("--faults", type=Path, metavar="FILE",
                        help="YAML of what shall go wrong, and when")  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="log more to standard error")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.connect and options.adb_port is None:
        parser.error("--adb-port is needed, or --no-connect")
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        # the default watcher starts a thread for each child; later Pythons have this by default
        with contextlib.suppress(OSError):
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    try:
        return asyncio.run(run(options))
    except HarnessError as error:
        print(f"farm: {error}", file=sys.stderr)
        return error.exit_code
    except (adb_server.AdbServerError, OSError) as error:
        print(f"farm: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
