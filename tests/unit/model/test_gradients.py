"""Every hand-written gradient against the one that tensorflow finds for plain formulas."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from ai_edge_litert.interpreter import Interpreter  # noqa: E402

from harness.contract.mobileasr import LAYERS, SUB_MODELS  # noqa: E402
from harness.model.aim import Aim  # noqa: E402
from harness.model.blstm import BlstmWeights, blstm_backward, blstm_forward  # noqa: E402
from harness.model.configuration import Form  # noqa: E402
from harness.model.deepspeech2.configuration import Convolution  # noqa: E402
from harness.model.deepspeech2.conv import (  # noqa: E402
    conv_forward,
    conv_input_gradient,
    conv_kernel_gradient,
    padding,
)
from harness.model.deepspeech2.reference.lstm import blstm  # noqa: E402
from harness.model.deepspeech2.reference.network import PlainNetwork, batch_moments  # noqa: E402
from harness.model.network import Network  # noqa: E402
from harness.model.normalise import Norm, norm_backward, norm_forward  # noqa: E402
from harness.model.recurrent import (  # noqa: E402
    Columns,
    DirectionRows,
    OneUtterance,
    RecurrentProduct,
    recurrent_product,
)
from harness.model.strip import strip  # noqa: E402

pytestmark = pytest.mark.tensorflow


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


def blstm_case(seed):
    rng = np.random.default_rng(seed)
    batch, steps = seed % 4 + 1, int(rng.integers(1, 14))
    width, hidden = (int(n) for n in rng.integers(1, 7, 2))
    x = tf.constant(rng.standard_normal((steps, batch, width)).astype(np.float32))
    shapes = ((2, width, 4 * hidden), (2, hidden, 4 * hidden), (2, 1, 4 * hidden))
    weights = [tf.constant(rng.standard_normal(s).astype(np.float32) * 0.5) for s in shapes]
    lengths = rng.integers(1, steps + 1, batch).astype(np.int32)
    inside = (np.arange(steps)[:, None] < lengths[None]).astype(np.float32)[:, :, None]
    dy = rng.standard_normal((steps, batch, 2 * hidden)).astype(np.float32) * inside
    return x, weights, tf.constant(lengths), inside, tf.constant(dy), int(rng.integers(1, 6))


@pytest.mark.parametrize("seed", range(3))
def test_blstm_forward_follows_the_equations(seed, agrees):
    x, weights, lengths, _, _, unroll = blstm_case(seed)
    options = {"unroll": unroll, "product": RecurrentProduct()}
    y, _ = blstm_forward(rows(x), BlstmWeights(*weights), lengths, keep=True, **options)
    y = tf.reshape(y, [*x.shape[:2], -1])
    wx, wh, b = (np.asarray(w) for w in weights)
    for row, n in enumerate(lengths.numpy()):
        inputs = x.numpy()[:n, row]
        ahead = lstm_by_hand(inputs, wx[0], wh[0], b[0, 0])
        back = lstm_by_hand(inputs[::-1], wx[1], wh[1], b[1, 0])[::-1]
        agrees("BLSTM output (by hand)", y[:n, row], np.concatenate([ahead, back], 1), 1e-5)


def rows(a):
    """[T, B, W] -> [T*B, W]."""
    return tf.reshape(a, [-1, a.shape[2]])


def by_hand(case, product):
    """Output and all gradients of one BLSTM: a function that tensorflow or a flatbuffer can run."""
    lengths, unroll = case[2], case[5]

    def run(x, dy, *weights):
        blstm_weights, options = BlstmWeights(*weights), {"unroll": unroll, "product": product}
        y, cache = blstm_forward(rows(x), blstm_weights, lengths, keep=True, **options)
        dx, gradients = blstm_backward(rows(dy), cache, blstm_weights, lengths, input_gradient=True)
        y, dx = tf.reshape(y, dy.shape), tf.reshape(dx, x.shape)
        return {"output": y, "gradient of input": dx} | {
            f"gradient of {name} weights": value for name, value in gradients.items()
        }

    return run


def by_tape(case):
    """The same, found by tensorflow for the plain formulas."""
    x, weights, lengths, _, dy, _ = case
    with tf.GradientTape() as tape:
        tape.watch([x, *weights])
        y = blstm(x, weights, lengths, "tape")
        total = tf.reduce_sum(y * dy)
    names = ("input", *(f"{n} weights" for n in ("input", "recurrent", "bias")))
    gradients = tape.gradient(total, [x, *weights])
    return {"output": y} | {
        f"gradient of {name}": value for name, value in zip(names, gradients, strict=True)
    }


def in_flatbuffer(function, arguments, folder):
    """Convert a function of float tensors, that returns tensors by name, and run it."""
    specs = [tf.TensorSpec(a.shape, tf.float32, f"x{n}") for n, a in enumerate(arguments)]
    names = []

    def numbered(*tensors):
        results = function(*tensors)
        names.extend(results)
        return {f"y{n}": value for n, value in enumerate(results.values())}

    concrete = tf.function(numbered, autograph=False).get_concrete_function(*specs)
    tf.saved_model.save(tf.Module(), str(folder), signatures=concrete)
    content = strip(tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert(), [])
    runner = Interpreter(model_content=content, num_threads=2).get_signature_runner()
    outputs = runner(**{f"x{n}": a.numpy() for n, a in enumerate(arguments)})
    return {name: outputs[f"y{n}"] for n, name in enumerate(names[: len(outputs)])}


def as_by_tape(agrees, case, gradients, form=""):
    """Compare output and all gradients with those that tensorflow finds."""
    expected = by_tape(case)
    assert list(gradients) == list(expected)
    for name, value in expected.items():
        valid = case[3] if name == "output" else 1.0
        agrees(f"BLSTM {name}{form}", gradients[name] * valid, value * valid, 1e-5)


@pytest.mark.parametrize("product", [RecurrentProduct(), Columns()])
@pytest.mark.parametrize("seed", range(8))
def test_blstm_gradients(seed, product, agrees):
    case = blstm_case(seed)
    x, weights, _, _, dy, _ = case
    as_by_tape(agrees, case, by_hand(case, product)(x, dy, *weights))


ONE_UTTERANCE = (0, 4)
"""Cases of one utterance."""


@pytest.mark.parametrize(
    ("product", "seed"),
    [(p, seed) for p in (DirectionRows(), Columns()) for seed in (0, 1, 3, 6)]
    + [(OneUtterance(), seed) for seed in ONE_UTTERANCE],
)
def test_blstm_gradients_in_a_flatbuffer(seed, product, agrees, tmp_path):
    case = blstm_case(seed)
    x, weights, _, _, dy, _ = case
    assert (x.shape[1] == 1) == (seed in ONE_UTTERANCE)
    gradients = in_flatbuffer(by_hand(case, product), [x, dy, *weights], tmp_path)
    as_by_tape(agrees, case, gradients, f", {type(product).__name__}")


def test_a_matrix_too_small_or_too_wide_is_no_convolution():
    assert recurrent_product(1, 512) == recurrent_product(2, 1024) == DirectionRows()
    assert recurrent_product(1, 128) == recurrent_product(1, 1025) == OneUtterance()
    assert recurrent_product(2, 128) == recurrent_product(3, 512) == Columns()


def test_blstm_without_a_layer_to_train_below():
    x, weights, lengths, _, dy, unroll = blstm_case(2)
    blstm_weights = BlstmWeights(*weights)
    options = {"unroll": unroll, "product": RecurrentProduct()}
    _, cache = blstm_forward(rows(x), blstm_weights, lengths, keep=True, **options)
    dx, gradients = blstm_backward(rows(dy), cache, blstm_weights, lengths, input_gradient=False)
    assert dx is None
    assert set(gradients) == {"input", "recurrent", "bias"}


CONVOLUTIONS = {
    "strided, one channel in": (Convolution((3, 5), (2, 2), 4), 1),
    "strided, even kernel": (Convolution((4, 4), (2, 1), 6), 2),
    "many channels": (Convolution((3, 7), (1, 2), 5), 8),
    "many channels, stride 1": (Convolution((5, 3), (1, 1), 9), 8),
    "many channels, uneven": (Convolution((1, 4), (1, 3), 2), 9),
    "as in the paper's size": (Convolution((10, 10), (1, 1), 8), 16),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("frequency", ["same", "valid"])
def test_convolution_and_its_gradients(name, frequency, agrees):
    conv, channels = CONVOLUTIONS[name]
    rng = np.random.default_rng(len(name))
    batch, times, frequencies = rng.integers([1, 8, 11], [4, 14, 17]).tolist()
    wide = frequencies if frequency == "same" else frequencies - conv.kernel[1] + 1
    after = (-(-times // conv.stride[0]), -(-wide // conv.stride[1]))
    zeros = padding(conv, (times, frequencies), after)
    shape = (batch, times, frequencies, channels)
    x = tf.constant(rng.standard_normal(shape).astype(np.float32))
    kernel = rng.standard_normal((*conv.kernel, channels, conv.channels))
    kernel = tf.constant(kernel.astype(np.float32))
    dy = tf.constant(rng.standard_normal((batch, *after, conv.channels)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        padded = tf.pad(x, [[0, 0], zeros.time, zeros.frequency, [0, 0]])
        expected = tf.nn.conv2d(padded, kernel, conv.stride, "VALID")
        total = tf.reduce_sum(expected * dy)
    dx, dw = tape.gradient(total, [x, kernel])
    agrees("CONV output", conv_forward(x, kernel, conv.stride, zeros), expected, 1e-5)
    gradient = conv_kernel_gradient(x, dy, kernel, conv.stride, zeros)
    agrees("CONV gradient of kernel", gradient, dw, 1e-5)
    gradient = conv_input_gradient(dy, kernel, x.shape.as_list(), conv.stride, zeros)
    agrees("CONV gradient of input", gradient, dx, 1e-5)


def test_time_padding_does_not_depend_on_length():
    conv = Convolution((5, 3), (2, 1), 4)
    left = {padding(conv, (t, 8), (-(-t // 2), 8)).time[0] for t in range(9, 20)}
    assert left == {2}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("statistics", ["frozen", "batch"])
def test_normalisation_gradients(statistics, seed, agrees):
    rng = np.random.default_rng(seed)
    batch, times, frequencies, channels = rng.integers(1, 6, 4).tolist()
    shape = (batch, times + 1, frequencies, channels)
    x = tf.constant(rng.standard_normal(shape).astype(np.float32) * 2 + 1)
    lengths = rng.integers(1, times + 2, batch)
    mask = (np.arange(times + 1)[None] < lengths[:, None]).astype(np.float32)
    mask = tf.constant(mask[:, :, None, None])
    dy = tf.constant(rng.standard_normal(shape).astype(np.float32)) * mask
    stored = [tf.constant(rng.uniform(0.5, 1.5, channels).astype(np.float32)) for _ in range(4)]
    gamma, beta, mean, variance = stored
    with tf.GradientTape() as tape:
        tape.watch([x, gamma, beta])
        moments = batch_moments(x, mask) if statistics == "batch" else (mean, variance)
        expected = tf.nn.batch_normalization(x, *moments, beta, gamma, 1e-3)
        total = tf.reduce_sum(expected * dy)
    expected_gradients = tape.gradient(total, [x, gamma, beta])
    norm = Norm(gamma, beta, mean, variance)
    y, cache, moved = norm_forward(x, norm, mask, from_batch=statistics == "batch")
    dx, gradients = norm_backward(dy, cache, norm, mask)
    label = f"batch norm, {statistics} statistics,"
    agrees(f"{label} output", y, expected, 1e-5)
    # Terms that cancel: where a channel has few places, rounding is a larger part of what is left.
    scale = float(tf.reduce_max(tf.abs(dy)))
    agrees(f"{label} gradient of input", dx, expected_gradients[0], 1e-5, scale=scale)
    agrees(f"{label} gradient of gamma", gradients["gamma"], expected_gradients[1], 1e-5)
    agrees(f"{label} gradient of beta", gradients["beta"], expected_gradients[2], 1e-5)
    assert set(moved) == ({"moving_mean", "moving_variance"} if statistics == "batch" else set())
    if moved:
        agrees("moving mean", moved["moving_mean"], 0.99 * mean + 0.01 * moments[0], 1e-5)
        wanted = 0.99 * variance + 0.01 * moments[1]
        agrees("moving variance", moved["moving_variance"], wanted, 1e-5)


@pytest.fixture
def pair(small_config, small_weights):
    """The network with hand-written gradients and the plain one, of equal weights."""

    def make(batch_statistics=False):
        network = Network(small_config, form=Form(batch_statistics=batch_statistics))
        for name, value in small_weights.items():
            network.weights[name].assign(value)
        plain = PlainNetwork(small_config, small_weights, batch_statistics=batch_statistics)
        return network, plain

    return make


def tensors(batch):
    return [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]


def all_agree(agrees, label, computed, expected, tolerance):
    """Compare gradients by name; one that is nearly nothing beside the others is all rounding."""
    assert list(computed) == list(expected)
    largest = {name: float(tf.reduce_max(tf.abs(value))) for name, value in expected.items()}
    least = 0.01 * max(largest.values())
    for name, value in expected.items():
        scale = max(largest[name], least)
        agrees(label, computed[name], value, tolerance, scale=scale)
    return largest


@pytest.mark.parametrize("sub_model", SUB_MODELS)
def test_sub_model_gradients(sub_model, pair, small_batch, agrees):
    network, plain = pair()
    layers = network.description.sub_model(sub_model).layers
    batch = tensors(small_batch(0))
    expected_loss, expected = plain.gradients(*batch, layers)
    step = network.gradients(*batch, Aim(layers))
    assert not step.moved
    agrees("loss", step.loss, expected_loss, 1e-5)
    largest = all_agree(agrees, f"gradients of {sub_model}", step.gradients, expected, 2e-5)
    assert min(largest.values()) > 0
    assert {n.split("_")[0].upper() for n in step.gradients} == set(layers)


@pytest.mark.parametrize(
    "layers", [("BLSTM2",), ("CONV1", "BLSTM4"), ("CONV2", "FC1"), ("BLSTM1", "FC2")], ids="+".join
)
def test_gradients_of_any_set_of_layers(layers, pair, small_batch, agrees):
    """Frozen layers above a trained one pass the gradient on and have none of their own."""
    network, plain = pair()
    batch = tensors(small_batch(0))
    expected_loss, expected = plain.gradients(*batch, layers)
    step = network.gradients(*batch, Aim(layers))
    agrees("loss", step.loss, expected_loss, 1e-5)
    all_agree(agrees, "gradients of any set of layers", step.gradients, expected, 2e-5)
    assert {n.split("_")[0].upper() for n in step.gradients} == set(layers)


@pytest.mark.parametrize("seed", range(1, 6))
def test_gradients_of_any_batch(seed, pair, small_batch, agrees):
    network, plain = pair()
    batch = tensors(small_batch(seed))
    expected_loss, expected = plain.gradients(*batch, LAYERS)
    step = network.gradients(*batch, Aim(LAYERS))
    agrees("loss", step.loss, expected_loss, 1e-5)
    agrees("loss", network.loss(*batch), plain.loss(*batch), 1e-5)
    all_agree(agrees, "gradients of S1, any batch", step.gradients, expected, 2e-5)


@pytest.mark.parametrize("sub_model", ["S1", "S4", "S7"])
def test_gradients_with_batch_statistics(sub_model, pair, small_batch, agrees):
    network, plain = pair(batch_statistics=True)
    batch = tensors(small_batch(0))
    layers = network.description.sub_model(sub_model).layers
    _, expected = plain.gradients(*batch, layers)
    step = network.gradients(*batch, Aim(layers))
    all_agree(agrees, "gradients, batch statistics", step.gradients, expected, 1e-4)
    assert set(step.moved) == set(plain.moved)
    assert len(step.moved) == {"S1": 10, "S4": 2, "S7": 2}[sub_model]
    for name, value in step.moved.items():
        agrees("moved statistics", value, plain.moved[name], 1e-5)


def test_outcome_does_not_depend_on_the_padded_length(pair, small_batch, small_config, agrees):
    network, _ = pair()
    longer = Network(replace(small_config, max_frames=32), seed=3)
    for name, variable in network.weights.items():
        longer.weights[name].assign(variable)
    x, in_len, _, _ = tensors(small_batch(0))
    logits, lengths = network.infer(x, in_len)
    again, _ = longer.infer(tf.pad(x, [[0, 0], [0, 8], [0, 0]]), in_len)
    for row, n in enumerate(lengths.numpy()):
        agrees("logits of a longer padding", again[:n, row], logits[:n, row], 1e-5)
