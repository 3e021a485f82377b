"""``harness score``: what was heard in finished runs, counted again in another way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
import yaml

from harness.cli import console
from harness.cli.complete import run_names
from harness.cli.options import JsonOption, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.report.load import RunData

app = typer.Typer()


@app.command()
def score(
    run: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders; with several, the first is the baseline of WERR.",
            autocompletion=run_names,
        ),
    ],
    vocabulary_rank: Annotated[
        Optional[int],
        typer.Option(
            "--vocabulary-rank",
            metavar="N",
            help="Rare is what is not among the N most frequent words.",
            show_default=False,
        ),
    ] = None,
    max_count: Annotated[
        Optional[int],
        typer.Option(
            "--max-count",
            metavar="N",
            help="Rare is what is met at most N times.",
            show_default=False,
        ),
    ] = None,
    words: Annotated[
        Optional[Path],
        typer.Option(
            "--words",
            metavar="FILE",
            help="Words by frequency, one a line, with counts or without. [default: the run's own "
            "list, else its training sentences]",
            show_default=False,
        ),
    ] = None,
    listed: Annotated[
        Optional[str],
        typer.Option(
            "--listed",
            metavar="global|per_utterance",
            help="What is rare in an utterance: every rare word, or those said in it.",
            show_default=False,
        ),
    ] = None,
    costs: Annotated[
        Optional[str],
        typer.Option(
            "--costs",
            metavar="1/1/1|4/3/3",
            help="Of a substitution, an insertion, a deletion.",
            show_default=False,
        ),
    ] = None,
    characters: Annotated[
        bool, typer.Option("--characters", help="Character error rate as well.")
    ] = False,
    baseline: Annotated[
        Optional[list[str]],
        typer.Option(
            "--baseline",
            metavar="before|FIELD=VALUE",
            help="What WERR is against: each training's start, or the jobs with this value of the "
            "matrix; may be given several times.",
            show_default=False,
        ),
    ] = None,
    average: Annotated[
        Optional[str],
        typer.Option(
            "--average",
            metavar="pooled|mean_of_ratios",
            help="WERR over speakers.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Write word_errors.csv and werr.csv there.",
            show_default=False,
        ),
    ] = None,
    page: Annotated[
        Optional[Path],
        typer.Option(
            "--page", metavar="FILE", help="Write the runs' page with it.", show_default=False
        ),
    ] = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Count a finished run's errors anew: rare words, characters, other costs, WERR.

    What the run's scenario asks for in `report` holds where nothing else is said. Nothing of the
    run is changed.
    """
    from harness.cli.score_tables import figures_of, show, write_tables
    from harness.report.build import build_report
    from harness.report.load import load_runs

    folders = [run_folder(path, runs) for path in run]
    asked = _asked(
        folders[-1],
        {
            "rare_words": {
                "vocabulary_rank": vocabulary_rank,
                "max_count": max_count,
                "words": None if words is None else str(words),
                "listed": listed,
            },
            "costs": costs,
            "characters": characters or None,
            "baseline": _baseline(baseline or ()),
            "average": average,
        },
    )
    if asked.rare_words is None and not asked.characters and not asked.baseline and len(run) < 2:
        raise InputError(
            "nothing is asked for",
            where="harness score",
            hint="Give --vocabulary-rank, --max-count, --characters or --baseline, or two runs.",
        )
    _check_baseline(folders, asked.baseline)
    loaded = load_runs(folders, asked)
    _check_compared(loaded, asked.baseline if baseline else None)
    if page is not None:
        build_report(folders, page, asked)
    files = [] if out is None else write_tables(loaded, out)
    files += [] if page is None else [page]
    if as_json:
        console.emit_json({**figures_of(loaded), "files": [str(path) for path in files]})
        return
    show(loaded)
    for path in files:
        console.say(str(path))


def _asked(folder: Path, given: dict[str, Any]) -> Any:
    """Return what is asked for: by options, else by the run's scenario.

    Raises:
        InputError: An option is wrong.
    """
    from pydantic import ValidationError

    from harness.results.store import RunFolder
    from harness.scenario.base import first_reason
    from harness.scenario.report import Report

    own = RunFolder.open(folder).record().scenario.get("report") or {}
    rare = {name: value for name, value in given.pop("rare_words").items() if value is not None}
    fields = {**own, **{name: value for name, value in given.items() if value is not None}}
    before = own.get("rare_words") or {}
    if rare or before:
        if "vocabulary_rank" in rare or "max_count" in rare:
            before = {"listed": before.get("listed", "global")}
        # the run keeps the list that its scenario names, which may lie elsewhere now
        fields["rare_words"] = {**before, "words": None, **rare}
    try:
        return Report.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][-1]) if first["loc"] else "rare_words"
        where = f"--{option.replace('_', '-')}"
        if option == "rare_words":
            where = "--vocabulary-rank, --max-count"
        message = first_reason(error)
        raise InputError(message[0].lower() + message[1:], where=where) from error


def _check_baseline(folders: Sequence[Path], baseline: Any) -> None:
    """Refuse a baseline that no job of a run is.

    Raises:
        InputError: What there is instead.
    """
    from harness.results.store import RunFolder
    from harness.scenario.report import wrong_baseline

    if not isinstance(baseline, dict):
        return
    for folder in folders:
        axes: dict[str, list[Any]] = {}
        for job in RunFolder.open(folder).record().plan:
            for path, value in job.axes.items():
                known = axes.setdefault(path, [])
                if value not in known:
                    known.append(value)
        wrong = wrong_baseline(baseline, axes)
        if wrong is not None:
            raise InputError(wrong[0], where=f"--baseline, {folder}", hint=wrong[1])


def _check_compared(runs: Sequence[RunData], baseline: Any) -> None:
    """Refuse a baseline that nothing is like.

    Raises:
        InputError: No training that finished could be compared with it.
    """
    from harness.report.werr import matrices

    if baseline is not None and not matrices(runs):
        raise InputError(
            "no training that finished is like the baseline's in all but what it names",
            where="--baseline",
            hint="Compared are jobs of the same speaker, round and settings; --baseline may be "
            "given several times, and --baseline before is against each training's start.",
        )


def _baseline(words: Sequence[str]) -> Any:
    """Return a baseline as a scenario has it.

    Raises:
        InputError: It is neither ``before`` nor FIELD=VALUE.
    """
    if not words:
        return None
    if list(words) == ["before"]:
        return "before"
    found = {}
    for word in words:
        path, equals, value = word.partition("=")
        if not equals or not path:
            raise InputError(
                "a baseline is before or FIELD=VALUE",
                where=f"--baseline {word}",
                hint="Such as --baseline trainer.sub_model=S8.",
            )
        try:
            found[path] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError("its value is no YAML", where=f"--baseline {word}") from error
    return found
