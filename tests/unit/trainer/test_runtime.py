"""The shipped ds2-tiny through LiteRT (no tensorflow)."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from harness.contract.mobileasr import SUB_MODELS
from harness.errors import InputError
from harness.paths import data_root
from harness.trainer.batches import encode, make_batch
from harness.trainer.flatfile import check_checkpoint, read_info
from harness.trainer.runtime import FlatbufferModel
from tests.fixtures.other_names import write_with_other_names

LAYERS = ["conv1", "conv2", "conv3", "blstm1", "blstm2", "blstm3", "blstm4", "fc1", "fc2"]


@pytest.fixture
def model(tiny_model_path):
    return FlatbufferModel(tiny_model_path, threads=1)


def tone(seconds, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * 16_000)) / 16_000
    wave = np.sin(2 * np.pi * 300 * t * (1 + seed)) + 0.1 * rng.standard_normal(len(t))
    return (wave * 8_000).astype(np.int16)


@pytest.fixture
def sounds(model):
    return [model.features(tone(2.0)), model.features(tone(1.4, 1))]


@pytest.fixture
def batch(model, sounds):
    return make_batch(sounds, ["the red car", "an apple"], model.info)


def test_info(model):
    info = model.info
    assert (info.batch_size, info.max_frames, info.max_label) == (2, 320, 80)
    assert (info.sample_rate, info.window, info.hop, info.time_stride) == (16_000, 512, 256, 2)
    assert info.alphabet == " abcdefghijklmnopqrstuvwxyz"
    assert info.blank == 0
    assert info.max_audio_s == pytest.approx(5.136)
    assert info.sub_model_parameters["S1"] == sum(info.layer_parameters.values())
    assert info.sub_model_parameters["S8"] == (
        info.layer_parameters["FC1"] + info.layer_parameters["FC2"]
    )
    assert model.network.sub_model_names == SUB_MODELS


def reference_log_mel(pcm):
    """The same features in numpy, filter by filter."""
    wave = pcm / 32768.0
    wave = wave / (np.sqrt((wave**2).mean()) + 1e-5)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = np.stack([wave[n : n + 512] for n in range(0, len(wave) - 511, 256)])
    power = np.abs(np.fft.rfft(frames * window, 1024)) ** 2
    hz = np.arange(513) * 16_000 / 1024
    edges = 700 * (
        10 ** (np.linspace(*(2595 * np.log10(1 + f / 700) for f in (40, 7600)), 82) / 2595) - 1
    )
    mel = np.stack(
        [power @ np.interp(hz, edges[n : n + 3], [0, 1, 0], left=0, right=0) for n in range(80)], 1
    )
    log = np.log(mel / 512 + 1e-2)
    log = log - log.mean(0)
    return log / (np.sqrt((log**2).mean(0)) + 1e-2)


@pytest.mark.parametrize("seconds", [0.5, 1.37, 5.136])
def test_features(model, seconds):
    pcm = tone(seconds)
    features = model.features(pcm)
    assert features.shape == (1 + (len(pcm) - 512) // 256, 80)
    np.testing.assert_allclose(features, reference_log_mel(pcm), atol=5e-3)


def test_features_do_not_depend_on_level(model):
    loud = tone(1.0)
    np.testing.assert_allclose(model.features(loud), model.features(loud // 4), atol=0.05)


@pytest.mark.parametrize("samples", [511, 82_177])
def test_features_need_a_fitting_length(model, samples):
    with pytest.raises(InputError, match="the model takes"):
        model.features(np.zeros(samples, np.int16))


def test_batch_is_padded(model, sounds):
    batch = make_batch(sounds[1:], ["ab z"], model.info)
    assert batch.rows == 1
    assert batch.in_len.tolist() == [len(sounds[1]), 0]
    assert batch.labels[0, :5].tolist() == [2, 3, 1, 27, 0]
    assert batch.lab_len.tolist() == [4, 0]
    assert (batch.x[0, len(sounds[1]) :] == 0).all()


def test_batch_refuses_what_does_not_fit(model, sounds):
    info = model.info
    with pytest.raises(InputError, match="'3', 'é'"):
        encode("é3 ", info)
    with pytest.raises(InputError, match="81 characters"):
        make_batch(sounds[:1], ["a" * 81], info)
    with pytest.raises(InputError, match="frames cannot hold"):
        make_batch([sounds[0][:10]], ["aabbc"], info)
    with pytest.raises(InputError, match="321 frames"):
        make_batch([np.zeros((321, 80), np.float32)], ["a"], info)
    with pytest.raises(ValueError, match="batch 2"):
        make_batch([sounds[0]] * 3, ["a"] * 3, info)
    with pytest.raises(ValueError, match="batch 2"):
        make_batch([], [], info)


@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_training_moves_only_the_sub_model(model, batch, sub_model):
    before = model.get_weights()
    losses = [model.train_step(sub_model, batch, 3e-3) for _ in range(8)]
    assert losses[-1] < losses[0]
    after = model.get_weights()
    trained = LAYERS[SUB_MODELS.index(sub_model) :]
    for name, value in after.items():
        statistic = "moving" in name
        same = np.array_equal(value, before[name])
        assert same == (statistic or name.split("_")[0] not in trained), name


def test_train_step_returns_the_mean_loss_before_it(model, batch):
    expected = model.loss(batch)
    assert expected.shape == (2,)
    assert model.train_step("S5", batch, 1e-3) == pytest.approx(expected.mean(), rel=1e-5)
    assert model.loss(batch).mean() < expected.mean()


@pytest.mark.parametrize("sub_model", ["S1", "S8"])
def test_padded_row_does_not_change_the_gradient(tiny_model_path, sounds, sub_model):
    text = "the red car"
    results = []
    for rows in (1, 2):  # the mean over twice the same utterance is that of one
        model = FlatbufferModel(tiny_model_path, threads=1)
        batch = make_batch(sounds[:1] * rows, [text] * rows, model.info)
        losses = [model.train_step(sub_model, batch, 1e-2) for _ in range(4)]
        results.append((losses, model.get_weights()))
    (alone, weights), (twice, weights_twice) = results
    assert alone == pytest.approx(twice, rel=1e-4)
    for name, value in weights.items():
        np.testing.assert_allclose(value, weights_twice[name], atol=2e-3, err_msg=name)


def test_rows_do_not_depend_on_each_other(model, sounds):
    alone = model.infer(make_batch(sounds[:1], [""], model.info))
    both = model.infer(make_batch(sounds, ["", ""], model.info))
    assert len(alone) == 1
    assert alone[0].shape == (-(-len(sounds[0]) // 2), 28)
    assert both[1].shape == (-(-len(sounds[1]) // 2), 28)
    np.testing.assert_allclose(alone[0], both[0], atol=1e-5)


def test_weights_round_trip(model, batch, tmp_path):
    first = model.get_weights()
    loss = model.loss(batch)
    for _ in range(3):
        model.train_step("S1", batch, 1e-2)
    assert not np.allclose(model.loss(batch), loss, rtol=1e-3)
    np.savez(tmp_path / "w.npz", **first)
    model.load_checkpoint(tmp_path / "w.npz")
    assert model.loss(batch) == pytest.approx(loss, rel=1e-6)
    again = model.get_weights()
    assert set(again) == set(first)
    assert all(np.array_equal(again[n], first[n]) for n in first)


def test_weights_come_by_layer_or_all_at_once(model, tiny_model_path):
    class Before(Interpreter):
        """A file as it was before there was a signature for each layer."""

        def get_signature_list(self):
            all_of_them = super().get_signature_list()
            return {n: v for n, v in all_of_them.items() if n[4:] not in LAYERS}

    by_layer = model.get_weights()
    at_once = FlatbufferModel(tiny_model_path, threads=1, interpreter=Before).get_weights()
    assert by_layer.keys() == at_once.keys()
    assert all(np.array_equal(by_layer[n], at_once[n]) for n in by_layer)
    assert any(value.any() for value in by_layer.values())


def test_reset_makes_training_repeatable(model, batch):
    first = model.get_weights()

    def trained():
        model.set_weights(first)
        model.reset_optimizer()
        return [model.train_step("S5", batch, 1e-2) for _ in range(4)]

    once = trained()
    assert trained() == once
    model.set_weights(first)  # without a reset, the moments of before still push
    assert [model.train_step("S5", batch, 1e-2) for _ in range(4)][2:] != once[2:]


def test_larger_sub_model_starts_adam_anew(model, batch):
    first = model.get_weights()
    expected = [model.train_step("S1", batch, 1e-2) for _ in range(3)]
    model.reset_optimizer()
    model.train_step("S8", batch, 1e-2)
    model.set_weights(first)
    assert [model.train_step("S1", batch, 1e-2) for _ in range(3)] == expected


def test_wrong_weights_are_refused(model, tmp_path):
    weights = model.get_weights()
    del weights["fc1_bias"]
    with pytest.raises(InputError, match="fc1_bias"):
        model.set_weights(weights)
    weights["fc1_bias"] = np.zeros(31, np.float32)
    with pytest.raises(InputError, match="fc1_bias"):
        model.set_weights(weights)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(InputError, match="not a checkpoint"):
        model.load_checkpoint(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "load",
    [FlatbufferModel.load_checkpoint, lambda model, path: check_checkpoint(model.path, path)],
    ids=["trainer", "host"],
)
def test_a_checkpoint_that_would_poison_a_training_is_refused(model, load, tmp_path):
    """By the trainer before any weight is changed, and by the host before a phone is asked."""
    weights = model.get_weights()
    path = tmp_path / "w.npz"
    first = next(iter(weights))
    wrong = {
        "NaN": weights[first] * np.nan,
        "float": weights[first].astype(np.complex64),
        "bool": weights[first] > 0,
        "Object|object": weights[first].astype(object),
        "another model": weights[first].ravel()[:-1],
    }
    cases = [(match, weights | {first: value}) for match, value in wrong.items()]
    cases.append(("another model", weights | {"../../etc/w": weights[first]}))
    for match, bad in cases:
        np.savez(path, **bad)
        with pytest.raises(InputError, match=rf"w\.npz: .*({match})"):
            load(model, path)
    assert all(np.array_equal(value, weights[n]) for n, value in model.get_weights().items())


def test_unreadable_model(tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(b"not a flatbuffer at all")
    with pytest.raises(InputError, match=r"x\.tflite"):
        FlatbufferModel(path)
    with pytest.raises(InputError, match=r"y\.tflite"):
        FlatbufferModel(tmp_path / "y.tflite")


def test_another_networks_file_trains_by_its_own_names(model, tiny_model_path, sounds, tmp_path):
    path = tmp_path / "other.tflite"
    network = write_with_other_names(tiny_model_path, path)
    renamed = FlatbufferModel(path, threads=1)
    assert renamed.network == network == read_info(path).network
    assert network.sub_model_names[:2] == ("Part.1", "Part.2")
    batch = make_batch(sounds, ["the red car", "an apple"], model.info)
    for here, there in zip(model.network.sub_model_names, network.sub_model_names, strict=True):
        assert renamed.train_step(there, batch, 1e-2) == model.train_step(here, batch, 1e-2)
    ours, theirs = model.get_weights(), renamed.get_weights()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(InputError, match="no sub-model 'S1'"):
        renamed.train_step("S1", batch, 1e-2)


def test_unknown_sub_model(model, batch):
    with pytest.raises(InputError, match="S9"):
        model.train_step("S9", batch, 1e-3)


def test_a_checkpoint_of_another_model_is_named_with_the_model(tiny_model_path):
    model = FlatbufferModel(tiny_model_path, 1)
    checkpoint = data_root() / "models" / "ds2-mini" / "baseline.npz"
    with pytest.raises(InputError, match=r"baseline\.npz: the checkpoint is of another") as refused:
        model.load_checkpoint(checkpoint)
    assert tiny_model_path.name in refused.value.hint


_SHORT = """
import sys
from pathlib import Path
import numpy as np
from harness.trainer.batches import Batch
from harness.trainer.flatfile import check_checkpoint, read_info
from harness.trainer.runtime import FlatbufferModel
from tests.fixtures.other_names import write_with_other_names

