"""A network of one's own size is a small YAML file; a mistake in it has a line."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.model.config_file import network
from harness.model.configuration import sub_model_parameters
from harness.model.deepspeech2.configuration import Convolution
from harness.model.families import CONFIGS

CONVOLUTIONS = """\
convolutions:
- {kernel: [3, 7], stride: [2, 1], channels: 4}
- {kernel: [3, 7], stride: [1, 2], channels: 4}
- {kernel: [3, 7], stride: [1, 2], channels: 8, bias: true}
"""


def read(tmp_path, text):
    path = tmp_path / "my-size.yaml"
    path.write_text(text)
    return network(str(path))


def test_names():
    assert network("ds2-mini") is CONFIGS["ds2-mini"]
    with pytest.raises(InputError, match="there is no network 'ds3'") as refused:
        network("ds3")
    assert "ds2-mini" in refused.value.hint
    assert "YAML" in refused.value.hint


def test_only_differences_need_be_written(tmp_path):
    config = read(tmp_path, "base: ds2-mini\nhidden: 64\nfeatures: {mels: 64}\n")
    base = CONFIGS["ds2-mini"]
    features = dataclasses.replace(base.features, mels=64)
    assert config == dataclasses.replace(base, name="my-size", hidden=64, features=features)
    assert sub_model_parameters(config)["S1"] < sub_model_parameters(base)["S1"]


def test_a_network_from_nothing(tmp_path):
    text = CONVOLUTIONS + "batch_size: 3\nmax_frames: 99\nmax_label: 9\nhidden: 8\ndense: 16\n"
    config = read(tmp_path, text + "name: mine\n")
    assert (config.name, config.batch_size, config.dense) == ("mine", 3, 16)
    assert config.convolutions[2] == Convolution((3, 7), (1, 2), 8, bias=True)
    assert config.unroll == 40


@pytest.mark.parametrize("name", CONFIGS)
def test_every_field_can_be_written(tmp_path, name):
    whole = json.loads(json.dumps(dataclasses.asdict(CONFIGS[name])))
    whole["family"] = CONFIGS[name].family
    assert read(tmp_path, json.dumps(whole)) == CONFIGS[name]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("base: ds3\n", 1, "no network 'ds3'"),
        ("base: ds2-mini\nhiden: 3\n", 2, "did you mean 'hidden'"),
        ("base: ds2-mini\nhidden: many\n", 2, "hidden: .*integer"),
        ("base: ds2-mini\nhidden: 0\n", 2, "hidden: must be 1 or more"),
        ("base: ds2-mini\nfrequency_padding: some\n", 2, "same or valid"),
        ("base: ds2-mini\nclip_norm: -1.0\n", 2, "more than 0"),
        ("base: ds2-mini\nname: a/b\n", 2, "no name for files"),
        ("base: ds2-mini\nfeatures: {mel: 3}\n", 2, "did you mean 'mels'"),
        ("base: ds2-mini\nfeatures: {sample_rate: 8000}\n", 2, "must be 16000"),
        ("base: ds2-mini\nfeatures: {fft: 256}\n", 2, "not be less than window"),
        ("base: ds2-mini\nfeatures:\n  high_hz: 9000.0\n", 3, "is not within 0 to 8000 Hz"),
        ("hidden: 3\n", 1, "convolutions: is missing"),
        ("base: ds2-mini\n" + CONVOLUTIONS.replace("[3, 7], stride: [1", "[3], stride: [1"), 4, ""),
        (
            "base: ds2-mini\nfrequency_padding: valid\n" + CONVOLUTIONS.replace("7]", "79]"),
            3,
            "no frequency is left of 80",
        ),
        ("base: conformer-mini\nmax_frames: 321\n", 2, "max_frames: 321 is no multiple of 2 .*322"),
        ("base: splitformer\nmax_frames: 1204\n", 2, "no multiple of 8 .* 1208"),
        ("base: conformer-mini\nheads: 5\n", 2, "heads: 5 heads do not divide a width of 64"),
        ("base: conformer-mini\nheads: 0\n", 2, "heads: must be 1 or more"),
        ("base: conformer-mini\nexits_after: [2, 4, 7]\n", 2, "no layer 7: the network has 6"),
        ("base: conformer-mini\nexits_after: [2, 4]\n", 2, "must stand after layer 6"),
        ("base: conformer-mini\nexits_after: []\n", 2, "in order, at least one"),
        ("base: conformer-mini\nexits_after: [4, 2, 6]\n", 2, "in order, at least one"),
        ("base: conformer-mini\nexits_after: [0, 6]\n", 2, "from 1 on"),
        ("base: conformer-mini\nexits_after: [2.5, 6]\n", 2, "a whole number is meant"),
        ("base: conformer-mini\nstrides: [3, 1]\n", 2, "strides: must be 1 or 2 each"),
        ("base: conformer-mini\nstrides: [2, 2]\nmax_label: 81\n", 3, "81 characters do not fit"),
        ("base: conformer-mini\nwidth: 63\nheads: 1\n", 2, "width: must be even"),
        ("base: conformer-mini\nclip: global\n", None, "goes with clip: layer"),
        ("base: conformer-mini\nclip: none\n", 2, "clip: .*'global' or 'layer'"),
        ("base: conformer-mini\nhalved: [7]\n", 2, "no layer 7"),
        ("base: conformer-ee\npieces: 256\n", 2, "a file carries pieces"),
        ("base: conformer-ee\nhidden: 256\n", 2, "hidden"),
        ("- 1\n", None, "not a mapping"),
        ("a: [\n", None, "not valid YAML"),
    ],
)
def test_a_mistake_has_a_line(tmp_path, text, line, message):
    with pytest.raises(InputError, match=rf"(?s)my-size\.yaml:{line or ''}.*{message}"):
        read(tmp_path, text)


def test_the_manuals_example(tmp_path):
    manual = (Path(__file__).parents[3] / "docs" / "model.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    config = read(tmp_path, example)
    assert (config.hidden, config.convolutions[0].kernel) == (96, (11, 11))
    assert set(sub_model_parameters(config)) == {f"S{n}" for n in range(1, 9)}
