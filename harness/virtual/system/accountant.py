"""Keeps a phone's figures: reads its processes, writes its /proc files, drives battery and lmkd."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.virtual.phone import PhoneRoot
from harness.virtual.root.daemons import LMKD
from harness.virtual.system import lmkd, procfs
from harness.virtual.system.app import App
from harness.virtual.system.apps import Apps
from harness.virtual.system.battery import BatteryService
from harness.virtual.system.exits import LOW_MEMORY
from harness.virtual.system.kernel_files import FixedFile, stat_text
from harness.virtual.system.logs import LogStore
from harness.virtual.system.memory import MemoryPlan, meminfo, meminfo_kb
from harness.virtual.system.procfs import TICKS, CpuAccount, ProcessUse
from harness.virtual.system.thermal import ThermalState

_SHELL_UID = 2000
_BATTERY_PERIOD_S = 2.0


@dataclass(frozen=True)
class Limits:
    """What of a profile the accountant needs.

    Args:
        memory: The RAM.
        kill_below_kb: lmkd's threshold.
        cores: CPU cores of the phone.
        sdk: API level.
    """

    memory: MemoryPlan
    kill_below_kb: int
    cores: int
    sdk: int


class Accountant:
    """One phone's figures.

    Args:
        root: The phone; names its processes.
        apps: Which of them are apps, and their declared RAM.
        logs: Gets lmkd's lines.
        limits: From the profile.
        proc_dir: Host folder of the phone's meminfo and stat.
        battery_file: What ``dumpsys battery`` prints.
        battery: The battery at the start.
        clock: Seconds since the host's boot.
    """

    def __init__(
        self,
        root: PhoneRoot,
        apps: Apps,
        logs: LogStore,
        limits: Limits,
        proc_dir: Path,
        battery_file: Path,
        battery: BatteryService,
        clock: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._root = root
        self._apps = apps
        self._logs = logs
        self.limits = limits
        self.battery = battery
        self.thermal = ThermalState()
        self.cpu = CpuAccount()
        self.uses: list[ProcessUse] = []
        self.processes_kb = 0
        self._clock = clock
        self._battery_file = battery_file
        self._battery_text = ""
        now = clock()
        self._stepped_at = self._ticked_at = now
        self._busy_then = 0
        self.busy_cores = 0.0
        self.on_step: Callable[[], None] = lambda: None
        self.on_kill: Callable[[], None] = lambda: None
        self._battery_hangs = False
        apps.on_end.append(self._forget)
        self._meminfo = FixedFile(proc_dir / "meminfo", meminfo(limits.memory, 0, 0))
        self._stat = FixedFile(proc_dir / "stat", self._stat_text(now))
        self.write_battery()

    @property
    def available_kb(self) -> int:
        """MemAvailable now."""
        return self.limits.memory.available_kb(self.processes_kb, self._apps.charged_kb())

    def tick(self) -> None:
        """Read all processes and bring every file up to date."""
        now = self._clock()
        uses = [use for use in map(procfs.read_use, self._root.pids()) if use is not None]
        self.uses = uses
        self.cpu.update(uses)
        apps = self._apps.by_host_pid()
        held = 0
        for use in uses:
            app = apps.get(use.pid)
            if app is None or app.declared_mb is None:
                held += use.own_kb
            if app is not None:
                app.last_held_kb = app.held_kb if app.declared_mb is not None else use.own_kb
        self.processes_kb = held
        self._apps.swap(self.limits.memory.swap_kb, now - self._ticked_at)
        self._ticked_at = now
        self._stat.write(self._stat_text(now))
        self._write_meminfo()
        if now - self._stepped_at >= _BATTERY_PERIOD_S:
            self._step(now)

    def refresh(self) -> None:
        """Bring meminfo up to date for what is known already; cheap."""
        known = {use.pid: use.own_kb for use in self.uses}
        held = 0
        apps = self._apps.by_host_pid()
        for pid in known.keys() | apps.keys():
            app = apps.get(pid)
            if app is None:
                held += known[pid]
            elif app.declared_mb is None:
                held += procfs.read_own_kb(pid)
        self.processes_kb = held
        self._write_meminfo()

    def _forget(self, app: App) -> None:
        """Give back at once what an ended process held."""
        self.uses = [use for use in self.uses if use.pid != app.host_pid]
        self.refresh()

    def close(self) -> None:
        """Close the files."""
        self._meminfo.close()
        self._stat.close()

    def meminfo_kb(self) -> dict[str, int]:
        """Return the figures of /proc/meminfo as they are now, by their names."""
        return meminfo_kb(self.limits.memory, *self._memory_taken())

    def _memory_taken(self) -> tuple[int, int, int]:
        return self.processes_kb, self._apps.charged_kb(), self._apps.swapped_kb()

    def uptime_s(self) -> float:
        """Return the seconds since the phone's boot, as its processes read them."""
        return self._clock() + self._root.clock_offset_s

    def rebooted(self) -> None:
        """Begin anew what counts from the boot on."""
        if self._root.clock_offset_s:
            self.cpu = CpuAccount()
            self._busy_then = 0

    def _write_meminfo(self) -> None:
        self._meminfo.write(meminfo(self.limits.memory, *self._memory_taken()))
        if self.available_kb < self.limits.kill_below_kb:
            self._kill_one()

    def _kill_one(self) -> None:
        """Let lmkd take one process.

        Shell processes are out of its reach, as on a phone, unless they raise their own score.
        """
        apps = self._apps.by_host_pid()
        if any(app.why is LOW_MEMORY for app in apps.values()):
            return  # one at a time: the last one is still ending
        own = procfs.read_score_adj(os.getpid()) or 0
        able = []
        for host_pid in self._root.pids():
            adj = procfs.read_score_adj(host_pid)
            if host_pid in apps or adj is None or adj <= own:
                continue  # an app, or a shell process that left its score alone
            use = procfs.read_use(host_pid)
            if use is not None:
                pid = self._phone_pid(host_pid)
                able.append(lmkd.Candidate(use.name, pid, host_pid, _SHELL_UID, adj, use.own_kb))
        able += [
            lmkd.Candidate(a.name, a.pid, a.host_pid, a.uid, a.adj, a.held_kb, a.swapped_kb)
            for a in apps.values()
            if a.why is None
        ]
        victim = lmkd.choose(self.available_kb, self.limits.kill_below_kb, able)
        if victim is not None:
            self.kill_for_memory(victim)

    def kill_for_memory(self, victim: lmkd.Candidate) -> None:
        """Kill a process as lmkd does, with the evidence that a phone leaves."""
        sdk = self.limits.sdk
        self._logs.add("lowmemorykiller", lmkd.kill_line(victim, sdk), pid=LMKD.pid, uid=LMKD.uid)
        if sdk >= 30:
            self._logs.event(
                "killinfo",
                lmkd.killinfo(victim, self.available_kb, self.limits.memory.total_kb),
                pid=LMKD.pid,
            )
        self.on_kill()
        app = self._apps.by_host_pid().get(victim.host_pid)
        self._apps.lmk_adjs.append(victim.adj)
        if app is not None:
            self._apps.kill(app, LOW_MEMORY)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.host_pid, 9)
        # what was taken is gone from the sum, so that the next look doesn't take another for it
        self.uses = [use for use in self.uses if use.pid != victim.host_pid]

    def _phone_pid(self, host_pid: int) -> int:
        try:
            return self._root.phone_pid(host_pid)
        except ProcessLookupError:
            return host_pid

    def _step(self, now: float) -> None:
        """Let battery and temperatures follow the load since the last time."""
        seconds = now - self._stepped_at
        self.busy_cores = max(0.0, (self.cpu.busy - self._busy_then) / TICKS / seconds)
        self._busy_then, self._stepped_at = self.cpu.busy, now
        self.battery = self.battery.with_state(self.battery.state.step(seconds, self.busy_cores))
        self.thermal = self.thermal.step(seconds, self.busy_cores)
        self.write_battery()
        self.on_step()

    def write_battery(self) -> None:
        """Bring what ``dumpsys battery`` prints up to date, as text and as protobuf."""
        text = self.battery.dump(self.limits.sdk)
        if text == self._battery_text or self._battery_hangs:
            return
        temporary = self._battery_file.with_suffix(".new")
        for path, content in self._battery_files():
            temporary.write_bytes(content)
            os.replace(temporary, path)  # noqa: PTH105
        self._battery_text = text

    def _battery_files(self) -> list[tuple[Path, bytes]]:
        """Return the files with what ``dumpsys battery`` prints, and their contents."""
        text = self.battery.dump(self.limits.sdk).encode()
        message = self.battery.dump_proto()
        return [
            (self._battery_file, text),
            (self._battery_file.with_suffix(".proto"), message),
        ]

    def hang_battery(self, hangs: bool) -> None:
        """Take away the text of ``dumpsys battery``, or bring it back.

        Without it the phone's script asks the system server, which lets a caller wait.
        """
        self._battery_hangs = hangs
        self._battery_text = ""
        if hangs:
            for path, _ in self._battery_files():
                path.unlink(missing_ok=True)
        else:
            self.write_battery()

    def _stat_text(self, now: float) -> bytes:
        return stat_text(
            self.cpu.user,
            self.cpu.system,
            self.limits.cores,
            int((now + self._root.clock_offset_s) * TICKS),
            int(time.time() - now - self._root.clock_offset_s),
            self.cpu.begun,
        )
