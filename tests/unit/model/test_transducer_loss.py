"""The transducer's loss against published values and all alignments written out."""

import itertools

import numpy as np
import pytest

from harness.errors import InputError
from harness.model.transducer.targets import band_width, check_targets, logits_mb

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.transducer.lattice import Lattice  # noqa: E402
from harness.model.transducer.loss import transducer_loss_and_gradient  # noqa: E402
from harness.model.transducer.restricted import (  # noqa: E402
    Band,
    restricted_loss_and_gradient,
)

pytestmark = pytest.mark.tensorflow

# The small test that warp-transducer (Apache-2.0) and its ports share: T 2, labels 1 2, V 5.
PUBLIC = [
    [[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], [0.1, 0.1, 0.2, 0.8, 0.1]],
    [[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.1, 0.1], [0.7, 0.1, 0.2, 0.1, 0.1]],
]
PUBLIC_LOSS = 4.495666
PUBLIC_GRADIENT = [
    [
        [-0.13116688, -0.3999269, 0.17703125, 0.17703125, 0.17703125],
        [-0.18572757, 0.12247056, -0.18168412, 0.12247056, 0.12247056],
        [-0.32091254, 0.06269141, 0.06928472, 0.12624499, 0.06269141],
    ],
    [
        [0.05456069, -0.21824276, 0.05456069, 0.05456069, 0.05456069],
        [0.12073959, 0.12073959, -0.48295835, 0.12073959, 0.12073959],
        [-0.6925882, 0.16871116, 0.18645467, 0.16871116, 0.16871116],
    ],
]


def lattice(frames, lengths, unroll=3, in_tensorflow=True):
    return Lattice(tf.constant(frames), tf.constant(lengths), unroll, in_tensorflow)


def ours(logits, labels, frames, lengths, unroll=3, in_tensorflow=True, blank=0):
    results = transducer_loss_and_gradient(
        tf.constant(np.asarray(logits, np.float32)),
        tf.constant(np.asarray(labels, np.int32)),
        lattice(frames, lengths, unroll, in_tensorflow),
        blank,
    )
    return results[0].numpy(), results[1].numpy()


def written_out(logits, labels, blank=0, allowed=lambda _u, _t: True):
    """Loss and gradient of one utterance: each alignment by itself, in double precision."""
    z = np.asarray(logits, np.float64)
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    times, count = z.shape[0], len(labels)
    terms = []
    for places in itertools.combinations_with_replacement(range(times), count):
        if not all(allowed(u, t) for u, t in enumerate(places)):
            continue
        steps, u = [], 0
        for t in range(times):
            while u < count and places[u] == t:
                steps.append((t, u, labels[u]))
                u += 1
            steps.append((t, u, blank))
        terms.append((sum(log_p[step] for step in steps), steps))
    total = np.logaddexp.reduce([term for term, _ in terms])
    d = np.zeros_like(z)
    for term, steps in terms:
        for t, u, output in steps:
            d[t, u] += np.exp(term - total) * np.exp(log_p[t, u])
            d[t, u, output] -= np.exp(term - total)
    return -total, d


