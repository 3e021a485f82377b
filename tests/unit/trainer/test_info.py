"""What a flatbuffer says of itself: format 1 by the preset, format 2 by its own names."""

from pathlib import Path

import numpy as np
import pytest

from harness.contract import mobileasr
from harness.contract.network import Layer, Network, SubModel
from harness.errors import InputError
from harness.trainer.info import model_info

PATH = Path("model.tflite")
SIZES = {
    "batch_size": 2,
    "max_frames": 100,
    "max_label": 20,
    "blank": 0,
    "sample_rate": 16_000,
    "window": 512,
    "hop": 256,
    "time_stride": 2,
    "weights_included": 1,
    "alphabet": [ord(c) for c in " ab"],
}
TINY = Network(
    family="tiny",
    layers=(Layer(name="Front", parameters=4), Layer(name="Head", parameters=2)),
    sub_models=(
        SubModel(name="All", layers=("Front", "Head")),
        SubModel(name="Top", layers=("Head",)),
    ),
    alphabet=" ab",
)
TINY_SIGNATURES = {"train_all", "reset_all", "train_top", "reset_top"}


def named(network=TINY, **changes):
    raw = network if isinstance(network, bytes) else network.to_bytes()
    return {
        **SIZES,
        "format": 2,
        "layers": [4, 2],
        "sub_models": [6, 2],
        "network": np.frombuffer(raw, np.uint8),
        **changes,
    }


def preset(**changes):
    layers = list(range(1, 10))
    return {
        **SIZES,
        "format": 1,
        "layers": layers,
        "sub_models": [sum(layers[n:]) for n in range(8)],
        **changes,
    }


def test_format_2_says_its_names():
    info = model_info(named(), TINY_SIGNATURES, PATH)
    assert info.network == TINY
    assert info.sub_model_parameters == {"All": 6, "Top": 2}
    assert info.layer_parameters == {"Front": 4, "Head": 2}


def test_format_1_is_deepspeech2_with_what_the_file_can_train():
    info = model_info(preset(), {"train_s5", "train_s8"}, PATH)
    assert info.network.family == mobileasr.FAMILY
    assert info.network.layer_names == mobileasr.LAYERS
    assert info.sub_model_parameters == {"S5": 35, "S8": 17}


LARGER = TINY.model_copy(update={"layers": (Layer(name="Front", parameters=5), TINY.layers[1])})
CONTRADICTIONS = {
    "another format": (named(format=3), "format 3; this trainer speaks 1 and 2"),
    "18 layers without names": (preset(layers=[1] * 18), "18 layers and no names"),
    "9 sub-models without names": (preset(sub_models=[1] * 9), "9 sub-models and no names"),
    "counts that do not add up": (preset(sub_models=[1] * 8), "other sub-models than its sizes"),
    "nothing to train": (preset(), "no signature that trains"),
    "no names": ({k: v for k, v in named().items() if k != "network"}, "does not say network"),
    "broken JSON": (named(b'{"family": "ti'), "Invalid JSON"),
    "no text": (named(b"\xff\xfe\x00"), "Invalid JSON"),
    "other JSON": (named(b"{}"), "family"),
    "a number": (named() | {"network": np.int32(7)}, "Invalid JSON"),
    "other layers": (named(LARGER), "other layers than its sizes"),
    "other sub-models": (named(sub_models=[6, 6]), "other sub-models than its sizes"),
    "another alphabet": (named(alphabet=[97, 98]), "another alphabet"),
    "no character": (named(alphabet=[-1]), "cannot be right"),
    "a vector for a number": (named(batch_size=np.zeros(3)), "cannot be right"),
    "a number for a vector": (named(layers=np.int32(6)), "cannot be right"),
}


@pytest.mark.parametrize(("values", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_contradicts_itself_is_bad_input(values, message):
    with pytest.raises(InputError, match=message) as refused:
        model_info(values, TINY_SIGNATURES, PATH)
    assert refused.value.where == "model.tflite"


@pytest.mark.parametrize("lacking", sorted(TINY_SIGNATURES))
def test_a_sub_model_without_its_signatures_is_bad_input(lacking):
    with pytest.raises(InputError, match=f"no signature {lacking}"):
        model_info(named(), TINY_SIGNATURES - {lacking}, PATH)
