"""Parameter counts against the paper's tables (MobileASR, Tables 1, 4, 5; Appendix D)."""

from dataclasses import replace

import pytest

from harness.contract.mobileasr import SUB_MODELS
from harness.contract.network import NetworkError
from harness.model.configuration import layer_parameters, sub_model_parameters
from harness.model.deepspeech2.configuration import MINI, PAPER, TINY, DeepSpeech2
from harness.model.families import CONFIGS
from harness.model.initial import initial_weights


def test_paper_layers():
    layers = layer_parameters(PAPER)
    norm = 2 * (1 + 16 + 16 + 32)
    assert sum(layers[f"CONV{n}"] for n in (1, 2, 3)) == 45_728 + norm
    assert layers["BLSTM1"] == 10_227_712
    assert layers["BLSTM2"] == layers["BLSTM3"] == 6_295_552
    assert layers["BLSTM4"] == 6_295_552 + 2_048
    assert layers["FC1"] + layers["FC2"] == 1_078_300


def test_paper_sub_models():
    counts = sub_model_parameters(PAPER)
    assert counts["S1"] == 30_240_574
    # Tables 4 and 5: 30.21M and 0.9991
    assert (round(counts["S3"] / 1e6, 2), round(counts["S3"] / counts["S1"], 4)) == (30.21, 0.9991)
    assert {s: counts[s] for s in ("S4", "S5", "S6", "S7", "S8")} == {
        "S4": 30_194_716,
        "S5": 19_967_004,
        "S6": 13_671_452,
        "S7": 7_375_900,
        "S8": 1_078_300,
    }
    statistics = sum(spec.statistics for spec in PAPER.layer_specs())
    assert statistics == 2_178
    assert counts["S1"] + statistics == 30_242_752


def test_paper_conv_features():
    _, frequencies, channels = PAPER.conv_shapes()[-1]
    assert (frequencies, channels) == (62, 32)
    assert frequencies * channels == 1984
    # the longest published utterances last 12 s
    assert PAPER.features.samples(PAPER.max_frames) / 16_000 >= 12.0


def test_mini_is_small():
    assert 1_600_000 < sub_model_parameters(MINI)["S1"] < 1_900_000
    assert MINI.features.samples(MINI.max_frames) / 16_000 > 5.0


SUFFIXES = [
    config
    for config in CONFIGS.values()
    if config.family == DeepSpeech2.family and not config.exits()
]
"""Networks whose sub-models train from one layer to the end."""


@pytest.mark.parametrize("config", SUFFIXES, ids=lambda config: config.name)
def test_sub_models_shrink(config):
    counts = list(sub_model_parameters(config).values())
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == len(SUB_MODELS)


def test_first_layers():
    network = TINY.describe()
    first = [network.sub_model(name).layers[0] for name in ("S1", "S4", "S5", "S8")]
    assert first == ["CONV1", "BLSTM1", "BLSTM2", "FC1"]
    assert all(sub_model.layers[-1] == "FC2" for sub_model in network.sub_models)
    with pytest.raises(NetworkError, match="S9"):
        network.sub_model("S9")


def test_initial_weights_depend_on_seed_only():
    first, again, reseeded = (initial_weights(TINY, seed) for seed in (1, 1, 2))
    assert all((first[n] == again[n]).all() for n in first)
    assert (first["blstm2_recurrent"] != reseeded["blstm2_recurrent"]).any()
    assert (first["conv1_moving_variance"] == 1).all()
    forget = first["blstm1_bias"][:, :, TINY.hidden : 2 * TINY.hidden]
    assert (forget == 1).all()
    assert first["blstm1_bias"].sum() == forget.size


def test_initial_weights_have_the_counted_size():
    weights = initial_weights(replace(TINY, input_norm=True), 0)
    statistics = {n for n in weights if "moving" in n}
    counted = sub_model_parameters(replace(TINY, input_norm=True))["S1"]
    assert sum(w.size for n, w in weights.items() if n not in statistics) == counted
    assert "conv1_moving_input_mean" in statistics
