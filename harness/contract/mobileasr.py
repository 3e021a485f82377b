"""MobileASR's names: DeepSpeech2's layers and the sub-models S1 to S8 of its Table 5 (a preset).

For the paper's own pages, for building that network, and for what was written before files carried
their names (flatbuffers with an ``info`` of format 1, their manifests).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.contract.network import Layer, Network, NetworkError, SubModel

FAMILY: Final = "deepspeech2"

LAYERS: Final = (
    "CONV1",
    "CONV2",
    "CONV3",
    "BLSTM1",
    "BLSTM2",
    "BLSTM3",
    "BLSTM4",
    "FC1",
    "FC2",
)

SUB_MODELS: Final = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")
"""Each trains from one layer to the end: S1 all, S8 FC1 and FC2. FC2 is never trained alone."""

CANDIDATES: Final = ("S1", "S5", "S8")
"""The three that MobileASR chooses from (Algorithm 1)."""

CALIBRATING: Final = ("S1", "S4", "S5", "S8")
"""Where the kind of the first trained layer changes, and the ends: enough to predict the others."""


def default_candidates(network: Network) -> tuple[str, ...]:
    """Return what a trainer chooses from if nobody says: MobileASR's three, else all."""
    names = network.sub_model_names
    preset = CANDIDATES if network.family == FAMILY else names
    return tuple(name for name in preset if name in names) or names


def calibrating(network: Network) -> tuple[str, ...]:
    """Return the sub-models to measure so that the others can be predicted; all if unknown."""
    names = network.sub_model_names
    preset = CALIBRATING if network.family == FAMILY else names
    return tuple(name for name in preset if name in names) or names


def network(
    parameters: Mapping[str, int], alphabet: str, sub_models: Sequence[str] = SUB_MODELS
) -> Network:
    """Return DeepSpeech2 under the paper's names.

    Args:
        parameters: Trainable numbers by layer.
        alphabet: Characters of its outputs.
        sub_models: Those that the file can train.

    Raises:
        KeyError: A layer's parameters are missing.
    """
    return Network(
        family=FAMILY,
        layers=tuple(Layer(name=name, parameters=parameters[name]) for name in LAYERS),
        sub_models=tuple(
            SubModel(name=name, layers=LAYERS[place:])
            for place, name in enumerate(SUB_MODELS)
            if name in sub_models
        ),
        alphabet=alphabet,
    )


def network_of_counts(layers: Sequence[int], sub_models: int, alphabet: str) -> Network:
    """Return DeepSpeech2 for a file that has counts and no names.

    Args:
        layers: Trainable numbers of each layer, from input to output.
        sub_models: How many the file tells of.
        alphabet: Characters of its outputs.

    Raises:
        NetworkError: It has not as many layers or sub-models.
    """
    for what, count, names in (
        ("layers", len(layers), LAYERS),
        ("sub-models", sub_models, SUB_MODELS),
    ):
        if count != len(names):
            raise NetworkError(
                f"it has {count} {what} and no names for them; DeepSpeech2 has {len(names)}"
            )
    return network(dict(zip(LAYERS, layers, strict=True)), alphabet)


def layers_of_trained(trained: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers of each layer, as far as they follow from what sub-models train.

    A layer has what its sub-model trains more than the next one; so FC1 has those of FC2 too.

    Args:
        trained: Trained numbers by sub-model.
    """
    layers = dict.fromkeys(LAYERS, 0)
    after = 0
    for layer, name in reversed(list(zip(LAYERS, SUB_MODELS, strict=False))):
        if name in trained:
            layers[layer] = trained[name] - after
            after = trained[name]
    return layers
