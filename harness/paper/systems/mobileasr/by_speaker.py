"""Claims over speakers and rounds, judged by what was measured (pure).

Each rule takes a run and returns (verdict, evidence). Repeats of a speaker count by their mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from statistics import mean
from typing import Final

from harness.paper.claims import Judged, Rule
from harness.paper.measure import Source
from harness.paper.verdicts import Verdict, judged_each
from harness.report.load import Attempt
from harness.report.numbers import signed

SURE: Final = 0.05
"""Level of the permutation test."""
MOST_SPEAKERS: Final = 8
"""Beyond it the permutations are too many to count."""
MANY_EPOCHS: Final = 10
"""sec. 5.4 has "greater than ten epochs"."""


@dataclass(frozen=True)
class Track:
    """One speaker's round: WER before and after, by epoch, and the epoch kept."""

    before: float
    after: float
    kept: float
    by_epoch: tuple[float, ...]

    @property
    def fall(self) -> float:
        """Points of WER that the round took away."""
        return self.before - self.after


def attempts_by_speaker(source: Source, round_: int) -> dict[str, list[Attempt]]:
    """Return the finished jobs of a round by speaker, in order of appearance."""
    by_speaker: dict[str, list[Attempt]] = {}
    for attempt in source.finished:
        if attempt.result.round == round_:
            by_speaker.setdefault(attempt.result.speaker, []).append(attempt)
    return by_speaker


def tracks(source: Source, round_: int) -> dict[str, Track]:
    """Return each speaker's round; those without a WER before and after are left out."""
    found = {}
    for speaker, own in attempts_by_speaker(source, round_).items():
        results = [attempt.result for attempt in own]
        before = [w for result in results if (w := result.wer_before_percent) is not None]
        after = [w for result in results if (w := result.wer_after_percent) is not None]
        if not before or not after:
            continue
        series = [[epoch.wer_percent for epoch in result.epochs] for result in results]
        length = min(map(len, series))
        kept = [result.kept_epoch for result in results if result.kept_epoch is not None]
        found[speaker] = Track(
            mean(before),
            mean(after),
            mean(kept) if kept else math.nan,
            tuple(mean(own[epoch] for own in series) for epoch in range(length)),
        )
    return found


def _lower(round_: int) -> Callable[[Source], Judged]:
    def rule(source: Source) -> Judged:
        found = tracks(source, round_)
        return judged_each(
            {who: track.after < track.before for who, track in found.items()},
            {who: f"{track.before:.1f} → {track.after:.1f} %" for who, track in found.items()},
            "speakers",
        )

    return rule


def _steps(track: Track) -> list[float]:
    return [after - before for before, after in pairwise(track.by_epoch)]


def _monotone(source: Source) -> Judged:
    found = {who: track for who, track in tracks(source, 1).items() if len(track.by_epoch) > 1}
    rises = {
        who: ", ".join(
            f"{signed(step, 1)} in epoch {epoch}"
            for epoch, step in enumerate(_steps(track), 1)
            if step > 0
        )
        for who, track in found.items()
    }
    figures = {
        who: f"({rises[who]})" if rises[who] else f"({len(found[who].by_epoch) - 1} epochs)"
        for who in found
    }
    falls = {who: not rises[who] and track.fall > 0 for who, track in found.items()}
    return judged_each(falls, figures, "speakers")


def _steepest_first(source: Source) -> Judged:
    found = {who: track for who, track in tracks(source, 1).items() if len(track.by_epoch) > 2}
    steps = {who: _steps(track) for who, track in found.items()}
    return judged_each(
        {who: own[0] < 0 and own[0] <= min(own[1:]) for who, own in steps.items()},
        {who: f"({signed(own[0], 1)}, then {signed(min(own[1:]), 1)} at most)"
         for who, own in steps.items()},
        "speakers",
    )  # fmt: skip


def _both(source: Source) -> dict[str, tuple[Track, Track]]:
    first, second = tracks(source, 1), tracks(source, 2)
    return {who: (first[who], second[who]) for who in first if who in second}


def _smaller_steps(source: Source) -> Judged:
    found = _both(source)
    return judged_each(
        {who: second.fall < first.fall for who, (first, second) in found.items()},
        {who: f"({signed(-first.fall, 1)}, then {signed(-second.fall, 1)})"
         for who, (first, second) in found.items()},
        "speakers",
    )  # fmt: skip


def _over_ten_epochs(source: Source) -> Judged:
    found = {who: first.kept + second.kept for who, (first, second) in _both(source).items()}
    if not found:
        return "cannot be said", "Nothing was measured."
    many = sum(epochs > MANY_EPOCHS for epochs in found.values())
    evidence = ", ".join(f"{who} {epochs:g}" for who, epochs in found.items())
    verdict: Verdict = "holds" if 2 * many > len(found) else "does not hold"
    return verdict, f"For {many} of {len(found)} speakers; epochs until the one kept: {evidence}."


def _no_trend(source: Source) -> Judged:
    own = attempts_by_speaker(source, 1)
    falls = {who: track.fall for who, track in tracks(source, 1).items()}
    accents = {who: own[who][0].result.accent for who in falls}
    genders = {who: who.rpartition("-")[2] for who in falls}
    told, verdicts = [], []
    for what, groups in (("accent", accents), ("gender", genders)):
        verdict, evidence = _depends(falls, groups)
        verdicts.append(verdict)
        told.append(f"{what}: {evidence}")
    order: tuple[Verdict, ...] = ("does not hold", "cannot be said", "holds")
    worst = next(verdict for verdict in order if verdict in verdicts)
    return worst, f"Points of WER that fell in round 1 by {'; by '.join(told)}."


def _depends(falls: Mapping[str, float], groups: Mapping[str, str]) -> Judged:
    """Judge by permutation whether a figure depends on a group, if as few can tell at all."""
    names = sorted(set(groups.values()))
    means = {name: mean(falls[who] for who in falls if groups[who] == name) for name in names}
    told = ", ".join(f"{name} {value:.1f}" for name, value in means.items())
    if not 2 <= len(names) < len(falls) <= MOST_SPEAKERS:
        return "cannot be said", told or "nothing was measured"
    labels = [groups[who] for who in falls]
    values = list(falls.values())
    found = [_between(values, shuffled) for shuffled in set(permutations(labels))]
    here = _between(values, labels)
    p = sum(other >= here - 1e-9 for other in found) / len(found)
    least = sum(other >= max(found) - 1e-9 for other in found) / len(found)
    if p <= SURE:
        return "does not hold", f"{told} (p {p:.2g})"
    if least > SURE:
        return "cannot be said", f"{told} ({len(falls)} speakers give p {least:.2g} at best)"
    return "holds", f"{told} (p {p:.2g})"


def _between(values: Sequence[float], labels: Sequence[str]) -> float:
    """Return the variance between groups: what a permutation test compares."""
    overall = mean(values)
    total = 0.0
    for name in set(labels):
        own = [value for value, label in zip(values, labels, strict=True) if label == name]
        total += len(own) * (mean(own) - overall) ** 2
    return total


RULES: dict[str, Rule] = {
    "lower_in_round_1": _lower(1),
    "lower_in_round_2": _lower(2),
    "monotone": _monotone,
    "steepest_first": _steepest_first,
    "smaller_steps": _smaller_steps,
    "over_ten_epochs": _over_ten_epochs,
    "no_trend": _no_trend,
}
"""The file's names -> what judges them."""
