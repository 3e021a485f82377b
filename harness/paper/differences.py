"""Claims that a WER is lower, or alike, judged by intervals of paired differences (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.paper.claims import Judged
from harness.paper.verdicts import Verdict
from harness.report.numbers import signed
from harness.results.wer_difference import WerDifference

NOTHING: Final[Judged] = ("cannot be said", "Nothing was measured.")
ALIKE_POINTS: Final = 2.0
"""Two WERs are alike if the second is surely worse by no more than so many points."""
Found = WerDifference | None
_ORDER: Final[tuple[Verdict, ...]] = ("does not hold", "cannot be said", "holds")


def together(differences: Mapping[str, Found], *, ties: bool = False) -> Judged:
    """Judge that a WER is lower, of each of several pairs.

    Args:
        differences: Of what -> the WER that is said to be lower, less the other.
        ties: No worse is enough: whoever cannot be said to be worse by a point holds.
    """
    return _judged(differences, {who: _lower(f, ties=ties) for who, f in differences.items()})


def alike(differences: Mapping[str, Found], within: float = ALIKE_POINTS) -> Judged:
    """Judge that a WER is like another, of each of several pairs.

    It is if the interval ends below ``within`` points; it is not if it is surely worse, and may be
    so by more than that.

    Args:
        differences: Of what -> the WER that is said to be like the other, less that.
        within: Points.
    """
    verdict, told = _judged(
        differences, {who: _alike(found, within) for who, found in differences.items()}
    )
    return verdict, f"Alike: surely worse by no more than {within:g} points. {told}"


def _judged(differences: Mapping[str, Found], verdicts: Mapping[str, Verdict]) -> Judged:
    if not differences:
        return NOTHING
    told = "; ".join(f"{who} {in_points(found)}" for who, found in differences.items())
    verdict = next(verdict for verdict in _ORDER if verdict in verdicts.values())
    return verdict, f"Points of WER: {told}."


def _lower(found: Found, *, ties: bool) -> Verdict:
    if found is None:
        return "cannot be said"
    if found.high_points < 0 or (ties and found.high_points <= 0):
        return "holds"
    return "does not hold" if found.low_points > 0 else "cannot be said"


def _alike(found: Found, within: float) -> Verdict:
    if found is None:
        return "cannot be said"
    if found.high_points <= within:
        return "holds"
    return "does not hold" if found.low_points > 0 else "cannot be said"


def in_points(found: Found) -> str:
    """Return a difference with its interval, in words."""
    if found is None:
        return "has too few utterances"
    ends = f"{signed(found.low_points, 1)} to {signed(found.high_points, 1)}"
    return f"{signed(found.points, 1)} ({ends})"
