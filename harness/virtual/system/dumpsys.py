"""``dumpsys``: one service after the other."""

from __future__ import annotations

import time
from dataclasses import replace

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.battery import SETTABLE
from harness.virtual.system.call import Call
from harness.virtual.system.exits import exit_info_text
from harness.virtual.system.packages import Package
from harness.virtual.system.service import Answers, System

# Kill counters go by these adj. Source: AOSP ``ActivityManagerService.dumpLmkLocked``.
_LMK_ADJ = (999, 900, 800, 700, 600, 500, 400, 300, 250, 200, 100, 0)


class Dumps:
    """What each service prints.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._accountant = system.accountant
        self._apps = system.apps
        self._packages = system.packages
        self._activity = system.get(ActivityCommands)
        self._sdk = system.sdk

    @property
    def answers(self) -> Answers:
        """See `Service`."""
        return Answers(
            cmd={
                "battery": lambda call, words: self.battery_command(call, words or ["help"]),
                "thermalservice": self._thermal_command,
            },
            dumps={
                "SurfaceFlinger": self._empty,
                "activity": self._dump_activity,
                "alarm": self._empty,
                "battery": self._battery,
                "batterystats": self._empty,
                "display": self._display,
                "gfxinfo": self._empty,
                "input": self._display,
                "input_method": self._input_method,
                "netstats": self._empty,
                "package": self._package,
                "procstats": self._empty,
                "thermalservice": self._thermal,
                "usagestats": self._empty,
                "window": self._window,
            },
        )

    def battery_command(self, call: Call, args: list[str]) -> int:
        """Carry out ``set``, ``unplug`` and ``reset``. Source: AOSP ``BatteryService.Shell``."""
        words = [a for a in args if a != "-f"]
        service = self._accountant.battery
        if words[0] == "unplug":
            service = service.unplug()
        elif words[0] == "reset":
            service = service.reset()
        elif words[0] == "set":
            if len(words) < 3:
                call.print("No property specified" if len(words) < 2 else "No value specified")
                return 255
            if words[1] not in SETTABLE:
                call.print(f"Unknown set option: {words[1]}")
                return 255
            try:
                service = service.set(words[1], int(words[2]))
            except ValueError:
                call.print(f"Bad value: {words[2]}")
                return 255
        else:
            call.print(f"Unknown command: {words[0]}")
            return 255
        self._accountant.battery = service
        self._accountant.write_battery()
        return 0

    def _battery(self, call: Call, args: list[str]) -> int:
        if args and args[0] not in ("-a", "--proto"):
            return self.battery_command(call, args)
        if "--proto" in args:
            call.write(self._accountant.battery.dump_proto())
        else:
            call.print(self._accountant.battery.dump(self._sdk), end="")
        return 0

    def _thermal(self, call: Call, args: list[str]) -> int:
        del args
        limits, state = self._accountant.limits, self._accountant.battery.state
        text = self._accountant.thermal.dump(self._sdk, state.temperature_c, limits.cores)
        call.print(text, end="")
        return 0

    def _thermal_command(self, call: Call, words: list[str]) -> int:
        if words[:1] == ["reset"]:
            status = None
        elif words[:1] == ["override-status"] and len(words) == 2 and words[1].isdigit():
            status = int(words[1])
        else:
            call.error("Unknown command")
            return 255
        self._accountant.thermal = replace(self._accountant.thermal, override=status)
        return 0

    def _dump_activity(self, call: Call, args: list[str]) -> int:
        what = args[0] if args else "processes"
        if what == "exit-info" and self._sdk >= 30:
            package = args[1] if len(args) > 1 else None
            call.print(exit_info_text(self._apps.exits, package), end="")
        elif what == "lmk" and self._sdk >= 30:
            self._lmk(call)
        elif what in ("processes", "p", "oom", "o", "lru"):
            self._processes(call)
        elif what in ("activities", "a", "top", "recents", "services", "broadcasts"):
            call.print(f"ACTIVITY MANAGER {what.upper()} (dumpsys activity {what})")
            call.print(
                f"    mResumedActivity: ActivityRecord{{1a2b3c u0 {self._activity.resumed} t1}}"
            )
        else:
            call.print(f"Bad activity command, or no activities match: {what}")
        return 0

    def _lmk(self, call: Call) -> None:
        call.print("ACTIVITY MANAGER LMK KILLS (dumpsys activity lmk)")
        call.print(f"  Total number of kills: {len(self._apps.lmk_adjs)}")
        for adj in _LMK_ADJ:
            count = sum(1 for kill in self._apps.lmk_adjs if kill <= adj)
            call.print(f"    kills at or below oom_adj {adj}: {count}")

    def _processes(self, call: Call) -> None:
        label = "oom adj" if self._sdk >= 30 else "oom"
        call.print("ACTIVITY MANAGER RUNNING PROCESSES (dumpsys activity processes)")
        call.print("  All known processes:")
        for app in self._apps:
            call.print(f"  *APP* UID {app.uid} ProcessRecord{{{app.host_pid:x} {app.pid}:"
                       f"{app.name}/{app.user}}}")  # fmt: skip
            call.print(f"    user #0 uid={app.uid}")
            call.print(f"    packageList={{{app.package}}}")
            call.print(f"    pid={app.pid} starting=false")
            call.print(f"    {label}: max=1001 curRaw={app.adj} setRaw={app.adj} cur={app.adj} "
                       f"set={app.adj}")  # fmt: skip

    def _package(self, call: Call, args: list[str]) -> int:
        names = [a for a in args if not a.startswith("-")]
        package = self._packages.get(names[0]) if names else None
        if names and package is None:
            call.print(f"Unable to find package: {names[0]}")
            return 0
        call.print("Packages:")
        for shown in [package] if package else self._packages:
            for line in _package_lines(shown):
                call.print(line)
        return 0

    def _display(self, call: Call, args: list[str]) -> int:
        del args
        call.print(
            "DISPLAY MANAGER (dumpsys display)\n"
            "  mViewports=[DisplayViewport{type=INTERNAL, valid=true, displayId=0, "
            "uniqueId='local:0', physicalPort=0, orientation=0, "
            "logicalFrame=Rect(0, 0 - 1080, 2400), physicalFrame=Rect(0, 0 - 1080, 2400), "
            "deviceWidth=1080, deviceHeight=2400}]\n  mScreenState=ON\n"
            "  SurfaceOrientation: 0"
        )
        return 0

    def _input_method(self, call: Call, args: list[str]) -> int:
        del args
        call.print("Current Input Method Manager state:\n  mInputShown=false")
        return 0

    def _window(self, call: Call, args: list[str]) -> int:
        del args
        focus = f"Window{{1a2b3c u0 {self._full(self._activity.resumed)}}}"
        call.print(
            "WINDOW MANAGER WINDOWS (dumpsys window windows)\n"
            f"  mCurrentFocus={focus}\n  mFocusedApp=ActivityRecord{{4d5e6f u0 "
            f"{self._activity.resumed} t1}}\n  mAwake=true mDreamingLockscreen=false"
        )
        return 0

    @staticmethod
    def _full(component: str) -> str:
        package, _, name = component.partition("/")
        return f"{package}/{package}{name}" if name.startswith(".") else component

    @staticmethod
    def _empty(call: Call, args: list[str]) -> int:
        """Print nothing: such a service is there, but nothing of it is modelled."""
        del call, args
        return 0


def _package_lines(package: Package) -> list[str]:
    flags = "SYSTEM HAS_CODE" if package.system else "HAS_CODE ALLOW_CLEAR_USER_DATA"
    folder = package.path.rpartition("/")[0]
    return [
        f"  Package [{package.name}] (1a2b3c):",
        f"    userId={package.uid}",
        f"    pkg=Package{{4d5e6f {package.name}}}",
        f"    codePath={folder}",
        f"    resourcePath={folder}",
        f"    versionCode={package.version_code} minSdk={package.min_sdk} "
        f"targetSdk={package.target_sdk}",
        f"    versionName={package.version_name}",
        f"    flags=[ {flags} ]",
        f"    firstInstallTime={_when(package.installed)}",
        f"    lastUpdateTime={_when(package.updated)}",
        "    requested permissions:",
        *(f"      {name}" for name in package.permissions),
        "    User 0: installed=true hidden=false stopped=false enabled=0",
        "      runtime permissions:",
        *(f"        {name}: granted=true" for name in sorted(package.granted)),
    ]


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
