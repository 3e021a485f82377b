"""The last words of ``run`` and ``resume``: results, report, what next."""

from __future__ import annotations

from pathlib import Path

from harness.cli import console
from harness.cli.untrained import untrained_lines
from harness.lab import RunSummary
from harness.results.model import AttemptResult


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
        "stop_reason": result.stop_reason,
        "peak_rss_mb": result.peak_rss_mb,
        "minutes_per_epoch": result.minutes_per_epoch,
        "status": result.status,
        "failure": result.failure.kind if result.failure else None,
        "message": result.failure.message if result.failure else None,
        "seconds": result.seconds,
    }


def results_table(results: tuple[AttemptResult, ...]) -> None:
    """Print the results as a table."""
    rows = [result_row(result) for result in results]

    def number(value: object, digits: int) -> str:
        return f"{value:.{digits}f}" if isinstance(value, (int, float)) else ""

    console.table(
        (
            "speaker",
            "phone",
            "available MiB >",
            "chosen",
            "WER before % >",
            "after % >",
            "epoch >",
            "peak RSS MiB >",
            "ended by",
        ),
        [
            (
                row["speaker"],
                row["phone"],
                number(row["available_mb"], 0),
                row["sub_model"],
                number(row["wer_before_percent"], 1),
                number(row["wer_after_percent"], 1),
                row["kept_epoch"],
                number(row["peak_rss_mb"], 0),
                row["failure"] or row["stop_reason"],
            )
            for row in rows
        ],
    )


def unmet_expectations(folder: Path) -> list[str]:
    """Return the expectations of a run's scenario that do not hold or could not be judged."""
    from harness.report.expect import check_all
    from harness.report.load import load_run

    run = load_run(folder)
    checks = check_all(run.record.scenario.get("expect") or (), run.final)
    return [
        f"expectation {check.verdict}: {check.claim}. {check.evidence}"
        for check in checks
        if check.verdict != "holds"
    ]


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
    unmet = [] if summary.interrupted else unmet_expectations(summary.folder)
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
                "unfinished": summary.unfinished,
                "interrupted": summary.interrupted,
                "exit_code": exit_code,
                "notes": [*summary.notes, *untrained],
                "unmet_expectations": unmet,
                "results": [result_row(result) for result in summary.results],
            }
        )
        return exit_code
    results_table(summary.results)
    for note in (*summary.notes, *untrained, *unmet):
        console.note(note)
    total = summary.finished + summary.failed + summary.skipped + summary.unfinished
    line = f"{summary.finished} of {total} jobs finished"
    for word in ("failed", "skipped", "unfinished"):
        if count := getattr(summary, word):
            line += f", {count} {word}"
    console.say(f"\n{line}. Run: {summary.folder}")
    if page is not None:
        console.say(f"Report: {page}")
    if summary.interrupted or summary.unfinished:
        console.say(f"Go on with: harness resume {summary.folder}")
    return exit_code
