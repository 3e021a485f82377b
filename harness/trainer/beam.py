"""CTC prefix beam search without a language model (pure).

Hannun et al., arXiv 1408.2873, with prefixes as numbers of a tree, so that a frame is a few array
operations whatever the beam.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.trainer.decode import log_softmax

PRUNED = float(np.log(1e-6))
"""An output whose log probability in a frame is lower is left out there."""

_NONE = -np.inf


def n_best(
    logits: npt.NDArray[np.float32], blank: int, *, beam: int, count: int
) -> list[tuple[tuple[int, ...], float]]:
    """Return the likeliest labellings and their log probabilities, the best first.

    Args:
        logits: [frames, outputs].
        blank: Index of the blank's output.
        beam: Prefixes that are kept at each frame.
        count: Labellings wanted; fewer come back where no more are left.
    """
    log_p = log_softmax(logits)
    log_p[~(log_p >= PRUNED)] = _NONE
    tree = _Tree()
    ids = np.zeros(1, np.int64)
    blanked, sounded = np.zeros(1), np.full(1, _NONE)
    for frame in log_p:
        ids, blanked, sounded = _advance(tree, ids, blanked, sounded, frame, blank, beam)
    totals = np.logaddexp(blanked, sounded)
    order = [n for n in np.argsort(-totals, kind="stable") if totals[n] > _NONE]
    return [(tree.labels(int(ids[n])), float(totals[n])) for n in order[:count]]


def posterior(scores: list[float]) -> float | None:
    """Return the share of the best of log probabilities among them; None of none."""
    if not scores:
        return None
    values = np.array(scores)
    return float(1.0 / np.exp(values - values.max()).sum())


class _Tree:
    """Prefixes as numbers: 0 is the empty one, each other has a parent and a last output."""

    def __init__(self) -> None:
        self.parents = [-1]
        self.last = [-1]
        self._numbers: dict[tuple[int, int], int] = {}

    def child(self, parent: int, output: int) -> int:
        """Return the number of a prefix with one more output; the same is never numbered twice."""
        number = self._numbers.setdefault((parent, output), len(self.parents))
        if number == len(self.parents):
            self.parents.append(parent)
            self.last.append(output)
        return number

    def labels(self, number: int) -> tuple[int, ...]:
        """Return a prefix's outputs."""
        found: list[int] = []
        while number:
            found.append(self.last[number])
            number = self.parents[number]
        return tuple(reversed(found))


def _advance(
    tree: _Tree,
    ids: npt.NDArray[np.int64],
    blanked: npt.NDArray[np.float64],
    sounded: npt.NDArray[np.float64],
    frame: npt.NDArray[np.float64],
    blank: int,
    beam: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Take one frame.

    Args:
        tree: Of all prefixes so far.
        ids: Numbers of the prefixes in the beam.
        blanked: Log probability that each ends with a blank.
        sounded: Log probability that each ends with its last output.
        frame: Log probabilities of the outputs.
        blank: Index of the blank's output.
        beam: Prefixes to keep.
    """
    totals = np.logaddexp(blanked, sounded)
    last = np.array([tree.last[n] for n in ids], np.int64)
    repeats = np.where(last >= 0, frame[last], _NONE)
    stay_sounded = sounded + repeats
    stay_blanked = totals + frame[blank]
    outputs = np.flatnonzero((frame > _NONE) & (np.arange(len(frame)) != blank))
    # after the same output, only what ends with a blank can be prolonged by it
    longer = np.where(last[:, None] == outputs, blanked[:, None], totals[:, None]) + frame[outputs]
    places = {int(number): place for place, number in enumerate(ids)}
    columns = {int(output): column for column, output in enumerate(outputs)}
    for place, number in enumerate(ids):  # a longer prefix may be in the beam already
        parent, column = places.get(tree.parents[number]), columns.get(tree.last[number])
        if parent is not None and column is not None:
            stay_sounded[place] = np.logaddexp(stay_sounded[place], longer[parent, column])
            longer[parent, column] = _NONE
    scores = np.concatenate([np.logaddexp(stay_blanked, stay_sounded), longer.ravel()])
    order = np.argsort(-scores, kind="stable")[:beam]
    order = order[scores[order] > _NONE]
    stays, grown, width = order < len(ids), order - len(ids), max(1, len(outputs))
    kept = [
        int(ids[n]) if stay else tree.child(int(ids[row]), int(outputs[column]))
        for n, stay, row, column in zip(order, stays, grown // width, grown % width, strict=True)
    ]
    stayed = np.where(stays, order, 0)
    return (
        np.array(kept, np.int64),
        np.where(stays, stay_blanked[stayed], _NONE),
        np.where(stays, stay_sounded[stayed], scores[order]),
    )
