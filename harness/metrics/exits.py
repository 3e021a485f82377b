"""What rules of leaving early come to, over what every exit of a network said (pure).

An utterance that all exits answered tells what any rule would have done with it: where it would
have left, and with how many word errors. So a curve over thresholds needs utterance evaluation. The
thresholds of a curve are those of other utterances than it is judged on (`halves`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

from harness.contract.exits import Answer, ExitRule
from harness.metrics.host import score
from harness.metrics.words import WordErrors

Thresholded = Literal["entropy", "posterior"]
MOST_THRESHOLDS: Final = 64
"""Of a curve: more lie closer together than a figure shows."""


@dataclass(frozen=True)
class Heard:
    """What all exits said of one utterance.

    Attributes:
        name: Of the utterance; the same utterance has the same name in all evaluations.
        reference: What was said.
        answers: From the shallowest exit to the deepest, none left out, each with its text.
    """

    name: str
    reference: str
    answers: tuple[Answer, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What each exit heard."""
        return tuple(answer.text or "" for answer in self.answers)

    @cached_property
    def errors(self) -> tuple[WordErrors, ...]:
        """Word errors at each exit."""
        counted: dict[str, WordErrors] = {}
        for text in self.texts:
            if text not in counted:
                counted[text] = score([(self.reference, text)])
        return tuple(counted[text] for text in self.texts)


@dataclass(frozen=True)
class Outcome:
    """What leaving at chosen exits comes to.

    Attributes:
        errors: Word errors of all utterances.
        depth: Mean depth at which they left, in the unit of the depths that were given.
        taken: Utterances that left at each exit, from the shallowest.
    """

    errors: WordErrors
    depth: float
    taken: tuple[int, ...]

    @property
    def share_percent(self) -> tuple[float, ...]:
        """Of the utterances that left at each exit."""
        return tuple(100 * count / sum(self.taken) for count in self.taken)


@dataclass(frozen=True)
class Judged:
    """A rule with a threshold: on the utterances that it was chosen on, and on the others."""

    threshold: float
    chosen_on: Outcome
    judged_on: Outcome


def left_at(answers: Sequence[Answer], rule: ExitRule) -> int:
    """Return the place of the exit at which an utterance leaves by a rule, from 0.

    Args:
        answers: From the shallowest exit to the deepest, none left out.
        rule: Which; of ``entropy`` the values are taken as they are, in the unit that they have.

    Raises:
        ValueError: An answer lacks what the rule goes by, or no exit has the rule's name.
    """
    last = len(answers) - 1
    if rule.rule == "last":
        return last
    if rule.rule == "fixed":
        return [answer.exit for answer in answers].index(rule.exit or "")
    if rule.rule == "agreement":
        return agreed_at([answer.text for answer in answers])
    assert rule.threshold is not None
    return sure_at(answers, rule.rule, rule.threshold)


def agreed_at(texts: Sequence[str | None], exits: int = 2) -> int:
    """Return the first exit that says what those before it say, else the last.

    Args:
        texts: Of each exit, from the shallowest.
        exits: How many neighbours have to agree.

    Raises:
        ValueError: A text is not known.
    """
    if None in texts:
        raise ValueError("an answer has no text")
    same = 1
    for place, (before, text) in enumerate(pairwise(texts), 1):
        same = same + 1 if text == before else 1
        if same >= exits:
            return place
    return len(texts) - 1


def sure_at(answers: Sequence[Answer], rule: Thresholded, threshold: float) -> int:
    """Return the first exit that is sure enough, else the last.

    Raises:
        ValueError: An answer lacks what the rule goes by.
    """
    for place, value in enumerate(_values(answers, rule)):
        if value <= threshold if rule == "entropy" else value >= threshold:
            return place
    return len(answers) - 1


def _values(answers: Sequence[Answer], rule: Thresholded) -> list[float]:
    values = [answer.entropy if rule == "entropy" else answer.posterior for answer in answers]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        raise ValueError(f"an answer has no {rule}")
    return known