@pytest.mark.parametrize("in_tensorflow", [True, False])
def test_the_public_value_and_its_gradient(in_tensorflow):
    loss, gradient = ours([PUBLIC], [[1, 2]], [2], [2], in_tensorflow=in_tensorflow)
    assert loss[0] == pytest.approx(PUBLIC_LOSS, abs=1e-6)
    np.testing.assert_allclose(gradient[0], PUBLIC_GRADIENT, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_is_the_sum_over_all_alignments(seed, agrees):
    """Batches of all lengths, more labels than frames, an empty target, another blank."""
    rng = np.random.default_rng(seed)
    batch, times, count, outputs = 3, int(rng.integers(1, 5)), int(rng.integers(1, 6)), 4
    blank = int(rng.integers(0, outputs))
    frames = rng.integers(1, times + 1, batch).astype(np.int32)
    lengths = rng.integers(0, count + 1, batch).astype(np.int32)
    frames[0], lengths[0] = times, count
    labels = rng.choice([n for n in range(outputs) if n != blank], (batch, count))
    logits = rng.standard_normal((batch, times, count + 1, outputs)) * rng.choice([0.1, 2, 8])
    loss, gradient = ours(
        logits, labels, frames, lengths, int(rng.integers(1, 12)), bool(seed % 2), blank
    )
    for row, (t, u) in enumerate(zip(frames, lengths, strict=True)):
        expected, d = written_out(logits[row, :t, : u + 1], labels[row, :u], blank)
        agrees("transducer loss", loss[row], expected, 1e-5)
        agrees("transducer gradient", gradient[row, :t, : u + 1], d, 1e-5, scale=1.0)
        beyond = gradient[row].copy()
        beyond[:t, : u + 1] = 0
        assert (beyond == 0).all()


def test_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((1, 3, 3, 3))
    _, gradient = ours(logits, [[2, 1]], [3], [2])
    for place in itertools.product(range(3), range(3), range(3)):
        moved = logits.repeat(2, 0)[:, None]
        moved[0, 0][place] += 1e-3
        moved[1, 0][place] -= 1e-3
        above, below = (written_out(z[0], [2, 1])[0] for z in moved)
        assert gradient[0][place] == pytest.approx((above - below) / 2e-3, abs=1e-4)


def test_stays_exact_over_a_long_utterance():
    """400 diagonals of single precision, against the same recursion in double."""
    rng = np.random.default_rng(5)
    times, count, outputs = 300, 100, 5
    z = rng.standard_normal((times, count + 1, outputs)) * 2
    labels = rng.integers(1, outputs, count)
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    alpha = np.full((times, count + 1), -np.inf)
    alpha[0, 0] = 0
    for t, u in itertools.product(range(times), range(count + 1)):
        if t:
            alpha[t, u] = np.logaddexp(alpha[t, u], alpha[t - 1, u] + log_p[t - 1, u, 0])
        if u:
            alpha[t, u] = np.logaddexp(
                alpha[t, u], alpha[t, u - 1] + log_p[t, u - 1, labels[u - 1]]
            )
    loss, gradient = ours([z], [labels], [times], [count], unroll=40)
    assert loss[0] == pytest.approx(-(alpha[-1, -1] + log_p[-1, -1, 0]), rel=1e-5)
    # Each alignment crosses each diagonal once, and gradients of a node sum up to 0.
    assert np.abs(gradient.sum(-1)).max() < 1e-4
    assert -gradient[0, -1, -1, 0] == pytest.approx(1 - np.exp(log_p[-1, -1, 0]), abs=1e-3)


def alignments(logits, labels, at, left, right, frames=None, width=None):
    """Loss and gradient of a band of one utterance, and the nodes that it kept."""
    z = np.asarray(logits, np.float32)
    times, count = len(z), len(labels)
    width = width or band_width(at, times, left, right)
    band = Band(tf.constant([at], tf.int32), left, right, times, width)
    of = lattice([frames or times], [count])
    nodes = band.nodes(of).numpy()[0]
    kept = np.take_along_axis(z, nodes[:, :, None], 1)
    loss, gradient = restricted_loss_and_gradient(
        tf.constant(kept[None]), tf.constant([labels], tf.int32), of, band
    )
    return float(loss[0]), gradient.numpy()[0], nodes


@pytest.mark.parametrize(("left", "right"), [(0, 0), (0, 1), (1, 1), (2, 0), (9, 9)])
def test_a_band_leaves_out_the_other_alignments(left, right):
    rng = np.random.default_rng(6)
    logits, labels, at = rng.standard_normal((6, 4, 3)), [1, 2, 1], [1, 3, 3]
    loss, gradient, nodes = alignments(logits, labels, at, left, right)
    expected, d = written_out(
        logits, labels, allowed=lambda u, t: at[u] - left <= t <= at[u] + right
    )
    assert loss == pytest.approx(expected, rel=1e-5)
    found = np.zeros_like(d)
    np.put_along_axis(found, nodes[:, :, None], gradient, 1)
    np.testing.assert_allclose(found, d, atol=1e-5)  # nothing lies outside what was kept


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(0, 1, 7.175611766), (1, 1, 7.012036894), (0, 0, 8.034240699), (9, 9, 6.840347277)],
)
def test_values_of_another_implementation(left, right, expected):
    """Computed in double precision by a brute force that shares nothing with this repository."""
    logits = [
        [[2.04, -2.56, 0.42, -0.57], [-0.45, -0.22, -2.02, -0.23], [-0.87, 3.32, 0.23, -0.35]],
        [[-0.28, -0.67, -1.06, -0.39], [0.48, -0.24, 0.96, -0.2], [0.02, 1.55, 0.55, -0.51]],
        [[-0.18, 0.54, 1.94, -0.27], [-0.24, 1.0, -0.89, -0.29], [0.88, 0.58, 0.09, 0.67]],
        [[-2.83, 1.02, -0.96, -1.67], [0.28, 0.7, -0.44, -1.08], [0.03, -0.05, 1.41, 0.75]],
    ]
    loss, _, _ = alignments(logits, [1, 3], [1, 2], left, right)
    assert loss == pytest.approx(expected, rel=1e-6)


