"""The federated trainings of a run as variants of each other: settings, name, what was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.paper.differences import Found
from harness.paper.measure import Source
from harness.report.load import Attempt
from harness.report.rounds import Round, Training, of_run
from harness.report.spent import Spent, heard_in, spent
from harness.results.wer_difference import wer_difference
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

    def less(self, other: Variant) -> Found:
        """Return its last WER less another's, with the interval of the paired difference."""
        return wer_difference(other.heard, self.heard)

    def less_start(self) -> Found:
        """Return its last WER less that of its start."""
        return None if self.start is None else wer_difference(heard_in(self.start), self.heard)


def variants(source: Source) -> list[Variant]:
    """Return the trainings of a run of which a round was evaluated, in the order of its matrix."""
    base = source.data.record.scenario.get(_FEDERATED) or {}
    found = []
    for training in of_run(source.data):
        settings = _settings(base, training.axes)
        if settings is not None:
            variant = Variant(training, settings, name_of(settings))
            if variant.last is not None:
                found.append(variant)
    return found


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


# -- pairs that differ in one thing ---------------------------------------------------------------


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


def _but(variant: Variant, section: BaseModel, field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return all settings but one field of a section."""
    own = section.model_dump(exclude={field})
    rest = variant.settings.model_dump(exclude={"compression", "pruning"})
    return own, rest


def differences(found: Iterable[tuple[Variant, Variant]]) -> dict[str, Found]:
    """Return the last WER of the first of each pair less that of the second, by their names."""
    return {f"{one.name} less {other.name}": one.less(other) for one, other in found}


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


def name_of(settings: Federated) -> str:
    """Return what a variant is called: what of its settings is not as it would be."""
    parts = []
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
