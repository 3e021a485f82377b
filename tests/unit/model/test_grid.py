"""Products of whole numbers: against numpy, against straight-through formulas, in a flatbuffer."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.compression.integers import IntFormat  # noqa: E402
from harness.model import grid as grids  # noqa: E402
from harness.model.aim import Aim  # noqa: E402
from harness.model.configuration import Form  # noqa: E402
from harness.model.deepspeech2.configuration import BLSTMS, CONVOLUTIONS  # noqa: E402
from harness.model.deepspeech2.layers import DenseLayer  # noqa: E402
from harness.model.deepspeech2.reference.network import PlainNetwork, conv_padding  # noqa: E402
from harness.model.export import build_model  # noqa: E402
from harness.model.grid import Grid  # noqa: E402
from harness.model.initial import initial_weights  # noqa: E402
from harness.model.layer import LayerSpec, Role, Signal, Weight  # noqa: E402
from harness.model.network import Network, NetworkVariables  # noqa: E402
from harness.model.optimisers import optimiser_of  # noqa: E402
from harness.model.resident.codings import codings  # noqa: E402
from harness.model.sgd import Sgd  # noqa: E402
from harness.model.step import train_step  # noqa: E402
from harness.trainer.batches import Batch  # noqa: E402
from harness.trainer.runtime import FlatbufferModel  # noqa: E402
from tests.fixtures.small_network import SMALL  # noqa: E402
from tests.unit.model.test_conformer import SMALL as SMALL_CONFORMER  # noqa: E402

pytestmark = pytest.mark.tensorflow

# The vectors of section `fedaqt` (symmetric, half to even, scale = largest / 127), [out, in]
W = np.array([[0.5, -0.3, 0.02], [1.0, 0.25, -0.6]], np.float32)
BY_OUTPUT = [[0.5, -0.299212598425, 0.01968503937], [1.0, 0.251968503937, -0.59842519685]]
BY_TENSOR = [
    [0.503937007874, -0.299212598425, 0.023622047244],
    [1.0, 0.251968503937, -0.59842519685],
]
INT4 = np.array([[7, -4, 0], [7, 2, -4]]) * [[0.071428571429], [0.142857142857]]
X, Y = np.array([[0.5, -1.0, 2.0]], np.float32), [0.592907185814, -0.946865893732]


def test_weights_and_products_are_those_of_the_vectors():
    assert np.allclose(Grid(127).weight(tf.constant(W.T)), np.transpose(BY_OUTPUT), rtol=1e-6)
    per_tensor = Grid(127, by_column=False)
    assert np.allclose(per_tensor.weight(tf.constant(W.T)), np.transpose(BY_TENSOR), rtol=1e-6)
    assert np.allclose(Grid(7).weight(tf.constant(W.T)), INT4.T, rtol=1e-6)
    x = Grid(127).signal(tf.constant(X))
    assert np.allclose(np.rint(x * 127 / 2.0), [[32, -64, 127]])
    assert np.allclose(x @ Grid(127).weight(tf.constant(W.T)), [Y], rtol=1e-6)


@pytest.mark.parametrize("shape", [(7, 4), (2, 5, 8), (3, 2, 4, 6)])
@pytest.mark.parametrize("per", ["column", "tensor"])
def test_what_the_wire_brought_in_the_same_format_stays_as_it_is(shape, per):
    value = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    wire = IntFormat(8, per)
    scales = wire.scales(value)
    came = wire.decode(wire.encode(value, scales, "nearest_even"), scales, shape)
    assert not np.allclose(came, value, rtol=1e-4)
    grid = Grid(127, per == "column")
    assert np.allclose(grid.weight(tf.constant(came)), came, rtol=1e-6, atol=1e-9)
    assert np.allclose(grid.weight(tf.constant(value)), came, rtol=1e-6, atol=1e-9)


def test_what_lies_past_an_utterance_has_no_say_and_zeros_stay_zeros():
    x = tf.constant([[1.0], [0.5], [900.0]])
    inside = tf.constant([[1.0], [1.0], [0.0]])
    assert np.allclose(Grid(127).signal(x, inside)[:2], [[1.0], [64 / 127]])
    assert np.allclose(Grid(127).signal(x)[:2], [[0.0], [0.0]])
    assert np.array_equal(Grid(127).weight(tf.zeros([3, 2])), np.zeros((3, 2)))


# A client's step of one product, in numpy from the formulas


def rounded(value, axis=None, most=127):
    size = np.abs(value).max(axis, keepdims=axis is not None)
    scale = np.maximum(size, 1e-30) / most
    return np.rint(value / scale), scale


@pytest.mark.parametrize("resident", ["float32", "int8"])
def test_a_clients_step_is_that_of_numpy(resident):
    rng, rate = np.random.default_rng(4), 0.05
    w = rng.standard_normal((6, 4)).astype(np.float32)
    x, dy = rng.standard_normal((5, 6)), rng.standard_normal((5, 4)) * 0.2
    x, dy = x.astype(np.float32), dy.astype(np.float32)
    q_w, s_w = rounded(w, 0)
    q_x, s_x = rounded(x)
    y = (q_x @ q_w) * s_x * s_w
    down, gradient = dy @ (q_w * s_w).T, (q_x * s_x).T @ dy
    # on the client: with float32 held, w moves; with int8 held, what w was rounded to
    start = w if resident == "float32" else q_w * s_w
    after = start - rate * gradient
    if resident == "int8":
        need = np.abs(after).max(0) / 127  # a scale stays while it fits (codings.Linear)
        scale = np.where((need <= s_w) & (need >= 0.7 * s_w), s_w, need * 1.1)
        after = np.clip(np.floor(after / scale + 0.5), -127, 127) * scale

    spec = LayerSpec("FC", {"kernel": Weight((6, 4), None), "bias": Weight((4,), None)}, 0)
    held = {"fc_kernel": w, "fc_bias": np.zeros(4, np.float32)}
    few = resident == "int8"
    variables = NetworkVariables(
        held,
        spec.matrices if few else (),
        codings("int8", 5.0) if few else None,
        stochastic=False,
        grid=Grid(127),
        rounded=() if few else spec.matrices,
    )
    layer = DenseLayer(spec, variables, relu=False)
    role = Role(trained=True, passes_on=True)
    signal = Signal(tf.constant(x), tf.constant([5]), tf.ones([1, 5, 1, 1]))
    forward = layer.forward(signal, role)
    back = layer.backward(tf.constant(dy), forward.cache, role)
    assert np.allclose(forward.signal.values, y, rtol=1e-4, atol=1e-5)
    assert np.allclose(back.gradient, down, rtol=1e-4, atol=1e-5)
    assert np.allclose(back.weights["fc_kernel"], gradient, rtol=1e-4, atol=1e-5)
    step = Sgd(variables.rounding).layerwise(dict(variables.by_name), tf.constant(rate), 1e9)
    step.apply({"fc_kernel": back.weights["fc_kernel"]})
    assert np.allclose(variables.read("fc_kernel"), after, rtol=1e-4, atol=1e-5)


# Whole networks, against tensorflow's autodiff of straight-through formulas


class StraightThrough(PlainNetwork):
    """Plain DeepSpeech2 whose products take rounded numbers; one tape differentiates it."""

    def _answers(self, x, in_len, trained):
        config, lengths = self.config, tf.maximum(in_len, 1)
        h, mask = x[..., None], within(lengths, config.max_frames)
        h = self._normalise(h, "CONV1", mask, trained, "input_") * mask
        for n, conv in enumerate(config.convolutions):
            layer = CONVOLUTIONS[n]
            lengths = -(-lengths // conv.stride[0])
            h = tf.pad(through(h), conv_padding(config, n, conv))
            h = tf.nn.conv2d(h, self.rounded(f"{layer.lower()}_kernel"), conv.stride, "VALID")
            mask = within(lengths, h.shape[1])
            if conv.bias:
                h = h + self.weights[f"{layer.lower()}_bias"]
            h = tf.nn.relu(self._normalise(h, layer, mask, trained)) * mask
        batch, steps, frequencies, channels = h.shape
        h = tf.transpose(tf.reshape(h, [batch, steps, frequencies * channels]), [1, 0, 2])
        frames = tf.transpose(mask[..., 0], [1, 0, 2])
        for layer in BLSTMS:
            h = self.blstm(through(h, frames), layer.lower(), lengths)
        h = self._normalise(h, BLSTMS[-1], frames, trained)
        h = tf.nn.relu(self.dense(h, frames, "fc1"))
        return [self.dense(h, frames, "fc2")], lengths

    def rounded(self, name):
        value = self.weights[name]
        axes = list(range(len(value.shape) - 1)) if len(value.shape) > 3 else -2
        return through(value, axis=axes)

    def dense(self, h, frames, name):
        return through(h, frames) @ self.rounded(f"{name}_kernel") + self.weights[f"{name}_bias"]

    def blstm(self, x, name, lengths):
        inputs, recurrent = self.rounded(f"{name}_input"), self.rounded(f"{name}_recurrent")
        bias = self.weights[f"{name}_bias"]
        both = [x, tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)]
        outs = []
        for way in (0, 1):
            h = c = tf.zeros([x.shape[1], recurrent.shape[1]])
            hs = []
            for x_t in tf.unstack(both[way]):
                taken = h + tf.stop_gradient(tf.round(h * 127) / 127 - h)
                z = x_t @ inputs[way] + bias[way] + taken @ recurrent[way]
                i, f, o, g = tf.split(z, 4, -1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
                h = tf.sigmoid(o) * tf.tanh(c)
                hs.append(h)
            outs.append(tf.stack(hs))
        outs[1] = tf.reverse_sequence(outs[1], lengths, seq_axis=0, batch_axis=1)
        return tf.concat(outs, 2)


def within(lengths, steps):
    return tf.sequence_mask(lengths, steps, tf.float32)[..., None, None]


def through(x, inside=1.0, axis=None):
    """Round with tensorflow's own stop_gradient."""
    scale = tf.reduce_max(tf.abs(x) * inside, axis, keepdims=axis is not None) / 127
    scale = tf.stop_gradient(tf.maximum(scale, 1e-30))
    return x + tf.stop_gradient(tf.round(x / scale) * scale - x)


