"""What a reading of the samples declares of itself: one file a reading in ``readings/sampled``.

One declaration feeds all that knows of it: the loop on the phone and its probe, the columns of
``samples.parquet``, the counters of a Perfetto trace, the live page, the report and the reference.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness.readings.bounds import Bounds
from harness.readings.errors import ReadingError
from harness.readings.tick import Tick

Value = float | int | bool | str | None
Kind = Literal["bool", "int32", "int64", "float32", "float64", "string"]

_LOG = logging.getLogger(__name__)
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,60}")
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class Axis:
    """A plot of its own in the report and on the live page; columns of one axis share it."""

    label: str
    """With the unit: ``swap, MB``."""
    place: int = 100
    """Plots stand in the order of these numbers, from the top."""
    height: float = 34.0
    from_zero: bool = True


@dataclass(frozen=True)
class Chart:
    """How a column is drawn."""

    axis: Axis
    label: str
    """Name of the line."""
    figure: Literal["last", "least", "mean", "most", "peak"] = "most"
    """What is written beside it; ``least`` while the trainer works, ``peak`` is the most."""
    digits: int = 0
    """Of that figure."""
    trainer: bool = False
    """Drawn in the colour of the trainer; else in that of the phone."""
    look: Literal["line", "dots", "steps"] = "line"
    sparse: bool = False
    """Asked seldom: values far apart are joined all the same."""
    least_gap_s: float = 0.0
    """Values nearer than this are always joined."""
    brief: bool = True
    """Also drawn where a report has many attempts."""
    live: bool = False
    """Also on the live page."""
    instead_of: str = ""
    """Drawn only where this column says nothing."""


@dataclass(frozen=True)
class Column:
    """One column of ``samples.parquet``; null where the phone did not say."""

    name: str
    """With its unit at the end: ``gpu_mhz``."""
    type: Kind
    unit: str
    """For people: ``MHz``; empty where there is none."""
    meaning: str
    bounds: Bounds | None = None
    """A value outside is no measurement, and absent."""
    track: str = ""
    """Name of the counter in a Perfetto trace; empty: it has none."""
    chart: Chart | None = None

    def __post_init__(self) -> None:
        if not _COLUMN.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a column (a-z, 0-9 and _)")

    def checked(self, value: Value) -> Value:
        """Return a value if it is one of this column; None if it is outside of its bounds."""
        if value is None or isinstance(value, str):
            return value if self.type == "string" else None
        if self.type == "bool":
            return bool(value)
        if not math.isfinite(value):
            return None
        if self.bounds is not None and not self.bounds.hold(value):
            return None
        return round(value) if self.type.startswith("int") else float(value)

    def refusal(self, value: Value) -> str:
        """Return why a value is none of this column, in words."""
        if isinstance(value, str) or value is None or self.type in ("bool", "string"):
            return f"{value!r} is none of its values"
        return (self.bounds or Bounds(-math.inf, math.inf, self.unit)).refusal(value)


NOTES = "notes"
"""What a ``take`` may return beside its columns: why some are absent, a line each."""


class Taken(NamedTuple):
    """What a reading gave."""

    values: Mapping[str, Value]
    """By column, those that are known."""
    notes: Mapping[str, str]
    """Column (or the first) -> why it is absent, where that is known."""


class Answer(NamedTuple):
    """What a command on the phone printed."""

    data: bytes
    proto: bool
    """It is a protobuf message, not text."""
    pid: int | None
    """The trainer's process when it was asked, or the last one before."""


@dataclass(frozen=True, kw_only=True)
class SampledReading:
    """What all kinds of readings have; use one of the kinds below."""

    columns: tuple[Column, ...]
    absent: str = ""
    """How a result's note names it where the phone does not give it; empty: no note."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("a reading has at least one column")

    def checked(self, take: Callable[..., Mapping[str, Value]], *seen: Any) -> Taken:
        """Return what ``take`` gives for what was seen; what is outside of its bounds is absent."""
        first = self.columns[0].name
        try:
            values = take(*seen)
        except ReadingError as error:
            return Taken({}, {first: error.why})
        except Exception as error:  # noqa: BLE001 - a plug-in's; one reading costs no other
            _LOG.warning("the reading of %s failed: %r", first, error)
            return Taken({}, {first: f"its reading failed: {error!r}"})
        notes: dict[str, str] = {}
        checked: dict[str, Value] = {}
        if isinstance(why := values.get(NOTES), str) and why:
            notes[first] = why
        for column in self.columns:
            value = values.get(column.name)
            measured = column.checked(value)
            if measured is not None:
                checked[column.name] = measured
            elif value is not None:
                notes[column.name] = column.refusal(value)
        return Taken(checked, notes)


@dataclass(frozen=True, kw_only=True)
class EachTick(SampledReading):
    """Taken each period from what the loop reads anyhow: costs nothing on the phone."""

    take: Callable[[Tick], Mapping[str, Value]]


@dataclass(frozen=True, kw_only=True)
class BetweenTicks(SampledReading):
    """Taken from two ticks that follow each other: the change of a counter."""

    take: Callable[[Tick, Tick], Mapping[str, Value]]


@dataclass(frozen=True, kw_only=True)
class KernelFile(SampledReading):
    """A small file of the kernel, read each period together with the others (no fork more)."""

    name: str
    """Of its section in the sampler's file."""
    paths: tuple[str, ...]
    """Where it may lie (with ``*``); the first that can be read is taken, found out once."""
    take: Callable[[str], Mapping[str, Value]]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_name(self.name)
        for path in self.paths:
            if not re.fullmatch(r"/[A-Za-z0-9_./:,@+*-]+", path):
                raise ValueError(f"{path!r} is no path of a kernel file")


@dataclass(frozen=True, kw_only=True)
class Command(SampledReading):
    """A command on the phone, run beside the loop; its answer joins the second it belongs to."""

    name: str
    """Of its section in the sampler's file."""
    command: str
    sign: str = ""
    """What stands in its answer where a phone gives one; empty: it is not tried before."""
    is_message: Callable[[bytes], object] | None = None
    """Raises `ReadingError` for what is not its protobuf message; None: it has none."""
    proto_tries: Mapping[str, str] = field(default_factory=dict)
    """Mark in the probe's answer -> command whose answer `is_message` decides on."""
    every_s: float | None = 10.0
    """Seconds between two; None: each period (one reading can have that: the battery)."""
    of_trainer: bool = False
    """The package is added to the command, and it runs only while there is a trainer."""
    place: Literal["tick", "began", "ended"] = "ended"
    """Which second the answer belongs to: that of the tick in which it was asked, or that in which
    the command began or ended."""
    take: Callable[[Answer], Mapping[str, Value]]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_name(self.name)
        if self.every_s is not None and self.every_s < 1:
            raise ValueError(f"{self.name}: a command can't be asked every {self.every_s:g} s")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in ("self", "stat", "meminfo"):
        raise ValueError(f"{name!r} is no name of a section (at most 16 of a-z and 0-9)")
