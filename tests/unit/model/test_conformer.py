"""The Conformer: its numbers, and every kind of its layers against plain tensorflow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.model.configuration import FeatureSettings, layer_parameters, sub_model_parameters
from harness.model.conformer.configuration import MINI, PAPER, PRESETS, SPLITFORMER, Conformer
from harness.model.initial import initial_weights
from harness.model.layer import Role, Signal

SMALL = replace(
    MINI,
    name="small",
    batch_size=3,
    max_frames=48,
    max_label=6,
    width=16,
    heads=2,
    layers=4,
    exits_after=(2, 3, 4),
    halved=(2,),
    feed_forward=24,
    kernel=6,
    strides=(2, 2),
    unroll=4,
    features=FeatureSettings(mels=12),
)
"""Every kind of layer; an even kernel; segments of one layer and of two."""


def parameters(config: Conformer) -> int:
    return sub_model_parameters(config)["all"]


def test_the_papers_numbers():
    """arXiv 2309.09546 prints 31.5 M; Splitformer's model card 36.7 M."""
    pieces = replace(PAPER, pieces=256)
    layers = layer_parameters(pieces)
    assert layers["L7"] == 2_573_568
    assert layers["Front"] == 258_560
    assert layers["Head6"] == 65_792
    assert parameters(pieces) == 31_536_128
    assert parameters(replace(SPLITFORMER, pieces=256)) == 36_683_264
    trains = sub_model_parameters(pieces)
    assert [trains[f"upto{k}"] for k in range(1, 6)] == [
        5_471_488,
        10_684_416,
        15_897_344,
        21_110_272,
        26_323_200,
    ]


def test_characters_make_smaller_heads():
    assert parameters(PAPER) == 31_536_128 - 6 * 257 * (256 - 28) == 31_184_552
    assert parameters(SPLITFORMER) == 36_331_688
    assert parameters(MINI) == 615_764


@pytest.mark.parametrize("config", PRESETS, ids=lambda config: config.name)
def test_presets_are_networks(config):
    assert list(config.problems()) == []
    network = config.describe()
    last = len(config.exits_after)
    assert network.exit_names == tuple(f"exit{k}" for k in range(1, last + 1))
    upto = network.sub_model("upto1")
    assert upto.layers == ("Front", "L1", "L2", "Head1")
    assert upto.exits == ("exit1",)
    top = network.sub_model(f"from{last}")
    assert top.exits == (f"exit{last}",)
    assert "Front" not in top.layers
    heads = network.sub_model("heads")
    assert heads.layers == tuple(f"Head{k}" for k in range(1, last + 1))
    assert heads.switch
    assert heads.switch.heads_only


@pytest.fixture
def weights():
    """None of them 0 or 1 throughout, so that nothing cancels."""
    rng = np.random.default_rng(3)
    first = initial_weights(SMALL, 1)
    return {n: (v + 0.1 * rng.normal(size=v.shape)).astype(np.float32) for n, v in first.items()}


def batch(seed: int = 0, *, letters: tuple[int, ...] = (4, 3, 0)):
    rng = np.random.default_rng(seed)
    lengths = np.array([48, 33, 0 if seed else 40], np.int32)
    x = rng.normal(size=(3, 48, 12)).astype(np.float32)
    x *= (np.arange(48)[None] < lengths[:, None])[..., None]
    labels = rng.integers(1, 28, (3, 6)).astype(np.int32)
    return x, lengths, labels, np.array(letters, np.int32)


@pytest.fixture
def pair(weights):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.conformer.reference.network import PlainNetwork
    from harness.model.network import Network, NetworkVariables

    del tf
    return Network(SMALL, variables=NetworkVariables(weights)), PlainNetwork(SMALL, weights)


@pytest.mark.tensorflow
@pytest.mark.parametrize("sub_model", [s.name for s in SMALL.sub_models()])
def test_gradients_are_those_of_a_tape(pair, sub_model, agrees):
    from harness.model.aim import Aim

    network, plain = pair
    described = network.description.sub_model(sub_model)
    exits = [k for k in (1, 2, 3) if f"exit{k}" in described.exits]
    for seed in (0, 1):
        step = network.gradients(*batch(seed), Aim.of(described))
        loss, expected = plain.gradients(batch(seed), described.layers, exits)
        agrees("Conformer, joint loss", step.loss, loss, 1e-5)
        wanted = network.trained_weights(described.layers, biases=sub_model == "biases")
        assert list(step.gradients) == wanted
        for name, gradient in step.gradients.items():
            agrees("Conformer, gradients of all layers", gradient, expected[name], 1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["Front", "L1", "L2", "Head1"])
