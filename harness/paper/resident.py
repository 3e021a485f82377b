"""Memory of loading and of a step, by how models hold their weights while they train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from harness.paper.claims import Judged
from harness.paper.items import Experiment
from harness.paper.measure import Source
from harness.paper.rounds import one_cell
from harness.paper.sections import Cell, Grid, Head
from harness.paper.verdicts import Verdict
from harness.report.load import Attempt
from harness.report.numbers import fixed

RESIDENT: Final = Experiment("resident", phones=1, takes_models=True)
"""The run that pages read; models of a user take part."""
_FLOAT32: Final = "float32"
SAME_PERCENT: Final = 3
"""A peak that differs by no more is the same one: so much may be chance."""


@dataclass(frozen=True)
class Held:
    """A training of one model, on one phone."""

    attempt: Attempt
    manifest: Mapping[str, Any]
    """Of the model, as the run's record has it; versions before there was a field lack it."""

    @property
    def name(self) -> str:
        """The model's."""
        return self.attempt.result.model_name

    @property
    def weights(self) -> str:
        """How it holds its weights."""
        return str(self.manifest.get("resident", _FLOAT32))

    @property
    def forward(self) -> str:
        """What its products are made of."""
        return str(self.manifest.get("forward", _FLOAT32))

    @cached_property
    def alike(self) -> tuple[Any, ...]:
        """What trainings must have in common for their memory to be compared."""
        result = self.attempt.result
        parameters = sorted((self.manifest.get("parameters") or {}).items())
        optimiser = self.manifest.get("optimiser", "adam")
        chosen = result.selection
        sub_model = None if chosen is None else chosen.sub_model
        return tuple(parameters), optimiser, result.batch_size, sub_model

    def peak(self, phase: str) -> float | None:
        """Return the peak until it was loaded (``load``) or had trained (``train``), MiB."""
        result = self.attempt.result
        return result.load_peak_mb if phase == "load" else result.train_peak_mb


def held(source: Source) -> list[Held]:
    """Return the trainings of a run, in its order."""
    models = source.data.record.models
    return [Held(a, models.get(a.result.model_name) or {}) for a in source.finished]


def against(each: Held, every: list[Held]) -> Held | None:
    """Return the training of the same network that holds float32 and multiplies float32."""
    same = (other for other in every if other.alike == each.alike)
    return next((o for o in same if o.weights == o.forward == _FLOAT32), None)


def grid(source: Source) -> Grid | None:
    """Return the peaks of each model, and how they stand to float32's; None: nothing was run."""
    every = held(source)
    if not every:
        return None
    heads = (
        Head("Weights held as", "shown"),
        Head("Products of", "shown"),
        Head("Peak of loading, MiB", "trend"),
        Head("Of float32, %", "trend"),
        Head("Peak of a step, MiB", "trend"),
        Head("Of float32, %", "trend"),
    )
    rows = []
    for each in every:
        links = (source.link(each.attempt),)
        cells = [Cell(measured=each.weights), Cell(measured=each.forward)]
        for phase in ("load", "train"):
            cells.append(one_cell(each.peak(phase), 1, links))
            cells.append(one_cell(_percent(each, against(each, every), phase), 0, links))
        rows.append((each.name, tuple(cells)))
    title = (
        "Memory here, above a trainer without a model: until it was loaded, until a step was taken"
    )
    return Grid(title, heads, tuple(rows))


def falls(source: Source, phase: str, forward: str | None = None) -> Judged:
    """Judge that weights held in few bits take less memory than float32 of the same network.

    Args:
        source: The run.
        phase: ``load`` or ``train``.
        forward: Only of models whose products are so; None: of all that hold few bits.
    """
    every = held(source)
    few = [h for h in every if h.weights != _FLOAT32 and forward in (None, h.forward)]
    told, percents = [], []
    for each in few:
        percent = _percent(each, against(each, every), phase)
        if percent is not None:
            told.append(f"{each.name} {fixed(percent, 0)} %")
            percents.append(percent)
    if not told:
        return "cannot be said", "No model with weights in few bits was run beside its float32."
    verdict: Verdict = "cannot be said"
    if all(percent < 100 - SAME_PERCENT for percent in percents):
        verdict = "holds"
    elif all(percent > 100 + SAME_PERCENT for percent in percents):
        verdict = "does not hold"
    return verdict, f"Of float32 of the same network: {'; '.join(told)}."


def _percent(each: Held, whole: Held | None, phase: str) -> float | None:
    own, other = each.peak(phase), None if whole is None or whole is each else whole.peak(phase)
    return None if own is None or not other else 100 * own / other
