"""Making the report of a run."""

from __future__ import annotations

from pathlib import Path

from harness.report.expect import check_all
from harness.report.junit import write_junit
from harness.report.load import load_run
from harness.results.files import write_bytes
from harness.results.store import RunFolder


def build_report(run_folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run as one self-contained HTML file.

    It works at any time: on a run that has not ended, that only failed, or that has no attempt.

    Args:
        run_folder: A run folder (``run.json`` in it).
        out: Where to write the page; None = ``report/index.html`` in the run folder, with
            ``report/junit.xml`` beside it.

    Returns:
        The page's path.

    Raises:
        InputError: ``run_folder`` is no run folder.
        StoreError: ``run.json`` is damaged, or the page cannot be written.
    """
    from harness.report.page import render  # matplotlib, which the summary does without

    data = load_run(run_folder)
    page = render(data).encode("utf-8")
    if out is None:
        out = RunFolder.open(run_folder).report_path
        checks = check_all(data.record.scenario.get("expect") or (), data.final)
        write_junit(data, checks, out.with_name("junit.xml"))
    write_bytes(out, page)
    return out
