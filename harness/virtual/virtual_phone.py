"""One virtual phone put together: root, userland, system, adbd."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

from harness.devices.profile import DeviceProfile
from harness.virtual.adbd import Adbd
from harness.virtual.phone import Faults, Isolation, PhoneSpec, Shell
from harness.virtual.properties import PROPERTY_FOLDER, PropertyStore, all_properties
from harness.virtual.root import open_root
from harness.virtual.root.tools import installed_tools
from harness.virtual.root.userns import HAS_TIME_NAMESPACE
from harness.virtual.system import SystemServer
from harness.virtual.system.battery import BatteryState, Power
from harness.virtual.system.kernel_files import FixedFile
from harness.virtual.system.service import Setup
from harness.virtual.userland import install_userland

_HOST_WIDE = {
    "none": "pids,uptime,cpuinfo,loadavg,vmstat,pressure,network,disk",
    "userns": ("" if HAS_TIME_NAMESPACE else "uptime,")
    + "cpuinfo,loadavg,vmstat,pressure,network,disk",
}
_SHUTDOWN_S = 2.5
"""How long a phone that was told to reboot still answers: it ends its apps before adbd.

devlib gives the command ``reboot`` two seconds, and takes a link that is lost within them for a
failure.
"""
_AWAY_S = 2.0
_BOOT_SHARE = 0.3
"""Of the time that a reboot takes, the part after adbd is there and before Android is up."""


_BOOTED = ("sys.boot_completed", "dev.bootcomplete")


class VirtualPhone:
    """A phone that any adb client can use.

    Args:
        profile: What it's modelled on.
        serial: Its serial number, unique on this host.
        folder: Host folder of its files.
        proc_dir: Host folder for its meminfo and stat when it has no /proc of its own; on a file
            system in memory, so that no reader sees half a write.
        isolation: How its processes are kept apart.
        isolation_reason: Why they are not kept further apart; empty where nothing is better.
        shell: Whose shell and tools it has; None: Android's where they are installed.
        battery_percent: Level at the start.
        power: What it's plugged into.
        trace_speed: Its trainer replays a cost model, so many times as fast as measured; None: it
            really trains.
    """

    def __init__(
        self,
        profile: DeviceProfile,
        serial: str,
        folder: Path,
        proc_dir: Path,
        *,
        isolation: Isolation = "none",
        isolation_reason: str = "",
        shell: Shell | None = None,
        battery_percent: float = 87.0,
        power: Power = "none",
        trace_speed: float | None = None,
    ) -> None:
        tools = installed_tools(shell)
        properties = all_properties(
            profile,
            serial=serial,
            marks={
                "trainer": "litert" if trace_speed is None else "trace",
                "isolation": isolation,
                "isolation_reason": isolation_reason,
                "host_wide": _HOST_WIDE[isolation],
                "shell": tools.kind,
                "host_tools": ",".join(tools.lent),
            },
        )
        self.profile = profile
        self.serial = serial
        self.faults = Faults()
        self.port = 0
        self.boots = 0
        self._rebooting: asyncio.Task[None] | None = None
        (folder / PROPERTY_FOLDER).mkdir(parents=True, exist_ok=True)
        self.root = open_root(
            PhoneSpec(
                serial, folder, isolation, profile=profile.name, properties=properties, shell=shell
            )
        )
        if isolation == "none":
            self._inside = str(proc_dir)
            self._proc_dir = proc_dir
        else:
            self._inside = "/proc"
            self._proc_dir = self.root.root_dir / "proc"
        boot_id = self._proc_dir / "sys/kernel/random/boot_id"
        boot_id.parent.mkdir(parents=True, exist_ok=True)
        self._boot_id = FixedFile(boot_id, _new_boot_id())
        self._battery = BatteryState.at(battery_percent, float(profile.battery_capacity_mah), power)
        store = PropertyStore(self.root.root_dir)
        store.set_all(properties)
        if isolation == "none":
            store.set("debug.mobileasr.work_dir", self.root.process_path(profile.work_dir))
            store.set("debug.mobileasr.proc_dir", self._inside)
            uptime = proc_dir / "uptime"
            if not uptime.is_symlink():
                uptime.symlink_to("/proc/uptime")
        self.properties = store
        self.system = SystemServer(
            Setup(
                self.root,
                profile,
                self.faults,
                proc_dir=self._proc_dir,
                proc_dir_inside=self._inside,
                battery=self._battery,
                on_reboot=self._reboot_soon,
                trace_speed=trace_speed,
            )
        )
        self.adbd = Adbd(self.root, store, self.faults, on_reboot=self._reboot_by_adb)

    async def start(self, port: int = 0) -> int:
        """Boot and listen; return the port of its adbd."""
        install_userland(self.root)
        await self.root.start()
        self.system.start()
        self.boots = 1
        self.port = await self.adbd.start(port=port)
        return self.port

    async def stop(self) -> None:
        """End everything of the phone; its files stay."""
        if self._rebooting is not None:
            self._rebooting.cancel()
            await asyncio.gather(self._rebooting, return_exceptions=True)
        await self.adbd.stop()
        await self.system.stop()
        await self.root.stop()
        self.system.close()
        self._boot_id.close()

    async def reboot(self, seconds: float) -> None:
        """Go down, come up again with the same files and no processes; it takes so long.

        As on a phone adbd is there first, then Android: only then ``sys.boot_completed`` is 1.
        """
        self.faults.lose_cable(float("inf"))
        for name in _BOOTED:
            self.properties.set(name, "0")
        await self.system.stop()
        await self.root.stop()
        await asyncio.sleep(seconds * (1 - _BOOT_SHARE))
        self._boot_id.write(_new_boot_id())
        await self.root.start()
        self.system.logs.reboot()
        self.system.start()
        self.boots += 1
        self.faults.happened["boot"] += 1
        self.faults.restore_cable()
        self.system.booted = False
        await asyncio.sleep(seconds * _BOOT_SHARE)
        self.system.booted = True
        for name in _BOOTED:
            self.properties.set(name, "1")

    async def restart_adbd(self, seconds: float) -> None:
        """Kill adbd and have it back, on the same port, after so long."""
        await self.adbd.stop()
        await asyncio.sleep(seconds)
        await self.adbd.start(port=self.port)

    def state(self) -> dict[str, Any]:
        """Return figures for tests and for people."""
        accountant = self.system.accountant
        accountant.refresh()
        return {
            "serial": self.serial,
            "profile": self.profile.name,
            "port": self.port,
            "boots": self.boots,
            "available_mb": accountant.available_kb / 1024,
            "processes_mb": accountant.processes_kb / 1024,
            "ballast_mb": self.system.apps.declared_kb() / 1024,
            "battery_percent": accountant.battery.state.level,
            "busy_cores": accountant.busy_cores,
            "apps": {app.name: app.pid for app in self.system.apps},
            "pids": self.root.pids(),
        }

    def _reboot_soon(self) -> None:
        if self._rebooting is None or self._rebooting.done():
            self._rebooting = asyncio.ensure_future(self._shut_down_and_boot())

    async def _shut_down_and_boot(self) -> None:
        await asyncio.sleep(_SHUTDOWN_S)
        await self.reboot(_AWAY_S)

    async def _reboot_by_adb(self, argument: str) -> None:
        del argument
        self._reboot_soon()


def _new_boot_id() -> bytes:
    """Return what the kernel of a phone that just booted calls this boot; see random(4)."""
    return f"{uuid.uuid4()}\n".encode()


def memory_folder() -> Path | None:
    """Return a folder on a file system in memory where this user may write, or None."""
    folder = Path("/dev/shm")  # noqa: S108 - only own subfolders with own names are made in it
    return folder if folder.is_dir() and os.access(folder, os.W_OK) else None
