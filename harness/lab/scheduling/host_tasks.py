"""Work on the host between the jobs of phones: functions by name, run in threads.

A function is made known by `host_task` and called with a `HostContext` and the arguments of its
`harness.scenario.task.HostCall`; what it returns (JSON) is its result, and files that it puts into
`HostContext.out` lie beside it. A function may be called again after a crash or a failure, so the
same call must come to the same. It should look at `HostContext.stop` now and then: a run that is
stopped waits for it.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.lab.clock import Clock, StopRequestedError, StopSignal
from harness.lab.scheduling.engine import HostEnded, RunOnHost
from harness.results.files import DiskFullError
from harness.results.store import RunFolder
from harness.results.tasks import HostResult, TaskFolder
from harness.scenario.task import HostCall


@dataclass(frozen=True)
class Parent:
    """A parent that the task starts with.

    Args:
        task_id: The task.
        attempt: The attempt of it that finished.
        folder: Where its ``result.json`` and its files lie.
    """

    task_id: str
    attempt: int
    folder: Path


@dataclass(frozen=True)
class HostContext:
    """What a function on the host may know and use.

    Args:
        run: The run's folder.
        task_id: The task.
        attempt: 1, 2, ...
        parents: The parents that count, in the order of the task.
        out: An empty folder for files of the result.
        stop: The user's Ctrl-C.
    """

    run: RunFolder
    task_id: str
    attempt: int
    parents: tuple[Parent, ...]
    out: Path
    stop: StopSignal


HostFunction = Callable[[HostContext, Mapping[str, Any]], Any]
"""(where it runs, its arguments) -> its result, as JSON has it."""

_functions: dict[str, HostFunction] = {}


def host_task(name: str) -> Callable[[HostFunction], HostFunction]:
    """Make a function known by ``name``.

    Raises:
        ValueError: Another function has that name.
    """

    def know(function: HostFunction) -> HostFunction:
        if _functions.setdefault(name, function) is not function:
            raise ValueError(f"there is a host task {name} already")
        return function

    return know


def host_function(name: str) -> HostFunction:
    """Return the function of a name.

    Raises:
        InputError: There is none.
    """
    if name not in _functions:
        known = ", ".join(sorted(_functions)) or "none"
        raise InputError(f"there is no host task {name!r}", hint=f"Known: {known}.")
    return _functions[name]


@dataclass(frozen=True)
class HostTasks:
    """Calls the functions of one run.

    Args:
        run: The run's folder.
        clock: Where the time comes from.
        stop: The user's Ctrl-C.
        call_of: Task -> what it calls.
        parents_of: Task -> the parents that count.
    """

    run: RunFolder
    clock: Clock
    stop: StopSignal
    call_of: Callable[[str], HostCall]
    parents_of: Callable[[str], tuple[Parent, ...]]

    def do(self, order: RunOnHost) -> None:
        """Run one attempt; its result lies in the run folder when this returns.

        Raises:
            StopRequestedError: The run is stopped.
            DiskFullError: No space for the result.
            Exception: Whatever the function raises.
        """
        folder = TaskFolder(self.run.path, order.task_id)
        call = self.call_of(order.task_id)
        started_utc, begun = self.clock.utc(), self.clock.monotonic()
        context = HostContext(
            self.run,
            order.task_id,
            order.attempt,
            self.parents_of(order.task_id),
            folder.begin(),
            self.stop,
        )
        value = host_function(call.function)(context, call.arguments)
        folder.finish(
            HostResult(
                task_id=order.task_id,
                attempt=order.attempt,
                function=call.function,
                started_utc=started_utc,
                seconds=self.clock.monotonic() - begun,
                value=value,
            )
        )


class HostThreads:
    """Runs each order in a thread of this process; a `harness.lab.scheduling.engine.HostEngine`.

    Args:
        do: Runs one attempt, see `HostTasks.do`.
        post: Takes the report.
    """

    def __init__(self, do: Callable[[RunOnHost], None], post: Callable[[HostEnded], None]) -> None:
        self._do = do
        self._post = post

    def submit(self, order: RunOnHost) -> None:
        """See `harness.lab.scheduling.engine.HostEngine`."""
        name = f"task-{order.task_id}"
        threading.Thread(target=self._run, args=(order,), name=name, daemon=True).start()

    def _run(self, order: RunOnHost) -> None:
        kind, message, fatal = None, "", None
        try:
            self._do(order)
        except StopRequestedError as error:
            kind, message = "Interrupted", str(error)
        except DiskFullError as error:
            fatal = error
        except Exception as error:  # noqa: BLE001 - the thread's outermost: it is the task's failure
            kind, message = type(error).__name__, _in_words(error)
        self._post(HostEnded(order.task_id, order.attempt, kind, message, fatal))


def _in_words(error: Exception) -> str:
    """Return an error with the place in the code that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{error}{where}"
