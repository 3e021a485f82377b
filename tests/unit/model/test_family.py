"""A family of networks is one folder: a third one is built, described and trained by its names."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harness.model
from harness.errors import InputError
from harness.model.bench.contestants import step_of
from harness.model.bench.subject import Subject
from harness.model.config_file import network
from harness.model.families import CONFIGS, FAMILIES
from harness.model.inspection import inspect
from harness.model.sizes import network_sizes
from harness.trainer.batches import Batch, encode
from harness.trainer.measure import measure_need
from harness.trainer.runtime import FlatbufferModel
from tests.fixtures.two_dense.configuration import SMALL, TwoDense

SUB_MODELS = {"Both": ("lower", "upper"), "OnlyLower": ("lower",), "OnlyUpper": ("upper",)}
RATE = 1e-2


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    return build_model(SMALL, tmp_path_factory.mktemp("model") / "two-dense.tflite")


@pytest.fixture
def batch():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, 12, 8)).astype(np.float32)
    lengths, label_lengths = np.array([12, 7], np.int32), np.array([3, 1], np.int32)
    x[1, 7:] = 0
    labels = np.array([[1, 2, 2], [5, 0, 0]], np.int32)
    return Batch(x, lengths, labels, label_lengths, 2)


def test_names_of_a_family_stay_in_its_folder():
    folder = Path(harness.model.__file__).parent
    names = re.compile(r"\b(S[1-8]|CONV\d|BLSTM\d|FC\d)\b", re.IGNORECASE)
    known = {
        str(path.relative_to(folder)): sorted(set(names.findall(path.read_text())))
        for path in folder.rglob("*.py")
        if "deepspeech2" not in path.parts
    }
    assert {path: forbidden for path, forbidden in known.items() if forbidden} == {}


@pytest.mark.tensorflow
def test_a_file_says_its_names(path):
    inspection = inspect(path)
    described = SMALL.describe()
    assert inspection.info.network == described
    assert described.family == "two-dense"
    assert described.layer_names == ("Lower", "Upper")
    assert FlatbufferModel(path, 1).info == inspection.info
    named = {f"{kind}_{name.lower()}" for kind in ("train", "reset") for name in SUB_MODELS}
    assert set(inspection.signatures) > {*named, "get_lower", "get_upper"}
    assert not [name for name in inspection.signatures if name.startswith(("train_s", "get_conv"))]
    assert set(inspection.signatures["get_lower"].outputs) == {"lower_kernel", "lower_bias"}
    assert inspection.custom_operators == ()


@pytest.mark.tensorflow
def test_a_file_of_some_sub_models_says_only_these(tmp_path):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    path = build_model(SMALL, tmp_path / "upper.tflite", sub_models=["OnlyUpper"])
    inspection = inspect(path)
    assert inspection.info.network.sub_model_names == ("OnlyUpper",)
    trained = [name for name in inspection.signatures if name.startswith("train_")]
    assert trained == ["train_onlyupper"]
    assert inspection.sub_models == {"OnlyUpper": ("Upper",)}


@pytest.mark.tensorflow
@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_the_trainers_runtime_trains_it(path, batch, sub_model):
    model = FlatbufferModel(path, 1)
    before = model.get_weights()
    losses = [model.train_step(sub_model, batch, RATE) for _ in range(20)]
    assert losses[-1] < losses[0]
    moved = {name for name, value in model.get_weights().items() if (value != before[name]).any()}
    layers = SUB_MODELS[sub_model]
    assert moved == {f"{layer}_{kind}" for layer in layers for kind in ("kernel", "bias")}


@pytest.mark.tensorflow
def test_a_trainer_trains_it(path):
    """A whole training in a fresh process, as a model folder's needs are measured."""
    need = measure_need(path, "OnlyLower", threads=1, utterances=20)
    assert need.need_mb > 0


@pytest.mark.tensorflow
@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_gradients_are_those_of_a_tape(sub_model, batch, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.aim import Aim
    from harness.model.deepspeech2.reference.network import ctc_loss
    from harness.model.network import Network

    built = Network(SMALL, seed=2)
    inputs = [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]
    x, in_len, labels, lab_len = inputs
    layers = built.description.sub_model(sub_model).layers
    variables = [built.weights[name] for name in built.trained_weights(layers)]
    with tf.GradientTape() as tape:
        w = built.weights
        h = tf.nn.relu(tf.transpose(x, [1, 0, 2]) @ w["lower_kernel"] + w["lower_bias"])
        logits = h @ w["upper_kernel"] + w["upper_bias"]
        loss = tf.reduce_mean(ctc_loss(logits, in_len, labels, lab_len))
    expected = tape.gradient(loss, variables)
    step = built.gradients(*inputs, Aim(layers))
    agrees("loss", step.loss, loss, 1e-5)
    assert list(step.gradients) == built.trained_weights(layers)
    for gradient, wanted in zip(step.gradients.values(), expected, strict=True):
        agrees("gradients of two dense layers", gradient, wanted, 2e-5)


@pytest.mark.tensorflow
def test_it_is_timed_against_what_its_family_has(path):
    subject = Subject(SMALL, path, None, path, ("train_onlylower",))
    tasks = subject.tasks("train_onlylower", ("plain", "own", "keras"), 1)
    assert [task.contestant for task in tasks] == ["litert", "own"]
    assert tasks[0].trained == ("Lower",)
    assert step_of(tasks[0])() > 0
    with pytest.raises(NotImplementedError, match="two-dense has no formulation 'keras'"):
        SMALL.reference("keras", {}, ())


def test_a_file_of_sizes_names_its_family(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, TwoDense.family, TwoDense)
    monkeypatch.setitem(CONFIGS, SMALL.name, SMALL)
    path = tmp_path / "mine.yaml"
    path.write_text("family: two-dense\nbatch_size: 1\nmax_frames: 9\nmax_label: 2\nwidth: 3\n")
    config = network(str(path))
    assert config == TwoDense(name="mine", batch_size=1, max_frames=9, max_label=2, width=3)
    sizes = network_sizes(config).layers
    assert [(s.name, s.trainable, s.statistics) for s in sizes] == [
        ("Lower", 80 * 3 + 3, 0),
        ("Upper", 3 * 28 + 28, 0),
    ]
    path.write_text("base: two-dense-small\nwidth: 0\n")
    with pytest.raises(InputError, match=r"mine\.yaml:2: width: must be 1 or more"):
        network(str(path))
    path.write_text("base: ds2-tiny\nfamily: two-dense\n")
    with pytest.raises(InputError, match=r"mine\.yaml:2: family: ds2-tiny is of the family deep"):
        network(str(path))
    path.write_text("family: three-dense\n")
    with pytest.raises(InputError, match=r"mine\.yaml:1: family: .*no family 'three-dense'"):
        network(str(path))


@pytest.mark.tensorflow
def test_a_file_says_its_alphabet(tmp_path):
    from harness.model.export import build_model

    config = replace(SMALL, alphabet=" abcèß'")
    info = inspect(build_model(config, tmp_path / "accents.tflite")).info
    assert (info.alphabet, info.network.alphabet) == (config.alphabet, config.alphabet)
    assert info.layer_parameters["Upper"] == (config.width + 1) * (len(config.alphabet) + 1)
    assert encode("è ß", info) == [5, 1, 6]
