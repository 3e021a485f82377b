"""Which settings vary over the attempts of a report, and what each is called (pure)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import yaml

from harness.report.load import Attempt
from harness.report.numbers import plain
from harness.report.serials import lasting
from harness.report.sub_models import merged

SUB_MODEL = "trainer.sub_model"
FITS = "pressure.fits"
SPEAKER = "data.speaker"
PROFILE = "phones.profile"
RUN = "run"
SERIAL = "phones.serial"

Value = Any
"""A setting's value: a number, a word, or a list or mapping as the scenario wrote it."""

# What the trainer did rather than what was asked for: `auto` becomes the sub-model chosen.
_FROM_RESULT: dict[str, Callable[[Attempt], Value]] = {
    RUN: lambda a: a.result.run_id,
    SPEAKER: lambda a: a.result.speaker,
    PROFILE: lambda a: a.result.phone.profile,
    "model.name": lambda a: a.result.model_name,
    "trainer.batch_size": lambda a: a.result.batch_size,
    "trainer.learning_rate": lambda a: a.result.learning_rate,
    "trainer.epochs": lambda a: a.result.epochs_planned,
    "trainer.stop.policy": lambda a: a.result.stop_policy,
    SUB_MODEL: lambda a: a.sub_model.label,
}

_LABELS = {
    SPEAKER: "speaker",
    PROFILE: "phone",
    "model.name": "model",
    "trainer.batch_size": "batch size",
    "trainer.learning_rate": "learning rate",
    "trainer.epochs": "epochs planned",
    "trainer.stop.policy": "stop policy",
    "trainer.streaming.beam": "beam",
    SUB_MODEL: "sub-model",
    FITS: "pressure: fits",
    "pressure.available_mb": "pressure: available, MB",
    "data.train": "training utterances",
    "data.validation": "validation utterances",
}


@dataclass(frozen=True)
class Axis:
    """A setting with more than one value."""

    path: str
    values: tuple[Value, ...]
    """In order: numbers ascending, sub-models from the largest on, else as they came."""

    @property
    def label(self) -> str:
        """The setting in words."""
        return label_of(self.path)

    @property
    def numeric(self) -> bool:
        """Whether it has a scale."""
        return all(is_number(value) for value in self.values)


def is_number(value: Value) -> TypeGuard[float]:
    """Say whether ``value`` is a number (a truth value is not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def label_of(path: str) -> str:
    """Return what a dotted path is called in a figure."""
    return _LABELS.get(path, path.replace("_", " "))


def shown(value: Value) -> str:
    """Return a value as the scenario would write it."""
    if value is None:
        return "none"
    if is_number(value):
        return plain(value)
    return value if isinstance(value, str) else flow_yaml(value)


def flow_yaml(value: Value) -> str:
    """Return a list, mapping or word as YAML on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
    )
    return text.removesuffix("\n").removesuffix("\n...")


def value_at(attempt: Attempt, path: str) -> Value:
    """Return an attempt's value of a setting; None where it says nothing of it."""
    reader = _FROM_RESULT.get(path)
    if reader:
        return reader(attempt)
    value = attempt.result.axes.get(path)
    if path == SERIAL and isinstance(value, str) and attempt.result.phone.origin == "virtual":
        return lasting(value)
    return value


def key_at(attempt: Attempt, path: str) -> str:
    """Return the value as something that can be compared and hashed."""
    return json.dumps(value_at(attempt, path), sort_keys=True, default=str)


def keys_at(attempt: Attempt, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the values of several settings as one key."""
    return tuple(key_at(attempt, path) for path in paths)


def settings_at(attempt: Attempt, paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return (setting, value) of several settings, in words."""
    return tuple((label_of(path), shown(value_at(attempt, path))) for path in paths)


def ordered(values: Iterable[Value], names: Sequence[str] = ()) -> tuple[Value, ...]:
    """Return distinct values in reading order: numbers ascending, then names, then the others."""
    distinct = {json.dumps(value, sort_keys=True, default=str): value for value in values}

    def rank(value: Value) -> tuple[int, float]:
        if is_number(value):
            return (0, float(value))
        # stable sort: the others in the order they came
        return (1, names.index(value)) if value in names else (2, 0)

    return tuple(sorted(distinct.values(), key=rank))


def values_of(attempts: Sequence[Attempt], path: str) -> tuple[Value, ...]:
    """Return the values of a setting in reading order, sub-models as their network has them."""
    of_sub_models = path in (SUB_MODEL, FITS)
    names = merged(attempt.network.sub_model_names for attempt in attempts) if of_sub_models else ()
    return ordered((value_at(attempt, path) for attempt in attempts), names)


def varying(attempts: Sequence[Attempt]) -> tuple[Axis, ...]:
    """Return every setting that has more than one value over ``attempts``."""
    paths = list(_FROM_RESULT)
    for attempt in attempts:
        paths.extend(path for path in attempt.result.axes if path not in paths)
    axes = (Axis(path, values_of(attempts, path)) for path in paths)
    return tuple(axis for axis in axes if len(axis.values) > 1)


def is_phone(path: str) -> bool:
    """Say whether a setting is about which phone."""
    return path == "phones" or path.startswith("phones.")


def is_pressure(path: str) -> bool:
    """Say whether a setting is about RAM pressure."""
    return path == "pressure" or path.startswith("pressure.")


def facets(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """Return the axes that are neither who speaks, on what, how pressed nor how much is trained.

    These are what figures of WER against a setting are about: batch size, learning rate, ...
    """
    return tuple(
        axis
        for axis in axes
        if axis.path not in (SPEAKER, SUB_MODEL)
        and not is_phone(axis.path)
        and not is_pressure(axis.path)
    )
