"""At which exits utterances left, in the runs before and in the run in question (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.report.exits import ExitFigures, RuleRow, rule_rows
from harness.report.load import RunData
from harness.report.numbers import fixed, signed
from harness.report.wer import interval_text
from harness.results.wer_difference import WerDifference, wer_difference

Pair = tuple[str, str]
"""Before, now."""


@dataclass(frozen=True)
class BesideRow:
    """One exit under one rule, or all its exits together, as it was before and as it is now."""

    exit: str
    """Empty: all of them together."""
    left: Pair
    """Share of the utterances, %; together: layers in the mean."""
    wer: Pair
    seconds: Pair
    change: str = ""
    """Of the WER, points; empty where it is not asked of the same utterances."""


@dataclass(frozen=True)
class RuleBeside:
    """A rule on one speaker, model and kind of phone that both have."""

    before: RuleRow
    now: RuleRow

    @property
    def difference(self) -> WerDifference | None:
        """WER now less that before, over the utterances that both heard."""
        return wer_difference(self.before.left, self.now.left)

    @property
    def rows(self) -> tuple[BesideRow, ...]:
        """All exits together, then each from the shallowest."""
        both = (self.before, self.now)
        together = BesideRow(
            "",
            _pair([fixed(row.mean_depth, 1) for row in both]),
            _pair([_wer(row) for row in both]),
            _pair([fixed(row.mean_seconds, 4) for row in both]),
            _change(self.difference),
        )
        names = dict.fromkeys(each.exit for row in both for each in row.by_exit)
        return (together, *(_of_exit(name, both) for name in names))


def rules_beside(runs: Sequence[RunData]) -> tuple[RuleBeside, ...]:
    """Return the rules of the last run that the others together have too.

    Args:
        runs: The one in question last.
    """
    if len(runs) < 2:
        return ()
    *before, now = runs
    old = {_key(row): row for row in _pooled(before)}
    return tuple(
        RuleBeside(old[_key(row)], row) for row in _pooled([now]) if _key(row) in old
    )  # fmt: skip


def _pooled(runs: Sequence[RunData]) -> tuple[RuleRow, ...]:
    """Return the rules of several runs, those of each on one row."""
    found: dict[tuple[str, ...], RuleRow] = {}
    for row in rule_rows(attempt for run in runs for attempt in run.final):
        known = found.get(_key(row))
        found[_key(row)] = row if known is None else replace(
            known, attempts=known.attempts + row.attempts, records=known.records + row.records
        )  # fmt: skip
    return tuple(found.values())


def _key(row: RuleRow) -> tuple[str, ...]:
    return row.rule, row.speaker, row.model, row.phone


def _of_exit(name: str, both: Sequence[RuleRow]) -> BesideRow:
    figures = [_figures(name, row) for row in both]
    return BesideRow(
        name,
        _pair([fixed(each.share_percent if each else None, 1) for each in figures]),
        _pair([fixed(each.wer_percent if each else None, 1) for each in figures]),
        _pair([fixed(each.seconds if each else None, 4) for each in figures]),
    )


def _figures(name: str, row: RuleRow) -> ExitFigures | None:
    return next((each for each in row.by_exit if each.exit == name), None)


def _wer(row: RuleRow) -> str:
    sure = interval_text(row.interval)
    return fixed(row.wer_percent, 1) + (f" ({sure})" if sure else "")


def _change(difference: WerDifference | None) -> str:
    if difference is None:
        return ""
    ends = f"{signed(difference.low_points, 1)} to {signed(difference.high_points, 1)}"
    return f"{signed(difference.points, 1)} ({ends})"


def _pair(texts: Sequence[str]) -> Pair:
    before, now = texts
    return before, now
