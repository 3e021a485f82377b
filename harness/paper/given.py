"""What the sections are made from, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.paper.conditions import conditions
from harness.paper.items import Item
from harness.paper.measure import Figure, Source
from harness.paper.published import Measured
from harness.paper.sections import Basis, Section, measured_grid

Figures = dict[tuple[str, str], Figure]


@dataclass(frozen=True)
class Given:
    """What the sections are made from.

    Attributes:
        sources: Experiment's key -> its run.
        missing: Experiment's key -> why there is no run.
        speech: Speaker -> seconds of each utterance, for Table 6.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    speech: Mapping[str, Sequence[float]] = field(default_factory=dict)


def no_run(item: Item, given: Given) -> str:
    """Return why there is no run for an item."""
    if item.experiment in given.sources:
        return "No job of its run finished; the run's report says why."
    return given.missing.get(item.experiment or "", "Nothing was run for it.")


def section_of(
    item: Item,
    says: Measured,
    figures: Figures,
    missing: str = "",
    source: Source | None = None,
    **more: Any,
) -> Section:
    """Return a section: the table beside ours, what claims are judged by, the footnotes."""
    grids = (measured_grid(says, figures),) if says.columns else ()
    made = {
        "grids": grids,
        "basis": Basis(says, figures, source),
        "notes": tuple(note.text for note in says.notes),
        **(behind(source) if source is not None else {}),
        **more,
    }
    return Section(item, at=says.at, what=says.what, missing=missing, **made)


def source_of(item: Item, given: Given) -> Source | None:
    """Return the run that an item is drawn from, None where there is none."""
    return given.sources.get(item.experiment or "")


def behind(source: Source) -> dict[str, Any]:
    """Return what a section says of its run: where results come from, and with what."""
    origins = sorted({attempt.result.phone.origin for attempt in source.finished})
    return {"origins": tuple(origins), "conditions": conditions(source)}
