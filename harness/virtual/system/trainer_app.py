"""The services of the trainer's package: training as a real process, ballast as declared RAM."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import harness
from harness.virtual.phone import PhoneRoot
from harness.virtual.system.app import PERCEPTIBLE_ADJ, PREVIOUS_ADJ, App
from harness.virtual.system.apps import Apps
from harness.virtual.system.exits import ExitWhy
from harness.virtual.system.intent import Intent
from harness.virtual.system.logs import LogStore
from harness.virtual.system.packages import (
    EXTERNAL,
    PRIVATE,
    TRAINER,
    TRAINER_UID,
    PackageRegistry,
)
from harness.virtual.trace.app import TraceTrainer

COMMAND_VARIABLE = "MOBILEASR_TRAINER_COMMAND"
"""Names another trainer (a command line; ``--job PATH`` is added); tests set it for the farm."""

_TAG = "MobileASR"
_BALLAST = re.compile(rf"{re.escape(TRAINER)}\.BallastService([1-8])")
_MOST_BALLAST_MB = 1 << 20
# Last 15 characters, as Zygote names a process; the kernel keeps no more (TASK_COMM_LEN).
_BOOTSTRAP = (
    "import runpy, sys\n"
    f"open('/proc/self/comm', 'w').write({TRAINER[-15:]!r})\n"
    "sys.argv[0] = 'harness.trainer'\n"
    "runpy.run_module('harness.trainer', run_name='__main__', alter_sys=True)\n"
)


class TrainerApp:
    """What ``am`` does with ``org.mobileasr.trainer``.

    Args:
        root: The phone.
        apps: Its processes.
        packages: What is installed: an installed trainer writes its own folders only.
        logs: Its log.
        proc_dir: Folder with the phone's meminfo, as its processes name it.
        trace: Replays jobs in place of the real trainer; None: they're really trained.
    """

    def __init__(
        self,
        root: PhoneRoot,
        apps: Apps,
        packages: PackageRegistry,
        logs: LogStore,
        proc_dir: str,
        trace: TraceTrainer | None = None,
    ) -> None:
        self._root = root
        self._apps = apps
        self._packages = packages
        self._logs = logs
        self._proc_dir = proc_dir
        self._trace = trace
        self.events: Path | None = None
        """Host file of the last job's event log; None before the first job."""
        self.on_start: list[Callable[[], None]] = []

    async def start_service(self, intent: Intent) -> bool:
        """Deliver an intent; return whether the package has such a service."""
        name = intent.component_parts[1]
        if name == f"{TRAINER}.TrainService":
            await self._train_service(intent)
            return True
        ballast = _BALLAST.fullmatch(name)
        if ballast is not None:
            await self._ballast_service(int(ballast[1]), intent)
            return True
        return False

    async def stop_service(self, intent: Intent) -> bool | None:
        """Stop a service; return whether it ran, None if there's no such service."""
        name = intent.component_parts[1]
        ballast = _BALLAST.fullmatch(name)
        if name == f"{TRAINER}.TrainService":
            app = self._apps.get(TRAINER)
        elif ballast is not None:
            app = self._apps.get(f"{TRAINER}:ballast{ballast[1]}")
        else:
            return None
        if app is not None:
            await self._end(app, "stopService")
        return app is not None

    async def _train_service(self, intent: Intent) -> None:
        command = intent.extras.get("command")
        job = intent.extras.get("job")
        if command == "stop":
            self._stop(job)
        elif command == "storage":
            self._show_storage(job)
        elif command not in (None, "start"):
            self._say(f"unknown command {command!r}", "E")
        elif not isinstance(job, str) or not job:
            self._say("no job given", "E")
        elif self._apps.get(TRAINER) is not None:
            self._say(f"busy with another job, {job} is refused", "E")
        else:
            await self._start(job)

    async def _start_trace(self, trace: TraceTrainer, job: str) -> None:
        app = await self._apps.start(
            TRAINER,
            None,
            package=TRAINER,
            uid=TRAINER_UID,
            adj=PERCEPTIBLE_ADJ,
            declared_mb=trace.base_mb,
            component=f"{TRAINER}/.TrainService",
        )
        trace.start(app, job)

    async def _start(self, job: str) -> None:
        self.events = self._events_of(job)
        if self.events is not None and not self._may_write(self.events):
            # as an app that may write nowhere else: nothing but the log can tell
            self._say(f"nobody can be told how {job} went: EACCES (Permission denied)", "E")
            return
        for listener in self.on_start:
            listener()
        try:
            if self._trace is not None:
                await self._start_trace(self._trace, job)
                return
            await self._apps.start(
                TRAINER,
                [*trainer_command(), "--job", job],
                package=TRAINER,
                uid=TRAINER_UID,
                adj=PERCEPTIBLE_ADJ,
                env=self._environment(),
                component=f"{TRAINER}/.TrainService",
                log_tag=_TAG,
            )
        except OSError as error:
            self._say(f"cannot start the trainer: {error}", "E")

    def _events_of(self, job: str) -> Path | None:
        try:
            described = json.loads(self._root.host_path(job).read_text("utf-8"))
            return self._root.host_path(str(described["outputs"]["events"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _may_write(self, path: Path) -> bool:
        package = self._packages.get(TRAINER)
        if package is None or not package.confined:
            return True
        own = (self._packages.folder(TRAINER), self._packages.folder(TRAINER, EXTERNAL))
        return any(folder in path.parents for folder in own)

    def _show_storage(self, job: object) -> None:
        """Write what the file ``job`` holds wherever the app may write: see TrainService."""
        try:
            token = self._root.host_path(str(job)).read_bytes()[:256]
        except OSError as error:
            self._say(f"storage: {job} cannot be read: {error}", "E")
            return
        places = [self._root.host_path(f"{job}.shared")]
        places += [
            self._packages.folder(TRAINER, kind) / "files/storage-probe"
            for kind in (PRIVATE, EXTERNAL)
        ]
        for place in places:
            if self._may_write(place):
                place.write_bytes(token)

    def _environment(self) -> Mapping[str, str]:
        variables = {"MOBILEASR_PROC_DIR": self._proc_dir, "PYTHONUNBUFFERED": "1"}
        package = Path(harness.__file__).resolve().parent.parent
        if package.name not in ("site-packages", "dist-packages"):
            variables["PYTHONPATH"] = str(package)  # a checkout that isn't installed must work too
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        return variables

    def _stop(self, job: object) -> None:
        app = self._apps.get(TRAINER)
        if not isinstance(job, str) or not job:
            self._say("stop: no job given", "E")
            return
        try:
            described = json.loads(self._root.host_path(job).read_text("utf-8"))
            stop_file = self._root.host_path(str(described["outputs"]["stop_file"]))
            stop_file.touch()
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say(f"stop: {job} names no stop file: {error}", "E")
            return
        self._say(f"stop: {stop_file.name} made" + ("" if app else ", but no job is running"))

    async def _end(self, app: App, reason: str) -> None:
        self._apps.kill(app, ExitWhy(10, "USER REQUESTED", 23, "STOP APP", reason))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(app.ended.wait(), 5.0)

    async def _ballast_service(self, number: int, intent: Intent) -> None:
        name = f"{TRAINER}:ballast{number}"
        mb = intent.extras.get("mb")
        app = self._apps.get(name)
        if isinstance(mb, bool) or not isinstance(mb, int) or not 0 <= mb <= _MOST_BALLAST_MB:
            self._say(f"ballast{number}: --ei mb must be 0 to {_MOST_BALLAST_MB}, not {mb!r}", "E")
        elif mb == 0:
            if app is not None:
                await self._end(app, "mb 0")
        elif app is not None:
            self._apps.declare(app, mb)
        else:
            await self._apps.start(
                name,
                None,
                package=TRAINER,
                uid=TRAINER_UID,
                adj=PREVIOUS_ADJ,
                declared_mb=mb,
                component=f"{TRAINER}/.BallastService{number}",
            )

    def _say(self, message: str, priority: str = "I") -> None:
        self._logs.add(_TAG, message, priority=priority, uid=TRAINER_UID)


def trainer_command() -> list[str]:
    """Return the command of the trainer, without its job."""
    configured = os.environ.get(COMMAND_VARIABLE)
    return shlex.split(configured) if configured else [sys.executable, "-c", _BOOTSTRAP]