def fewest_errors_at(heard: Heard) -> int:
    """Return the shallowest exit with the fewest errors: the best that any rule could do."""
    errors = [counted.errors for counted in heard.errors]
    return errors.index(min(errors))


def no_worse_at(heard: Heard) -> int:
    """Return the shallowest exit with no more errors than the last: the least that costs none."""
    errors = [counted.errors for counted in heard.errors]
    return next(place for place, count in enumerate(errors) if count <= errors[-1])


ORACLES: Final[Mapping[str, Callable[[Heard], int]]] = {
    "no worse than last": no_worse_at,
    "fewest errors": fewest_errors_at,
}
"""What a rule could do that knew what was said."""


def outcome(
    heard: Sequence[Heard], depths: Sequence[float], choose: Callable[[Heard], int]
) -> Outcome:
    """Return what a choice of exits comes to.

    Args:
        heard: The utterances, at least utterance.
        depths: Of each exit, from the shallowest.
        choose: Utterance -> place of its exit.

    Raises:
        ValueError: There is no utterance, or utterance has another number of exits than ``depths``.
    """
    if not heard or any(len(utterance.answers) != len(depths) for utterance in heard):
        raise ValueError("no utterances, or some without an answer of each exit")
    places = [choose(utterance) for utterance in heard]
    counts = Counter(places)
    return Outcome(
        sum(
            (utterance.errors[at] for utterance, at in zip(heard, places, strict=True)),
            WordErrors(),
        ),
        sum(depths[at] for at in places) / len(places),
        tuple(counts[at] for at in range(len(depths))),
    )


def halves(heard: Sequence[Heard]) -> tuple[tuple[Heard, ...], tuple[Heard, ...]]:
    """Return the utterances to choose thresholds on, and those to judge them on.

    By a digest of the name, so that an utterance is always in the same half, whoever evaluates it.
    """
    choosing = tuple(utterance for utterance in heard if _is_for_choosing(utterance.name))
    return choosing, tuple(utterance for utterance in heard if not _is_for_choosing(utterance.name))


def _is_for_choosing(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def curve(heard: Sequence[Heard], depths: Sequence[float], rule: Thresholded) -> tuple[Judged, ...]:
    """Return WER against mean depth over thresholds, from the shallowest to the deepest.

    A threshold is a value that an exit gave an utterance of one half, and stands on the curve if
    no shallower one has as few errors there. It is judged on the other half, where the curve need
    not fall.

    Raises:
        ValueError: A half has no utterance, or an answer lacks what the rule goes by.
    """
    choosing, judging = halves(heard)
    values = {value for utterance in choosing for value in _values(utterance.answers, rule)}
    step = max(1, -(-len(values) // MOST_THRESHOLDS))
    # from the one that lets all leave at once
    thresholds = sorted(values, reverse=rule == "entropy")[::step]

    def at(threshold: float, own: Sequence[Heard]) -> Outcome:
        return outcome(own, depths, lambda utterance: sure_at(utterance.answers, rule, threshold))

    tried = [(threshold, at(threshold, choosing)) for threshold in thresholds]
    tried.sort(key=lambda pair: (pair[1].depth, pair[1].errors.errors))
    found: list[Judged] = []
    for threshold, chosen in tried:
        if not found or chosen.errors.errors < found[-1].chosen_on.errors.errors:
            found.append(Judged(threshold, chosen, at(threshold, judging)))
    return tuple(found)


def chosen_threshold(points: Sequence[Judged], last: Outcome, lost_percent: float = 0.0) -> Judged:
    """Return the shallowest point of a curve that loses no more than allowed against the last exit.

    Args:
        points: The curve, from the shallowest.
        last: What the last exit comes to on the utterances that thresholds are chosen on.
        lost_percent: Points of WER that may be lost.

    Returns:
        The deepest point where none is good enough.

    Raises:
        InputError: The utterances say no word.
    """
    allowed = last.errors.known_wer_percent + lost_percent
    good = (point for point in points if point.chosen_on.errors.known_wer_percent <= allowed)
    return next(good, points[-1])
