"""What rules of leaving early make of what every exit said: curves, chosen thresholds, oracles.

Thresholds are chosen on half of the utterances and judged on the other half
(`harness.metrics.exits.halves`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.metrics.exits import (
    ORACLES,
    Heard,
    Judged,
    Outcome,
    Thresholded,
    agreed_at,
    chosen_threshold,
    curve,
    halves,
    outcome,
    sure_at,
)
from harness.report.evaluation import Evaluation
from harness.report.figures.depth import DepthLine
from harness.results.wer_interval import WerInterval, wer_interval

THRESHOLDED: Final[tuple[Thresholded, ...]] = ("entropy", "posterior")
LOOKS: Final = {
    "one exit for all": ("soft", "s"),
    "fixed": ("s3", "<"),
    "last": ("phone", ">"),
    "agreement": ("ink", "h"),
    "entropy": ("s1", "^"),
    "posterior": ("s6", "v"),
    "oracle": ("good", "p"),
}
"""Colour and mark of each kind of rule, the same in all figures."""
HALVES: Final = (
    "Thresholds are chosen on half of the utterances, by a digest of their names, and judged on "
    "the other half"
)


@dataclass(frozen=True)
class Way:
    """A way of leaving early, on the half that judges."""

    label: str
    choose: Callable[[Heard], int]
    threshold: float | None = None


def fixed_at(place: int) -> Callable[[Heard], int]:
    """Return the choice of one exit for every utterance."""
    return lambda _: place


def by_threshold(rule: Thresholded, threshold: float) -> Callable[[Heard], int]:
    """Return the choice that a threshold makes."""
    return lambda heard: sure_at(heard.answers, rule, threshold)


def agreed(heard: Heard) -> int:
    """Return the choice of the rule `agreement`."""
    return agreed_at(heard.texts)


def say_words(own: Iterable[Heard]) -> bool:
    """Return whether there is a word of reference, and so a WER."""
    return any(heard.errors[0].reference_words for heard in own)


def points(evaluation: Evaluation, rule: Thresholded) -> tuple[Judged, ...]:
    """Return a rule's curve; empty where a half says no word or answers lack what it goes by."""
    choosing, judging = halves(evaluation.heard)
    if not (say_words(choosing) and say_words(judging) and evaluation.has(rule)):
        return ()
    return curve(evaluation.heard, evaluation.depths, rule)


def ways(evaluation: Evaluation) -> list[Way]:
    """Return all ways that can be judged: exits, rules with a chosen threshold, oracles."""
    last = len(evaluation.exits) - 1
    choosing, _ = halves(evaluation.heard)
    found = [Way("always the last exit", fixed_at(last))]
    found.append(Way("agreement", agreed))
    for rule in THRESHOLDED:
        own = points(evaluation, rule)
        if own:
            best = chosen_threshold(own, outcome(choosing, evaluation.depths, fixed_at(last)))
            found.append(Way(rule, by_threshold(rule, best.threshold), best.threshold))
    found += [Way(f"oracle, {what}", choose) for what, choose in ORACLES.items()]
    return found


@dataclass(frozen=True)
class JudgedWay:
    """What a way comes to on the half that judges."""

    way: Way
    outcome: Outcome
    interval: WerInterval | None


def judged_ways(evaluation: Evaluation) -> list[JudgedWay]:
    """Return what all ways come to on the half that judges; it must have an utterance."""
    _, judging = halves(evaluation.heard)
    return [
        JudgedWay(
            way,
            outcome(judging, evaluation.depths, way.choose),
            wer_interval(evaluation.utterances(way.choose, judging)),
        )
        for way in ways(evaluation)
    ]


def depth_lines(evaluation: Evaluation) -> list[DepthLine]:
    """Return WER over depth of all ways, on the half that judges, with intervals."""
    _, judging = halves(evaluation.heard)
    every, oracles = could_have_been(evaluation, judging)
    lines = [every, _line(evaluation, judging, "agreement", "agreement", [agreed])]
    for rule in THRESHOLDED:
        own = points(evaluation, rule)
        if own:
            choices = [by_threshold(rule, point.threshold) for point in own]
            lines.append(_line(evaluation, judging, rule, rule, choices))
    return [*lines, oracles]


def could_have_been(evaluation: Evaluation, own: Sequence[Heard]) -> list[DepthLine]:
    """Return WER over depth of what needs no threshold: one exit for all, then the oracles."""
    places = [fixed_at(place) for place in range(len(evaluation.exits))]
    return [
        _line(evaluation, own, "one exit for all", "one exit for all", places),
        _line(evaluation, own, "oracles", "oracle", ORACLES.values()),
    ]


def _line(
    evaluation: Evaluation,
    own: Sequence[Heard],
    label: str,
    look: str,
    choices: Iterable[Callable[[Heard], int]],
) -> DepthLine:
    came = [(outcome(own, evaluation.depths, choose), choose) for choose in choices]
    came.sort(key=lambda pair: (pair[0].depth, pair[0].errors.known_wer_percent))
    intervals = [wer_interval(evaluation.utterances(choose, own)) for _, choose in came]
    return DepthLine(
        label,
        tuple((each.depth, each.errors.known_wer_percent) for each, _ in came),
        *LOOKS[look],
        between=tuple(interval.ends if interval else None for interval in intervals),
        level=look == "oracle",
    )
