"""A network of one's own size, written as YAML (no tensorflow).

The file has the fields of ``NetworkConfig``; ``base: ds2-mini`` starts from a network of the
project and leaves only the differences to write. docs/model.md has an example.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from harness.errors import InputError
from harness.model.configuration import CONFIGS, Convolution, FeatureSettings, NetworkConfig
from harness.speech import SAMPLE_RATE
from harness.yamlio import LineIndex, Location, load_yaml, validate

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
    base = data.pop("base", None)
    if base is not None:
        if base not in CONFIGS:
            raise InputError(
                f"there is no network {base!r}",
                where=lines.where(("base",)),
                hint=f"Networks: {', '.join(CONFIGS)}.",
            )
        start = dataclasses.asdict(CONFIGS[base])
        if isinstance(data.get("features"), dict):
            data["features"] = {**start["features"], **data["features"]}
        data = {**start, **data}
    checked = validate(_mirror(NetworkConfig), data, lines)
    config = NetworkConfig(
        **{
            **{name: getattr(checked, name) for name in type(checked).model_fields},
            "convolutions": tuple(
                Convolution(**c.model_dump())
                for c in checked.convolutions  # type: ignore[attr-defined]
            ),
            "features": FeatureSettings(**checked.features.model_dump()),  # type: ignore[attr-defined]
        }
    )
    _check(config, lines)
    return config


@functools.cache
def _mirror(kind: type) -> type[BaseModel]:
    """Return a strict pydantic model with the fields of a dataclass."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for one in dataclasses.fields(kind):
        default: Any = ...  # must be written
        if one.default is not dataclasses.MISSING:
            default = one.default
        elif one.default_factory is not dataclasses.MISSING:
            default = dataclasses.asdict(one.default_factory())
        fields[one.name] = (_mirrored(hints[one.name]), default)
    strict = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)
    model: type[BaseModel] = create_model(kind.__name__, __config__=strict, **fields)
    return model


def _mirrored(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return _mirror(hint)  # type: ignore[arg-type]
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return tuple[tuple(_mirrored(one) for one in inner)]  # type: ignore[misc]
    return hint


def _check(config: NetworkConfig, lines: LineIndex) -> None:
    """Check what the types do not say."""

    def need(right: bool, location: Location, what: str, hint: str = "") -> None:
        if not right:
            raise InputError(what, where=lines.where(location), hint=hint)

    name = config.name
    usable = name.replace("-", "").replace("_", "").replace(".", "").isalnum() and name.isascii()
    need(usable, ("name",), f"{name!r} is no name for files", "Use letters, digits and dashes.")
    for field in ("batch_size", "max_frames", "max_label", "hidden", "dense", "unroll"):
        need(getattr(config, field) >= 1, (field,), "must be 1 or more")
    need(config.clip_norm > 0, ("clip_norm",), "must be more than 0")
    padding = config.frequency_padding
    need(padding in ("same", "valid"), ("frequency_padding",), "must be same or valid")
    for n, layer in enumerate(config.convolutions):
        for field in ("kernel", "stride"):
            right = min(getattr(layer, field)) >= 1
            need(right, ("convolutions", n, field), "must be two numbers of 1 or more")
        need(layer.channels >= 1, ("convolutions", n, "channels"), "must be 1 or more")
    need(
        all(shape[1] >= 1 for shape in config.conv_shapes()),
        ("convolutions",),
        f"no frequency is left of {config.features.mels} mel bands",
        "Use smaller kernels, or frequency_padding: same.",
    )
    features = config.features
    for field in ("sample_rate", "window", "hop", "fft", "mels"):
        need(getattr(features, field) >= 1, ("features", field), "must be 1 or more")
    need(
        features.sample_rate == SAMPLE_RATE,
        ("features", "sample_rate"),
        f"must be {SAMPLE_RATE}: all corpora have this rate",
    )
    need(features.floor > 0, ("features", "floor"), "must be more than 0")
    need(features.fft >= features.window, ("features", "fft"), "must not be less than window")
    need(
        0 <= features.low_hz < features.high_hz <= features.sample_rate / 2,
        ("features", "high_hz"),
        f"the band {features.low_hz:g} to {features.high_hz:g} Hz is not within 0 to "
        f"{features.sample_rate / 2:g} Hz",
    )
