"""The federated trainings of a run as variants of each other: settings, name, what was heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.report.axes import SPEAKER, label_of, shown
from harness.report.load import Attempt, RunData
from harness.report.rounds import Round, Training, of_run
from harness.report.spent import Spent, heard_in, spent
from harness.results.wer_difference import WerDifference, wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval
from harness.scenario.compression import Compression
from harness.scenario.federated import Federated
from harness.scenario.pruning import Pruning

_FEDERATED = "federated"


@dataclass(frozen=True)
class Variant:
    """A federated training, with its settings."""

    training: Training
    settings: Federated
    name: str

    @property
    def compression(self) -> Compression | None:
        """How its weights travel; None: as float32."""
        return self.settings.compression

    @property
    def pruning(self) -> Pruning | None:
        """What its clients have; None: all."""
        return self.settings.pruning

    @property
    def beside(self) -> dict[str, Any]:
        """What the matrix varies beside who speaks and how clients are trained together."""
        return beside(self.training.axes)

    @property
    def last(self) -> Round | None:
        """The last round that was evaluated; None if no round of training was."""
        rounds = self.training.evaluated
        return rounds[-1] if rounds and rounds[-1].number else None

    @property
    def start(self) -> Round | None:
        """The model that it began with, as phones were sent it."""
        rounds = self.training.evaluated
        return rounds[0] if rounds and not rounds[0].number else None

    @cached_property
    def heard(self) -> tuple[Utterance, ...]:
        """What was heard of all clients with its last model."""
        return () if self.last is None else heard_in(self.last)

    @cached_property
    def interval(self) -> WerInterval | None:
        """WER of its last model over the utterances of all clients."""
        return wer_interval(self.heard)

    @cached_property
    def spent(self) -> Spent:
        """What it took of a client."""
        return spent(self.training)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that its last WER and its memory are of."""
        heard = () if self.last is None else tuple(self.last.evaluations.values())
        return (*heard, *(a for round_ in self.training.rounds for a in round_.answered))

    def less(self, other: Variant) -> WerDifference | None:
        """Return its last WER less another's, with the interval of the paired difference."""
        return wer_difference(other.heard, self.heard)

    def less_start(self) -> WerDifference | None:
        """Return its last WER less that of its start."""
        return None if self.start is None else wer_difference(heard_in(self.start), self.heard)


def variants(run: RunData) -> list[Variant]:
    """Return the trainings of a run of which a round was evaluated, in the order of its matrix."""
    base = run.record.scenario.get(_FEDERATED) or {}
    found = []
    for training in of_run(run):
        settings = _settings(base, training.axes)
        if settings is not None:
            variant = Variant(training, settings, name_of(settings, training.axes))
            if variant.last is not None:
                found.append(variant)
    return found


def beside(axes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the matrix varies beside who speaks and how clients are trained together."""
    return {
        path: value
        for path, value in axes.items()
        if path != SPEAKER and path.partition(".")[0] != _FEDERATED
    }


def _settings(base: Mapping[str, Any], axes: Mapping[str, Any]) -> Federated | None:
    merged = dict(base)
    for path, value in axes.items():
        section, _, rest = path.partition(".")
        if section == _FEDERATED:
            _put(merged, rest.split("."), value)
    try:
        return Federated.model_validate(merged)
    except ValidationError:
        return None  # of another version, which knew other settings


def _put(into: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    if len(keys) == 1:
        into[keys[0]] = value
        return
    inner = dict(into.get(keys[0]) or {})
    into[keys[0]] = inner
    _put(inner, keys[1:], value)


# -- names ----------------------------------------------------------------------------------------

_PATTERNS = {
    "cell": "units",
    "input_unit": "rows",
    "half_input_unit": "half rows",
    "output_unit": "columns",
    "half_output_unit": "half columns",
}
_WORDS: Mapping[str, Callable[[Any], str]] = {
    "share": lambda value: f"{value:.0%} of the variables",
    "variant": lambda _: "as printed",
    "variables": lambda value: f"{value} variables",
    "transform": lambda value: "scale and bias" if value else "no scale and bias",
    "ways": lambda value: f"{value} only",
    "per": lambda value: f"a scale a {value}",
    "upload": lambda value: f"{value} back",
    "rounding": lambda value: "by lot" if value == "stochastic" else "to the nearest",
    "density": lambda value: f"density {value}",
    "score": lambda value: f"by {value}",
    "masked": lambda _: "masked",
    "refinement": lambda _: "nothing grows back",
}


def name_of(settings: Federated, axes: Mapping[str, Any]) -> str:
    """Return what a variant is called: what of its settings is not as it would be.

    Args:
        settings: Of the training.
        axes: What the matrix varies.
    """
    parts = [f"{label_of(path)} {shown(value)}" for path, value in beside(axes).items()]
    if settings.strategy.label != "fedavg":
        parts.append(settings.strategy.label)
    compression, pruning = settings.compression, settings.pruning
    if pruning is not None:
        whole = f"{pruning.level:.0%} of {_PATTERNS[pruning.pattern]} out"
        parts += [whole if pruning.level else "whole network", *_told(pruning, "level", "pattern")]
    if compression is not None:
        parts += [compression.format, *_told(compression, "format")]
    elif pruning is None:
        parts.append("float32")
    return ", ".join(parts)


def _told(section: BaseModel, *known: str) -> list[str]:
    fields = type(section).model_fields
    told = []
    for name in fields:
        value = getattr(section, name)
        if name not in known and value != fields[name].get_default(call_default_factory=True):
            word = _WORDS.get(name, lambda value, name=name: f"{name.replace('_', ' ')} {value}")
            told.append(word(value))
    return told
