"""``harness report``: make the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption, RunArgument, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder

app = typer.Typer()


@app.command()
def report(
    run: RunArgument,
    out: Annotated[
        Optional[Path], typer.Option("--out", "-o", help="Write the page here.", show_default=False)
    ] = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page of a run; without --out, junit.xml beside it too."""
    from harness.report import build_report

    page = build_report(run_folder(run, runs), out)
    if as_json:
        console.emit_json({"report": str(page)})
    else:
        console.say(str(page))
