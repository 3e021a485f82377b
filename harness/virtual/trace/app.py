"""The trainer's process on a phone that replays: a placeholder, and the replay beside it.

The placeholder is a real process of the phone, so that it can be looked up and killed as any; it
holds nothing itself. The phone is charged with what a trainer holds before it has loaded a model,
by which sub-models are chosen; what training would take then is in the event log alone, since the
pressure loop adds a trainer's own memory to what's available and could not see a figure that no
process holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness.contract.events import TrainerError
from harness.contract.job import Job
from harness.errors import HarnessError
from harness.trainer.events import EventLog, boot_ms
from harness.trainer.learner import StopCommand
from harness.trainer.loop import Training
from harness.virtual.phone import PhoneRoot
from harness.virtual.trace.replay import TraceLearner, TraceLog, TracePhone
from harness.virtual.trace.table import load_table

if TYPE_CHECKING:
    from harness.virtual.system.app import App


class TraceTrainer:
    """Replays jobs on one phone.

    Args:
        root: The phone.
        available_mb: Gives its MemAvailable.
        battery_percent: Gives its battery's level.
        speed: How many times as fast as measured.
    """

    def __init__(
        self,
        root: PhoneRoot,
        available_mb: Callable[[], float],
        battery_percent: Callable[[], float],
        speed: float,
    ) -> None:
        self._root = root
        self._available_mb = available_mb
        self._battery_percent = battery_percent
        self._speed = speed
        self._task: asyncio.Task[None] | None = None

    @property
    def base_mb(self) -> int:
        """What the phone is charged with while a job is replayed."""
        return round(load_table("").base_mb)

    def start(self, app: App, job: str) -> None:
        """Replay a job while the placeholder lives; end it afterwards."""
        self._task = asyncio.ensure_future(self._run(app, job))

    async def _run(self, app: App, job: str) -> None:
        replay = asyncio.ensure_future(self._replay(app, self._root.host_path(job)))
        ended = asyncio.ensure_future(app.ended.wait())
        try:
            await asyncio.wait({replay, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (replay, ended):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await replay
            if app.process.stdin is not None:
                app.process.stdin.close()

    async def _replay(self, app: App, path: Path) -> None:
        try:
            job = Job.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            self._say_bad_job(path, str(error))
            return
        phone = TracePhone(
            pid=app.pid,
            serial=self._root.spec.serial,
            available_mb=self._available_mb,
            battery_percent=self._battery_percent,
            host_path=self._root.host_path,
        )
        learner = TraceLearner(job, load_table(job.model.name), phone, self._speed)
        with TraceLog(self._root.host_path(job.outputs.events), self._boot_ms) as log:
            try:
                await Training(job, learner, log).run()
            except StopCommand:
                _fail(log, "Stopped", "asked to stop before the first evaluation was done")
            except (HarnessError, OSError) as error:
                _fail(log, type(error).__name__, str(error))

    def _say_bad_job(self, path: Path, message: str) -> None:
        """Tell the host, which follows the log."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            events = json.loads(path.read_bytes())["outputs"]["events"]
            with EventLog(self._root.host_path(str(events)), self._boot_ms) as log:
                _fail(log, "BadJob", message)

    def _boot_ms(self) -> int:
        """Return the phone's milliseconds since boot: the replay runs outside of its clock."""
        return boot_ms() + round(self._root.clock_offset_s * 1000)


def _fail(log: EventLog, kind: str, message: str) -> None:
    with contextlib.suppress(OSError):
        log.write(TrainerError, kind=kind, message=message)