def test_a_wide_band_is_the_whole_lattice_and_a_narrow_one_smaller():
    rng = np.random.default_rng(7)
    logits, labels, at = rng.standard_normal((9, 4, 3)), [1, 2, 1], [1, 4, 7]
    whole, _ = ours([logits], [labels], [9], [3])
    losses = [alignments(logits, labels, at, n, n)[0] for n in (9, 2, 1, 0)]
    assert losses[0] == pytest.approx(float(whole[0]), rel=1e-5)
    assert losses == sorted(losses)
    assert band_width(at, 9, 9, 9) == 4
    assert band_width(at, 9, 1, 1) == 2


def test_a_band_without_an_alignment_gives_no_gradient():
    """The label is at frame 4 of 3: such an utterance must not move anything."""
    logits = np.random.default_rng(8).standard_normal((6, 2, 3))
    loss, gradient, _ = alignments(logits, [1], [4], 0, 0, frames=3)
    assert loss > 1e8
    assert (gradient == 0).all()


def test_memory_is_that_of_the_logits():
    assert logits_mb(250, 61, 5001) == pytest.approx(305.061)
    assert logits_mb(31, 61, 5001) == pytest.approx(37.827564)
    assert logits_mb(250, 161, 28) == pytest.approx(4.508)
    at = [4 * u + 3 for u in range(60)]
    width = band_width(at, 250, 15, 15)
    assert logits_mb(250, width, 5001) < 50


@pytest.mark.parametrize(
    ("labels", "frames", "outputs", "blank", "words"),
    [
        ([[1]], [2], 3, 3, "the blank is output 3"),
        ([[1]], [2], 3, -1, "the blank is output -1"),
        ([[1, 0]], [2], 3, 0, "holds the blank"),
        ([[3]], [2], 3, 0, "holds output 3"),
        ([[]], [2], 3, 0, "empty"),
        ([[1]], [0], 3, 0, "0 frames"),
        ([[1], [1]], [2], 3, 0, "2 targets for 1 utterances"),
    ],
)
def test_targets_that_have_no_loss_are_told(labels, frames, outputs, blank, words):
    with pytest.raises(InputError, match=words):
        check_targets(labels, frames, outputs, blank)


def test_more_labels_than_frames_are_fine():
    check_targets([[1, 2, 1]], [1], 3, 0)


@pytest.mark.parametrize(
    ("at", "left", "words"),
    [([3, 2], 0, "before the label"), ([5], 0, "it is at frame 5"), ([1], -1, "buffers of -1")],
)
def test_what_is_no_alignment_is_told(at, left, words):
    with pytest.raises(InputError, match=words):
        band_width(at, 5, left, 0)
