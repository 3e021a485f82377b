"""Where utterances left a network with exits, for people and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.cli import console
from harness.report.numbers import fixed
from harness.results.model import AttemptResult, ExitRecord
from harness.scenario.paths import axis_names, axis_words
from harness.serve.facts import Running

_RULE = "trainer.exits"


def exit_rows(result: AttemptResult) -> list[dict[str, Any]] | None:
    """Return what each exit came to, from the shallowest; None in a network without exits."""
    if result.exits is None:
        return None
    return [
        {
            "exit": each.exit,
            "depth": each.depth,
            "share_percent": each.share_percent,
            "wer_percent": each.wer_percent,
            "seconds": each.seconds,
            "rule_seconds": each.rule_seconds,
        }
        for each in result.exits.by_exit
    ]


def exit_columns(
    results: Sequence[AttemptResult], varied: Sequence[str]
) -> tuple[list[console.Column], list[list[str]]]:
    """Return columns and rows of who left where: a column an exit, a row a result with exits.

    Args:
        results: The last attempt of each job.
        varied: Settings that tell them apart; the rule has a column of its own.
    """
    rows = [(result, result.exits) for result in results if result.exits is not None]
    axes = [path for path in varied if path != _RULE]
    names = axis_names(axes)
    exits = dict.fromkeys(each.exit for _, record in rows for each in record.by_exit)
    columns = [
        *(console.Column(names[path]) for path in axes),
        console.Column("rule"),
        *(console.Column(f"{name}\n% (WER)", right=True) for name in exits),
    ]
    cells = []
    for result, record in rows:
        known = {path: result.axes.get(path, getattr(result, path, "")) for path in axes}
        by_name = {each.exit: each for each in record.by_exit}
        told = [_cell(by_name.get(name)) for name in exits]
        cells.append([*(words for _, words in axis_words(known)), record.label, *told])
    return columns, cells


def _cell(each: ExitRecord | None) -> str:
    if each is None:
        return ""
    wer = "" if each.wer_percent is None else f" ({fixed(each.wer_percent, 1)})"
    return f"{fixed(each.share_percent)}{wer}"


def leaving_lines(running: Sequence[Running], serials: Mapping[str, str]) -> list[str]:
    """Return where the utterances of running evaluations have left so far, a line a phone.

    Args:
        running: The attempts.
        serials: What phones are called.
    """
    return [
        f"{serials[attempt.serial]}: utterances left at "
        + ", ".join(f"{name} ({count})" for name, count in attempt.left_at)
        for attempt in running
        if attempt.left_at
    ]
