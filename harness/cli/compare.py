"""``harness compare``: whether a run got worse than others before it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.complete import run_names
from harness.cli.options import JsonOption, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder
from harness.errors import InputError
from harness.results.compare import ALPHA

app = typer.Typer()

AlphaOption = Annotated[
    float,
    typer.Option("--alpha", help="Accepted chance of any false alarm.", min=1e-6, max=0.5),
]
MinimumOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--minimum",
        metavar="FIGURE=CHANGE",
        help="Smallest change that matters: wer_percent=2 (points), minutes_per_epoch=0.1 (a "
        "tenth).",
        show_default=False,
    ),
]


@app.command()
def compare(
    run: Annotated[
        list[Path],
        typer.Argument(
            help="Runs, oldest first: the last is judged by the others.",
            autocompletion=run_names,
        ),
    ],
    alpha: AlphaOption = ALPHA,
    minimum: MinimumOption = None,
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out",
            "-o",
            help="Write the page here, JUnit beside it. [default: report/compare.html in the last "
            "run's folder]",
            show_default=False,
        ),
    ] = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Compare runs of the same jobs: exit code 1 if the last one got worse or had failures."""
    from harness.cli.verdict import judge, minimums, show

    if len(run) < 2:
        raise InputError("a comparison takes two runs or more", where="RUN...")
    least = minimums(minimum or ())
    folders = [run_folder(path, runs) for path in run]
    page = out or folders[-1] / "report" / "compare.html"
    verdict = judge(folders, alpha=alpha, minimum=least, out=page, junit=page.with_suffix(".xml"))
    if as_json:
        console.emit_json(verdict.model_dump(mode="json"))
    else:
        show(verdict)
        console.say(f"\n{verdict.line}\nPage: {verdict.page}")
    raise typer.Exit(verdict.exit_code)