def tensors(batch):
    return [tf.constant(v) for v in (batch.x, batch.in_len, batch.labels, batch.lab_len)]


def conformer_batch(config, seed):
    rng, size = np.random.default_rng(seed), config.batch_size
    x = rng.standard_normal((size, config.max_frames, config.features.mels))
    labels = rng.integers(1, 5, (size, config.max_label))
    return Batch(
        x=x.astype(np.float32),
        in_len=np.full(size, config.max_frames, np.int32),
        labels=labels.astype(np.int32),
        lab_len=np.full(size, config.max_label, np.int32),
        rows=size,
    )


def near(found, expected):
    """A number at the very edge may be rounded the other way: not all need be equal."""
    off = np.abs(np.asarray(found) - np.asarray(expected))
    return off.mean() <= 5e-3 * np.abs(np.asarray(expected)).mean() + 1e-6


@pytest.mark.parametrize("seed", [0, 1])
def test_ds2_has_the_gradients_of_straight_through_formulas(small_weights, small_batch, seed):
    config = replace(SMALL, forward="int8")
    batch = tensors(small_batch(seed))
    layers = config.describe().layer_names
    network = Network(config, variables=NetworkVariables.of(config, small_weights))
    found = network.gradients(*batch, Aim(layers))
    loss, expected = StraightThrough(config, small_weights).gradients(*batch, layers)
    assert float(found.loss) == pytest.approx(float(loss), rel=1e-3)
    assert found.gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        assert near(found.gradients[name], gradient), name
    whole, _ = PlainNetwork(config, small_weights).gradients(*batch, layers)
    assert float(loss) != pytest.approx(float(whole), rel=1e-4)