model = FlatbufferModel(Path(sys.argv[1]), threads=1)
info = model.info
x = np.zeros((2, info.max_frames, 80), np.float32)
x[:, :40] = np.random.default_rng(0).standard_normal((2, 40, 80))
labels = np.ones((2, info.max_label), np.int32)
batch = Batch(x, np.full(2, 40, np.int32), labels, np.full(2, 4, np.int32), 2)
print(*(model.train_step("S5", batch, 1e-2) for _ in range(3)))
"""


def test_short_utterances_read_no_memory_that_nothing_wrote(tiny_model_path):
    """glibc fills what it hands out with large numbers: a loss would become NaN."""
    environment = {**os.environ, "MALLOC_PERTURB_": "128"}
    command = [sys.executable, "-c", _SHORT, str(tiny_model_path)]
    process = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    losses = [float(word) for word in process.stdout.split()]
    assert len(losses) == 3
    assert losses[0] > losses[1] > losses[2]  # never true of a NaN


class _FixedShapes:
    """LiteRT's own interpreter, but for what ends the process on ARM64."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        assert name != "ResizeInputTensor", "an input was resized"
        return getattr(self._inner, name)


def test_no_input_is_resized(tiny_model_path, sounds):
    """LiteRT's wheels for ARM64 crash when an input without dimensions is set to none."""

    def fixed(path, num_threads):
        interpreter = Interpreter(path, num_threads=num_threads)
        interpreter._interpreter = _FixedShapes(interpreter._interpreter)
        return interpreter

    model = FlatbufferModel(tiny_model_path, threads=1, interpreter=fixed)
    np.testing.assert_array_equal(model.features(tone(2.0)), sounds[0])
    batch = make_batch(sounds, ["the red car", "an apple"], model.info)
    for sub_model in ("S1", "S8"):
        assert np.isfinite(model.train_step(sub_model, batch, 1e-3))
    assert len(model.infer(batch)) == len(model.loss(batch)) == 2


def test_inputs_are_all_there_and_no_more(model):
    with pytest.raises(ValueError, match="features takes pcm, samples, not pcm"):
        model._run("features", pcm=np.zeros(4, np.int16))
    with pytest.raises(ValueError, match="Dimension mismatch"):
        model._run("features", pcm=np.zeros(4, np.int16), samples=np.array(4, np.int32))
