"""The transducer against torchaudio's, in pieces and at once, in tensorflow and as a file."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from harness.contract.targets import Targets
from harness.errors import InputError
from harness.model.config_file import load_network
from harness.model.families import CONFIGS
from harness.model.initial import initial_weights
from harness.model.transducer.configuration import BASE
from harness.trainer.decode import greedy_decode
from harness.trainer.transduced import Greedy
from tests.benchmarks.bench_conversion import of_outputs
from tests.fixtures.emformer import CONFIG, GOLDEN, TINY, golden, weights

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.aim import Aim  # noqa: E402
from harness.model.configuration import Form  # noqa: E402
from harness.model.export import build_model  # noqa: E402
from harness.model.layer import Role, Signal  # noqa: E402
from harness.model.network import NetworkVariables  # noqa: E402
from harness.model.transducer import emformer  # noqa: E402
from harness.model.transducer.lstm import Cell, Loop, outputs  # noqa: E402
from harness.model.transducer.network import TransducerNetwork  # noqa: E402
from harness.trainer.batches import make_batch  # noqa: E402
from harness.trainer.runtime import FlatbufferModel  # noqa: E402

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("pieces", "parameters"), [(0, 70_483_996), (4097, 76_738_049), (5001, 78_127_497)]
)
def test_the_full_one_has_torchaudios_parameters(pieces, parameters):
    """``sum(p.numel() for p in emformer_rnnt_base(n).parameters())`` with 28, 4,097 and 5,001."""
    specs = replace(BASE, pieces=pieces).layer_specs()
    assert sum(spec.parameters for spec in specs) == parameters
    built = of_outputs(BASE, pieces or BASE.outputs)  # as `script/bench conversion` makes a file
    assert list(built.problems()) == []
    assert sum(spec.parameters for spec in built.layer_specs()) == parameters


@pytest.mark.parametrize(("activation", "tolerance"), [("silu", 1e-5), ("gelu", 2e-4)])
def test_encoder_gives_what_torchaudios_gives(activation, tolerance):
    """Its 14 frames are three segments and the last one's look-ahead, which ours would call four.

    Their gelu is exact, ours the approximation with tanh.
    """
    config = replace(CONFIG, activation=activation)
    network = TransducerNetwork(config, variables=NetworkVariables(weights()))
    kernel = network.weights["front_kernel"]
    joined = emformer.joined(tf.constant(golden("features", 1, 14, 6)), kernel, 2)
    rights = tf.concat([joined[:, n : n + 1] for n in (2, 4, 6)], 1)
    rows = tf.reshape(tf.concat([rights, joined[:, :6]], 1), [1, 9, 8])
    signal = Signal(rows, tf.constant([7]), None)
    for layer in network.segments[0].trunk[1:]:
        signal = layer.forward(signal, Role()).signal
    found = signal.values.numpy().ravel()
    name = "encoded" if activation == "silu" else "encoded_gelu"
    np.testing.assert_allclose(found, golden(name, -1), atol=tolerance)


def test_predictor_and_joint_give_what_torchaudios_give():
    network = TransducerNetwork(CONFIG, variables=NetworkVariables(weights()))
    predictor, joint = network.layers[-2:]
    tokens = tf.one_hot([GOLDEN["tokens"]], 4)
    signal = Signal(tokens, tf.constant([5]), None)
    predicted = predictor.forward(signal, Role()).signal.values
    np.testing.assert_allclose(predicted.numpy().ravel(), golden("predicted", -1), atol=1e-5)
    both = tf.concat([golden("encoded", 1, 6, 5), predicted], 1)
    logits = joint.forward(Signal(both, None, None), Role()).signal.values
    np.testing.assert_allclose(logits.numpy(), golden("logits", 1, 6, 5, 4), atol=2e-5)


@pytest.mark.parametrize("in_tensorflow", [True, False])
def test_gradient_of_a_sequence_of_steps(in_tensorflow, agrees):
    """Blocks that do not divide it, against all steps under one tape."""
    rng = np.random.default_rng(0)
    gates, recurrent, norms, d = (
        tf.constant(rng.standard_normal(shape).astype(np.float32))
        for shape in ((7, 2, 12), (3, 12), (30,), (7, 2, 3))
    )
    results = []
    for plain in (True, False):
        with tf.GradientTape() as tape:
            tape.watch([gates, recurrent, norms])
            cell = Cell(recurrent, norms)
            if plain:
                h = c = tf.zeros([2, 3])
                steps = []
                for gate in tf.unstack(gates):
                    h, c = cell.step(gate, h, c)
                    steps.append(h)
                out = tf.stack(steps)
            else:
                out = outputs(gates, cell, Loop(tf.constant([7, 4]), 3, in_tensorflow))
        results.append([out, *tape.gradient(out, [gates, recurrent, norms], d)])
    names = ("outputs", "gates", "recurrent", "norms")
    for what, expected, found in zip(names, *results, strict=True):
        agrees(f"normalised LSTM, {what}", found, expected, 1e-5)


SHORT = replace(TINY, max_frames=16, segment=4, layers=1)
"""Four segments of one joined frame, and the frame after each."""


def batch_of(config, seed=0):
    """Two utterances, the first one shorter, and labels of unequal length."""
    rng = np.random.default_rng(seed)
    frames = config.max_frames
    x = rng.standard_normal((2, frames, config.features.mels)).astype(np.float32)
    shorter = 2 * frames // 3
    x[0, shorter:] = 0.0
    labels = rng.integers(1, config.outputs, (2, config.max_label)).astype(np.int32)
    in_len, lab_len = np.array([[shorter, frames], [2, 5]], np.int32)
    return [tf.constant(value) for value in (x, in_len, labels, lab_len)]


@pytest.mark.parametrize("sub_model", ["all", "encoder", "top", "text"])
def test_gradients_are_those_of_a_tape(sub_model, agrees):
    network, batch = TransducerNetwork(TINY, seed=1), batch_of(TINY)
    names = network.trained_weights(network.description.sub_model(sub_model).layers)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(network.loss(*batch))
    expected = tape.gradient(loss, [network.weights[name] for name in names])
    step = network.gradients(*batch, Aim.of(network.description.sub_model(sub_model)))
    assert list(step.gradients) == names
    assert float(step.loss) == pytest.approx(float(loss), rel=1e-6)
    for name, value in zip(names, expected, strict=True):
        agrees("transducer weights", step.gradients[name], value, 1e-4)


def test_segment_by_segment_is_the_whole_utterance():
    """Also where an utterance ends within a segment, and within the frames that one waits for."""
    network = TransducerNetwork(replace(TINY, batch_size=1), seed=2)
    encode = network.own_signatures()["encode_chunk"]
    encoded = tf.function(network.encoded, autograph=False)
    for frames in (32, 29, 21, 17, 9, 3):
        x = np.zeros((1, 32, 8), np.float32)
        x[0, :frames] = np.random.default_rng(frames).standard_normal((frames, 8))
        whole, _ = encoded(tf.constant(x), tf.constant([frames]))
        found = [part for part, _ in segments(network.config, encode, tf.constant(x[0, :frames]))]
        joined = -(-frames // 4)
        np.testing.assert_allclose(
            np.concatenate(found)[:joined], whole.numpy()[0, :joined], atol=1e-5
        )


def segments(config, encode, features):
    """Yield what each segment of features [n, mels] gives, and the joined frames of it."""
    memory = tf.zeros([config.layers, config.left, config.width])
    state = {"keys": memory, "values": memory, "past": tf.constant(0)}
    for start in range(0, features.shape[0], config.segment):
        now = features[start : start + config.chunk_frames]
        padded = tf.pad(now, [[0, config.chunk_frames - now.shape[0]], [0, 0]])
        out = encode(features=padded, frames=tf.constant(now.shape[0]), **state)
        state = {name: out[name] for name in state}
        yield out["encoded"].numpy(), min(config.chunk, -(-now.shape[0] // config.reduction))


class Asked:
    """Predictor and joint of a network in tensorflow, for decoding on the host."""

    def __init__(self, network):
        made = network.own_signatures()
        self._predict, self._joint = made["predict"], made["joint"]
        self._nothing = tf.zeros([network.config.lstm_layers, network.config.cells])

    def predict(self, label, state):
        h, c = state or (self._nothing, self._nothing)
        out = self._predict(token=tf.constant(label), h=h, c=c)
        return out["predicted"].numpy(), (out["h"], out["c"])

    def joint(self, heard, written):
        encoded, predicted = tf.constant(heard), tf.constant(written)
        return self._joint(encoded=encoded, predicted=predicted)["logits"].numpy()


def text_of(labels):
    return "".join(TINY.alphabet[n - 1] for n in labels)


@pytest.mark.parametrize("labels_a_frame", [pytest.param(1, marks=pytest.mark.nightly), 2])
def test_what_it_answers_is_what_greedy_decoding_writes(labels_a_frame):
    """Random weights write a lot, the same label twice in a row too."""
    config = replace(SHORT, labels_a_frame=labels_a_frame)
    texts = set()
    network = TransducerNetwork(config)
    infer = tf.function(network.infer, autograph=False)
    asked, encode = Asked(network), network.own_signatures()["encode_chunk"]
    for seed in range(6):
        x, in_len, _, _ = batch_of(config, seed)
        for name, value in initial_weights(config, seed).items():
            network.weights[name].assign(value)
        logits, lengths = infer(x, in_len)
        for row, frames in enumerate(in_len.numpy()):
            decoder = Greedy(asked, 0, labels_a_frame)
            for encoded, real in segments(config, encode, x[row, :frames]):
                decoder.hear(encoded[:real])
            heard = greedy_decode(logits.numpy()[: lengths[row], row], Targets(TINY.alphabet))
            assert heard == text_of(decoder.labels)
            texts.add(heard)
    assert any(a == b for text in texts for a, b in pairwise(text))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("heads: 5", "5 heads do not divide"),
        ("labels_a_frame: 3", "multiple of 6"),
        ("segment: 10", "10 is no multiple of 4"),
        ("right: 20", "looks 20 frames ahead"),
        ("segment: 324", "324 frames are more than the longest utterance has: 320"),
        ("left: 0", "must be 1 or more"),
        ("pieces: 5001", "a file carries pieces"),
        ("activation: tanh", "activation"),
    ],
)
def test_sizes_that_make_no_network_are_told(tmp_path, field, words):
    path = tmp_path / "mine.yaml"
    path.write_text(f"base: emformer-mini\n{field}\n")
    with pytest.raises(InputError, match=words):
        load_network(path)


def test_ready_made_sizes_have_no_problems():
    for name in ("emformer-mini", "emformer-base"):
        assert list(CONFIGS[name].problems()) == []


@pytest.mark.nightly
def test_a_file_computes_what_tensorflow_does(tmp_path, agrees):
    path = build_model(TINY, tmp_path / "t.tflite", seed=3, sub_models=["all"])
    model = FlatbufferModel(path, 1)
    network = TransducerNetwork(TINY, seed=3, form=Form())
    x, in_len, labels, lab_len = batch_of(TINY, 3)
    texts = [text_of(row[:n]) for row, n in zip(labels.numpy(), lab_len.numpy(), strict=True)]
    features = [row[:n] for row, n in zip(x.numpy(), in_len.numpy(), strict=True)]
    batch = make_batch(features, texts, model.info)
    agrees("file's loss", model.loss(batch), network.loss(x, in_len, labels, lab_len), 1e-5)
    logits, lengths = network.infer(x, in_len)
    for row, found in enumerate(model.infer(batch)):
        agrees("file's path", found, logits.numpy()[: lengths[row], row], 1e-4)
    before = model.loss(batch).mean()
    losses = [model.train_step("all", batch, 0.01) for _ in range(30)]
    assert losses[0] == pytest.approx(before, rel=1e-5)
    assert losses[-1] < 0.6 * losses[0]
