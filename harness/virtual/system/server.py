"""All parts of a phone's system put together, and the way from a command's name to them."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import harness
from harness.devices.profile import DeviceProfile
from harness.virtual.phone import Faults, PhoneRoot
from harness.virtual.properties import PropertyStore, android_id, host_abi
from harness.virtual.system import lmkd
from harness.virtual.system.accountant import Accountant, Limits
from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.answering import HangingServices, not_yet, service_of
from harness.virtual.system.apps import Apps
from harness.virtual.system.background import BackgroundLimits
from harness.virtual.system.battery import BatteryService, BatteryState
from harness.virtual.system.call import Call
from harness.virtual.system.channel import Channel
from harness.virtual.system.dump_cpu import CpuDump
from harness.virtual.system.dump_memory import MemoryDump
from harness.virtual.system.dumpsys import Dumps
from harness.virtual.system.kernel_tools import KernelTools
from harness.virtual.system.logcat import log, logcat
from harness.virtual.system.logs import LogStore
from harness.virtual.system.memory import MemoryPlan
from harness.virtual.system.network import Network
from harness.virtual.system.packages import TRAINER, PackageRegistry
from harness.virtual.system.pm import PackageCommands
from harness.virtual.system.power import PowerService
from harness.virtual.system.process_list import ProcessList
from harness.virtual.system.settings import Settings
from harness.virtual.system.small import SmallCommands
from harness.virtual.system.trainer_app import TrainerApp
from harness.virtual.trace.app import TraceTrainer
from harness.virtual.userland import STATE_FOLDER

_LOG = logging.getLogger(__name__)

TICKS_A_SECOND = 20


class SystemServer:
    """The system of one phone.

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

    def __init__(
        self,
        root: PhoneRoot,
        profile: DeviceProfile,
        faults: Faults,
        *,
        proc_dir: Path,
        proc_dir_inside: str,
        battery: BatteryState,
        on_reboot: Callable[[], None] = lambda: None,
        trace_speed: float | None = None,
    ) -> None:
        state = root.root_dir / STATE_FOLDER
        state.mkdir(parents=True, exist_ok=True)
        (root.root_dir / "data/system").mkdir(parents=True, exist_ok=True)
        self.root = root
        self.logs = LogStore(lambda: time.time() + self._clock_offset_s)
        self.properties = PropertyStore(root.root_dir)
        self.command_delay_s = 0.0
        self.booted = True
        self._clock_offset_s = 0.0
        self._offset_file = state / "clock_offset"
        self._hanging = HangingServices()
        limits = Limits(
            memory=MemoryPlan.of(profile.ram_total_mb, profile.idle_available_mb),
            kill_below_kb=int(profile.lmkd_kill_below_mb * 1024),
            cores=profile.core_count,
            sdk=profile.sdk,
        )
        self.apps = Apps(root, self.logs, state / "processes", profile.sdk)
        self.packages = PackageRegistry(
            root.root_dir,
            profile.sdk,
            harness.__version__,
            (host_abi(),),
            lambda: faults.disk_free_bytes,
        )
        self.accountant = Accountant(
            root, self.apps, self.logs, limits, proc_dir, state / "battery", BatteryService(battery)
        )
        trace = None
        if trace_speed is not None:
            trace = TraceTrainer(
                root,
                lambda: self.accountant.available_kb / 1024,
                lambda: float(self.accountant.battery.state.level),
                trace_speed,
            )
        self.trainer = TrainerApp(root, self.apps, self.packages, self.logs, proc_dir_inside, trace)
        self.activity = ActivityCommands(
            self.apps, self.packages, self.trainer, self.accountant.refresh
        )
        self._count_happenings(faults)
        self._cpu = CpuDump(self.apps, limits.cores)
        self.dumps = Dumps(
            self.accountant,
            self.apps,
            self.packages,
            self.activity,
            MemoryDump(root, self.apps, self.accountant),
            self._cpu,
        )
        self._pm = PackageCommands(root, self.packages, self._end_package)
        self._processes = ProcessList(root, self.apps)
        serial = root.spec.serial
        self.settings = Settings(root.root_dir / "data/system/settings.json", android_id(serial))
        self.network = Network(self.settings)
        self.power = PowerService(self.settings, lambda: self.accountant.battery)
        self.background = BackgroundLimits(
            lambda name: self.packages.get(name) is not None, profile.sdk
        )
        self.dumps.add(
            {
                "appops": self.background.nothing,
                **({"device_config": self.background.nothing} if profile.sdk >= 29 else {}),
                "connectivity": self.network.dump_connectivity,
                "deviceidle": self.power.device_idle,
                "power": self.power.dump,
                "wifi": self.network.dump_wifi,
            }
        )
        self._small = SmallCommands(root, faults, self.settings, lambda: self.dumps.services)
        tools = KernelTools(self.accountant)
        self._on_reboot = on_reboot
        self._channel = Channel(state, self._run, lambda: self.command_delay_s)
        self._awaited: dict[str, Callable[[Call], Awaitable[int]]] = {
            "am": self._am,
            "cmd": self._cmd,
            "killall": self._processes.pgrep,
            "logcat": lambda call: logcat(call, self.logs),
            "monkey": self._monkey,
            "pgrep": self._processes.pgrep,
            "pidof": self._processes.pidof,
            "pkill": self._processes.pgrep,
            "ps": self._processes.ps,
            "top": self._processes.top,
        }
        self._plain: dict[str, Callable[[Call], int]] = {
            **self._small.table,
            "device_config": lambda call: self.background.device_config(call, call.args),
            "dumpsys": self.dumps.run,
            "free": tools.free,
            "ifconfig": self.network.ifconfig,
            "input": self.power.input,
            "ip": self.network.ip,
            "log": lambda call: log(call, self.logs),
            "pm": self._pm.run,
            "reboot": self._reboot,
            "run-as": self._pm.run_as,
            "mount": tools.mount,
            "settings": self.settings.run,
            "svc": self._svc,
            "uptime": tools.uptime,
        }
        self._ticks = 0

    def _count_happenings(self, faults: Faults) -> None:
        def count(word: str) -> None:
            faults.happened[word] += 1

        self.trainer.on_start.append(lambda: count("trainer_start"))
        self.apps.on_end.append(lambda app: count("trainer_end") if app.name == TRAINER else None)
        self.accountant.on_kill = lambda: count("lmkd_kill")

    def set_clock_offset(self, seconds: float) -> None:
        """Let ``date`` and the log be so many seconds off the host's clock."""
        self._clock_offset_s = seconds
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
        self.power.reset()
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
            self._cpu.take(self.accountant.uses)
        elif self.apps.get(TRAINER) is not None or self._ticks % (TICKS_A_SECOND // 4) == 1:
            self.accountant.refresh()
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
        if not self.booted and service_of(call) is not None:
            return not_yet(call)
        await self._hanging.unless_hung(call)
        awaited = self._awaited.get(call.name)
        if awaited is not None:
            return await awaited(call)
        plain = self._plain.get(call.name)
        if plain is None:
            call.error(f"{call.name}: inaccessible or not found")
            return 127
        return plain(call)

    async def _am(self, call: Call) -> int:
        """Carry out ``am``."""
        told = self.background.standby(call)
        return await self.activity.run(call) if told is None else told

    async def _cmd(self, call: Call) -> int:
        """Carry out ``cmd SERVICE ...``."""
        if not call.args or call.args[0] == "-l":
            call.print("Currently running services:")
            for name in self.dumps.services:
                call.print(f"  {name}")
            return 0
        service, *rest = call.args
        call.argv = [service, *rest]
        if service == "package":
            return self._pm.run(call)
        if service == "activity":
            return await self._am(call)
        if service == "settings":
            return self.settings.run(call)
        if service == "battery":
            return self.dumps.battery_command(call, rest or ["help"])
        if service == "thermalservice":
            return self._thermal(call, rest)
        others: dict[str, Callable[[Call, list[str]], int]] = {
            "appops": self.background.appops,
            "connectivity": self.network.connectivity,
            "device_config": self.background.device_config,
            "deviceidle": self.power.device_idle,
            "power": self.power.command,
            "wifi": self.network.service,
        }
        if service in others:
            return others[service](call, rest)
        if service in ("jobscheduler", "notification", "statusbar", "uimode", "window"):
            return 0
        call.error(f"cmd: Can't find service: {service}")
        return 20

    def _svc(self, call: Call) -> int:
        """Carry out ``svc``; what it says of USB, NFC and Bluetooth has no effect here."""
        if call.args[:2] == ["power", "stayon"]:
            return self.power.stay_on(call, call.args[2:])
        if call.args[:2] == ["power", "reboot"]:
            return self._reboot(call)
        return self.network.service(call, call.args)

    def _thermal(self, call: Call, args: list[str]) -> int:
        if args[:1] == ["reset"]:
            status = None
        elif args[:1] == ["override-status"] and len(args) == 2 and args[1].isdigit():
            status = int(args[1])
        else:
            call.error("Unknown command")
            return 255
        self.accountant.thermal = replace(self.accountant.thermal, override=status)
        return 0

    async def _monkey(self, call: Call) -> int:
        """Carry out ``monkey -p PACKAGE ... 1``: it launches the package."""
        args = call.args
        name = args[args.index("-p") + 1] if "-p" in args[:-1] else ""
        package = self.packages.get(name)
        if package is None:
            call.print("** No activities found to run, monkey aborted.")
            return 252
        await self.activity.launch(package)
        call.print("Events injected: 1")
        return 0

    def _reboot(self, call: Call) -> int:
        del call
        self._on_reboot()
        return 0

    def _end_package(self, name: str, reason: str) -> None:
        self.apps.stop_package(name, reason)
        self.accountant.refresh()
