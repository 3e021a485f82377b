"""Trainings that differ in one setting only, and what lies between their WERs (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any

from pydantic import BaseModel

from harness.paper.differences import Found
from harness.report.variants import Variant


def pairs(
    found: Iterable[Variant],
    section: Callable[[Variant], BaseModel | None],
    field: str,
    first: Callable[[Any], bool],
    second: Callable[[Any], bool] | None = None,
) -> list[tuple[Variant, Variant]]:
    """Return pairs whose settings differ in one field of a section only.

    Args:
        found: The variants.
        section: Of their settings.
        field: Of it.
        first: What the first of a pair has there.
        second: What the other has; None: anything else.
    """
    made = []
    for one, other in permutations(found, 2):
        ours, theirs = section(one), section(other)
        if ours is None or theirs is None or _but(one, ours, field) != _but(other, theirs, field):
            continue
        value, otherwise = getattr(ours, field), getattr(theirs, field)
        is_second = second(otherwise) if second is not None else not first(otherwise)
        if first(value) and is_second:
            made.append((one, other))
    return made


def _but(variant: Variant, section: BaseModel, field: str) -> tuple[dict[str, Any], ...]:
    """Return all settings but one field of a section."""
    own = section.model_dump(exclude={field})
    rest = variant.settings.model_dump(exclude={"compression", "pruning"})
    return own, rest, variant.beside


def differences(found: Iterable[tuple[Variant, Variant]]) -> dict[str, Found]:
    """Return the last WER of the first of each pair less that of the second, by their names."""
    return {f"{one.name} less {other.name}": one.less(other) for one, other in found}
