"""The partial files of a running attempt, read on as they grow.

While an attempt runs, its folder holds ``events.jsonl`` (the trainer's log, byte for byte) and
``samples.txt`` (the sampler's raw frames); what is made of them is made when it ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from harness.contract import parse_event
from harness.contract.events import (
    Epoch,
    EventError,
    PhaseChange,
    Selected,
    Step,
    UtteranceExits,
    UtteranceStreamed,
)
from harness.readings.sampled import columns
from harness.sampling.frames import FrameReader
from harness.sampling.rows import collect, phase_intervals
from harness.sampling.samples import Series

WINDOW_S: Final = 300
"""How much of the samples is shown."""
_FIRST_READ: Final = 4 << 20
"""Of a file that is longer when first seen, only so many bytes at the end are read."""
_HEADER: Final = 4096
_SHOWN_OF_A_PHONE: Final = ("available_mb", "battery_percent", "battery_temperature_c")


@cache
def live_columns() -> tuple[str, ...]:
    """Return the columns that are read while an attempt runs."""
    charted = [
        column.name for column in columns() if column.chart is not None and column.chart.live
    ]
    return ("t_s", *charted, *(name for name in _SHOWN_OF_A_PHONE if name not in charted))


class GrowingFile:
    """Bytes that were added since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self, most: int | None = None) -> tuple[bytes, bool]:
        """Return the new bytes, and whether they start anew (the file was replaced).

        Args:
            most: Read at most so many from the end, the first time; before them its first line,
                which says how the others are marked.
        """
        try:
            size = self._path.stat().st_size
            anew = self._at == 0 or size < self._at
            if size == self._at:
                return b"", False
            with self._path.open("rb") as file:
                head = b""
                if anew:
                    self._at = 0
                    if most is not None and size > most:
                        head = b"\n".join([*file.read(_HEADER).split(b"\n")[:2], b""])
                        self._at = size - most
                file.seek(self._at)
                data = file.read(size - self._at)
                self._at += len(data)
                return head + data, anew
        except OSError:  # it ended meanwhile, and its raw samples are gone
            return b"", False


@dataclass
class Training:
    """What the event log says so far."""

    sub_model: str | None = None
    phase: str | None = None
    epoch: int | None = None
    step: int | None = None
    loss: list[tuple[int, float]] = field(default_factory=list)
    """(number of the step, loss), all epochs."""
    wer: list[tuple[int, float]] = field(default_factory=list)
    """(epoch, percent) as the trainer counts it."""
    leaving: Leaving | None = None
    """Of the evaluation that goes on, or of the last one; None in a network without exits."""
    streaming: Streaming | None = None
    """Of the last evaluation; None where whole utterances are heard."""


@dataclass
class Streaming:
    """What hearing the utterances of one evaluation cost so far, while they went on."""

    epoch: int
    told: dict[str, UtteranceStreamed] = field(default_factory=dict)
    """By utterance; of one that was told again the last counts."""

    @property
    def real_time_factor(self) -> float:
        """Time of all steps by time of the recordings."""
        told = self.told.values()
        return sum(each.compute_s for each in told) / sum(each.audio_s for each in told)


@dataclass
class Leaving:
    """Where the utterances of one evaluation have left so far."""

    epoch: int
    exits: tuple[str, ...] = ()
    """As far up as an utterance was computed, from the shallowest."""
    left: dict[str, str] = field(default_factory=dict)
    """Utterance -> exit; of one that was told again, as after a lost trainer, the last counts."""

    def add(self, event: UtteranceExits) -> None:
        """Take in an utterance."""
        self.left[event.id] = event.exit
        told = tuple(dict.fromkeys([*(answer.exit for answer in event.answers), event.exit]))
        self.exits = max(self.exits, told, key=len)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """(exit, utterances), from the shallowest."""
        at = list(self.left.values())
        return [(name, at.count(name)) for name in dict.fromkeys([*self.exits, *at])]


class AttemptTail:
    """One running attempt.

    Args:
        folder: Its folder.
    """

    def __init__(self, folder: Path) -> None:
        self._events = GrowingFile(folder / "events.jsonl")
        self._samples = GrowingFile(folder / "samples.txt")
        self._rest = b""
        self._phases: list[PhaseChange] = []
        self._reader = FrameReader()
        self._series = Series()
        self.training = Training()
        self.samples: Mapping[str, list[Any]] = {name: [] for name in live_columns()}
        """The last `WINDOW_S` by column; ``t_s`` counts from the first of them."""

    def refresh(self) -> None:
        """Take in what was added since the last time."""
        self._take_events()
        self._take_samples()

    def _take_events(self) -> None:
        data, anew = self._events.read()
        if anew:
            self._rest, self.training, self._phases = b"", Training(), []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(EventError):  # the attempt itself will say so
                self._event(parse_event(line))

    def _event(self, event: Any) -> None:
        training = self.training
        if isinstance(event, Selected):
            training.sub_model = event.sub_model or "none fits"
        elif isinstance(event, PhaseChange):
            self._phases.append(event)
            training.phase = event.phase if event.state == "begin" else None
        elif isinstance(event, Step):
            training.epoch, training.step = event.epoch, event.step
            training.loss.append((len(training.loss) + 1, event.loss))
        elif isinstance(event, UtteranceExits):
            if training.leaving is None or training.leaving.epoch != event.epoch:
                training.leaving = Leaving(event.epoch)
            training.leaving.add(event)
        elif isinstance(event, UtteranceStreamed):
            if training.streaming is None or training.streaming.epoch != event.epoch:
                training.streaming = Streaming(event.epoch)
            training.streaming.told[event.id] = event
        elif isinstance(event, Epoch):
            training.epoch = event.epoch
            training.wer.append((event.epoch, event.wer_percent))

    def _take_samples(self) -> None:
        data, anew = self._samples.read(_FIRST_READ)
        if anew:
            self._reader, self._series = FrameReader(), Series()
        if not data:
            return
        for item in self._reader.feed(data):
            self._series.add(item)
        self._forget_old()
        table = collect(self._series, phase_intervals(self._phases)).table
        self.samples = {name: table.column(name).to_pylist() for name in live_columns()}

    def _forget_old(self) -> None:
        if self._series.samples:
            self._series.forget(self._series.samples[-1].start_ms - WINDOW_S * 1000)


def thinned(values: list[tuple[int, float]], most: int = 200) -> list[tuple[int, float]]:
    """Return at most ``most`` points: of each stretch its mean, at its last place."""
    if len(values) <= most:
        return values
    size = -(-len(values) // most)
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]
