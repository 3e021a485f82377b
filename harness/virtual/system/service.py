"""What the services of a phone share, what each answers to, and how they find each other.

A service is a class that is made with the :class:`System` and says by ``answers`` which words it
answers to. Another one is a file with such a class and a line in ``server.SERVICES``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import harness
from harness.devices.profile import DeviceProfile
from harness.virtual.phone import Faults, PhoneRoot
from harness.virtual.properties import host_abi
from harness.virtual.system.accountant import Accountant, Limits
from harness.virtual.system.apps import Apps
from harness.virtual.system.battery import BatteryService, BatteryState
from harness.virtual.system.call import Call
from harness.virtual.system.known_services import known
from harness.virtual.system.logs import LogStore
from harness.virtual.system.memory import MemoryPlan
from harness.virtual.system.packages import TRAINER, PackageRegistry
from harness.virtual.system.sys_tree import SysTree
from harness.virtual.system.trainer_app import TrainerApp
from harness.virtual.trace.app import TraceTrainer
from harness.virtual.userland import STATE_FOLDER

Command = Callable[[Call], int | Awaitable[int]]
"""Carries out a command; gives its exit code."""
Request = Callable[[Call, list[str]], int | Awaitable[int]]
"""Carries out ``cmd SERVICE WORDS``; likewise."""
Dump = Callable[[Call, list[str]], int]
"""Prints ``dumpsys SERVICE WORDS``; likewise."""
AnswerT = TypeVar("AnswerT")
ServiceT = TypeVar("ServiceT", bound="Service")


@dataclass(frozen=True)
class Answers:
    """What a service answers to.

    Args:
        commands: Command's name -> who carries it out.
        cmd: Service's name for ``cmd`` -> likewise.
        dumps: Service's name for ``dumpsys`` -> likewise.
    """

    commands: Mapping[str, Command] = field(default_factory=dict)
    cmd: Mapping[str, Request] = field(default_factory=dict)
    dumps: Mapping[str, Dump] = field(default_factory=dict)


class Service(Protocol):
    """A part of the system that answers commands."""

    def __init__(self, system: System) -> None: ...

    @property
    def answers(self) -> Answers:
        """What it answers to."""
        ...


@dataclass(frozen=True)
class Setup:
    """What a phone's system is made from.

    Args:
        root: The phone; its folders exist.
        profile: What it's modelled on.
        faults: What's wrong with it.
        proc_dir: Host folder of its meminfo and stat.
        proc_dir_inside: The same as its processes name it.
        battery: Its battery at the start.
        on_reboot: Carries out ``reboot``.
        trace_speed: Replay jobs so many times as fast as measured; None: really train.
    """

    root: PhoneRoot
    profile: DeviceProfile
    faults: Faults
    proc_dir: Path
    proc_dir_inside: str
    battery: BatteryState
    on_reboot: Callable[[], None] = lambda: None
    trace_speed: float | None = None


class System:
    """Log, processes, packages and figures of one phone, and its services by their class.

    Args:
        setup: What it's made from.
    """

    def __init__(self, setup: Setup) -> None:
        root, profile = setup.root, setup.profile
        self.setup = setup
        self.root = root
        self.faults = setup.faults
        self.sdk = profile.sdk
        self.state = root.root_dir / STATE_FOLDER
        self.state.mkdir(parents=True, exist_ok=True)
        self.data = root.root_dir / "data/system"
        self.data.mkdir(parents=True, exist_ok=True)
        self.clock_offset_s = 0.0
        self.logs = LogStore(self.now)
        self.apps = Apps(root, self.logs, self.state / "processes", profile.sdk)
        self.packages = PackageRegistry(
            root.root_dir,
            profile.sdk,
            harness.__version__,
            (host_abi(),),
            lambda: self.faults.disk_free_bytes,
        )
        self.accountant = Accountant(
            root,
            self.apps,
            self.logs,
            _limits(profile),
            setup.proc_dir,
            self.state / "battery",
            BatteryService(setup.battery),
        )
        self._sys = SysTree(root.root_dir / "sys", profile.cores)
        self._write_sys()
        self.accountant.on_step = self._write_sys
        self.trainer = TrainerApp(
            root, self.apps, self.packages, self.logs, setup.proc_dir_inside, self._trace()
        )
        self.commands: dict[str, Command] = {}
        self.cmd: dict[str, Request] = {}
        self.dumps: dict[str, Dump] = {}
        self._services: dict[type, Any] = {}
        self._count_happenings()

    def now(self) -> float:
        """Return the phone's time, seconds since 1970."""
        return time.time() + self.clock_offset_s

    def get(self, kind: type[ServiceT]) -> ServiceT:
        """Return a service, made when it's first asked for."""
        if kind not in self._services:
            service = kind(self)
            self._services[kind] = service
            answers = service.answers
            _add(self.commands, answers.commands)
            _add(self.cmd, answers.cmd)
            _add(self.dumps, answers.dumps)
        service_of_kind: ServiceT = self._services[kind]
        return service_of_kind

    def service_names(self) -> list[str]:
        """Return the names of all services that the phone lists."""
        return sorted({*known(self.sdk), *self.dumps, *self.cmd})

    def end_package(self, name: str, reason: str) -> None:
        """End all processes of a package."""
        self.apps.stop_package(name, reason)
        self.accountant.refresh()

    def _trace(self) -> TraceTrainer | None:
        if self.setup.trace_speed is None:
            return None
        return TraceTrainer(
            self.root,
            lambda: self.accountant.available_kb / 1024,
            lambda: float(self.accountant.battery.state.level),
            self.setup.trace_speed,
        )

    def _write_sys(self) -> None:
        accountant = self.accountant
        self._sys.update(accountant.busy_cores, accountant.thermal, accountant.battery.state)

    def _count_happenings(self) -> None:
        def count(word: str) -> None:
            self.faults.happened[word] += 1

        self.trainer.on_start.append(lambda: count("trainer_start"))
        self.apps.on_end.append(lambda app: count("trainer_end") if app.name == TRAINER else None)
        self.accountant.on_kill = lambda: count("lmkd_kill")


def _add(table: dict[str, AnswerT], answers: Mapping[str, AnswerT]) -> None:
    twice = sorted(table.keys() & answers.keys())
    if twice:
        raise ValueError(f"two services answer to {', '.join(twice)}")
    table.update(answers)


def _limits(profile: DeviceProfile) -> Limits:
    return Limits(
        memory=MemoryPlan.of(profile.ram_total_mb, profile.idle_available_mb),
        kill_below_kb=int(profile.lmkd_kill_below_mb * 1024),
        cores=profile.core_count,
        sdk=profile.sdk,
    )
