"""Which trainings are compared with which baseline: what is alike but for the baseline (pure).

A federated training is what its last model comes to with each client; what it is before is the
model before the first round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from harness.results.model import AttemptResult
from harness.results.scoring import Kind, Scoring
from harness.results.store import HypothesisRow
from harness.results.werr_interval import Heard
from harness.scenario.report import BEFORE, Report


class Evaluated(Protocol):
    """An attempt whose hypotheses can be read."""

    @property
    def result(self) -> AttemptResult:
        """What it came to."""

    @property
    def read_hypotheses(self) -> Callable[[], Sequence[HypothesisRow]]:
        """What it heard; nothing where it is not held."""


A = TypeVar("A", bound=Evaluated)


@dataclass(frozen=True)
class Pair(Generic[A]):
    """Repeats of one training of a speaker, and those that they are compared with."""

    base: tuple[A, ...]
    new: tuple[A, ...]
    before: bool = False
    """The baseline is their own start."""

    @property
    def result(self) -> AttemptResult:
        """One of those that are compared, for its settings."""
        return self.new[0].result

    @property
    def speaker(self) -> str:
        """Whose speech it is: of a federated training, which client's."""
        return _whose(self.result)

    def heard(self, scoring: Scoring, kind: Kind) -> Heard:
        """Return the errors of one kind in what the baseline heard, and in what they heard.

        An utterance of one name whose words differ (other recordings, accents kept and folded) is
        left out of both.
        """
        rows = _rows(self.base, before=self.before), _rows(self.new, before=False)
        said = [{row.id: row.reference for _, _, own in side for row in own} for side in rows]
        other = {name for name, text in said[0].items() if said[1].get(name, text) != text}
        base, new = (
            [
                utterance
                for whose, epoch, own in side
                for utterance in scoring.utterances(
                    [row for row in own if row.id not in other], epoch, whose, kind
                )
            ]
            for side in rows
        )
        return base, new


def _whose(result: AttemptResult) -> str:
    return result.speaker if result.client is None else result.client.client


def _rows(
    attempts: Iterable[Evaluated], *, before: bool
) -> list[tuple[str, int, Sequence[HypothesisRow]]]:
    """Return speaker, epoch and hypotheses of attempts, in the epoch that counts."""
    found: list[tuple[str, int, Sequence[HypothesisRow]]] = []
    for attempt in attempts:
        # a client that evaluates a model only listens, as in epoch 0
        first = before or attempt.result.client is not None
        epoch = 0 if first else attempt.result.kept_epoch
        if epoch is not None:
            rows = [row for row in attempt.read_hypotheses() if row.epoch == epoch]
            found.append((attempt.result.speaker, epoch, rows))
    return found


def pairs_of(asked: Report, attempts: Sequence[A]) -> tuple[list[Pair[A]], int]:
    """Return the pairs of a run whose scenario names a baseline.

    Args:
        asked: With its baseline.
        attempts: That finished, of one run.

    Returns:
        The pairs, and how many attempts no baseline is like.
    """
    baseline = asked.baseline
    if baseline is None:
        return [], 0
    if baseline == BEFORE:
        groups = _grouped([a for a in attempts if a.result.client is None], _settings)
        own = [Pair(members, members, before=True) for members in groups.values()]
        return [*own, *_since_the_start(attempts)], 0
    assert isinstance(baseline, dict)
    return _paired(_standing(attempts), _is(baseline), tuple(baseline))


def pairs_against(run_id: str, attempts: Sequence[A]) -> tuple[list[Pair[A]], int]:
    """Return the pairs of several runs' attempts, where one run is the baseline.

    Args:
        run_id: Of the baseline.
        attempts: That finished, of all runs.

    Returns:
        The pairs, and how many attempts no baseline is like.
    """
    return _paired(_standing(attempts), lambda result: result.run_id == run_id, ())


def _evaluations(attempts: Iterable[A]) -> dict[tuple[str, str], dict[int, list[A]]]:
    """Return what each model of each federated training was heard by: (run, name) -> round."""
    found: dict[tuple[str, str], dict[int, list[A]]] = {}
    for attempt in attempts:
        client = attempt.result.client
        if client is not None and client.role != "train":
            rounds = found.setdefault((attempt.result.run_id, client.federation), {})
            rounds.setdefault(client.round, []).append(attempt)
    return found


def _standing(attempts: Sequence[A]) -> list[A]:
    """Return what trainings came to: those that stand for themselves, and last models' hearing."""
    alone = [attempt for attempt in attempts if attempt.result.client is None]
    last = [rounds[max(rounds)] for rounds in _evaluations(attempts).values() if max(rounds) > 0]
    return [*alone, *(attempt for own in last for attempt in own)]


def _since_the_start(attempts: Iterable[A]) -> Iterator[Pair[A]]:
    """Yield a pair for each client that heard a federated training's first model and its last."""
    for rounds in _evaluations(attempts).values():
        first, last = min(rounds), max(rounds)
        if first == 0 < last:
            before = {_whose(attempt.result): attempt for attempt in rounds[first]}
            for attempt in rounds[last]:
                if (base := before.get(_whose(attempt.result))) is not None:
                    yield Pair((base,), (attempt,))


def _paired(
    attempts: Sequence[A], is_base: Callable[[AttemptResult], bool], but_for: Sequence[str]
) -> tuple[list[Pair[A]], int]:
    bases = _grouped([a for a in attempts if is_base(a.result)], lambda r: _alike(r, but_for))
    others = [a for a in attempts if not is_base(a.result)]
    groups = _grouped(others, _settings)
    pairs = [
        Pair(bases[key], members)
        for members in groups.values()
        if (key := _alike(members[0].result, but_for)) in bases
    ]
    return pairs, len(others) - sum(len(pair.new) for pair in pairs)


def _grouped(
    attempts: Iterable[A], key: Callable[[AttemptResult], str]
) -> dict[str, tuple[A, ...]]:
    groups: dict[str, list[A]] = {}
    for attempt in attempts:
        groups.setdefault(key(attempt.result), []).append(attempt)
    return {name: tuple(members) for name, members in groups.items()}


def _settings(result: AttemptResult) -> str:
    """Return what the repeats of one training have in common."""
    return f"{result.run_id} {_alike(result, ())}"


def _alike(result: AttemptResult, but_for: Sequence[str]) -> str:
    """Return what names the jobs that may be compared: all that is asked but some settings."""
    axes = {path: value for path, value in result.axes.items() if path not in but_for}
    return _text([_whose(result), result.client is not None, result.round, axes])


def _is(values: Mapping[str, Any]) -> Callable[[AttemptResult], bool]:
    return lambda result: all(
        path in result.axes and _text(result.axes[path]) == _text(value)
        for path, value in values.items()
    )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
