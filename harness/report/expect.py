"""The scenario's ``expect`` list against what came out (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Literal

from harness.report.axes import is_number, label_of, shown, value_at, values_of
from harness.report.load import Attempt
from harness.report.numbers import digits_for, fixed
from harness.report.text import plural
from harness.report.wer import unknown_speech

Verdict = Literal["holds", "does not hold", "cannot be said"]

_ALIASES = {"wer_percent": "wer_after_percent"}
_OVER_EPOCHS = ("wer_percent", "train_loss", "battery_percent", "available_mb")


@dataclass(frozen=True)
class Check:
    """One expectation and how it fared."""

    claim: str
    verdict: Verdict
    evidence: str


def check_all(expected: Sequence[Any], attempts: Sequence[Attempt]) -> tuple[Check, ...]:
    """Check each expectation over the finished attempts.

    Args:
        expected: Items of ``scenario.expect``: ``metric`` and one of ``falls_over``,
            ``rises_over``, ``below``, ``above``.
        attempts: The last attempt of each job.
    """
    finished = [attempt for attempt in attempts if attempt.finished]
    return tuple(_check(item, finished) for item in expected)


def not_met(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return the expectations that are no pass: broken ones, and those that could not be judged."""
    return tuple(
        f"{check.claim}: {check.evidence}"
        if check.verdict == "does not hold"
        else f"{check.claim}: could not be judged. {check.evidence}"
        for check in checks
        if check.verdict != "holds"
    )


def _check(item: Any, attempts: Sequence[Attempt]) -> Check:
    if not isinstance(item, Mapping):
        return Check(shown(item), "cannot be said", "It names no metric.")
    metric = str(item.get("metric", ""))
    for kind in ("falls_over", "rises_over"):
        path = item.get(kind)
        if path is not None:
            claim = f"{metric} {kind.replace('_', ' ')} {path}"
            sign = -1.0 if kind == "falls_over" else 1.0
            if path == "epoch":
                return _over_epochs(claim, metric, sign, attempts)
            return _over_axis(claim, metric, sign, str(path), attempts)
    for kind, sign in (("below", -1.0), ("above", 1.0)):
        limit = item.get(kind)
        if is_number(limit):
            claim = f"{metric} {kind} {shown(limit)}"
            return _against_limit(claim, metric, sign, float(limit), attempts)
    return Check(metric or "an expectation", "cannot be said", "It makes no claim.")


def _over_epochs(claim: str, metric: str, sign: float, attempts: Sequence[Attempt]) -> Check:
    changes = [change for attempt in attempts if (change := _change(attempt, metric)) is not None]
    if not changes:
        return _unsaid(claim, metric)
    right = sum(sign * change > 0 for change in changes)
    every = right == len(changes)
    evidence = f"In {right} of {plural(len(changes), 'finished attempt')}."
    if metric == "wer_percent" and (unknown := unknown_speech(attempts)):
        evidence += f" But {unknown}."
    return Check(claim, "holds" if every else "does not hold", evidence)


def _change(attempt: Attempt, metric: str) -> float | None:
    """Return what the epochs changed: for WER from the baseline to what was kept."""
    result = attempt.result
    if metric == "wer_percent":
        if result.wer_before_percent is None or result.wer_after_percent is None:
            return None
        return result.wer_after_percent - result.wer_before_percent
    if metric not in _OVER_EPOCHS:
        return None
    series = [value for epoch in result.epochs if (value := getattr(epoch, metric)) is not None]
    return series[-1] - series[0] if len(series) > 1 else None


def metric_of(attempt: Attempt, metric: str) -> float | None:
    """Return one figure of a result by the name that a scenario gives it."""
    value = getattr(attempt.result, _ALIASES.get(metric, metric), None)
    if value is None:
        value = attempt.read_figures().get(metric)
    return float(value) if is_number(value) else None


def _over_axis(
    claim: str, metric: str, sign: float, path: str, attempts: Sequence[Attempt]
) -> Check:
    values = values_of(attempts, path)
    medians: list[tuple[str, float]] = []
    for value in values:
        known = [
            figure
            for attempt in attempts
            if value_at(attempt, path) == value
            and (figure := metric_of(attempt, metric)) is not None
        ]
        if known:
            medians.append((shown(value), median(known)))
    if not medians:
        return _unsaid(claim, metric)
    if len(medians) < 2:
        return Check(
            claim, "cannot be said", f"There is only one {label_of(path)}: {medians[0][0]}."
        )
    steps = [sign * (later[1] - earlier[1]) for earlier, later in pairwise(medians)]
    holds = all(step >= 0 for step in steps) and any(step > 0 for step in steps)
    digits = digits_for(figure for _, figure in medians)
    figures_text = ", ".join(f"{name}: {fixed(figure, digits)}" for name, figure in medians)
    return Check(claim, "holds" if holds else "does not hold", f"Medians: {figures_text}.")


def _against_limit(
    claim: str, metric: str, sign: float, limit: float, attempts: Sequence[Attempt]
) -> Check:
    known = [figure for attempt in attempts if (figure := metric_of(attempt, metric)) is not None]
    if not known:
        return _unsaid(claim, metric)
    right = sum(sign * (figure - limit) > 0 for figure in known)
    worst = min(known, key=lambda figure: sign * figure)
    evidence = (
        f"In {right} of {plural(len(known), 'finished attempt')}; "
        f"the nearest or worst is {fixed(worst, digits_for([worst]))}."
    )
    return Check(claim, "holds" if right == len(known) else "does not hold", evidence)


def _unsaid(claim: str, metric: str) -> Check:
    return Check(claim, "cannot be said", f"No finished attempt has {metric or 'the metric'}.")
