"""One attempt after the other: its samples are read, drawn and let go (section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report import axes, cost, text
from harness.report.energy import Energy, energy_of
from harness.report.figures.timeline import timeline
from harness.report.load import Attempt
from harness.report.sub_models import RankedSubModel
from harness.results.files import StoreError

OPEN_STRIPS = 6
"""Up to so many strips are all open; beyond, one of each sub-model is."""
POINTS = 12_000
"""Buckets of all strips together: with many attempts each strip is drawn more coarsely."""
LEAST_BUCKETS = 24
MANY = 60
"""With more attempts than this, strips are drawn to the pixel, phases are summed up, and what the
models heard stays in the run folder."""
HEARD_ROWS = 20

_TOLD = (axes.SUB_MODEL, axes.SPEAKER, axes.PROFILE)
"""Settings that a strip's line says anyway."""


_NUMBERED = (("repeat", "repeat"), ("round", "round"), ("try", "attempt"))
"""In words and as a result has it: what tells attempts with the same settings apart."""


@dataclass(frozen=True)
class Heard:
    """One utterance before training and at the kept epoch."""

    id: str
    reference: str
    before: str
    after: str


@dataclass(frozen=True)
class Strip:
    """One attempt as section 3 shows it."""

    attempt: Attempt
    use: cost.Use
    energy: Energy
    figure: Markup | None
    opened: bool
    heard: tuple[Heard, ...]
    heard_total: int
    settings: tuple[tuple[str, str], ...]
    phases: tuple[cost.PhaseCost, ...]
    """Summed up by name; empty where each phase has a row of its own."""


def numbered_by(attempts: Sequence[Attempt]) -> list[tuple[str, str]]:
    """Return what numbers attempts, in words and as a result has it: what is not 1 everywhere."""
    return [
        (name, field)
        for name, field in _NUMBERED
        if any(getattr(attempt.result, field) > 1 for attempt in attempts)
    ]


def strips_of(attempts: Sequence[Attempt]) -> tuple[list[Strip], list[str]]:
    """Return the strips of all attempts, and the files that could not be read, in words."""
    paths = [axis.path for axis in axes.varying(attempts) if axis.path not in _TOLD]
    numbered = numbered_by(attempts)
    many = len(attempts) > MANY
    buckets = min(420, max(LEAST_BUCKETS, POINTS // max(1, len(attempts))))
    strips: list[Strip] = []
    problems: list[str] = []
    opened: set[RankedSubModel] = set()
    for attempt in attempts:
        try:
            problems += attempt.damaged_rows()
            samples = attempt.read_samples(cost.report_columns())
            heard, total = _heard(attempt) if not many else ((), 0)
        except StoreError as error:
            problems.append(str(error))
            samples, heard, total = attempt.no_samples(), (), 0
        view = cost.timeline(attempt, samples, buckets)
        title = f"Attempt {attempt.result.attempt} of {text.one_line(attempt.result.job_id, 60)}"
        drawn = None
        if view is not None:
            drawn = timeline(view, attempt.sub_model, attempt.key, title, digits=0 if many else 1)
        strips.append(
            Strip(
                attempt=attempt,
                use=cost.use_of(attempt, samples),
                energy=energy_of(attempt.result, samples),
                figure=drawn,
                opened=len(attempts) <= OPEN_STRIPS
                or (attempt.finished and attempt.sub_model not in opened),
                heard=heard,
                heard_total=total,
                settings=(
                    *axes.settings_at(attempt, paths),
                    *((name, str(getattr(attempt.result, field))) for name, field in numbered),
                ),
                phases=cost.phase_costs([attempt]) if many else (),
            )
        )
        if attempt.finished:
            opened.add(attempt.sub_model)
    return strips, problems


def _heard(attempt: Attempt) -> tuple[tuple[Heard, ...], int]:
    rows = attempt.read_hypotheses()
    before = {row.id: row for row in rows if row.epoch == 0}
    after = {row.id: row for row in rows if row.epoch == attempt.result.kept_epoch}
    both = [
        Heard(key, row.reference, row.hypothesis, after[key].hypothesis)
        for key, row in before.items()
        if key in after
    ]
    return tuple(both[:HEARD_ROWS]), len(both)
