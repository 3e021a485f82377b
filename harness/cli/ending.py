"""The last words of ``run`` and ``resume``: results, report, what next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import console
from harness.cli.exits_table import exit_columns, exit_rows
from harness.cli.phones_table import short_serials
from harness.cli.progress import is_interrupted
from harness.cli.untrained import untrained_lines
from harness.lab import RunSummary
from harness.report.numbers import duration
from harness.report.words import STOP_WORDS
from harness.results.model import AttemptResult
from harness.scenario.paths import axis_names, axis_words

if TYPE_CHECKING:
    from harness.report.expect import Check


def result_row(result: AttemptResult) -> dict[str, object]:
    """Return the heart of a result, for tables and JSON."""
    selection = result.selection
    return {
        "job": result.job_id,
        "phone": result.phone.serial,
        "origin": result.phone.origin,
        "speaker": result.speaker,
        "round": result.round,
        "sub_model": selection.sub_model if selection else None,
        "available_mb": selection.available_mb if selection else None,
        "wer_before_percent": result.wer_before_percent,
        "wer_after_percent": result.wer_after_percent,
        "kept_epoch": result.kept_epoch,
        "mean_depth": result.exits.mean_depth if result.exits else None,
        "real_time_factor": result.streaming.real_time_factor if result.streaming else None,
        "last_word_ms": result.streaming.last_word_ms_median if result.streaming else None,
        "exits": exit_rows(result),
        "stop_reason": result.stop_reason,
        "peak_rss_mb": result.peak_rss_mb,
        "minutes_per_epoch": result.minutes_per_epoch,
        "status": result.status,
        "failure": result.failure.kind if result.failure else None,
        "message": result.failure.message if result.failure else None,
        "seconds": result.seconds,
    }


def results_table(results: Sequence[AttemptResult]) -> None:
    """Print the results as a table: what the matrix varies, the phone, and what came out."""
    console.wide_table(*result_columns(results))
    if any(result.exits is not None for result in results):
        console.say("\nwhere utterances left, %; in brackets the WER of all that the exit heard:")
        console.wide_table(*exit_columns(results, _varied(results)))


def result_columns(
    results: Sequence[AttemptResult],
) -> tuple[list[console.Column], list[list[str]]]:
    """Return the columns and rows of the closing table; the columns that a narrow one lacks last.

    Args:
        results: The last attempt of each job.
    """
    if any(result.client is not None for result in results):
        results = sorted(results, key=lambda result: (_known(result)["round"], result.speaker))
    axes = _varied(results)
    names = axis_names(axes)
    serials = short_serials(result.phone.serial for result in results)
    columns = [console.Column(names[path]) for path in axes]
    if not axes:
        columns.append(console.Column("job"))
    exits = any(result.exits is not None for result in results)
    streaming = any(result.streaming is not None for result in results)
    columns += [
        console.Column("phone"),
        console.Column("chosen"),
        console.Column("WER %\nbefore", right=True),
        console.Column("WER %\nafter", right=True),
        *([console.Column("layers\nmean", right=True)] if exits else []),
        *([console.Column("real-time\nfactor", right=True)] if streaming else []),
        *([console.Column("last word\nms", right=True)] if streaming else []),
        console.Column("kept\nepoch", right=True),
        console.Column("available\nMiB", right=True, optional=True),
        console.Column("peak RSS\nMiB", right=True, optional=True),
        console.Column("time", right=True, optional=True),
        console.Column("ended by"),
    ]
    return columns, [
        _result_cells(result, axes, serials, exits=exits, streaming=streaming) for result in results
    ]


def _varied(results: Sequence[AttemptResult]) -> list[str]:
    """Return the settings that differ between results: of the matrix, then round, role, repeat."""
    paths = dict.fromkeys(path for result in results for path in result.axes)
    varied = [
        path
        for path in paths
        if len({_json(result.axes.get(path)) for result in results}) > 1 or len(results) == 1
    ]
    varied += [
        name
        for name in ("round", "role", "repeat")
        if len({_known(result)[name] for result in results}) > 1
    ]
    return varied


def _known(result: AttemptResult) -> dict[str, Any]:
    """Return what may vary besides the matrix; a federated job has its training's round."""
    client = result.client
    return {
        "round": result.round if client is None else client.round,
        "role": "" if client is None else client.role,
        "repeat": result.repeat,
    }


