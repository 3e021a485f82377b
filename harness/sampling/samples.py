"""Frames -> the numbers in them (pure). What the phone did not say is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from harness.readings.declared import (
    Answer,
    BetweenTicks,
    Command,
    EachTick,
    KernelFile,
    Taken,
    Value,
)
from harness.readings.sampled import readings
from harness.readings.tick import Process, Tick
from harness.sampling.frames import Frame, FrameReader, Header, Stopped

_PROCESS_LOOK_BACK = 60


class Sample(NamedTuple):
    """The numbers of one tick."""

    header: Header
    number: int
    due_ms: int
    start_ms: int
    end_ms: int
    process: Process | None
    sampler_ticks: int | None
    """CPU time of the sampler and of the commands it ran, in clock ticks."""
    values: Mapping[str, Value]
    """By column, those that are known."""
    notes: Mapping[str, str] = MappingProxyType({})
    """Column -> why it is absent, where that is known."""


class Late(NamedTuple):
    """Values of a command that ran beside the loop: they belong to an earlier second."""

    header: Header
    number: int | None
    """The tick in which it was asked; None: go by the time."""
    t_ms: int
    """Uptime that they speak of."""
    values: Mapping[str, Value]


def tick_of(frame: Frame) -> Tick:
    """Return a frame as readings see it."""
    header = frame.header
    return Tick(frame.sections, frame.pid, frame.start_ms, header.clock_ticks, header.page_kb)


def read_sample(frame: Frame, tick: Tick, before: Tick | None = None) -> Sample:
    """Return the numbers of a frame; a reading that cannot be parsed counts as absent.

    Args:
        frame: The frame.
        tick: The same as readings see it.
        before: The tick before it, for what is a change since then.
    """
    values: dict[str, Value] = {}
    notes: dict[str, str] = {}

    def take(taken: Taken) -> None:
        values.update(taken.values)
        notes.update(taken.notes)

    for reading in readings():
        if isinstance(reading, EachTick):
            take(reading.checked(reading.take, tick))
        elif isinstance(reading, BetweenTicks):
            if before is not None:
                take(reading.checked(reading.take, before, tick))
        elif isinstance(reading, KernelFile) and (text := frame.sections.get(reading.name)):
            take(reading.checked(reading.take, text))
    return Sample(
        header=frame.header,
        number=frame.number,
        due_ms=frame.header.due_ms(frame.number),
        start_ms=frame.start_ms,
        end_ms=frame.end_ms,
        process=tick.process,
        sampler_ticks=tick.own_ticks,
        values=values,
        notes=notes,
    )


@dataclass
class AbsentValues:
    """How often a column had no value, and why the first time."""

    count: int
    why: str


@dataclass
class Series:
    """All that a sampler said, as numbers: small, whatever the length of the run."""

    samples: list[Sample] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    stopped: str | None = None
    """Why the sampler ended; None while it runs, or if it was killed."""
    dropped: int = 0
    """Frames that were cut short."""
    absent: dict[str, AbsentValues] = field(default_factory=dict)
    """Columns whose values were none, with the reason."""
    _before: Tick | None = None

    @property
    def notes(self) -> list[str]:
        """What of the values could not be used, in words."""
        return [
            f"{column}: absent {absent.count} {'time' if absent.count == 1 else 'times'}: "
            f"{absent.why}"
            for column, absent in self.absent.items()
        ]

    def add(self, item: Frame | Stopped) -> None:
        """Take the next frame, or the sampler's last words."""
        if item.battery is not None:
            asked = item.battery
            answer = Answer(asked.data, asked.proto, None)
            self._add_late("battery", item.header, asked.number, {}, answer)
        if isinstance(item, Stopped):
            self.stopped = item.reason
            return
        self.stopped = None
        tick = tick_of(item)
        sample = read_sample(item, tick, self._before)
        self.samples.append(sample)
        self._note(sample.notes)
        self._before = tick
        # the answer may come after the process has gone: the last one seen is the one asked
        recent = self.samples[-_PROCESS_LOOK_BACK:] if item.slow else []
        seen = [sample.process.pid for sample in recent if sample.process]
        for name, slow in item.slow.items():
            answer = Answer(slow.data, slow.proto, seen[-1] if seen else None)
            times = {"began": slow.began_ms, "ended": slow.ended_ms}
            self._add_late(name, item.header, None, times, answer)

    def _add_late(
        self,
        name: str,
        header: Header,
        number: int | None,
        times: Mapping[str, int],
        answer: Answer,
    ) -> None:
        for reading in readings():
            if isinstance(reading, Command) and reading.name == name:
                taken = reading.checked(reading.take, answer)
                self._note(taken.notes)
                self.late.append(Late(header, number, times.get(reading.place, 0), taken.values))

    def _note(self, notes: Mapping[str, str]) -> None:
        for column, why in notes.items():
            self.absent.setdefault(column, AbsentValues(0, why)).count += 1

    def forget(self, older_than_ms: int) -> None:
        """Drop what speaks of times before this one."""
        self.samples[:] = [sample for sample in self.samples if sample.start_ms > older_than_ms]
        ticks = {(id(sample.header), sample.number) for sample in self.samples}
        self.late[:] = [
            late
            for late in self.late
            if (id(late.header), late.number) in ticks
            or (late.number is None and late.t_ms > older_than_ms)
        ]


def read_series(data: bytes) -> Series:
    """Read a whole ``samples.txt``; a torn tail is dropped."""
    reader = FrameReader()
    series = Series()
    for item in reader.feed(data):
        series.add(item)
    series.dropped = reader.dropped
    return series
