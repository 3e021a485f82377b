"""A freshly converted flatbuffer against the same step in plain tensorflow."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.errors import InputError  # noqa: E402
from harness.model.configuration import TINY, Convolution, first_layer  # noqa: E402
from harness.model.convert import convert  # noqa: E402
from harness.model.initial import initial_weights  # noqa: E402
from harness.model.inspection import inspect  # noqa: E402
from harness.model.network import Network  # noqa: E402
from harness.trainer.runtime import FlatbufferModel, make_batch  # noqa: E402

pytestmark = pytest.mark.tensorflow

SMALL = replace(
    TINY,
    batch_size=3,
    max_frames=24,
    max_label=4,
    convolutions=(
        Convolution((3, 3), (2, 4), 8, bias=True),
        Convolution((3, 3), (1, 2), 8),
        Convolution((3, 3), (1, 2), 4),
    ),
    hidden=4,
    dense=6,
    unroll=4,
    input_norm=True,
)
RATE = 1e-2
STEPS = 3


@pytest.fixture(scope="module")
def flatbuffer(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    return convert(SMALL, path, embed=False, sub_models=("S1", "S5"))


@pytest.fixture
def model(flatbuffer):
    model = FlatbufferModel(flatbuffer, threads=1)
    model.set_weights(initial_weights(SMALL, 3))
    return model


def batches(info):
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        sounds = [rng.standard_normal((n, 80)).astype(np.float32) for n in (24, 17)]
        yield make_batch(sounds, ["abba", "cd"], info)


def adam_by_hand(weights, gradients, moments, step):
    norm = np.sqrt(sum(float((g**2).sum()) for g in gradients.values()))
    for name, gradient in gradients.items():
        g = gradient * min(1.0, SMALL.clip_norm / norm)
        m, v = moments.get(name, (0.0, 0.0))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        moments[name] = m, v
        rate = RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weights[name] = weights[name] - rate * m / (np.sqrt(v) + 1e-7)


@pytest.mark.parametrize("sub_model", ["S1", "S5"])
def test_steps_agree_with_plain_tensorflow(model, sub_model):
    network = Network(SMALL, seed=0)
    weights = model.get_weights()
    names = network.trainable(first_layer(sub_model))
    moments = {}
    for step, batch in enumerate(batches(model.info), 1):
        loss = model.train_step(sub_model, batch, RATE)
        for name, value in weights.items():
            network.weights[name].assign(value)
        with tf.GradientTape() as tape:
            logits, _ = network.infer(batch.x, tf.constant(batch.in_len))
            frames = network.output_lengths(tf.constant(batch.in_len[: batch.rows]))
            expected = tf.reduce_mean(
                tf.nn.ctc_loss(
                    batch.labels[: batch.rows],
                    logits[:, : batch.rows],
                    batch.lab_len[: batch.rows],
                    frames,
                    True,
                    blank_index=0,
                )
            )
        found = tape.gradient(expected, [network.weights[n] for n in names])
        assert loss == pytest.approx(float(expected), rel=1e-3)
        adam_by_hand(
            weights, {n: g.numpy() for n, g in zip(names, found, strict=True)}, moments, step
        )
    moved = 0
    for name, value in model.get_weights().items():
        if name not in names:
            assert (value == weights[name]).all(), name
            continue
        # Adam turns the rounding of a gradient near zero into a step; few weights have one.
        wrong = np.abs(value - weights[name]) > 0.02 * RATE
        assert wrong.sum() <= max(1, 0.01 * wrong.size), name
        moved += 1
    assert moved == len(names)


def test_without_weights_nothing_runs(flatbuffer):
    model = FlatbufferModel(flatbuffer, threads=1)
    batch = next(batches(model.info))
    for use in (
        lambda: model.infer(batch),
        lambda: model.loss(batch),
        lambda: model.train_step("S1", batch, RATE),
        model.get_weights,
    ):
        with pytest.raises(InputError, match="no weights of its own"):
            use()
    model.set_weights(initial_weights(SMALL, 3))
    assert model.loss(batch).min() > 0


def test_only_the_sub_models_asked_for(flatbuffer, model):
    assert model.sub_models == ("S1", "S5")
    found = inspect(flatbuffer)
    assert {n for n in found.signatures if n.startswith("train")} == {"train_s1", "train_s5"}
    assert found.custom_operators == ()
    weights = sum(w.nbytes for w in initial_weights(SMALL, 0).values())
    filters = 513 * 80 * 4
    assert found.constant_bytes < filters + weights
