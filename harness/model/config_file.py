"""A network of one's own size, written as YAML (no tensorflow).

The file has the fields of its family's configuration, such as ``DeepSpeech2``; ``base: ds2-mini``
starts from a network of the project and leaves only the differences to write. docs/model.md has an
example.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from harness.errors import InputError
from harness.model.configuration import FeatureSettings, NetworkConfig, Problem, at_least_one
from harness.model.families import CONFIGS, DEFAULT, FAMILIES
from harness.speech import SAMPLE_RATE
from harness.speech.languages import named_alphabet
from harness.yamlio import LineIndex, load_yaml, validate

SUFFIXES = (".yaml", ".yml")


def network(name: str) -> NetworkConfig:
    """Return a network by name or from a YAML file.

    Args:
        name: One of ``CONFIGS``, or a path that ends in ``.yaml`` or ``.yml``.

    Raises:
        InputError: No such network, or the file is none (file, line and field said).
    """
    if name.endswith(SUFFIXES):
        return load_network(Path(name))
    if name not in CONFIGS:
        raise InputError(
            f"there is no network {name!r}",
            where="--arch",
            hint=f"Networks: {', '.join(CONFIGS)}; or a YAML file with sizes of your own.",
        )
    return CONFIGS[name]


def load_network(path: Path) -> NetworkConfig:
    """Read a network from a YAML file.

    Raises:
        InputError: It cannot be read, a field is wrong, or the sizes make no network.
    """
    data, lines = load_yaml(path)
    if not isinstance(data, dict):
        raise InputError("not a mapping of fields to values", where=str(path))
    data = {"name": path.stem, **data}
    base = _base(data, lines)
    kind = _family(data, base, lines)
    if base is not None:
        start = dataclasses.asdict(base)
        if isinstance(data.get("features"), dict):
            data["features"] = {**start["features"], **data["features"]}
        data = {**start, **data}
    if isinstance(data.get("alphabet"), str):
        data["alphabet"] = named_alphabet(data["alphabet"], lines.where(("alphabet",)))
    config = _made(kind, validate(_mirror(kind), data, lines))
    assert isinstance(config, NetworkConfig)
    for problem in itertools.chain(config.problems(), _feature_problems(config.features)):
        raise InputError(problem.what, where=lines.where(problem.location), hint=problem.hint)
    return config


def _base(data: dict[str, Any], lines: LineIndex) -> NetworkConfig | None:
    """Take the network to start from out of a file's fields."""
    base = data.pop("base", None)
    if base is None:
        return None
    if base not in CONFIGS:
        raise InputError(
            f"there is no network {base!r}",
            where=lines.where(("base",)),
            hint=f"Networks: {', '.join(CONFIGS)}.",
        )
    return CONFIGS[base]


def _family(
    data: dict[str, Any], base: NetworkConfig | None, lines: LineIndex
) -> type[NetworkConfig]:
    """Take the family out of a file's fields; that of ``base`` if there is one."""
    family = data.pop("family", DEFAULT if base is None else base.family)
    if family not in FAMILIES:
        raise InputError(
            f"there is no family {family!r}",
            where=lines.where(("family",)),
            hint=f"Families: {', '.join(FAMILIES)}.",
        )
    if base is not None and base.family != family:
        raise InputError(
            f"{base.name} is of the family {base.family}, not {family}",
            where=lines.where(("family",)),
            hint="Leave family out: a network has that of its base.",
        )
    return FAMILIES[family]


def _made(kind: type, checked: Any) -> Any:
    """Return the dataclass of a checked model, those within it too."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: _made_of(hints[name], getattr(checked, name)) for name in names})


def _made_of(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return _made(hint, value)  # type: ignore[arg-type]
    if typing.get_origin(hint) is tuple:
        kinds = typing.get_args(hint)
        if kinds[-1] is Ellipsis:
            return tuple(_made_of(kinds[0], part) for part in value)
        return tuple(_made_of(kind, part) for kind, part in zip(kinds, value, strict=True))
    return value


@functools.cache
def _mirror(kind: type) -> type[BaseModel]:
    """Return a strict pydantic model with the fields of a dataclass."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        default: Any = ...  # must be written
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = dataclasses.asdict(field.default_factory())
        fields[field.name] = (_mirrored(hints[field.name]), default)
    strict = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)
    model: type[BaseModel] = create_model(kind.__name__, __config__=strict, **fields)
    return model


def _mirrored(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return _mirror(hint)  # type: ignore[arg-type]
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return tuple[tuple(_mirrored(part) for part in inner)]  # type: ignore[misc]
    return hint


def _feature_problems(features: FeatureSettings) -> Iterator[Problem]:
    """Yield what the types of the features' settings do not say."""
    names = ("sample_rate", "window", "hop", "fft", "mels")
    yield from at_least_one(features, *names, inside=("features",))
    if features.sample_rate != SAMPLE_RATE:
        message = f"must be {SAMPLE_RATE}: all corpora have this rate"
        yield Problem(("features", "sample_rate"), message)
    if features.floor <= 0:
        yield Problem(("features", "floor"), "must be more than 0")
    if features.fft < features.window:
        yield Problem(("features", "fft"), "must not be less than window")
    if not 0 <= features.low_hz < features.high_hz <= features.sample_rate / 2:
        yield Problem(
            ("features", "high_hz"),
            f"the band {features.low_hz:g} to {features.high_hz:g} Hz is not within 0 to "
            f"{features.sample_rate / 2:g} Hz",
        )
