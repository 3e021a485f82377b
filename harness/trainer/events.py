"""The event log, written so that what was said stays said.

Each event is one line, written with a single call and flushed to the disk unless it is only a step
(steps may be lost with the battery, not with the process).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.contract.events import EVENT_TYPES, EventError, Step, parse_event


def boot_ms() -> int:
    """Return milliseconds since boot, the clock of /proc/uptime."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def read_log(path: Path) -> list[Any]:
    """Return the events of a log; a torn or broken end is left out."""
    events: list[Any] = []
    if not path.exists():
        return events
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            event = parse_event(line)
        except EventError:
            break
        if event.seq != len(events):
            break
        events.append(event)
    return events


class EventLog:
    """Appends events; goes on after the last whole line of an existing log.

    Args:
        path: ``events.jsonl``.
        clock: Gives milliseconds since the boot of the phone that trains.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = boot_ms) -> None:
        self._clock = clock
        self.before = read_log(path)
        """What an earlier process of the same job wrote."""
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = _end_of_line(path, len(self.before)) if self.before else 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._file, whole)
        self._seq = len(self.before)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, event_type: type[Any], /, **fields: Any) -> Any:
        """Append one event; ``seq``, ``t_boot_ms`` and ``type`` are filled in.

        Args:
            event_type: One of ``harness.contract.EVENT_TYPES``.
            **fields: Its own fields.

        Returns:
            The event.
        """
        if event_type not in EVENT_TYPES:
            raise TypeError(f"{event_type} is not an event")
        event = event_type(seq=self._seq, t_boot_ms=self._clock(), **fields)
        line = event.model_dump_json().encode() + b"\n"
        before = os.fstat(self._file).st_size
        written = os.write(self._file, line)
        if written != len(line):
            # a full disk: take the torn line back, or the next event would continue it
            os.ftruncate(self._file, before)
            raise OSError(
                errno.ENOSPC, f"only {written} of {len(line)} bytes of an event could be written"
            )
        if event_type is not Step:
            os.fdatasync(self._file)
        self._seq += 1
        return event

    async def say(self, event_type: type[Any], /, **fields: Any) -> Any:
        """Append one event, as `write` does: what ``harness.trainer.learner.Log`` asks for."""
        return self.write(event_type, **fields)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _end_of_line(path: Path, number: int) -> int:
    """Return the offset behind the ``number``-th line (from 1)."""
    return sum(len(line) for line in path.read_bytes().splitlines(keepends=True)[:number])
