"""Decoding of transducers against all labellings of a small one written out."""

import itertools

import numpy as np
import pytest

from harness.trainer import transduced
from harness.trainer.transduced import Beam, Greedy

OUTPUTS = 3


class Table:
    """A model whose logits depend on the frame and on how many labels of each kind are written."""

    def __init__(self, seed, frames):
        rng = np.random.default_rng(seed)
        self._logits = rng.standard_normal((frames, 16, OUTPUTS)) * 2
        self.asked = self.joined = 0

    def predict(self, label, state):
        self.asked += 1
        written = () if state is None else (*state, label)
        return np.array([sum(n * 2**k for k, n in enumerate(written)) % 16]), written

    def joint(self, heard, written):
        self.joined += 1
        return self._logits[int(heard[0]), int(written[0])].astype(np.float32)

    def log_p(self, frame, written):
        z = self.joint([frame], self.predict(0, None)[0] if not written else [self._place(written)])
        z = z.astype(np.float64)
        return z - np.log(np.exp(z).sum())

    @staticmethod
    def _place(written):
        return sum(n * 2**k for k, n in enumerate(written)) % 16


def probability(model, labels, frames, most):
    """Log probability of a labelling: all ways to write it, at most so many labels a frame."""
    terms = []
    for places in itertools.combinations_with_replacement(range(frames), len(labels)):
        if any(places.count(t) > most for t in places):
            continue
        score, u = 0.0, 0
        for t in range(frames):
            while u < len(labels) and places[u] == t:
                score += model.log_p(t, labels[:u])[labels[u]]
                u += 1
            score += model.log_p(t, labels[:u])[0]
        terms.append(score)
    return np.logaddexp.reduce(terms) if terms else -np.inf


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [1, 2])
def test_a_wide_beam_finds_the_likeliest_labellings(seed, most):
    frames = 3
    model = Table(seed, frames)
    beam = Beam(model, 0, most, beam=500)
    beam.hear(np.arange(frames)[:, None])
    every = [
        labels
        for count in range(frames * most + 1)
        for labels in itertools.product((1, 2), repeat=count)
    ]
    expected = {labels: probability(model, labels, frames, most) for labels in every}
    found = beam.n_best(500)
    assert [labels for labels, _ in found[:5]] == sorted(every, key=lambda y: -expected[y])[:5]
    for labels, score in found:
        assert score == pytest.approx(expected[labels], abs=1e-5)
    assert beam.labels == list(found[0][0])


def test_frames_may_come_in_any_portions():
    for make in (lambda m: Greedy(m, 0, 2), lambda m: Beam(m, 0, 2, beam=3)):
        model = Table(7, 6)
        whole, parts = make(model), make(model)
        whole.hear(np.arange(6)[:, None])
        for start, end in ((0, 1), (1, 4), (4, 4), (4, 6)):
            parts.hear(np.arange(start, end)[:, None])
        assert whole.labels == parts.labels


def test_greedy_writes_the_best_label_and_no_more_than_it_may():
    class Eager:
        """Writes label 1 until five are there."""

        def predict(self, label, state):
            del label
            count = 0 if state is None else state + 1
            return np.array([count]), count

        def joint(self, heard, written):
            del heard
            return np.array([0.0, 1.0 if written[0] < 5 else -1.0, -2.0], np.float32)

    decoder = Greedy(Eager(), 0, 2)
    decoder.hear(np.zeros((2, 1)))
    assert decoder.labels == [1] * 4
    decoder.hear(np.zeros((3, 1)))
    assert decoder.labels == [1] * 5


def test_a_beam_asks_for_each_labelling_once():
    model = Table(8, 5)
    beam = Beam(model, 0, 1, beam=2)
    beam.hear(np.arange(5)[:, None])
    assert model.asked <= 1 + 5 * 2 * 2


def test_what_is_far_less_likely_is_not_gone_on_with(monkeypatch):
    """The same labellings in the same order, from fewer questions."""
    results, joined = [], []
    for pruned in (transduced.PRUNED, -1000.0):
        monkeypatch.setattr(transduced, "PRUNED", pruned)
        models = [Table(seed, 6) for seed in range(8)]
        for model in models:
            model._logits *= 3
            model._logits[:, :, 0] += 6  # most frames write nothing, as speech has it
        beams = [Beam(model, 0, 6, beam=2) for model in models]
        for beam in beams:
            beam.hear(np.arange(6)[:, None])
        results.append([[labels for labels, _ in beam.n_best(2)] for beam in beams])
        joined.append(sum(model.joined for model in models))
    assert results[0] == results[1]
    assert joined[0] < 0.7 * joined[1]
