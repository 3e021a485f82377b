"""One model of what clients sent: variable by variable from files, so that no two models are held.

A client that trained a part of the network holds entries of that part alone; the mean of an entry
is over those who hold it. Differences are taken from what the clients were sent. Sums are of 64-bit
floats in the order of the answers, so the same answers make the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.errors import InputError
from harness.federated.arrived import Answer, Held, arrived
from harness.federated.strategies import ServerStep, Values, server_step
from harness.scenario.federated import Federated, Privacy
from harness.trainer.checkpoints import Saved, weights_writer
from harness.trainer.npz import StoredWeights, opened_weights

Weights = npt.NDArray[np.float32]
MOMENTS: Final = "moments.npz"
_CHUNK: Final = 1 << 20
"""Entries of which all clients' values are held at once, for the median and the trimmed mean."""


@dataclass
class Made:
    """The model of a round.

    Args:
        model: As it was written.
        weights: Client -> the share of its word, where it holds an entry that all hold.
        norms: Client -> Euclidean norm of its difference from what it was sent.
        untrained: Variables that no client trained.
    """

    model: Saved
    weights: dict[str, float]
    norms: dict[str, float]
    untrained: list[str] = field(default_factory=list)


def aggregate(
    sent: Path,
    answers: Sequence[Answer],
    federated: Federated,
    *,
    round_: int,
    moments: Path | None,
    model: Path,
    moments_out: Path,
) -> Made:
    """Make the model of a round.

    Args:
        sent: The server's model, of which the clients were sent something.
        answers: What they sent back, at least one.
        federated: How.
        round_: Of the training, from 1.
        moments: What the server's optimiser remembers; None: nothing yet.
        model: Where the new model is written.
        moments_out: Where the new moments are written, if there are some.

    Raises:
        InputError: An answer has other variables or shapes than were sent, or is damaged.
        OSError: The disk is full, for example.
    """
    step = server_step(federated)
    with ExitStack() as stack:
        before = stack.enter_context(opened_weights(sent))
        held = [stack.enter_context(arrived(answer, before)) for answer in answers]
        for answer, stored in zip(answers, held, strict=True):
            _check_shapes(answer, stored.shapes, before.shapes)
        old = None if moments is None else stack.enter_context(opened_weights(moments))
        mixed = _Mixed(answers, held, federated, round_, before)
        writer = stack.enter_context(weights_writer(model))
        remember = stack.enter_context(weights_writer(moments_out)) if step.moments else None
        for name in before.shapes:
            start = before.read(name)
            mean = mixed.mean(name, start)
            if mean is None:
                writer.write(name, start)
                kept = _moments(name, step, old, start.shape)
            else:
                forward, kept = step.go(mean, _moments(name, step, old, start.shape))
                value = start.astype(np.float64) + federated.settled_server_rate * forward
                writer.write(name, value.astype(np.float32))
            if remember is not None:
                for moment, value in kept.items():
                    remember.write(f"{moment}.{name}", value)  # type: ignore[arg-type]
    return Made(writer.saved(), mixed.shares(), mixed.norms(), mixed.untrained)


def _check_shapes(
    answer: Answer, came: Mapping[str, tuple[int, ...]], sent: Mapping[str, tuple[int, ...]]
) -> None:
    odd = [name for name, shape in came.items() if sent.get(name) != shape]
    if odd or not came:
        what = f"{odd[0]} was not sent, or in another shape" if odd else "it holds nothing"
        raise InputError(
            f"the answer of {answer.client} cannot be used: {what}", where=str(answer.path)
        )


def _moments(
    name: str, step: ServerStep, old: StoredWeights | None, shape: tuple[int, ...]
) -> dict[str, Values]:
    return {
        moment: np.zeros(shape) if old is None else old.read_as(f"{moment}.{name}", np.float64)
        for moment in step.moments
    }


def _square(difference: Weights) -> float:
    flat = difference.reshape(-1)
    return float(flat @ flat)


