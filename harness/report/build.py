"""Making the report of one or several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.report.expect import check_all
from harness.report.junit import write_junit
from harness.report.load import load_runs
from harness.report.page import render
from harness.results.files import write_bytes
from harness.results.store import RunFolder
from harness.scenario.report import Report

SEVERAL = Path("report.html")
"""Where the page of several runs goes, if nothing else is said."""


def build_report(
    run_folder: Path | Sequence[Path], out: Path | None = None, asked: Report | None = None
) -> Path:
    """Write the report of one or several runs as one self-contained HTML file.

    It works at any time: on a run that has not ended, that only failed, or that has no attempt.

    Args:
        run_folder: A run folder (``run.json`` in it), or several.
        out: Where to write the page; None = ``report/index.html`` in the run folder, with
            ``report/junit.xml`` beside it; for several runs ``report.html`` in the current folder.
        asked: How errors are counted, in place of what the runs' scenarios ask for.

    Returns:
        The page's path.

    Raises:
        InputError: A run folder is none, or is named twice.
        StoreError: ``run.json`` is damaged, or the page cannot be written.
    """
    paths = [run_folder] if isinstance(run_folder, Path) else list(run_folder)
    runs = load_runs(paths, asked)
    page = render(runs).encode("utf-8")
    if out is None and len(runs) == 1:
        (data,) = runs
        out = RunFolder.open(paths[0]).report_path
        checks = check_all(data.record.scenario.get("expect") or (), data.final)
        write_junit(data, checks, out.with_name("junit.xml"))
    elif out is None:
        out = SEVERAL
    write_bytes(out, page)
    return out
