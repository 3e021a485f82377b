"""What a federated training took of a client: bytes a round, memory, seconds a step (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from harness.report.load import Attempt
from harness.report.numbers import middle
from harness.report.rounds import Round, Training
from harness.report.wer import heard_before
from harness.results.wer_interval import Utterance


@dataclass(frozen=True)
class Spent:
    """What a client took in a round, on average; None: not known."""

    down_bytes: float | None
    """Of the weights that it was sent, as a file; files that lie on a phone already are no part."""
    up_bytes: float | None
    """Of what it sent back."""
    whole_bytes: float | None
    """Of the server's model as a file, in float32."""
    peak_mb: float | None
    """The highest peak RSS of a trainer."""
    need_mb: float | None
    """The most that training added to a trainer that had no model yet."""
    step_seconds: float | None
    """Median over the clients and rounds."""
    load_mb: float | None = None
    """The most that loading added to it, before any step."""
    train_mb: float | None = None
    """The most that it was until an epoch was trained, above the same."""

    @property
    def bytes(self) -> float | None:
        """Both ways together."""
        if self.down_bytes is None or self.up_bytes is None:
            return None
        return self.down_bytes + self.up_bytes

    @property
    def ratio(self) -> float | None:
        """Bytes both ways, by those of float32 weights both ways."""
        if self.bytes is None or not self.whole_bytes:
            return None
        return self.bytes / (2 * self.whole_bytes)


def spent(training: Training) -> Spent:
    """Return what a training took of a client."""
    down, up = [], []
    for before, round_ in pairwise(training.rounds):
        for share in round_.model.answers if round_.model is not None else ():
            sent = share.sent_bytes if share.sent_bytes is not None else _sent(before, round_)
            down.append(sent)
            up.append(share.update_bytes)
    trained = [attempt for round_ in training.rounds for attempt in round_.answered]
    whole = [r.model.size_bytes for r in training.rounds[1:] if r.model is not None]
    return Spent(
        down_bytes=_mean(down),
        up_bytes=_mean(up),
        whole_bytes=_mean(whole),
        peak_mb=_most(attempt.result.peak_rss_mb for attempt in trained),
        need_mb=_most(attempt.result.measured_need_mb for attempt in trained),
        step_seconds=middle(map(_step_seconds, trained)),
        load_mb=_most(attempt.result.load_peak_mb for attempt in trained),
        train_mb=_most(attempt.result.train_peak_mb for attempt in trained),
    )


def _sent(before: Round, round_: Round) -> int | None:
    """Return the bytes of what all clients of a round were sent, if it is one file."""
    if round_.pruning is not None:
        return round_.pruning.sent_bytes
    return None if before.model is None else before.model.size_bytes


def _step_seconds(attempt: Attempt) -> float | None:
    update, epochs = attempt.result.update, attempt.result.epochs
    seconds = sum(epoch.train_seconds for epoch in epochs)
    return seconds / update.steps if update is not None and update.steps and seconds else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return mean(known) if known else None


def _most(values: Iterable[float | None]) -> float | None:
    return max(_known(values), default=None)


def heard_in(round_: Round) -> tuple[Utterance, ...]:
    """Return what was heard of all clients with a round's model; empty where it is not held."""
    return tuple(
        utterance for attempt in round_.evaluations.values() for utterance in heard_before(attempt)
    )
