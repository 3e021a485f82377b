"""Going on with an attempt whose host died: what must be remembered, and whether it is still there.

On the phone, trainer, sampler and ballast do not need a host. Event log and samples are files that
only grow; the copies in the run folder say up to which byte the dead host came.
"""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.adb.errors import AdbError
from harness.contract import parse_event
from harness.contract.events import EventError, Finished, Stopped, TrainerError
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.attempt.trainer_control import PACKAGE
from harness.lab.clock import Clock, StopSignal
from harness.lab.ports import LabPhone, Tools
from harness.results.model import GateRecord, TransferRecord
from harness.results.store import AttemptFolder

MEMORY: Final = "attempt.json"
JOURNAL: Final = "pressure.jsonl"
RETRY_S: Final = 2.0
LOOK_LIMIT_S: Final = 30.0
_LAST_LINES: Final = 3


class AttemptMemory(BaseModel):
    """What an attempt has learnt before its training began."""

    model_config = ConfigDict(frozen=True)

    started_utc: str
    gates: tuple[GateRecord, ...] = ()
    transfer: TransferRecord | None = None
    notes: tuple[str, ...] = ()
    uptime_s: float | None = None
    """Of the phone, before the trainer was started; None if it did not tell, or in older runs."""

    def write(self, folder: AttemptFolder) -> None:
        """Keep it in the attempt's folder."""
        folder.write_text(MEMORY, self.model_dump_json())


def recall(folder: AttemptFolder) -> AttemptMemory | None:
    """Return what the dead host had written; None if its attempt had not come to train."""
    try:
        return AttemptMemory.model_validate_json((folder.path / MEMORY).read_bytes())
    except (OSError, ValidationError):
        return None


@dataclass(frozen=True)
class Remains:
    """What a phone says of an attempt."""

    alive: bool
    """The trainer's process is there."""
    last_events: tuple[Any, ...]

    @property
    def worth_rejoining(self) -> bool:
        """The trainer trains, or has said how it ended."""
        ends = (Finished, Stopped, TrainerError)
        return self.alive or any(isinstance(event, ends) for event in self.last_events)


def look(
    tools: Tools,
    phone: LabPhone,
    layout: PhoneLayout,
    *,
    patience_s: float,
    clock: Clock,
    stop: StopSignal,
) -> Remains | None:
    """Ask a phone what is left of an attempt; None if it holds nothing of it or does not answer.

    Args:
        tools: How to talk to it.
        phone: The phone.
        layout: Where the attempt lies there.
        patience_s: How long a lost phone is waited for.
        clock: Where the time comes from.
        stop: The user's Ctrl-C.
    """
    command = f"test -e {shlex.quote(layout.job)} || exit 9; pidof {PACKAGE}; exit 0"
    until = clock.monotonic() + patience_s
    while True:
        try:
            result = tools.shell(phone, ["sh", "-c", command], LOOK_LIMIT_S)
            # an app's private folder is not the shell's to read
            tail = tools.tail(phone, layout.events, _LAST_LINES, LOOK_LIMIT_S)
        except AdbError:
            if stop.requested or clock.monotonic() >= until:
                return None
            clock.wait(stop.gentle, RETRY_S)
            continue
        if result.code != 0:
            return None
        return Remains(bool(result.stdout.split()), tuple(_events(tail)))


def _events(text: str) -> list[Any]:
    events: list[Any] = []
    for line in text.splitlines():
        with contextlib.suppress(EventError):  # a line that is being written
            events.append(parse_event(line.encode()))
    return events
