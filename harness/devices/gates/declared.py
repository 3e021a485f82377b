"""What a gate declares of itself: one file a gate in ``gates/judged``.

One declaration feeds all that knows of it: the schema of a scenario's ``gates:`` and its presets,
the one question to the phone, the verdict and its words, and the reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from harness.readings import ReadingError
from harness.readings.base import NotedReading

T = TypeVar("T")
NotedT = TypeVar("NotedT", bound=NotedReading)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


@dataclass(frozen=True, eq=False)
class Question(Generic[T]):
    """Something that a phone is asked; several gates may share one."""

    name: str
    command: str
    """``{package}`` (the trainer's), ``{work_dir}`` and ``{proc_dir}`` are put in, quoted."""
    parse: Callable[[str], T | None]
    """None where the phone does not say, or says something else."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a question (a-z, 0-9 and _)")


@dataclass(frozen=True)
class Answers:
    """What a phone answered, parsed when a gate asks."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """By the question's name."""
    asked: tuple[float, float] | None = None
    """The host's clock before it was asked and after it answered, s since 1970."""
    idle_available_mb: float | None = None
    """MemAvailable of such a phone when it idles, by its profile."""
    _read: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def of(self, question: Question[T]) -> T | None:
        """Return the answer to a question; None where the phone does not tell."""
        if question.name not in self._read:
            self._read[question.name] = self._parsed(question)
        return cast("T | None", self._read[question.name])

    def figure(self, question: Question[NotedT], field: str) -> tuple[float | None, str]:
        """Return a field of the answer to a question, and why it is absent where that is known."""
        reading = self.of(question)
        if reading is None:
            return None, ""
        return getattr(reading, field), reading.why_absent(field)

    def _parsed(self, question: Question[T]) -> T | None:
        text = self.texts.get(question.name, "")
        try:
            return question.parse(text) if text.strip() else None
        except ReadingError:
            return None


@dataclass(frozen=True)
class Verdict:
    """One gate at one moment.

    Attributes:
        name: Of the gate.
        open: Whether it lets pass; None: the phone does not tell.
        detail: What was wanted and what it is.
        can_change: Whether waiting may help.
    """

    name: str
    open: bool | None
    detail: str
    can_change: bool = True


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A condition that a phone has to meet before it is measured."""

    name: str
    """What a scenario calls it; with the unit, and ``_min`` or ``_max``."""
    type: Any
    """Of its value in a scenario, as pydantic has it."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Bounds of the value, as pydantic's ``Field`` has them (``ge``, ``le``)."""
    meaning: str
    """For the reference."""
    lab: Any
    """What each preset demands; ``lab`` holds where a scenario says nothing."""
    strict: Any
    off: Any = None
    nothing: Any = None
    """The value that demands nothing."""
    asks: tuple[Question[Any], ...]
    """What the phone is asked for it."""
    judge: Callable[[Any, Answers], Verdict]
    """(What is demanded, what the phone says) -> verdict."""
    place: int = 100
    """Gates are judged in the order of these numbers."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a gate (a-z, 0-9 and _)")


def at_least(name: str, wanted: float, has: float | None, unit: str, why: str = "") -> Verdict:
    """Return the verdict on a figure that must not be smaller; ``why`` it is absent, if it is."""
    return _bound(name, f"wanted at least {wanted:g}{unit}", has, unit, why, lambda x: x >= wanted)


def at_most(name: str, wanted: float, has: float | None, unit: str, why: str = "") -> Verdict:
    """Return the verdict on a figure that must not be greater; ``why`` it is absent, if it is."""
    return _bound(name, f"wanted at most {wanted:g}{unit}", has, unit, why, lambda x: x <= wanted)


def _bound(
    name: str,
    wanted: str,
    has: float | None,
    unit: str,
    why: str,
    holds: Callable[[float], bool],
) -> Verdict:
    if has is None:
        untold = f"the phone does not tell ({why})" if why else "the phone does not tell"
        return Verdict(name, None, f"{wanted}, {untold}")
    shown = f"{has:.0f}" if abs(has) >= 100 else f"{has:.3g}"
    return Verdict(name, holds(has), f"{wanted}, is {shown}{unit}")


def is_so(name: str, wanted: bool, has: bool | None, words: tuple[str, str]) -> Verdict:
    """Return the verdict on something that must be so, or must not.

    Args:
        name: Of the gate.
        wanted: What must be.
        has: What is.
        words: What it is called when it is so, and when not.
    """
    shown = "not told by the phone" if has is None else words[not has]
    opened = None if has is None else has == wanted
    return Verdict(name, opened, f"wanted {words[not wanted]}, is {shown}")
