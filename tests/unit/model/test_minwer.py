"""Expected word errors: published formulas, finite differences, and a training by them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import InputError

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.ctc import CtcLoss  # noqa: E402
from harness.model.minwer import Hypotheses, MinWerCtcLoss, expected_errors  # noqa: E402
from harness.model.pretraining import MinWer, Settings  # noqa: E402
from harness.model.pretraining.data import model_info  # noqa: E402
from harness.model.pretraining.engine import Engine  # noqa: E402
from harness.model.pretraining.n_best import lists_of  # noqa: E402
from harness.model.pretraining.objective import labels_for, loss_of  # noqa: E402
from harness.trainer.batches import make_batch  # noqa: E402
from tests.fixtures.two_dense.configuration import SMALL  # noqa: E402

pytestmark = pytest.mark.tensorflow

# "turn the red lamp on" heard as itself, "turn the red lamb on" and "turn red lamb gone".
SCORES, ERRORS = [[-4.0, -3.6, -5.0]], [[0.0, 1.0, 3.0]]


def errors_of(scores, errors, real=None):
    scores, errors = np.array(scores, np.float32), np.array(errors, np.float32)
    real = np.ones_like(scores) if real is None else np.array(real, np.float32)
    return [a.numpy() for a in expected_errors(*map(tf.constant, (scores, errors, real)))]


def test_expected_errors_and_their_gradient():
    loss, gradient = errors_of(SCORES, ERRORS)
    assert loss[0] == pytest.approx(0.9075984420658205)
    np.testing.assert_allclose(
        gradient[0], [-0.317374944403, 0.048203212478, 0.269171731926], atol=1e-6
    )
    centred, same = errors_of(SCORES, np.array(ERRORS) - np.mean(ERRORS))
    assert centred[0] == pytest.approx(-0.4257348912675126, abs=1e-6)
    np.testing.assert_allclose(same, gradient, atol=1e-6)


def test_gradient_is_that_of_finite_differences():
    _, gradient = errors_of(SCORES, ERRORS)
    for n in range(3):
        step = np.eye(3)[n] * 1e-2
        above, below = (errors_of(np.array(SCORES) + d, ERRORS)[0][0] for d in (step, -step))
        assert gradient[0, n] == pytest.approx((above - below) / 2e-2, abs=1e-4)


def test_shorter_lists_count_for_what_they_hold():
    padded, gradient = errors_of([[*SCORES[0], 0.0]], [[*ERRORS[0], 9.0]], [[1, 1, 1, 0]])
    assert padded[0] == pytest.approx(0.9075984420658205)
    assert gradient[0, 3] == 0
    of_none, nothing = errors_of([[0.0, 0.0]], [[0.0, 0.0]], [[0, 0]])
    assert of_none[0] == 0
    assert (nothing == 0).all()


def hypotheses():
    """Two utterances: three hypotheses, and two with one place free."""
    return Hypotheses(
        np.array([[[1, 2, 0], [1, 0, 0], [2, 2, 0]], [[3, 0, 0], [1, 1, 2], [0, 0, 0]]], np.int32),
        np.array([[2, 1, 2], [1, 3, 0]], np.int32),
        np.array([[0, 1, 2], [1, 0, 0]], np.float32),
        np.array([[1, 1, 1], [1, 1, 0]], np.float32),
        np.array([[1, 2, 0], [1, 1, 2]], np.int32),
    )


def test_gradient_of_logits_is_that_of_the_whole_formula(agrees):
    """Against tensorflow's own CTC, differentiated through the softmax over the list."""
    lists, frames, lengths = hypotheses(), [6, 7], [2, 3]
    logits = tf.constant(np.random.default_rng(0).standard_normal((7, 2, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total = 0.0
        for row, count in enumerate((3, 2)):
            one = tf.repeat(logits[:, row : row + 1], count + 1, 1)
            labels = np.concatenate([lists.labels[row, :count], lists.reference[row : row + 1]])
            label_lengths = [*lists.lengths[row, :count], lengths[row]]
            ctc = tf.nn.ctc_loss(labels, one, label_lengths, [frames[row]] * (count + 1))
            p = tf.nn.softmax(-ctc[:count])
            total += tf.reduce_sum(p * lists.errors[row, :count]) + 0.1 * ctc[count]
    loss = MinWerCtcLoss(CtcLoss(4, in_tensorflow=True), 0.1)
    (found,), (gradient,) = loss.of_several(
        [logits], Hypotheses(*map(tf.constant, lists)), [tf.constant(frames)], tf.constant(lengths)
    )
    agrees("MinWER loss", tf.reduce_sum(found), total, 1e-5)
    agrees("MinWER gradient", gradient, tape.gradient(total, logits), 2e-5, scale=1.0)


@pytest.fixture(scope="module")
def trained():
    """A network of two dense layers that hears three of four utterances, and their batch."""
    config = replace(SMALL, max_frames=16, batch_size=4)
    info = model_info(config)
    rng = np.random.default_rng(1)
    texts = ["a b", "b a", "a", "b"]
    sounds = {c: rng.standard_normal(config.features.mels) for c in "ab "}
    silence = rng.standard_normal(config.features.mels)
    features = [
        np.repeat([sounds[c] if c else silence for c in ["", *"".join(t), ""]], 3, 0) for t in texts
    ]
    batch = make_batch([f.astype(np.float32) for f in features], texts, info)
    engine = Engine(config, 1)
    for _ in range(60):
        engine.train(batch, 0.02)
    return config, info, batch, engine.weights()


def test_lists_hold_the_errors_of_each_hypothesis(trained):
    config, info, batch, weights = trained
    engine = Engine(config, 1, begun_from=weights)
    lists = lists_of(engine.infer(batch), batch, info, MinWer(n_best=5, beam=10))
    assert lists.real.sum() > len(lists.real)
    for row, n in itertools.product(range(batch.rows), range(5)):
        labels = lists.labels[row, n, : lists.lengths[row, n]]
        if lists.real[row, n] and list(labels) == list(batch.labels[row, : batch.lab_len[row]]):
            assert lists.errors[row, n] == 0
    assert (lists.errors[lists.real == 0] == 0).all()


def test_training_brings_expected_errors_down(trained):
    config, info, batch, weights = trained
    settings = Settings(begun_from="0" * 64, minwer=MinWer(n_best=4, interpolation=0.0))
    engine = Engine(config, 1, begun_from=weights, loss=loss_of(config, settings))
    labels = labels_for(engine, settings, info)
    losses = [engine.train(batch, 0.005, labels(batch)) for _ in range(25)]
    assert losses[0] > 0.05
    assert losses[-1] < 0.6 * losses[0]


def test_ctc_needs_nothing(trained):
    config, info, batch, weights = trained
    assert loss_of(config, Settings()) is None
    assert labels_for(Engine(config, 1, begun_from=weights), Settings(), info)(batch) is None


@pytest.mark.parametrize(
    ("how", "begun_from", "words"),
    [
        (MinWer(), "", "from random weights"),
        (MinWer(n_best=1), "0" * 64, "lists of 1"),
        (MinWer(interpolation=-1.0), "0" * 64, "interpolation"),
    ],
)
def test_what_cannot_be_trained_is_told(how, begun_from, words):
    with pytest.raises(InputError, match=words):
        loss_of(SMALL, Settings(begun_from=begun_from, minwer=how))
