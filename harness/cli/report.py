"""``harness report``: make the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from harness.cli import console
from harness.cli.runs import run_folder

app = typer.Typer()


@app.command()
def report(
    run: Path = typer.Argument(help="A run folder, or the name of a run under runs/."),
    out: Optional[Path] = typer.Option(None, "--out", "-o", help="Write the page here."),  # noqa: UP007, UP045
    as_json: bool = typer.Option(False, "--json", help="Print the page's path as JSON."),
) -> None:
    """Write one self-contained HTML page (and junit.xml) of a run."""
    from harness.report import build_report

    page = build_report(run_folder(run), out)
    if as_json:
        console.emit_json({"report": str(page)})
    else:
        console.say(str(page))
