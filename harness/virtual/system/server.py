"""The server of a phone's system: takes commands, and keeps its figures up to date."""

from __future__ import annotations

import asyncio
import inspect

from harness.virtual.system import lmkd
from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.answering import HangingServices, not_yet, service_of
from harness.virtual.system.asking import Asking
from harness.virtual.system.background import BackgroundLimits
from harness.virtual.system.battery_stats import BatteryStats
from harness.virtual.system.bug_report import BugReport
from harness.virtual.system.call import Call
from harness.virtual.system.channel import Channel
from harness.virtual.system.content import ContentCommand
from harness.virtual.system.display import Display
from harness.virtual.system.dump_activity import ActivityDumps
from harness.virtual.system.dump_battery import BatteryDumps
from harness.virtual.system.dump_cpu import CpuDump
from harness.virtual.system.dump_memory import MemoryDump
from harness.virtual.system.dump_package import PackageDump
from harness.virtual.system.helps import help_code
from harness.virtual.system.input_keys import InputKeys
from harness.virtual.system.kernel_tools import KernelTools
from harness.virtual.system.logcat import LogCommands
from harness.virtual.system.monkey import Monkey
from harness.virtual.system.network import Network
from harness.virtual.system.packages import TRAINER
from harness.virtual.system.pm import PackageCommands
from harness.virtual.system.power import PowerService
from harness.virtual.system.process_list import ProcessList
from harness.virtual.system.service import Service, Setup, System
from harness.virtual.system.service_list import ServiceCommand
from harness.virtual.system.settings import Settings
from harness.virtual.system.settled import SettledCommands
from harness.virtual.system.small import SmallCommands
from harness.virtual.system.storage import Storage
from harness.virtual.system.windows import Windows

SERVICES: tuple[type[Service], ...] = (
    ActivityCommands,
    Asking,
    BackgroundLimits,
    BatteryDumps,
    BatteryStats,
    CpuDump,
    Display,
    ActivityDumps,
    PackageDump,
    InputKeys,
    Monkey,
    Windows,
    BugReport,
    ContentCommand,
    SettledCommands,
    Storage,
    KernelTools,
    LogCommands,
    MemoryDump,
    Network,
    PackageCommands,
    PowerService,
    ProcessList,
    ServiceCommand,
    Settings,
    SmallCommands,
)
"""All that answers commands; each says itself which, and what it needs of the others."""

TICKS_A_SECOND = 20
_BOOT_POLL_S = 0.05
_CHATTER_S = 10
"""A phone's log never stands still: clients that follow it look at their orders line by line."""


class SystemServer:
    """The system of one phone.

    Args:
        setup: What it's made from.
    """

    def __init__(self, setup: Setup) -> None:
        self._system = system = System(setup)
        for kind in SERVICES:
            system.get(kind)
        self.logs = system.logs
        self.apps = system.apps
        self.accountant = system.accountant
        self.trainer = system.trainer
        self.network = system.get(Network)
        self.command_delay_s = 0.0
        self.booted = True
        self._offset_file = system.state / "clock_offset"
        self._hanging = HangingServices()
        self._channel = Channel(system.state, self._run, lambda: self.command_delay_s)
        self._ticks = 0

    def set_clock_offset(self, seconds: float) -> None:
        """Let ``date`` and the log be so many seconds off the host's clock."""
        self._system.clock_offset_s = seconds
        self._offset_file.write_text(f"{int(seconds)}\n", encoding="ascii")

    def hang_service(self, name: str, hangs: bool) -> None:
        """Let one service not answer, or answer all who waited."""
        if name == "battery":
            self.accountant.hang_battery(hangs)
        self._hanging.set(name, hangs)

    def hang_nothing(self) -> None:
        """Let all services answer."""
        for name in self._hanging.names:
            self.hang_service(name, False)

    def start(self) -> None:
        """Take commands from now on."""
        self._system.get(PowerService).reset()
        self._system.get(ActivityCommands).tasks.clear()
        self.accountant.rebooted()
        self._channel.start()
        self.logs.add("boot", "virtual phone is up", buffer="system")
        self.logs.event("boot_progress_enable_screen", [0])

    async def stop(self) -> None:
        """End commands and forget processes; the root must end them. Idempotent."""
        await self._channel.stop()
        await self.apps.stop()

    def close(self) -> None:
        """Let go of files; after the last :meth:`stop`."""
        self.accountant.close()

    def tick(self) -> None:
        """Bring the figures up to date; called `TICKS_A_SECOND` times a second by the farm.

        All processes are read twice a second. The trainer's memory is read each time: what it finds
        available when it chooses its sub-model must have its own first megabytes taken off.
        """
        self._ticks += 1
        if self._ticks % (TICKS_A_SECOND // 2) == 1:
            self.accountant.tick()
            self._system.get(CpuDump).take(self.accountant.uses)
        elif self.apps.get(TRAINER) is not None or self._ticks % (TICKS_A_SECOND // 4) == 1:
            self.accountant.refresh()
        if self._ticks % (_CHATTER_S * TICKS_A_SECOND) == 0:
            self.logs.add("KeyguardUpdateMonitor", "handleBatteryUpdate", priority="D")
        if self._ticks % (50 * TICKS_A_SECOND) == 0:
            self._channel.sweep()

    def kill_for_memory(self, name: str) -> bool:
        """Kill an app's process as lmkd would, whatever is available; tell whether it ran."""
        app = self.apps.get(name)
        if app is None:
            return False
        self.accountant.kill_for_memory(
            lmkd.Candidate(
                app.name, app.pid, app.host_pid, app.uid, app.adj, app.held_kb, app.swapped_kb
            )
        )
        self.accountant.refresh()
        return True

    async def _run(self, call: Call) -> int:
        if call.name == "cmd" and call.args[:1] == ["-w"]:
            del call.argv[1]
            while not self.booted:
                await asyncio.sleep(_BOOT_POLL_S)
        if not self.booted and service_of(call) is not None:
            return not_yet(call)
        await self._hanging.unless_hung(call)
        code = help_code(call, call.args, call.name)
        if code is not None:
            return code
        command = self._system.commands.get(call.name)
        if command is None:
            call.error(f"{call.name}: inaccessible or not found")
            return 127
        answer = command(call)
        return await answer if inspect.isawaitable(answer) else answer
