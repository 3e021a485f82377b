"""Hand-written gradients against tensorflow's automatic ones, on tiny sizes."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.blstm import BlstmWeights, blstm_backward, blstm_forward  # noqa: E402
from harness.model.configuration import (  # noqa: E402
    LAYERS,
    TINY,
    Convolution,
    FeatureSettings,
    first_layer,
)
from harness.model.conv import (  # noqa: E402
    conv_forward,
    conv_input_gradient,
    conv_kernel_gradient,
    padding,
)
from harness.model.network import Network  # noqa: E402
from harness.model.normalise import Norm, norm_backward, norm_forward  # noqa: E402

pytestmark = pytest.mark.tensorflow


def close(found, expected, tolerance=2e-4):
    expected = np.asarray(expected)
    scale = max(float(np.abs(expected).max()), 1e-4)  # below, it is rounding of a true zero
    np.testing.assert_allclose(np.asarray(found) / scale, expected / scale, atol=tolerance)


def lstm_by_hand(x, wx, wh, b):
    """[T, I] -> [T, H], one utterance, one direction, straight from the equations."""
    hidden = wh.shape[0]
    h, c, out = np.zeros(hidden), np.zeros(hidden), []
    for row in x:
        i, f, o, g = np.split(row @ wx + h @ wh + b, 4)
        i, f, o = (1 / (1 + np.exp(-v)) for v in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        out.append(h)
    return np.array(out)


def blstm_case(batch, seed=0, steps=12, width=5, hidden=4):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((steps, batch, width)).astype(np.float32)
    weights = BlstmWeights(
        *(
            tf.constant(rng.standard_normal(s).astype(np.float32) * 0.5)
            for s in ((2, width, 4 * hidden), (2, hidden, 4 * hidden), (2, 1, 4 * hidden))
        )
    )
    lengths = np.array([steps, 7, 3][:batch], np.int32)
    return x, weights, lengths


def test_blstm_forward_follows_the_equations():
    x, weights, lengths = blstm_case(3)
    y, _ = blstm_forward(tf.constant(x), weights, tf.constant(lengths), unroll=4, keep=True)
    for row, n in enumerate(lengths):
        w = [np.asarray(v) for v in (weights.input, weights.recurrent, weights.bias)]
        ahead = lstm_by_hand(x[:n, row], w[0][0], w[1][0], w[2][0, 0])
        back = lstm_by_hand(x[:n, row][::-1], w[0][1], w[1][1], w[2][1, 0])[::-1]
        close(y[:n, row], np.concatenate([ahead, back], 1), 1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_blstm_gradients(batch):
    x, weights, lengths = blstm_case(batch)
    inside = (np.arange(len(x))[:, None] < lengths[None]).astype(np.float32)[:, :, None]
    rng = np.random.default_rng(9)
    dy = tf.constant(rng.standard_normal((len(x), batch, 8)).astype(np.float32) * inside)
    given = [tf.constant(x), weights.input, weights.recurrent, weights.bias]
    with tf.GradientTape() as tape:
        tape.watch(given)
        y, cache = blstm_forward(
            given[0], BlstmWeights(*given[1:]), tf.constant(lengths), unroll=3, keep=True
        )
        total = tf.reduce_sum(y * dy)
    expected = tape.gradient(total, given)
    dx, gradients = blstm_backward(
        dy, cache, weights, tf.constant(lengths), unroll=3, input_gradient=True
    )
    close(dx, expected[0])
    for name, value in zip(("input", "recurrent", "bias"), expected[1:], strict=True):
        close(gradients[name], value)


def test_blstm_without_a_layer_to_train_below():
    x, weights, lengths = blstm_case(2)
    _, cache = blstm_forward(tf.constant(x), weights, tf.constant(lengths), unroll=3, keep=True)
    dx, gradients = blstm_backward(
        tf.ones([12, 2, 8]), cache, weights, tf.constant(lengths), unroll=3, input_gradient=False
    )
    assert dx is None
    assert set(gradients) == {"input", "recurrent", "bias"}


CONVOLUTIONS = {
    "direct": (Convolution((3, 5), (2, 2), 4), 1),
    "direct, even kernel": (Convolution((4, 4), (2, 1), 6), 2),
    "banded": (Convolution((3, 7), (1, 2), 5), 8),
    "banded, stride 1": (Convolution((5, 3), (1, 1), 9), 8),
    "banded, uneven groups": (Convolution((1, 4), (1, 3), 2), 9),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_and_its_gradients(name):
    conv, channels = CONVOLUTIONS[name]
    rng = np.random.default_rng(4)
    times, frequencies = 10, 13
    after = (-(-times // conv.stride[0]), -(-frequencies // conv.stride[1]))
    zeros = padding(conv, (times, frequencies), after)
    x = tf.constant(rng.standard_normal((2, times, frequencies, channels)).astype(np.float32))
    kernel = tf.constant(
        rng.standard_normal((*conv.kernel, channels, conv.channels)).astype(np.float32)
    )
    dy = tf.constant(rng.standard_normal((2, *after, conv.channels)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        padded = tf.pad(x, [[0, 0], zeros.time, zeros.frequency, [0, 0]])
        expected = tf.nn.conv2d(padded, kernel, conv.stride, "VALID")
        total = tf.reduce_sum(expected * dy)
    dx, dw = tape.gradient(total, [x, kernel])
    close(conv_forward(x, kernel, conv.stride, zeros), expected, 1e-5)
    close(conv_kernel_gradient(x, dy, kernel, conv.stride, zeros), dw)
    close(conv_input_gradient(dy, kernel, x.shape.as_list(), conv.stride, zeros), dx)


def test_time_padding_does_not_depend_on_length():
    conv = Convolution((5, 3), (2, 1), 4)
    left = {padding(conv, (t, 8), (-(-t // 2), 8)).time[0] for t in range(9, 20)}
    assert left == {2}


@pytest.mark.parametrize("from_batch", [False, True])
def test_normalisation_gradients(from_batch):
    rng = np.random.default_rng(5)
    x = tf.constant(rng.standard_normal((2, 6, 4, 3)).astype(np.float32) * 2 + 1)
    mask = tf.reshape(
        tf.constant([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], tf.float32), [2, 6, 1, 1]
    )
    dy = tf.constant(rng.standard_normal((2, 6, 4, 3)).astype(np.float32)) * mask
    values = [tf.constant(rng.uniform(0.5, 1.5, 3).astype(np.float32)) for _ in range(4)]
    with tf.GradientTape() as tape:
        tape.watch([x, *values[:2]])
        norm = Norm(*values)
        y, cache, moved = norm_forward(x, norm, mask, from_batch=from_batch)
        total = tf.reduce_sum(y * dy)
    expected = tape.gradient(total, [x, *values[:2]])
    dx, gradients = norm_backward(dy, cache, norm, mask)
    close(dx, expected[0])
    close(gradients["gamma"], expected[1])
    close(gradients["beta"], expected[2])
    assert set(moved) == ({"moving_mean", "moving_variance"} if from_batch else set())
    if from_batch:
        inside = np.asarray(x)[np.broadcast_to(np.asarray(mask) > 0, x.shape)].reshape(-1, 3)
        wanted = 0.99 * np.asarray(values[2]) + 0.01 * inside.mean(0)
        close(moved["moving_mean"], wanted, 1e-5)


SMALL = replace(
    TINY,
    batch_size=3,
    max_frames=24,
    max_label=4,
    convolutions=(
        Convolution((3, 3), (2, 2), 8, bias=True),
        Convolution((3, 3), (1, 1), 8),
        Convolution((3, 3), (1, 2), 4),
    ),
    hidden=4,
    dense=6,
    input_norm=True,
    unroll=4,
    features=FeatureSettings(mels=12),
)


def small_batch():
    rng = np.random.default_rng(7)
    in_len = np.array([24, 17, 0], np.int32)
    x = rng.standard_normal((3, 24, 12)).astype(np.float32)
    for row, n in enumerate(in_len):
        x[row, n:] = 0
    labels = np.array([[1, 2, 2, 3], [4, 5, 0, 0], [0, 0, 0, 0]], np.int32)
    return [tf.constant(v) for v in (x, in_len, labels, np.array([4, 2, 0], np.int32))]


def small_network(batch_statistics=False):
    network = Network(SMALL, seed=3, batch_statistics=batch_statistics)
    rng = np.random.default_rng(8)
    for name, variable in network.weights.items():
        if "moving" in name or "gamma" in name or "beta" in name or "bias" in name:
            variable.assign(variable + rng.uniform(0.05, 0.3, variable.shape).astype(np.float32))
    return network


def automatic(network, first):
    x, in_len, labels, lab_len = small_batch()
    names = network.trainable(first)
    with tf.GradientTape() as tape:
        logits, _ = network.infer(x, in_len, first=first)
        frames = network.output_lengths(tf.maximum(in_len, 1))
        loss = tf.nn.ctc_loss(
            labels, logits, lab_len, frames, logits_time_major=True, blank_index=0
        )
        mean = tf.reduce_mean(loss[:2])  # row 2 is padding
    return mean, dict(
        zip(names, tape.gradient(mean, [network.weights[n] for n in names]), strict=True)
    )


@pytest.mark.parametrize("sub_model", ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"])
def test_sub_model_gradients(sub_model):
    network, first = small_network(), first_layer(sub_model)
    expected_loss, expected = automatic(network, first)
    loss, gradients, moved = network.gradients(*small_batch(), first)
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    assert list(gradients) == list(expected)
    assert not moved
    for name, value in expected.items():
        assert float(tf.reduce_max(tf.abs(value))) > 0, name
        close(gradients[name], value, 1e-3)
    below = {n.split("_")[0].upper() for n in gradients}
    assert below == set(LAYERS[first:])


def test_gradients_with_batch_statistics():
    network = small_network(batch_statistics=True)
    _, expected = automatic(network, 0)
    _, gradients, moved = network.gradients(*small_batch(), 0)
    for name, value in expected.items():
        close(gradients[name], value, 1e-3)
    assert set(moved) == {n for n in network.weights if "moving" in n}


def test_outcome_does_not_depend_on_the_padded_length():
    network = small_network()
    longer = Network(replace(SMALL, max_frames=32), seed=3)
    for name, variable in network.weights.items():
        longer.weights[name].assign(variable)
    x, in_len, _, _ = small_batch()
    logits, lengths = network.infer(x, in_len)
    again, _ = longer.infer(tf.pad(x, [[0, 0], [0, 8], [0, 0]]), in_len)
    for row, n in enumerate(lengths.numpy()):
        np.testing.assert_allclose(logits[:n, row], again[:n, row], atol=1e-5)