def test_conformer_has_the_gradients_of_straight_through_formulas(monkeypatch):
    config = replace(SMALL_CONFORMER, forward="int8")
    batch = tensors(conformer_batch(config, 3))
    variables = NetworkVariables.of(config, initial_weights(config, 2))
    network = Network(config, variables=variables)
    found = network.gradients(*batch, Aim(config.describe().layer_names))

    def plainly(x, rounded):
        return x + tf.stop_gradient(rounded(x) - x)

    weight = Grid.weight
    monkeypatch.setattr(grids, "_straight", plainly)
    monkeypatch.setattr(Grid, "weight", lambda self, v: plainly(v, lambda v: weight(self, v)))
    with tf.GradientTape() as tape:
        losses = network.losses(*batch)
        total = tf.reduce_sum(tf.reduce_mean(losses, 1))
    expected = tape.gradient(total, dict(variables.by_name))
    for name, gradient in found.gradients.items():
        assert near(gradient, expected[name]), name


def test_every_product_with_a_weight_takes_whole_numbers(monkeypatch, small_weights, small_batch):
    taken = []
    monkeypatch.setattr(
        Grid, "signal", lambda self, x, inside=None: taken.append(x.shape) or tf.zeros_like(x)
    )
    config = replace(SMALL_CONFORMER, forward="int8")
    variables = NetworkVariables.of(config, initial_weights(config, 2))
    x = tf.ones([config.batch_size, config.max_frames, config.features.mels])
    Network(config, variables=variables).infer(x, tf.fill([config.batch_size], config.max_frames))
    blocks = sum(2 if n + 1 in config.halved else 1 for n in range(config.layers))
    assert len(taken) == 2 + 9 * blocks + 1  # the front, blocks, the head that is asked for
    taken.clear()
    ds2 = replace(SMALL, forward="int8")
    batch = small_batch(0)
    variables = NetworkVariables.of(ds2, small_weights)
    Network(ds2, variables=variables).infer(tf.constant(batch.x), tf.constant(batch.in_len))
    assert len(taken) == len(CONVOLUTIONS) + len(BLSTMS) + 2