def _result_cells(
    result: AttemptResult,
    axes: Sequence[str],
    serials: Mapping[str, str],
    *,
    exits: bool,
    streaming: bool,
) -> list[str]:
    streamed = result.streaming
    known = {**_known(result), **result.axes}
    selection = result.selection
    ended = result.stop_reason or ""
    if result.failure is not None:
        ended = "stopped" if is_interrupted(result) else result.failure.kind
    return [
        *(value for _, value in axis_words({path: known.get(path, "") for path in axes})),
        *([] if axes else [result.job_id]),
        serials[result.phone.serial],
        (selection.sub_model or "none fits") if selection else "",
        _number(result.wer_before_percent, 1),
        _number(result.wer_after_percent, 1),
        *([_number(result.exits.mean_depth if result.exits else None, 1)] if exits else []),
        *([_number(streamed.real_time_factor if streamed else None, 3)] if streaming else []),
        *([_number(streamed.last_word_ms_median if streamed else None, 0)] if streaming else []),
        "" if result.kept_epoch is None else str(result.kept_epoch),
        _number(selection.available_mb if selection else None, 0),
        _number(result.peak_rss_mb, 0),
        duration(result.seconds),
        STOP_WORDS.get(ended, ended),
    ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def expectations(folder: Path) -> tuple[Check, ...]:
    """Return how the expectations of a run's scenario fared."""
    from harness.report.expect import check_all
    from harness.report.load import load_run

    run = load_run(folder)
    return check_all(run.record.scenario.get("expect") or (), run.final)


def end_of_run(summary: RunSummary, *, report: bool, as_json: bool, expected: bool = False) -> int:
    """Write the report, print what came out, and return the exit code.

    Args:
        summary: How the run ended.
        report: Whether a page is written.
        as_json: Whether JSON is printed.
        expected: Whether an expectation that does not hold, or that could not be judged, makes
            the exit code 1.
    """
    untrained = untrained_lines(summary.results)
    checks = () if summary.interrupted else expectations(summary.folder)
    unmet = [_expectation(check) for check in checks if check.verdict != "holds"]
    failed = bool(untrained) or (expected and bool(unmet))
    exit_code = summary.exit_code or int(failed)
    page: Path | None = None
    if report:
        from harness.report import build_report

        page = build_report(summary.folder)
    if as_json:
        console.emit_json(
            {
                "run": summary.run_id,
                "folder": str(summary.folder),
                "report": str(page) if page else None,
                "finished": summary.finished,
                "failed": summary.failed,
                "skipped": summary.skipped,
                "withdrawn": summary.withdrawn,
                "unfinished": summary.unfinished,
                "interrupted": summary.interrupted,
                "exit_code": exit_code,
                "notes": [*summary.notes, *untrained],
                "unmet_expectations": unmet,
                "expectations": [asdict(check) for check in checks],
                "results": [result_row(result) for result in summary.results],
            }
        )
        return exit_code
    results_table(summary.results)
    for note in (*summary.notes, *untrained):
        console.note(note)
    for check in checks:
        console.verdict(check.verdict == "holds", _expectation(check))
    total = summary.finished + summary.failed + summary.skipped + summary.unfinished
    total += summary.withdrawn
    line = f"{summary.finished} of {total} jobs finished"
    for word in ("failed", "skipped", "withdrawn", "unfinished"):
        if count := getattr(summary, word):
            line += f", {count} {word}"
    console.say(f"\n{line}. Run: {summary.folder}")
    if page is not None:
        console.say(f"Report: {page}")
    if summary.interrupted or summary.unfinished:
        console.say(f"Go on with: harness resume {summary.folder}")
    return exit_code


def _expectation(check: Check) -> str:
    return f"expectation {check.verdict}: {check.claim}. {check.evidence}"
