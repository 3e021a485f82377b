"""A comparison in words: one sentence, and how many figures are worse, better or cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.answer import KeyFigure
from harness.report.text import listed, plural
from harness.results.compare import Comparison, Finding, Judgement

WORDS: dict[Judgement, str] = {
    "worse": "worse",
    "better": "better",
    "no change found": "no change",
    "too few to tell": "cannot be told",
}
"""What the page calls a judgement."""
ORDER: tuple[Judgement, ...] = ("worse", "better", "too few to tell", "no change found")
NAMED = 3
"""Figures that the sentence names; the others are counted."""


def sentence(comparison: Comparison | None, bad: Sequence[str]) -> str:
    """Return the answer to "did anything get worse?".

    Args:
        comparison: None where there was nothing to compare with.
        bad: What is wrong with the run itself, in words: jobs that failed, broken expectations.
    """
    failed = f"The run itself is not good: {'; '.join(bad)}." if bad else ""
    return " ".join(part for part in (_compared(comparison), failed) if part)


def _compared(comparison: Comparison | None) -> str:
    if comparison is None:
        return "There is no good run of the same jobs yet: nothing was compared."
    worse, better = comparison.judged("worse"), comparison.judged("better")
    few = len(comparison.judged("too few to tell"))
    every = len(comparison.findings)
    if not every:
        return "No job of this run has a figure that could be compared."
    if few == every:
        return "Nothing can be told: every figure has too few repeats."
    parts = []
    if worse:
        parts.append(f"Worse: {_named(worse)}")
    if better:
        parts.append(f"{'better' if parts else 'Better'}: {_named(better)}")
    if not worse:
        nothing = f"nothing got worse in {plural(every - few, 'figure')}"
        parts.append(nothing if parts else nothing.capitalize())
    if few:
        parts.append(f"{few} of {every} cannot be told")
    return "; ".join(parts) + "."


def _named(findings: Sequence[Finding]) -> str:
    named = [f"{finding.label} on {finding.phone} ({finding.change_text})" for finding in findings]
    return listed(named, most=NAMED + 1)


def counts(comparison: Comparison | None) -> tuple[KeyFigure, ...]:
    """Return how many figures got worse, better, and neither."""
    if comparison is None:
        return ()
    good: dict[Judgement, bool] = {"worse": False, "better": True}
    figures = []
    for judgement in ORDER:
        count = len(comparison.judged(judgement))
        figures.append(
            KeyFigure(str(count), WORDS[judgement], good.get(judgement) if count else None)
        )
    return tuple(figures)
