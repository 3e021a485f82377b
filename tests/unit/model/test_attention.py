"""Attention decoders at a Conformer's exits: the joint loss, writing, and training both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.model.aim import Aim
from harness.model.configuration import (
    BLANK,
    FeatureSettings,
    layer_parameters,
    sub_model_parameters,
)
from harness.model.conformer.configuration import MINI, MINI_AED, PAPER, PAPER_AED
from harness.model.initial import initial_weights
from tests.fixtures.gradient_checks import Agrees
from tests.fixtures.stairs.job import stairs_job

tf = pytest.importorskip("tensorflow")

SMALL = replace(
    MINI,
    name="small",
    batch_size=3,
    max_frames=48,
    max_label=6,
    width=16,
    heads=2,
    layers=2,
    exits_after=(1, 2),
    feed_forward=24,
    kernel=5,
    strides=(2, 2),
    unroll=4,
    decoder_layers=2,
    features=FeatureSettings(mels=12),
)

IN_A_FILE = replace(
    SMALL,
    layers=1,
    exits_after=(1,),
    decoder_layers=1,
    max_label=9,
    switched=False,
    word_pieces=("ab", " c", "ba", " ab"),
)
"""As small as a file gets; it writes pieces of words."""


def network(seed: int = 3) -> Any:
    from harness.model.conformer.attention import AttentionNetwork

    made = AttentionNetwork(SMALL, seed=seed)
    rng = np.random.default_rng(seed)
    for variable in made.weights.values():  # vectors begin at 0 and 1, where much could hide
        variable.assign_add(0.1 * rng.standard_normal(variable.shape).astype(np.float32))
    return made


@pytest.fixture(scope="module")
def batch() -> tuple[Any, ...]:
    rng = np.random.default_rng(1)
    in_len = np.array([48, 23, 0], np.int32)
    x = rng.standard_normal((3, 48, 12)).astype(np.float32)
    x *= np.arange(48)[None, :, None] < in_len[:, None, None]
    labels = np.array([[3, 3, 1, 7, 0, 0], [5, 2, 0, 0, 0, 0], [0] * 6], np.int32)
    return x, in_len, labels, np.array([4, 2, 0], np.int32)


def test_the_papers_numbers():
    """The authors' code has 69,886,976: their decoders share the last norm."""
    pieces = replace(PAPER_AED, pieces=256)
    layers = layer_parameters(pieces)
    assert sum(layers.values()) == 69_886_976 + 5 * 512
    assert layers["Text"] == 65_536
    assert sum(layer_parameters(replace(pieces, decoder_layers=6)).values()) - 5 * 512 == 88_832_000
    trains = sub_model_parameters(pieces)
    assert trains == sub_model_parameters(replace(PAPER, pieces=256))  # files train by the heads


def test_decoders_hang_beside_the_trunk():
    described = MINI_AED.describe()
    assert described.trunk == MINI.describe().trunk
    assert described.exit("exit2").decoder == ("Text", "Decoder2")
    assert described.exit("exit2").beside == ("Head2", "Text", "Decoder2")
    assert MINI_AED.encoder_layers() == MINI.encoder_layers()


@pytest.mark.parametrize("exits", [("exit1", "exit2"), ("exit1",)])
def test_gradients_are_those_of_a_plain_network(
    batch: tuple[Any, ...], agrees: Agrees, exits: tuple[str, ...]
):
    from harness.model.conformer.reference.network import PlainNetwork

    made = network()
    plain = PlainNetwork(SMALL, {name: v.numpy() for name, v in made.weights.items()})
    factors = (0.5, 2.0)[: len(exits)]
    wanted = {name for exit_ in exits for name in made.description.exit(exit_).beside}
    trunk = made.description.trunk[: 3 if len(exits) > 1 else 2]
    layers = [n for n in made.description.layer_names if n in {*trunk, *wanted}]
    step = made.gradients(*batch, Aim(layers, exits, loss_weights=factors))
    with tf.GradientTape() as tape:
        numbers = range(1, len(exits) + 1)
        ctc = plain.losses(batch, list(numbers))
        states = plain.states(batch[0], batch[1], len(exits))
        losses = [
            0.7 * _entropy(plain, state, batch, number) + 0.3 * ctc[number - 1]
            for number, state in zip(numbers, states, strict=True)
        ]
        real = tf.constant([0.5, 0.5, 0.0])
        means = [tf.reduce_sum(loss * real) for loss in losses]
        total = tf.add_n([m * f for m, f in zip(means, factors, strict=True)])
    names = plain.trained_weights(layers)
    expected = tape.gradient(total, [plain.weights[name] for name in names])
    agrees("attention decoders: loss", step.loss, total, 1e-5)
    agrees("attention decoders: by exit", list(step.by_exit.values()), means, 1e-5)
    assert list(step.gradients) == names
    for name, gradient in zip(names, expected, strict=True):
        agrees("attention decoders: gradients", step.gradients[name], gradient, 2e-5)


