"""Decoding of transducers: labels from what an encoder gives, frame by frame (pure).

Both ways go on from frame to frame, so a recording may be heard while it goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.trainer.decode import log_softmax

Floats = npt.NDArray[np.float32]
State = Any
"""What a predictor remembers."""

PRUNED = math.log(1e-3)
"""A labelling that is so much less likely than the last one that stays is not gone on with within
a frame."""


class Transducer(Protocol):
    """What decoding asks of a model."""

    def predict(self, label: int, state: State | None) -> tuple[Floats, State]:
        """Return the vector after a label more, and the state.

        Args:
            label: The blank at the start.
            state: Before it; None at the start.
        """

    def joint(self, heard: Floats, written: Floats) -> Floats:
        """Return the logits [outputs] of a frame and a vector of the predictor."""


class Greedy:
    """The likeliest label of each step.

    Args:
        model: Whose predictor and joint network are asked.
        blank: Output that is the blank.
        labels_a_frame: Most labels that a frame may write.
    """

    def __init__(self, model: Transducer, blank: int, labels_a_frame: int) -> None:
        self._model, self._blank, self._most = model, blank, labels_a_frame
        self._vector, self._state = model.predict(blank, None)
        self.labels: list[int] = []
        """Written so far."""

    def hear(self, frames: Floats) -> None:
        """Go on over frames [n, D]."""
        for frame in frames:
            for _ in range(self._most):
                best = int(np.argmax(self._model.joint(frame, self._vector)))
                if best == self._blank:
                    break
                self.labels.append(best)
                self._vector, self._state = self._model.predict(best, self._state)


@dataclass(frozen=True)
class _Hypothesis:
    labels: tuple[int, ...]
    score: float
    """Log probability of all its alignments that are in the beam."""


@dataclass
class Beam:
    """The likeliest labellings: their alignments are summed as far as they are in the beam.

    At each frame a labelling may write up to some labels before its blank; after each of them only
    the likeliest stay (``PRUNED``).
    """

    model: Transducer
    blank: int
    labels_a_frame: int
    beam: int
    """Labellings that are kept."""
    _kept: list[_Hypothesis] = field(default_factory=lambda: [_Hypothesis((), 0.0)])
    _known: dict[tuple[int, ...], tuple[Floats, State]] = field(default_factory=dict)
    """Vectors and states after the labellings that were looked at in this frame."""
    _before: dict[tuple[int, ...], tuple[Floats, State]] = field(default_factory=dict)
    """The same of the frame before."""

    @property
    def labels(self) -> list[int]:
        """The likeliest labelling so far."""
        return list(self._kept[0].labels)

    def n_best(self, count: int) -> list[tuple[tuple[int, ...], float]]:
        """Return the likeliest labellings and their log probabilities, the best first."""
        return [(hypothesis.labels, hypothesis.score) for hypothesis in self._kept[:count]]

    def hear(self, frames: Floats) -> None:
        """Go on over frames [n, D]."""
        for frame in frames:
            # what was looked at in the frame before is likely to be looked at again
            self._before, self._known = self._known, {}
            self._hear_frame(frame)

    def _hear_frame(self, frame: Floats) -> None:
        ended: dict[tuple[int, ...], float] = {}
        going = self._kept
        for _ in range(self.labels_a_frame + 1):
            scored: list[tuple[_Hypothesis, npt.NDArray[np.float64]]] = []
            for hypothesis in going:
                logits = self.model.joint(frame, self._vector(hypothesis.labels)[0])
                log_p = log_softmax(logits[None])[0] + hypothesis.score
                before = ended.get(hypothesis.labels, -np.inf)
                ended[hypothesis.labels] = float(np.logaddexp(before, log_p[self.blank]))
                scored.append((hypothesis, log_p))
            floor = self._floor(ended)
            longer = [
                _Hypothesis((*hypothesis.labels, int(n)), float(log_p[n]))
                for hypothesis, log_p in scored
                for n in np.flatnonzero(log_p > floor)
                if n != self.blank
            ]
            going = sorted(longer, key=lambda h: -h.score)[: self.beam]
            if not going:
                break
        best = sorted(ended.items(), key=lambda item: -item[1])[: self.beam]
        self._kept = [_Hypothesis(labels, score) for labels, score in best]

    def _floor(self, ended: dict[tuple[int, ...], float]) -> float:
        """Return the score that a labelling must be above to be gone on with."""
        if len(ended) < self.beam:
            return -math.inf
        return sorted(ended.values(), reverse=True)[self.beam - 1] + PRUNED

    def _vector(self, labels: tuple[int, ...]) -> tuple[Floats, State]:
        if labels not in self._known and labels in self._before:
            self._known[labels] = self._before[labels]
        elif labels not in self._known:
            if labels:
                _, state = self._vector(labels[:-1])
                self._known[labels] = self.model.predict(labels[-1], state)
            else:
                self._known[labels] = self.model.predict(self.blank, None)
        return self._known[labels]