class _Mixed:
    """The mean differences of a round, variable by variable."""

    def __init__(
        self,
        answers: Sequence[Answer],
        held: Sequence[Held],
        federated: Federated,
        round_: int,
        before: StoredWeights,
    ) -> None:
        equal = federated.weighting == "equal" or federated.privacy is not None
        self._answers = answers
        self._held = held
        self._federated = federated
        self._word = [1.0 if equal else float(answer.utterances) for answer in answers]
        self._squares = [0.0] * len(answers)
        self.untrained: list[str] = []
        self._privacy = federated.privacy
        self._noise = np.random.default_rng(
            [0 if not self._privacy else self._privacy.seed, round_]
        )
        self._scale = [1.0] * len(answers)
        if self._privacy is not None:
            self._scale = self._clipped(self._privacy, before)

    def mean(self, name: str, start: Weights) -> Values | None:
        """Return the mean difference of a variable; None if nobody trained it."""
        holders = [number for number, stored in enumerate(self._held) if name in stored.shapes]
        if not holders:
            self.untrained.append(name)
            return None
        if self._federated.strategy.name in ("trimmed", "median"):
            return self._robust(name, start, holders)
        total, scaled = np.zeros(start.shape), np.empty(start.shape)
        for number in holders:
            difference = self._difference(name, start, number)
            if self._privacy is None:
                self._squares[number] += _square(difference)
            np.multiply(difference, self._word[number] * self._scale[number], out=scaled)
            total += scaled
        whole = self._federated.missing == "unchanged" or self._privacy is not None
        counted = range(len(self._held)) if whole else holders
        total /= sum(self._word[number] for number in counted)
        if self._privacy is not None:
            spread = self._privacy.noise * self._privacy.clip / len(self._held)
            total += self._noise.normal(0.0, spread, start.shape)
        return total

    def _difference(self, name: str, start: Weights, number: int) -> Weights:
        """Return how far a client went: exact enough in 32 bits, since it began at ``start``."""
        return self._held[number].read(name) - start

    def _robust(self, name: str, start: Weights, holders: Sequence[int]) -> Values:
        """Return the median or trimmed mean, entry by entry; all holders count alike.

        A median is a mean trimmed to the one or two values in the middle.
        """
        strategy = self._federated.strategy
        median = strategy.name == "median"
        cut = (len(holders) - 1) // 2 if median else int(strategy.trim * len(holders))
        flat = start.reshape(-1)
        values = [self._held[number].read(name).reshape(-1) for number in holders]
        made = np.empty(flat.shape)
        for begin in range(0, flat.size, _CHUNK):
            piece = slice(begin, begin + _CHUNK)
            began = flat[piece].astype(np.float64)
            stack = np.stack([value[piece] for value in values])
            for number, row in zip(holders, stack, strict=True):
                difference = row - began
                self._squares[number] += float(difference @ difference)
            # weights stand in the order of their differences, and are sorted faster in 32 bits
            stack.sort(axis=0)
            made[piece] = (stack[cut : len(holders) - cut] - began).mean(axis=0)
        return made.reshape(start.shape)

    def _clipped(self, privacy: Privacy, before: StoredWeights) -> list[float]:
        """Return by what each client's difference is shortened."""
        for name in before.shapes:
            start = before.read(name)
            for number, stored in enumerate(self._held):
                if name in stored.shapes:
                    self._squares[number] += _square(self._difference(name, start, number))
        return [min(1.0, privacy.clip / norm) if norm else 1.0 for norm in self._norms()]

    def _norms(self) -> Iterator[float]:
        return (math.sqrt(square) for square in self._squares)

    def norms(self) -> dict[str, float]:
        """Return the norm of each client's difference."""
        names = (answer.client for answer in self._answers)
        return dict(zip(names, self._norms(), strict=True))

    def shares(self) -> dict[str, float]:
        """Return the share of each client's word."""
        total = sum(self._word)
        names = (answer.client for answer in self._answers)
        return {name: word / total for name, word in zip(names, self._word, strict=True)}