def _entropy(plain: Any, state: Any, batch: tuple[Any, ...], number: int) -> Any:
    """Return the cross-entropy [B] of texts and their ends, written plainly."""
    _, in_len, labels, lab_len = batch
    w = {n: plain.weights[f"decoder{number}_{n}"] for n in _matrices()}
    rest = plain.weights[f"decoder{number}_vectors"]
    from harness.model.conformer import weights as parts

    v = {}
    for name, size in parts.decoder(SMALL).vectors.items():
        v[name], rest = rest[:size], rest[size:]
    text = np.concatenate([np.zeros((3, 1), np.int32), labels], 1)
    h = tf.gather(plain.weights["text_embedding"][0], text) * 4.0
    rate = 10_000.0 ** (-np.arange(0, 16, 2) / 16)
    angle = np.arange(7)[:, None] * rate
    h += np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float32)
    inside = tf.sequence_mask(plain.frames(in_len), state.shape[1])

    def norm(y: Any, name: str) -> Any:
        mean, variance = tf.nn.moments(y, [-1], keepdims=True)
        return tf.nn.batch_normalization(
            y, mean, variance, v[f"{name}_shift"], v[f"{name}_gain"], 1e-5
        )

    def linear(y: Any, name: str) -> Any:
        return y @ w[name][0] + v[f"{name}_bias"]

    def attended(query: Any, key: Any, value: Any, allowed: Any) -> Any:
        query, key, value = (tf.reshape(a, [3, a.shape[1], 2, 8]) for a in (query, key, value))
        scores = tf.einsum("bqhd,bkhd->bhqk", query, key) / 8**0.5
        shares = tf.nn.softmax(tf.where(allowed, scores, -np.inf))
        return tf.reshape(tf.einsum("bhqk,bkhd->bqhd", shares, value), [*query.shape[:2], 16])

    for n in ("l1", "l2"):
        parts_of = tf.split(linear(norm(h, f"{n}_self"), f"{n}_self_in"), 3, -1)
        earlier = np.tril(np.ones((7, 7), bool))[None, None]
        h += linear(attended(*parts_of, earlier), f"{n}_self_out")
        query = linear(norm(h, f"{n}_cross"), f"{n}_cross_query")
        pair = tf.split(linear(state, f"{n}_cross_memory"), 2, -1)
        h += linear(attended(query, *pair, inside[:, None, None]), f"{n}_cross_out")
        h += linear(tf.nn.relu(linear(norm(h, f"{n}_inner"), f"{n}_inner_in")), f"{n}_inner_out")
    logits = linear(norm(h, "end"), "output")
    targets = np.concatenate([labels, np.zeros((3, 1), np.int32)], 1)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_sum(each * tf.sequence_mask(lab_len + 1, 7, tf.float32), 1)


def _matrices() -> list[str]:
    from harness.model.conformer import weights as parts

    return list(parts.decoder(SMALL).matrices)


def test_a_step_without_decoders_trains_by_the_heads_alone(batch: tuple[Any, ...]):
    made = network()
    heads = Aim(made.description.sub_model("all").layers)
    step = made.gradients(*batch, heads)
    losses = made.losses(*batch).numpy()[:, :2].mean(1)
    np.testing.assert_allclose(float(step.loss), losses.sum(), rtol=1e-5)
    assert not [name for name in step.gradients if name.startswith(("text", "decoder"))]


def test_a_decoder_whose_exit_does_not_count_cannot_train(batch: tuple[Any, ...]):
    made = network()
    with pytest.raises(ValueError, match="no loss depends on Decoder2"):
        made.gradients(*batch, Aim(["Text", "Decoder1", "Decoder2"], ["exit1"]))


def test_label_by_label_is_what_the_whole_text_says(batch: tuple[Any, ...]):
    made = network()
    x, in_len, labels, _ = batch
    whole = tf.nn.log_softmax(made.written(x, in_len, labels, "exit2")).numpy()
    memory = made.attend(made.state(x, in_len, "exit2"), "exit2")
    cache = tf.fill(made.cache_shape, 7.0)  # whatever was there before
    tokens = np.concatenate([np.full((3, 1), BLANK, np.int32), labels], 1)
    for position in range(7):
        log_p, cache = made.decode_step(
            tokens[:, position], np.array([position], np.int32), in_len, memory, cache, "exit2"
        )
        np.testing.assert_allclose(log_p.numpy()[:2], whole[:2, position], atol=2e-5)


