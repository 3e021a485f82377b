"""CTC against tensorflow's own and against all paths written out."""

import itertools

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.ctc import ctc_loss_and_gradient  # noqa: E402

pytestmark = pytest.mark.tensorflow


def reference(logits, labels, frames, lengths):
    x = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.nn.ctc_loss(labels, x, lengths, frames, logits_time_major=True, blank_index=0)
    return loss.numpy(), tape.gradient(loss, x).numpy()


def ours(logits, labels, frames, lengths, unroll, in_tensorflow=True):
    results = ctc_loss_and_gradient(
        tf.constant(logits),
        tf.constant(labels),
        tf.constant(frames),
        tf.constant(lengths),
        unroll=unroll,
        in_tensorflow=in_tensorflow,
    )
    return results[0].numpy(), results[1].numpy()


def random_case(seed):
    """Lengths, repeats, an empty label, labels that only just fit, and logits far apart."""
    rng = np.random.default_rng(seed)
    steps, batch, outputs = int(rng.integers(1, 40)), int(rng.integers(1, 5)), 6
    frames = rng.integers(1, steps + 1, batch).astype(np.int32)
    texts = []
    for n in frames:
        text, room = [], n
        for letter in rng.integers(1, outputs, rng.integers(0, n + 1)):
            room -= 1 + (text[-1:] == [letter])  # a repeat needs a blank between
            if room < 0:
                break
            text.append(letter)
        texts.append(text)
    if seed % 3 == 0:
        texts[-1] = []
    labels = rng.integers(1, outputs, (batch, max(1, *(len(text) for text in texts)))).astype(
        np.int32
    )
    for row, text in enumerate(texts):
        labels[row, : len(text)] = text  # whatever stands after it
    lengths = np.array([len(text) for text in texts], np.int32)
    logits = rng.standard_normal((steps, batch, outputs)) * rng.choice([0.1, 3, 20])
    return logits.astype(np.float32), labels, frames, lengths, int(rng.integers(1, 20))


@pytest.mark.parametrize("in_tensorflow", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_loss_and_gradient_agree_with_tensorflow(seed, in_tensorflow, agrees):
    *case, unroll = random_case(seed)
    expected_loss, expected_gradient = reference(*case)
    loss, gradient = ours(*case, unroll, in_tensorflow)
    agrees("CTC loss", loss, expected_loss, 1e-5)
    agrees("CTC gradient", gradient, expected_gradient, 2e-5, scale=1.0)


def test_empty_label_is_all_blanks():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((6, 1, 4)).astype(np.float32)
    loss, gradient = ours(
        logits, np.zeros((1, 3), np.int32), np.array([5], np.int32), np.array([0], np.int32), 3
    )
    log_p = logits - np.log(np.exp(logits).sum(2, keepdims=True))
    assert loss[0] == pytest.approx(-log_p[:5, 0, 0].sum(), rel=1e-5)
    expected = np.exp(log_p[:5, 0]) - np.eye(4)[0]
    np.testing.assert_allclose(gradient[:5, 0], expected, atol=1e-5)
    assert (gradient[5] == 0).all()


def test_loss_is_the_sum_over_all_paths():
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((4, 1, 3)).astype(np.float32)
    p = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        joined = [c for c, before in zip(path, (None, *path), strict=False) if c != before and c]
        if joined == [1, 1]:
            total += np.prod([p[t, c] for t, c in enumerate(path)])
    loss, _ = ours(
        logits,
        np.array([[1, 1]], np.int32),
        np.array([4], np.int32),
        np.array([2], np.int32),
        2,
    )
    assert loss[0] == pytest.approx(-np.log(total), rel=1e-5)


def test_what_lies_past_an_utterance_changes_nothing():
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((20, 2, 5)).astype(np.float32)
    labels = np.array([[1, 2, 3], [4, 0, 0]], np.int32)
    frames, lengths = np.array([12, 20], np.int32), np.array([3, 1], np.int32)
    loss, gradient = ours(logits, labels, frames, lengths, 5)
    changed_logits, changed_labels = logits.copy(), labels.copy()
    changed_logits[12:, 0] = 50.0
    changed_labels[1, 1:] = 2
    again, gradient_again = ours(changed_logits, changed_labels, frames, lengths, 5)
    np.testing.assert_allclose(loss, again, rtol=1e-6)
    np.testing.assert_allclose(gradient, gradient_again, atol=1e-6)
    assert (gradient_again[12:, 0] == 0).all()


def test_label_that_does_not_fit_gives_no_gradient():
    rng = np.random.default_rng(2)
    logits = rng.standard_normal((8, 2, 5)).astype(np.float32)
    labels = np.array([[1, 1, 1, 1], [1, 2, 0, 0]], np.int32)
    frames, lengths = np.array([5, 5], np.int32), np.array([4, 2], np.int32)
    loss, gradient = ours(logits, labels, frames, lengths, 4)
    assert loss[0] > 1e8
    assert (gradient[:, 0] == 0).all()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[:5, 1]).max() > 0.01