def test_fewer_bits_are_further_from_float32(small_weights, small_batch):
    batch = small_batch(0)
    x, in_len = tf.constant(batch.x), tf.constant(batch.in_len)

    def logits(**changes):
        config = replace(SMALL, **changes)
        network = Network(config, variables=NetworkVariables.of(config, small_weights))
        return network.infer(x, in_len)[0].numpy()

    whole = logits()
    off = {
        name: np.abs(logits(forward=name) - whole).mean() / np.abs(whole).mean()
        for name in ("int8", "int6", "int4")
    }
    assert 0 < off["int8"] < 0.1 < off["int4"]
    assert off["int8"] < off["int6"] < off["int4"]
    by_tensor = logits(forward="int4", forward_per="tensor")
    assert not np.allclose(by_tensor, logits(forward="int4"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"resident": "f16", "clip": "layer", "forward": "int8"}, "held as f16"),
        ({"resident": "int8", "clip": "layer", "forward": "int4"}, "held as int8"),
        (
            {"resident": "int8", "clip": "layer", "forward": "int8", "forward_per": "tensor"},
            "a scale a column",
        ),
    ],
)
def test_what_does_not_go_together_is_told(changes, words):
    (problem,) = replace(SMALL, **changes).problems()
    assert problem.location == ("forward",)
    assert words in problem.what


def test_a_family_that_does_not_round_says_so():
    from harness.model.transducer.configuration import PRESETS

    problems = list(replace(PRESETS[0], forward="int8").problems())
    assert "transducer has products of float32 only" in [problem.what for problem in problems]


# The flatbuffer


CLIENT = {"clip": "layer", "optimiser": "sgd", "forward": "int8", "rounding": "nearest"}
ONE_BLOCK = replace(SMALL_CONFORMER, layers=1, exits_after=(1,), halved=(), **CLIENT)


def follows_tensorflow(config, sub_model, weights, batches, path):
    """Take steps in a flatbuffer and in tensorflow; return what moved of the weights."""
    model = FlatbufferModel(
        build_model(config, path, embed=False, sub_models=[sub_model]), threads=1
    )
    model.set_weights(weights)
    variables = NetworkVariables.of(config, weights)
    network = Network(config, variables=variables, form=Form())
    optimiser, aim = optimiser_of(network), Aim.of(config.describe().sub_model(sub_model))
    for batch in batches:
        loss = model.train_step(sub_model, batch, 1e-2)
        own = train_step(network, optimiser, tensors(batch), tf.constant(1e-2), aim)
        assert loss == pytest.approx(float(own.loss), rel=5e-3)
    found = model.get_weights()
    for name in weights:
        after = variables.read(name).numpy()
        assert np.isclose(found[name], after, rtol=1e-2, atol=2e-3).mean() > 0.9, name
    return {name for name, value in weights.items() if np.abs(found[name] - value).max() > 1e-4}


@pytest.mark.parametrize("resident", ["float32", pytest.param("int8", marks=pytest.mark.nightly)])
def test_a_conformers_flatbuffer_does_as_tensorflow(tmp_path, resident):
    config = replace(ONE_BLOCK, resident=resident)
    batches = [conformer_batch(config, seed) for seed in (1, 2)]
    weights = initial_weights(config, 2)
    moved = follows_tensorflow(config, "all", weights, batches, tmp_path / "one.tflite")
    assert {"front_first", "l1_after_in", "head1_kernel"} <= moved


@pytest.mark.nightly
@pytest.mark.parametrize("resident", ["float32", "int8"])
def test_a_ds2_flatbuffer_does_as_tensorflow(tmp_path, small_weights, small_batch, resident):
    config = replace(SMALL, resident=resident, **CLIENT)
    batches = [small_batch(seed) for seed in (0, 1)]
    moved = follows_tensorflow(config, "S1", small_weights, batches, tmp_path / "small.tflite")
    assert {"conv1_kernel", "blstm1_recurrent", "fc2_kernel"} <= moved