def test_first_weights_of_what_is_shared_are_those_without_decoders():
    ours = initial_weights(SMALL, 1)
    plain = initial_weights(replace(SMALL, decoder_layers=0), 1)
    assert all(np.array_equal(ours[name], value) for name, value in plain.items())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from harness.model.export import build_model

    path = tmp_path_factory.mktemp("aed") / "small.tflite"
    return build_model(IN_A_FILE, path, seed=4, sub_models=["heads"])


def test_a_file_writes_what_the_host_does_and_trains_by_its_heads(file: Path):
    from harness.model.pretraining.engine import Engine
    from harness.trainer.batches import make_batch
    from harness.trainer.runtime import FlatbufferModel

    model = FlatbufferModel(file)
    rng = np.random.default_rng(2)
    sounds = [rng.standard_normal((frames, 12)).astype(np.float32) for frames in (48, 30)]
    batch = make_batch(sounds, ["ab", "ba"], model.info)
    host = Engine(IN_A_FILE, 0, begun_from=model.get_weights())
    (segment,) = model.segments(batch, writes=True)
    expected = [model.info.targets.text(row) for row in host.write(batch, "exit1")]
    assert segment.written == expected
    assert any(expected)
    assert segment.logits[0].shape[1] == 27 + 4 + 1
    assert model.info.network.pieces == IN_A_FILE.word_pieces
    assert batch.lab_len.tolist()[:2] == [1, 2]  # " ab" is a piece, " ba" is none
    before = model.get_weights()
    model.train_step("heads", batch, 1e-2)
    moved = {n.split("_")[0] for n, v in model.get_weights().items() if (v != before[n]).any()}
    assert moved == {"head1"}


def test_a_job_is_heard_by_the_decoders(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from harness.contract.events import Epoch, UtteranceExits
    from harness.trainer import device
    from harness.trainer.events import EventLog, read_log
    from harness.trainer.flatbuffer_learner import FlatbufferLearner
    from harness.trainer.learner import run_now
    from harness.trainer.loop import Training

    monkeypatch.setattr(device, "available_mb", lambda: 1000.0)
    heard = {}
    for decoder in ("ctc", "attention"):
        place = tmp_path / decoder
        place.mkdir()
        job = stairs_job(place, file, mode="evaluate", exits={"decoder": decoder})
        with EventLog(Path(job.outputs.events)) as log:
            run_now(Training(job, FlatbufferLearner(job, lambda: False), log).run())
        events = read_log(Path(job.outputs.events))
        (epoch,) = (event for event in events if isinstance(event, Epoch))
        utterances = [event for event in events if isinstance(event, UtteranceExits)]
        assert all(each.rule_seconds > 0 for each in utterances)
        heard[decoder] = [each.text for each in epoch.hypotheses]
        assert [each.answers[-1].text for each in utterances] == heard[decoder]
    assert heard["ctc"] != heard["attention"]


def test_a_host_hears_recordings_by_decoders(file: Path, tmp_path: Path):
    from types import SimpleNamespace

    from harness.model.listen import hear
    from harness.trainer.runtime import FlatbufferModel

    job = stairs_job(tmp_path, file)
    model = FlatbufferModel(file)
    said = [SimpleNamespace(id=u.id, audio=Path(u.path)) for u in job.data.validation]
    every: Any = said
    heads, last = hear(model, every), hear(model, every, "exit1")
    decoders = hear(model, every, None, "attention")
    assert [each.text for each in heads] == [each.text for each in last]
    assert [each.text for each in decoders] != [each.text for each in heads]
    assert decoders == hear(model, every, "exit1", "attention")


def test_padding_writes_nothing_and_ends_nothing():
    from harness.trainer.attention import write_greedily

    said = np.array([[1, 2, 2], [2, 0, 2], [0, 0, 2]])

    def step(token: Any, position: int) -> Any:
        assert position < 3
        assert position == 0 or token[0] == said[position - 1, 0]
        return np.eye(3)[said[position]]

    assert write_greedily(step, 2, 3, 0, 9) == [[1, 2], [2]]
    assert write_greedily(lambda *_: np.eye(3)[[1, 1, 1]], 1, 3, 0, 4) == [[1] * 4]
