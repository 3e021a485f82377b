"""``am`` and ``cmd activity``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from harness.virtual.system.app import CACHED_ADJ, FOREGROUND_ADJ, App
from harness.virtual.system.background import BackgroundLimits
from harness.virtual.system.call import Call
from harness.virtual.system.exits import ExitWhy
from harness.virtual.system.intent import Intent, IntentError, parse_intent
from harness.virtual.system.memory import COMPRESSIBLE_SHARE
from harness.virtual.system.packages import LAUNCHER, TRAINER, Package
from harness.virtual.system.resolving import resolve
from harness.virtual.system.service import Answers, System
from harness.virtual.system.tasks import Task, Tasks, full_component

_SILENT = frozenset(
    """
    clear-debug-app clear-watch-heap compat idle-maintenance make-uid-idle memory-factor
    screen-compat send-trim-memory set-bg-restriction-level set-debug-app set-inactive
    set-standby-bucket set-watch-heap switch-user unlock-user wait-for-broadcast-idle write
    """.split()  # noqa: SIM905 - a table of words
)
_ANSWERS = {
    "get-config": "config: mcc310-mnc260-en-rUS-ldltr-sw411dp-w411dp-h731dp-420dpi",
    "get-current-user": "0",
    "is-user-stopped": "false",
    "supports-multiwindow": "true",
    "supports-split-screen-multi-window": "true",
}
"""Commands that always say the same."""
_BACKGROUND_ADJ = 500
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
        self._logs = system.logs
        self._background = system.get(BackgroundLimits)
        self._sdk = system.sdk
        launcher = self._packages.get(LAUNCHER)
        assert launcher is not None  # part of every phone
        self.tasks = Tasks(Task(1, LAUNCHER, launcher.main, launcher.uid))
        self._apps.on_end.append(self._ended)
        self.answers = Answers(
            commands={"am": self.run},
            cmd={"activity": lambda call, _: self.run(call)},
        )

    def _ended(self, app: App) -> None:
        if app.kind == "activity":
            self.tasks.ended(app.package)

    async def run(self, call: Call) -> int:
        """Carry out one ``am`` command (``call.args[0]`` is its name)."""
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
            "to-uri": self._to_uri,
            "to-intent-uri": self._to_uri,
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
            code = self._other(call, name, _words(args))
        self._settle()
        return code

    def _other(self, call: Call, name: str, words: list[str]) -> int:
        on_package = {
            "crash": self._crash,
            "force-stop": self._force_stop,
            "kill": self._kill,
        }
        if name in on_package:
            if not words:
                call.error("Error: expected package name")
                return _FAILED
            on_package[name](words[0])
        elif name == "kill-all":
            for app in self._apps:
                self._kill(app.package)
        elif name in ("stack", "task"):
            return self._stacks(call, words)
        elif name == "instrument":
            return self._instrument(call, words)
        elif name in ("dumpheap", "profile"):
            call.error("Error: Process not debuggable: " + " ".join(words[:1]))
            return _FAILED
        elif name in _ANSWERS:
            call.print(_ANSWERS[name])
        elif name not in _SILENT:
            return call.unknown(name)
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
        component = resolve(self._packages, intent)
        package = self._packages.get((component or "").partition("/")[0])
        if intent.stop and (component or intent.component_parts[0]):
            self._force_stop((component or intent.component_parts[0]).partition("/")[0])
        call.print(f"Starting: {intent}")
        if component is None or package is None:
            if intent.component is None:
                call.error(f"Error: Activity not started, unable to resolve {intent}")
            else:
                name = intent.short_component
                call.error(f"Error type 3\nError: Activity class {{{name}}} does not exist.")
            return 1
        running = self._apps.get(package.name)
        ran = running is not None and running.why is None  # one that is being stopped ran
        on_top = ran and self.tasks.front.component == component
        if on_top:
            call.error("Warning: Activity not started, intent has been delivered to currently "
                       "running top-most instance.")  # fmt: skip
        began = time.monotonic()
        if not on_top:
            if running is not None and not ran:
                await running.ended.wait()
            await self.launch(package, component)
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

    async def go_home(self) -> None:
        """Show the launcher."""
        launcher = self._packages.get(LAUNCHER)
        if launcher is not None:
            await self.launch(launcher, launcher.main)

    async def launch(self, package: Package, component: str) -> App:
        """Bring an activity to the foreground; who was there is cached from now on."""
        for app in self._apps:
            if app.kind == "activity" and app.adj == FOREGROUND_ADJ:
                app.adj = CACHED_ADJ
        self.tasks.start(package.name, component, package.uid)
        app = await self._apps.start(
            package.name,
            None,
            package=package.name,
            uid=package.uid,
            adj=FOREGROUND_ADJ,
            declared_mb=package.app_mb or None,
            compressible_share=COMPRESSIBLE_SHARE,
            component=component,
            kind="activity",
        )
        if app.kind == "activity":
            app.adj, app.component = FOREGROUND_ADJ, component
        self._settle()
        return app

    @staticmethod
    async def _broadcast(call: Call, intent: Intent) -> int:
        call.print(f"Broadcasting: {intent}")
        call.print("Broadcast completed: result=0")
        return 0

    @staticmethod
    async def _to_uri(call: Call, intent: Intent) -> int:
        parts = [f"action={quote(intent.action)}"] if intent.action else []
        parts += [f"category={quote(each)}" for each in intent.categories]
        parts += [f"package={quote(intent.package)}"] if intent.package else []
        parts += [f"component={quote(intent.short_component)}"] if intent.component else []
        parts += [f"S.{quote(key)}={quote(str(value))}" for key, value in intent.extras.items()]
        prefix = "" if call.args[0] == "to-uri" and intent.data else "intent:"
        call.print(f"{prefix}{intent.data or ''}#Intent;{';'.join([*parts, 'end'])}")
        return 0

    def _force_stop(self, package: str) -> None:
        self._apps.stop_package(package, f"stop {package} due to from pid 2000")
        self.tasks.ended(package)

    def _crash(self, package: str) -> None:
        for app in self._apps.of_package(package):
            self._logs.add(
                "AndroidRuntime",
                f"FATAL EXCEPTION: main\nProcess: {app.name}, PID: {app.pid}\n"
                "android.app.RemoteServiceException$CrashedByAdbException: "
                "shell-induced crash",
                priority="E", buffer="crash", pid=app.pid, uid=app.uid,
            )  # fmt: skip
            self._apps.kill(app, ExitWhy(4, "APP CRASH(EXCEPTION)", description="crash"))

    def _kill(self, package: str) -> None:
        """Kill what may be killed: background processes only, as ``killBackgroundProcesses``."""
        for app in self._apps.of_package(package):
            if app.adj >= _BACKGROUND_ADJ:
                self._apps.kill(app, ExitWhy(10, "USER REQUESTED", 24, "KILL BACKGROUND"))

    def _stacks(self, call: Call, words: list[str]) -> int:
        """Carry out ``am stack list``; Android 12 calls a stack a root task."""
        if words[:1] != ["list"]:
            call.print(f"Error: unknown command '{' '.join(words[:1])}'")
            return _FAILED
        kind = "RootTask" if self._sdk >= 31 else "Stack"
        front = self.tasks.front
        for task in self.tasks:
            shown = "true" if task is front else "false"
            name = full_component(task.component)
            call.print(f"{kind} id={task.number} bounds=[0,0][1080,2400] displayId=0 userId=0\n"
                       "  configuration={1.0 310mcc260mnc [en_US] ldltr sw411dp w411dp h731dp "
                       "420dpi nrml long port finger -keyb/v/h -nav/h}\n"
                       f"  taskId={task.number}: {name} bounds=[0,0][1080,2400] userId=0 "
                       f"visible={shown} topActivity=ComponentInfo{{{name}}}\n")  # fmt: skip
        return 0

    @staticmethod
    def _instrument(call: Call, words: list[str]) -> int:
        """Say as a phone does without such a test; none can run here, since there's no ART."""
        name = words[-1] if words else ""
        if "/" not in name:
            call.error("Error: Bad component name: " + name)
            return _FAILED
        call.print("INSTRUMENTATION_STATUS: id=ActivityManagerService\n"
                   "INSTRUMENTATION_STATUS: Error=Unable to find instrumentation info for: "
                   f"ComponentInfo{{{full_component(name)}}}\n"
                   "INSTRUMENTATION_STATUS_CODE: -1")  # fmt: skip
        call.error(f"android.util.AndroidException: INSTRUMENTATION_FAILED: {name}")
        return 1


def _words(args: list[str]) -> list[str]:
    """Return the arguments that are neither options nor the user they are for."""
    words: list[str] = []
    skip = False
    for arg in args:
        if not skip and not arg.startswith("-"):
            words.append(arg)
        skip = arg == "--user"
    return words
