"""``harness export``: a run for other tools."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, Optional
from urllib.parse import urlsplit

import typer

from harness.cli import console
from harness.cli.options import JsonOption, RunArgument, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder
from harness.cli.suggest import SuggestingGroup

app = typer.Typer(
    cls=SuggestingGroup,
    help="Write a run for other tools: CSV, Perfetto, MLflow.",
    no_args_is_help=True,
)

OutOption = Annotated[
    Optional[Path],
    typer.Option("--out", "-o", metavar="FOLDER", help="Write there.", show_default=False),
]


def _open(run: Path, runs: Path) -> Any:
    from harness.export.frames import Run

    return Run(run_folder(run, runs))


def _said(files: list[Path], *, as_json: bool) -> None:
    if as_json:
        console.emit_json({"files": [str(path) for path in files]})
    else:
        for path in files:
            console.say(str(path))


@app.command()
def csv(
    run: RunArgument,
    out: OutOption = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="The seconds of all attempts too (large).")
    ] = False,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Write attempts.csv, epochs.csv, phases.csv and steps.csv; default: csv/ in the run folder.

    With `also_evaluate` in the scenario, others.csv too; with `trainer.exits`, exits.csv.
    """
    from harness.export.frames import frames
    from harness.export.safe_cells import csv_text
    from harness.results.files import write_bytes

    opened = _open(run, runs)
    folder = out or opened.folder.path / "csv"
    tables = list(frames(opened))
    if samples:
        tables.append(("samples", opened.samples()))
    for line in opened.damaged:
        console.note(line)
    files = []
    for name, frame in tables:
        files.append(folder / f"{name}.csv")
        write_bytes(files[-1], csv_text(frame).encode())
    _said(files, as_json=as_json)


@app.command()
def perfetto(
    run: RunArgument,
    out: OutOption = None,
    job: Annotated[
        Optional[str],
        typer.Option("--job", help="Only the attempts of this job.", show_default=False),
    ] = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Write a trace an attempt, for ui.perfetto.dev; default: beside the attempt's result.json."""
    from harness.errors import InputError
    from harness.export.perfetto import trace_columns, trace_of
    from harness.results.files import write_bytes
    from harness.results.names import safe_name

    files = []
    for folder in _open(run, runs).folder.attempts():
        if job not in (None, folder.job_id):
            continue
        result = folder.result()
        name = f"{safe_name(result.job_id)}-{result.attempt}.perfetto-trace"
        files.append(out / name if out else folder.path / "trace.perfetto-trace")
        write_bytes(files[-1], trace_of(result, folder.samples(trace_columns())))
    if not files:
        what = f"no attempt of job {job!r}" if job else "no attempt with a result yet"
        raise InputError(what, where=str(run))
    _said(files, as_json=as_json)


@app.command()
def mlflow(
    run: RunArgument,
    store: Annotated[
        str, typer.Option("--store", metavar="URI", help="MLflow's tracking URI.")
    ] = "sqlite:///mlflow.db",
    experiment: Annotated[
        Optional[str],
        typer.Option("--experiment", help="[default: the scenario's name]", show_default=False),
    ] = None,
    no_artifacts: Annotated[
        bool,
        typer.Option("--no-artifacts", help="Only figures: no files of the attempts, no report."),
    ] = False,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Write each attempt as a run of an MLflow experiment; what is there already stays."""
    from harness.export.mlflow import export

    opened = _open(run, runs)
    written, there = export(opened, store, experiment, artifacts=not no_artifacts)
    if as_json:
        console.emit_json({"store": store, "written": written, "there_already": there})
    else:
        console.say(f"{written} attempts written to {store}, {there} were there already")
        if urlsplit(store).scheme not in ("http", "https"):  # a server shows itself
            console.note(
                f"To see them: mlflow ui --backend-store-uri {shlex.quote(store)} (needs the whole "
                "of MLflow: pip install mlflow)"
            )
