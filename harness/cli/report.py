"""``harness report``: make the HTML report of one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder

app = typer.Typer()


@app.command()
def report(
    run: Annotated[
        list[Path],
        typer.Argument(
            help="A run folder, the name of a run, or `latest`; several make one page.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out",
            "-o",
            help="Write the page here. [default: report/index.html in the run folder; of several "
            "runs, report.html here]",
            show_default=False,
        ),
    ] = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page of runs; without --out, junit.xml of one run beside it.

    Several runs stand side by side: what was asked differently, and what came out.
    """
    from harness.report import build_report

    page = build_report([run_folder(path, runs) for path in run], out)
    if as_json:
        console.emit_json({"report": str(page)})
    else:
        console.say(str(page))
