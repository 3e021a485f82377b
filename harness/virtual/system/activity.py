"""``am`` and ``cmd activity``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from harness.virtual.system.app import CACHED_ADJ, FOREGROUND_ADJ, App
from harness.virtual.system.background import BackgroundLimits
from harness.virtual.system.call import Call
from harness.virtual.system.exits import ExitWhy
from harness.virtual.system.intent import Intent, IntentError, parse_intent
from harness.virtual.system.memory import COMPRESSIBLE_SHARE
from harness.virtual.system.packages import LAUNCHER, TRAINER, Package
from harness.virtual.system.service import Answers, System

_SILENT = frozenset(
    """
    clear-debug-app clear-watch-heap compat idle-maintenance kill-all make-uid-idle memory-factor
    screen-compat send-trim-memory set-bg-restriction-level set-debug-app set-inactive
    set-standby-bucket set-watch-heap unlock-user wait-for-broadcast-idle write
    """.split()  # noqa: SIM905 - a table of words
)
_FAILED = 255


class ActivityCommands:
    """The commands of the activity manager.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._apps = system.apps
        self._packages = system.packages
        self._trainer = system.trainer
        self._settle = system.accountant.refresh
        self._background = system.get(BackgroundLimits)
        self._sdk = system.sdk
        self.resumed = f"{LAUNCHER}/.Launcher"
        self.answers = Answers(
            commands={"am": self.run, "monkey": self.monkey},
            cmd={"activity": lambda call, _: self.run(call)},
        )

    async def run(self, call: Call) -> int:
        """Carry out one ``am`` command (``call.args[0]`` is its name)."""
        if not call.args:
            call.print("Activity manager (activity) commands:\n  help\n      Print this help text.")
            return _FAILED
        code = self._background.standby(call)
        if code is not None:
            return code
        name, *args = call.args
        intents: dict[str, Callable[[Call, Intent], Awaitable[int]]] = {
            "start-foreground-service": self._start_service,
            "startforegroundservice": self._start_service,
            "start-service": self._start_service,
            "startservice": self._start_service,
            "stop-service": self._stop_service,
            "stopservice": self._stop_service,
            "start": self._start,
            "start-activity": self._start,
            "broadcast": self._broadcast,
        }
        if name in intents:
            try:
                intent = parse_intent(args)
            except IntentError as error:
                call.error(f"\nException occurred while executing '{name}':\n"
                           f"java.lang.IllegalArgumentException: {error}")  # fmt: skip
                return _FAILED
            code = await intents[name](call, intent)
        else:
            code = self._other(call, name, [a for a in args if not a.startswith("-")])
        self._settle()
        return code

    async def monkey(self, call: Call) -> int:
        """Carry out ``monkey -p PACKAGE ... 1``: it launches the package."""
        args = call.args
        name = args[args.index("-p") + 1] if "-p" in args[:-1] else ""
        package = self._packages.get(name)
        if package is None:
            call.print("** No activities found to run, monkey aborted.")
            return 252
        await self.launch(package)
        call.print("Events injected: 1")
        return 0

    def _other(self, call: Call, name: str, words: list[str]) -> int:
        if name == "force-stop":
            return self._force_stop(call, words)
        if name == "kill":
            return self._kill(words)
        if name == "get-current-user":
            call.print("0")
        elif name == "get-config":
            call.print("config: mcc310-mnc260-en-rUS-ldltr-sw411dp-w411dp-h731dp-420dpi")
        elif name not in _SILENT:
            call.error(f"Unknown command: {name}")
            return _FAILED
        return 0

    async def _start_service(self, call: Call, intent: Intent) -> int:
        call.print(f"Starting service: {intent}")
        package = self._packages.get(intent.component_parts[0])
        known = (
            package is not None
            and package.name == TRAINER
            and await self._trainer.start_service(intent)
        )
        if not known:
            call.print("Error: Not found; no service started.")
            return _FAILED
        return 0

    async def _stop_service(self, call: Call, intent: Intent) -> int:
        call.print(f"Stopping service: {intent}")
        ran = await self._trainer.stop_service(intent)
        if ran is None:
            call.print("Error stopping service")
            return _FAILED
        call.print("Service stopped" if ran else "Service not stopped: was not running.")
        return 0

    async def _start(self, call: Call, intent: Intent) -> int:
        call.print(f"Starting: {intent}")
        package = self._target(intent)
        if package is None:
            if intent.component is None:
                call.error(f"Error: Activity not started, unable to resolve {intent}")
            else:
                name = intent.short_component
                call.error(f"Error type 3\nError: Activity class {{{name}}} does not exist.")
            return 1
        component = f"{package.name}/{intent.component_parts[1] or '.Main'}"
        on_top = self.resumed == component and self._apps.get(package.name) is not None
        if on_top:
            call.error("Warning: Activity not started, intent has been delivered to currently "
                       "running top-most instance.")  # fmt: skip
        ran = self._apps.get(package.name) is not None
        began = time.monotonic()
        if not on_top:
            await self.launch(package, intent.component_parts[1])
        if intent.wait:
            self._say_times(call, component, "HOT" if ran else "COLD", time.monotonic() - began)
        return 0

    def _say_times(self, call: Call, component: str, how: str, seconds: float) -> None:
        """Print what ``-W`` is for; a start takes at least a millisecond on a phone."""
        call.print("Status: ok")
        if self._sdk >= 29:
            call.print(f"LaunchState: {how}")
        milliseconds = max(1, round(seconds * 1000))
        call.print(f"Activity: {component}")
        call.print(f"TotalTime: {milliseconds}")
        call.print(f"WaitTime: {milliseconds + 2}")
        call.print("Complete")

    def _target(self, intent: Intent) -> Package | None:
        name = intent.component_parts[0] or intent.package or ""
        if not name and "android.intent.category.HOME" in intent.categories:
            name = LAUNCHER
        if not name and intent.action in (
            "android.settings.SETTINGS",
            "android.intent.action.VIEW",
        ):
            view = intent.action.endswith("VIEW")
            name = "com.android.browser" if view else "com.android.settings"
        return self._packages.get(name)

    async def launch(self, package: Package, activity: str = "") -> App:
        """Bring a package's process to the foreground; who was there is cached from now on."""
        for app in self._apps:
            if app.kind == "activity" and app.adj == FOREGROUND_ADJ:
                app.adj = CACHED_ADJ
        app = await self._apps.start(
            package.name,
            None,
            package=package.name,
            uid=package.uid,
            adj=FOREGROUND_ADJ,
            declared_mb=package.app_mb,
            compressible_share=COMPRESSIBLE_SHARE,
            component=f"{package.name}/{activity or '.Main'}",
            kind="activity",
        )
        if app.kind == "activity":
            app.adj = FOREGROUND_ADJ
        self.resumed = f"{package.name}/{activity or '.Main'}"
        self._settle()
        return app

    async def _broadcast(self, call: Call, intent: Intent) -> int:
        call.print(f"Broadcasting: {intent}")
        call.print("Broadcast completed: result=0")
        return 0

    def _force_stop(self, call: Call, words: list[str]) -> int:
        if not words:
            call.error("Error: expected package name")
            return _FAILED
        self._apps.stop_package(words[0], f"stop {words[0]} due to from pid 2000")
        return 0

    def _kill(self, words: list[str]) -> int:
        """Kill what may be killed: background processes only, as ``killBackgroundProcesses``."""
        for app in self._apps.of_package(words[0]) if words else []:
            if app.adj >= 500:
                self._apps.kill(app, ExitWhy(10, "USER REQUESTED", 24, "KILL BACKGROUND"))
        return 0
