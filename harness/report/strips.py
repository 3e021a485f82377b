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

_TOLD = (axes.SUB_MODEL, axes.SPEAKER, axes.PROFILE, "trainer.batch_size")
"""Settings that have a column of their own."""


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


def strips_of(attempts: Sequence[Attempt]) -> tuple[list[Strip], list[str]]:
    """Return the strips of all attempts, and the files that could not be read, in words."""
    paths = [axis.path for axis in axes.varying(attempts) if axis.path not in _TOLD]
    many = len(attempts) > MANY
    buckets = min(420, max(LEAST_BUCKETS, POINTS // max(1, len(attempts))))
    found: list[Strip] = []
    problems: list[str] = []
    opened: set[RankedSubModel] = set()
    for one in attempts:
        try:
            samples = one.read_samples(cost.report_columns())
            heard, total = _heard(one) if not many else ((), 0)
        except StoreError as error:
            problems.append(str(error))
            samples, heard, total = one.no_samples(), (), 0
        view = cost.timeline(one, samples, buckets)
        title = f"Attempt {one.result.attempt} of {text.one_line(one.result.job_id, 60)}"
        drawn = None
        if view is not None:
            drawn = timeline(view, one.sub_model, one.key, title, digits=0 if many else 1)
        found.append(
            Strip(
                attempt=one,
                use=cost.use_of(one, samples),
                energy=energy_of(one.result, samples),
                figure=drawn,
                opened=len(attempts) <= OPEN_STRIPS
                or (one.finished and one.sub_model not in opened),
                heard=heard,
                heard_total=total,
                settings=tuple(
                    (axes.label_of(path), axes.shown(axes.value_at(one, path))) for path in paths
                ),
                phases=cost.phase_costs([one]) if many else (),
            )
        )
        if one.finished:
            opened.add(one.sub_model)
    return found, problems


def _heard(one: Attempt) -> tuple[tuple[Heard, ...], int]:
    rows = one.read_hypotheses()
    before = {row.id: row for row in rows if row.epoch == 0}
    after = {row.id: row for row in rows if row.epoch == one.result.kept_epoch}
    both = [
        Heard(key, row.reference, row.hypothesis, after[key].hypothesis)
        for key, row in before.items()
        if key in after
    ]
    return tuple(both[:HEARD_ROWS]), len(both)