@pytest.mark.parametrize("strides", [(2, 2), (2, 1), (1, 1)])
def test_each_kind_of_layer_alone(name, strides, weights, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.conformer.layers import build_layers
    from harness.model.conformer.reference.network import PlainNetwork
    from harness.model.network import NetworkVariables
    from harness.model.operators import inside

    config = replace(SMALL, strides=strides)
    by_name = {layer.name: layer for layer in build_layers(config, NetworkVariables(weights))}
    layer, plain = by_name[name], PlainNetwork(config, weights)
    rng = np.random.default_rng(5)
    lengths = tf.constant([12, 7, 1])
    times = 12
    x = tf.constant(rng.normal(size=(3, times, 12 if name == "Front" else 16)), tf.float32)
    valid = tf.sequence_mask(lengths, times)

    def plainly(values):
        if name == "Front":
            return plain._front(values, lengths)
        if name == "Head1":
            head = plain.weights
            return tf.transpose(values @ head["head1_kernel"][0] + head["head1_vectors"], [1, 0, 2])
        y = plain._block(values, valid, f"{name.lower()}_")
        if name == "L2":
            y += plain._half_block(values, valid, "l2_half_")
        return y

    values = x if name == "Front" else tf.reshape(x, [1, 3 * times, 16])
    role = Role(trained=True, passes_on=name != "Front")
    passed = layer.forward(Signal(values, lengths, inside(lengths, times)), role)
    # Only frames within an utterance have a gradient.
    after = layer.output_lengths(lengths).numpy()
    dy = rng.normal(size=plainly(x).shape).astype(np.float32)
    outside = np.arange(dy.shape[0 if name == "Head1" else 1])[None] >= after[:, None]
    dy[outside.T if name == "Head1" else outside] = 0
    with tf.GradientTape() as tape:
        tape.watch(x)
        expected = plainly(x)
        total = tf.reduce_sum(expected * dy)
    own = {n: plain.weights[n] for n in layer.spec.trained}
    wanted, dx = tape.gradient(total, (own, x))
    back = layer.backward(tf.reshape(dy, passed.signal.values.shape), passed.cache, role)
    agrees(f"Conformer {name} output", tf.reshape(passed.signal.values, dy.shape), expected, 1e-5)
    assert list(back.weights) == list(own)
    for weight, gradient in back.weights.items():
        agrees(f"Conformer {name} gradients of weights", gradient, wanted[weight], 1e-5)
    if name == "Front":
        assert back.gradient is None
    else:
        agrees(f"Conformer {name} gradient of input", tf.reshape(back.gradient, x.shape), dx, 1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("halved", [(), (2,)])
def test_what_is_heard_does_not_depend_on_padding(halved, weights, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.network import Network, NetworkVariables

    config = replace(SMALL, halved=halved)
    longer = replace(config, max_frames=72)
    x, lengths, *_ = batch()
    network = Network(config, variables=NetworkVariables(weights))
    short, frames = network.infer(*map(tf.constant, (x, lengths)))
    padded = np.pad(x, [(0, 0), (0, 24), (0, 0)])
    long, again = network.resized(longer).infer(*map(tf.constant, (padded, lengths)))
    assert frames.numpy().tolist() == again.numpy().tolist() == [12, 9, 10]
    for row, count in enumerate(frames.numpy()):
        agrees("Conformer at another length", long[:count, row], short[:count, row], 1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("width", [3, 4, 15])
def test_depthwise_convolution_in_another_order(width, agrees):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.conformer.operators import depthwise

    rng = np.random.default_rng(width)
    x, taps, dy = (
        tf.constant(rng.normal(size=s), tf.float32) for s in ((2, 9, 5), (width, 5), (2, 9, 5))
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, taps])
        left = (width - 1) // 2
        padded = tf.pad(x, [[0, 0], [left, width - 1 - left], [0, 0]])
        plain = tf.add_n([padded[:, k : k + 9] * taps[k] for k in range(width)])
        found = depthwise(x, taps)
    agrees("depthwise convolution", found, plain, 1e-5)
    for wanted, gradient in zip(
        tape.gradient(plain, (x, taps), dy), tape.gradient(found, (x, taps), dy), strict=True
    ):
        agrees("depthwise convolution, gradients", gradient, wanted, 1e-5)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model

    config = replace(SMALL, layers=2, exits_after=(1, 2), halved=(), batch_size=3, max_frames=24)
    out = tmp_path_factory.mktemp("model") / "small.tflite"
    return build_model(config, out, sub_models=("upto1", "biases"))  # each span takes its time


@pytest.mark.tensorflow
def test_a_file_has_builtin_operators_only(path):
    from harness.model.inspection import inspect

    seen = inspect(path)
    assert seen.custom_operators == ()
    assert seen.info
    assert seen.info.network.exit_names == ("exit1", "exit2")
    assert {"train", "train_biases", "segment1", "segment2", "infer_exit1", "infer_early"} <= set(
        seen.signatures
    )
    assert not {"train_all", "train_upto1", "infer_exit2"} & set(seen.signatures)


@pytest.mark.tensorflow
def test_a_file_trains_a_span_as_plain_tensorflow_does(path, agrees):
    """The same Adam step on the same weights: losses by exit, and the weights after it."""
    from ai_edge_litert.interpreter import Interpreter

    from harness.model.conformer.reference.network import PlainNetwork, PlainStep

    config = replace(SMALL, layers=2, exits_after=(1, 2), halved=(), batch_size=3, max_frames=24)
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    before = interpreter.get_signature_runner("get_weights")()
    before = {name: value.copy() for name, value in before.items()}
    x, _, labels, lab_len = batch(letters=(2, 1, 0))
    given = {
        "x": x[:, :24],
        "in_len": np.array([24, 17, 24], np.int32),
        "labels": labels,
        "lab_len": lab_len,
    }
    interpreter.get_signature_runner("reset_upto1")()
    out = interpreter.get_signature_runner("train")(
        **given,
        lr=np.array(1e-3, np.float32),
        first=np.array(1, np.int32),
        last=np.array(1, np.int32),
        heads_only=np.array(0, np.int32),
    )
    upto = next(s for s in config.sub_models() if s.name == "upto1")
    plain = PlainNetwork(config, before)
    loss = PlainStep(plain, upto.layers, [1])(list(given.values()), 1e-3)
    agrees("Conformer, loss of a switched step", out["by_exit"], [float(loss), 0.0], 1e-5)
    after = interpreter.get_signature_runner("get_weights")()
    for name, value in after.items():
        if name in plain.trained_weights(upto.layers):
            # The first step of Adam moves by the sign of a gradient: small ones are noise.
            moved = np.abs(value - plain.weights[name].numpy())
            assert np.quantile(moved, 0.98) < 1e-5, name
            assert (value != before[name]).any()
        else:
            assert (value == before[name]).all()
