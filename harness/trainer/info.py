"""What is fixed in a flatbuffer: its signatures, and the sizes that ``info`` tells (no LiteRT).

Format 2 of ``info`` names layers and sub-models (``network``: JSON in UTF-8, a vector of uint8);
files of format 1 have the names of DeepSpeech2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.contract import mobileasr
from harness.contract.network import Network, NetworkError
from harness.contract.targets import Targets
from harness.errors import InputError

FORMATS = (1, 2)
"""The versions of ``info`` that this module reads."""

_MAKE_ANEW = "Make the file anew with 'harness model build' of this version."
_NEEDED = frozenset({"features", "infer", "loss", "get_weights", "set_weights", "info"})
_INFO = (
    *("format", "batch_size", "max_frames", "max_label", "alphabet", "blank", "sample_rate"),
    *("window", "hop", "time_stride", "layers", "sub_models", "weights_included"),
)


@dataclass(frozen=True)
class ModelInfo:
    """What is fixed in a flatbuffer."""

    batch_size: int
    max_frames: int
    max_label: int
    alphabet: str
    """Characters in the order of the first outputs, the blank left out."""
    blank: int
    sample_rate: int
    window: int
    hop: int
    time_stride: int
    """Frames of features an output frame stands for."""
    network: Network
    """Names and numbers of layers and sub-models; of these only those that the file can train."""

    @cached_property
    def targets(self) -> Targets:
        """What the outputs mean."""
        return Targets(self.alphabet, self.blank, self.network.pieces)

    @cached_property
    def layer_parameters(self) -> dict[str, int]:
        """Trainable numbers by layer."""
        return layer_parameters(self.network)

    @cached_property
    def sub_model_parameters(self) -> dict[str, int]:
        """Trained numbers by sub-model."""
        names = self.network.sub_model_names
        return {name: self.network.trained_parameters(name) for name in names}

    @cached_property
    def max_samples(self) -> int:
        """Samples of the longest utterance."""
        return self.window + (self.max_frames - 1) * self.hop

    @cached_property
    def max_audio_s(self) -> float:
        """Seconds of the longest utterance."""
        return self.max_samples / self.sample_rate

    def output_frames(self, frames: int) -> int:
        """Return the output frames of an utterance of ``frames`` frames of features."""
        return -(-frames // self.time_stride)


def layer_parameters(network: Network) -> dict[str, int]:
    """Return the trainable numbers of a network's layers by name."""
    return {layer.name: layer.parameters for layer in network.layers}


SWITCHED = "train"
"""The signature that trains all sub-models that have a switch."""
INFER_EARLY = "infer_early"
"""The signature that answers by the entropy rule, in a file with exits."""


def train_signature(sub_model: str) -> str:
    """Return the name of the signature that trains a sub-model."""
    return f"train_{sub_model.lower()}"


def reset_signature(sub_model: str) -> str:
    """Return the name of the signature that forgets a sub-model's moments."""
    return f"reset_{sub_model.lower()}"


def infer_signature(exit_name: str) -> str:
    """Return the name of the signature that answers at an exit, but for the last: ``infer``."""
    return f"infer_{exit_name.lower()}"


def segment_signature(number: int) -> str:
    """Return the name of the signature that runs a segment, counted from 1."""
    return f"segment{number}"


def attend_signature(number: int) -> str:
    """Return the name of the signature by which an exit's decoder sees its state, from 1."""
    return f"attend{number}"


def decode_signature(number: int) -> str:
    """Return the name of the signature that takes one step of an exit's decoder, from 1."""
    return f"decode_step{number}"


def get_signature(layer: str) -> str:
    """Return the name of the signature that gives a layer's weights."""
    return f"get_{layer.lower()}"


def set_signature(layer: str) -> str:
    """Return the name of the signature that takes a layer's weights."""
    return f"set_{layer.lower()}"


def check_signatures(names: set[str], path: Path) -> None:
    """Check that a file has what every model must have.

    Raises:
        InputError: It lacks signatures.
    """
    if not names >= _NEEDED:
        missing = ", ".join(sorted(_NEEDED - names))
        raise InputError(
            f"the model lacks the signatures {missing}",
            where=str(path),
            hint="It is no trainable model of this project: 'harness model build' makes one.",
        )


def model_info(values: Mapping[str, Any], signatures: set[str], path: Path) -> ModelInfo:
    """Return what the signature ``info`` said.

    Args:
        values: Its outputs.
        signatures: Names of all signatures of the file.
        path: Of the file, for the message.

    Raises:
        InputError: Another format, or it contradicts itself.
    """
    missing = [name for name in _INFO if name not in values]
    if missing:
        raise InputError(f"its signature info does not say {missing[0]}", where=str(path))
    try:
        return _model_info(values, signatures)
    except (ValueError, TypeError, OverflowError) as error:  # NetworkError is a ValueError
        raise InputError(
            f"its signature info cannot be right: {error}", where=str(path), hint=_MAKE_ANEW
        ) from error
    except InputError as error:
        raise InputError(error.what, where=str(path), hint=_MAKE_ANEW) from error


def _model_info(values: Mapping[str, Any], signatures: set[str]) -> ModelInfo:
    def number(name: str) -> int:
        return int(values[name])

    if number("format") not in FORMATS:
        known = " and ".join(str(version) for version in FORMATS)
        raise InputError(f"signatures of format {number('format')}; this trainer speaks {known}")
    alphabet = "".join(chr(int(c)) for c in values["alphabet"])
    return ModelInfo(
        batch_size=number("batch_size"),
        max_frames=number("max_frames"),
        max_label=number("max_label"),
        alphabet=alphabet,
        blank=number("blank"),
        sample_rate=number("sample_rate"),
        window=number("window"),
        hop=number("hop"),
        time_stride=number("time_stride"),
        network=(_preset if number("format") == 1 else _named)(values, signatures, alphabet),
    )


def _numbers(values: Mapping[str, Any], name: str) -> list[int]:
    return [int(n) for n in values[name]]


def _preset(values: Mapping[str, Any], signatures: set[str], alphabet: str) -> Network:
    """Return the network of a file of format 1: DeepSpeech2 by its counts."""
    layers, sub_models = _numbers(values, "layers"), _numbers(values, "sub_models")
    whole = mobileasr.network_of_counts(layers, len(sub_models), alphabet)
    _check_counts(whole, layers, sub_models)
    able = [name for name in whole.sub_model_names if train_signature(name) in signatures]
    if not able:
        raise NetworkError("it has no signature that trains a sub-model")
    return mobileasr.network(layer_parameters(whole), alphabet, able)


def _named(values: Mapping[str, Any], signatures: set[str], alphabet: str) -> Network:
    """Return the network of a file of format 2, as it names itself."""
    if "network" not in values:
        raise NetworkError("it does not say network")
    network = Network.from_bytes(np.asarray(values["network"], np.uint8).tobytes())
    if network.alphabet != alphabet:
        raise NetworkError("its network has another alphabet than its outputs")
    _check_counts(network, _numbers(values, "layers"), _numbers(values, "sub_models"))
    for name, needed in _signatures_of(network):
        if needed not in signatures:
            raise NetworkError(f"its network has {name}, there is no signature {needed}")
    return network


def _signatures_of(network: Network) -> Iterator[tuple[str, str]]:
    """Yield what sub-models and exits need of a file: whose, and the name of the signature."""
    for sub_model in network.sub_models:
        train = train_signature(sub_model.name) if sub_model.switch is None else SWITCHED
        yield sub_model.name, train
        yield sub_model.name, reset_signature(sub_model.name)
    for number, name in enumerate(network.exit_names, 1):
        yield name, segment_signature(number)
        if number < len(network.exits):
            yield name, infer_signature(name)
        if network.exit(name).decoder:
            yield name, attend_signature(number)
            yield name, decode_signature(number)


def _check_counts(network: Network, layers: Sequence[int], sub_models: Sequence[int]) -> None:
    if [layer.parameters for layer in network.layers] != list(layers):
        raise NetworkError("its network has other layers than its sizes")
    trained = [network.trained_parameters(name) for name in network.sub_model_names]
    if trained != list(sub_models):
        raise NetworkError("its network has other sub-models than its sizes")
