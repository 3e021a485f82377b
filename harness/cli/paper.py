"""``harness paper``: a published system's tables and figures from own runs, beside its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.cli.feeds import feed_of, feed_of_run
from harness.cli.materials import shown_materials
from harness.cli.options import AdbOption, JsonOption, SetOption
from harness.cli.progress import progress_display
from harness.cli.session import open_session
from harness.errors import HarnessError, InputError
from harness.paths import data_root

if TYPE_CHECKING:
    from harness.lab import RunSummary
    from harness.paper.items import Experiment, Scale
    from harness.paper.measure import Source
    from harness.paper.sections import Section
    from harness.paper.system import System
    from harness.results.run import RunRecord
    from harness.scenario import LoadedScenario

app = typer.Typer()

DEFAULT = "mobileasr"
"""The system without ``--system``."""
EXIT_INTERRUPTED = 130


@app.command()
def paper(
    system: Annotated[
        str,
        typer.Option(
            "--system", metavar="NAME",
            help="Whose: `mobileasr`, `early-exit`, ...; a wrong name tells all.",
        ),
    ] = DEFAULT,
    only: Annotated[
        Optional[list[str]],
        typer.Option(
            "--only", metavar="ITEM", show_default=False,
            help="A table or figure of it: table1, figure2, ...; [default: all]",
        ),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            "--scale",
            metavar="quick|full",
            help="quick: the small model and short sentences, minutes. full: as published, hours.",
        ),
    ] = "quick",
    farm: Annotated[
        str,
        typer.Option(
            "--farm",
            help="`virtual`: start virtual phones. `usb`: the phones that adb lists. Else as for "
            "`harness run`.",
        ),
    ] = "virtual",
    adb: AdbOption = None,
    set_: SetOption = None,
    recordings: Annotated[
        Optional[Path],
        typer.Option(
            "--recordings",
            metavar="FOLDER",
            help="For Figure 5: what `harness corpus import` wrote; else the people that come with "
            "the project.",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        Optional[Path],
        typer.Option(
            "--models",
            metavar="FOLDER",
            help="For early exits and transfer: other trainings of their network, a model folder "
            "each; names say what they are (docs/paper.md).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out", "-o", metavar="FOLDER",
            help="Page, files and runs go here. [default: paper; of another system paper-NAME]",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Regenerate a paper: one page, CSV, LaTeX, SVG and PDF; called again, it goes on.

    Each experiment is a run below OUT/runs; what has finished is never run again. Exit code 1 where
    an item or a job failed, or our arithmetic differs from a printed digit. What it is known not to
    reach is counted and footnoted; that and claims that do not hold leave the exit code at 0.
    """
    from harness.paper.files import write
    from harness.paper.given import Given
    from harness.paper.make import sections
    from harness.paper.systems import load_system

    if scale not in ("quick", "full"):
        raise InputError(f"{scale!r} is no scale", where="--scale", hint="Use quick or full.")
    size: Scale = "full" if scale == "full" else "quick"
    chosen = load_system(system)
    out = out or Path("paper" if system == DEFAULT else f"paper-{system}")
    items = chosen.chosen(only)
    missing: dict[str, str] = {}
    ready: list[tuple[Experiment, LoadedScenario]] = []
    for experiment in chosen.experiments_of(items):
        overrides = [*_overrides(experiment, size, recordings, models), *(set_ or ())]
        ready.append((experiment, _checked(chosen, experiment, overrides)))
    _refuse_other_runs(ready, size, out)
    summaries, failures = _run_all(chosen, ready, size, out, farm, adb)
    sources = _sources(ready, size, out, failures)
    for experiment, _ in ready:
        key = experiment.key
        if key in failures:
            missing[key] = f"it failed: {failures[key]}"
        elif key not in sources:
            missing[key] = "its run was interrupted before it began; call again to go on."
    speech = _speech(ready, {item.experiment for item in items if item.speech})
    made = sections(chosen, items, Given(sources, missing, speech))
    written = write(chosen, made, out, size, list(sources.values()))
    _say(made, summaries, written.page, len(written.files), as_json=as_json)
    if any(summary.interrupted for summary in summaries.values()):
        console.note("Interrupted; the same command goes on where it was.")
        raise typer.Exit(EXIT_INTERRUPTED)
    if failures and not sources:
        raise typer.Exit(next(iter(failures.values())).exit_code)
    failed = bool(failures) or any(section.failed for section in made)
    failed |= any(
        len(source.finished) < len(source.data.record.plan) for source in sources.values()
    )
    raise typer.Exit(int(failed or any(_differs(section) for section in made)))


def _overrides(
    experiment: Experiment,
    scale: Scale,
    recordings: Path | None,
    models: Path | None = None,
) -> list[str]:
    overrides = list(experiment.overrides(scale))
    if experiment.takes_recordings and recordings is not None:
        path, speakers = _who_trains(recordings)
        overrides += [f"data={json.dumps({'manifest': str(path.resolve())})}"]
        overrides += [f"matrix={json.dumps({'data.speaker': speakers})}"]
    if experiment.takes_models and models is not None:
        own = _model_of(experiment, overrides)
        others = [{"path": str(path)} for path in _models_in(models, own["name"])]
        overrides.append(f"matrix.model={json.dumps([own, *others])}")
    if experiment.with_models is not None:
        overrides += experiment.with_models(experiment.scenario, models)
    return overrides


def _model_of(experiment: Experiment, overrides: Sequence[str]) -> dict[str, str]:
    """Return the model that an experiment's scenario names itself."""
    from harness.scenario import load_scenario

    model = load_scenario(experiment.scenario, overrides).scenario.model
    return model.model_dump(mode="json", exclude_defaults=True)


def _models_in(folder: Path, own: str) -> list[Path]:
    """Return the model folders in a folder; their models' names tell them apart from ``own``."""
    from harness.trainer.manifest import FILE_NAME, load_manifest

    folders = {own: Path(own)}
    for path in sorted(path.parent.absolute() for path in folder.glob(f"*/{FILE_NAME}")):
        name = load_manifest(path).name
        if name in folders:
            raise InputError(
                f"{path.name} is named {name}, as {folders[name].name} is",
                where=f"--models {folder}",
                hint="'harness model pretrain' with --name gives each its own (docs/paper.md).",
            )
        folders[name] = path
    if len(folders) == 1:
        raise InputError(
            "there is no model in it",
            where=f"--models {folder}",
            hint="Give a folder of model folders, as 'harness model pretrain' makes them.",
        )
    return list(folders.values())[1:]


def _who_trains(recordings: Path) -> tuple[Path, list[str]]:
    """Return the manifest of recordings, and its speakers who have sentences to train on."""
    from harness.speech import load_manifest
    from harness.speech.importing import MANIFEST

    path = recordings / MANIFEST if recordings.is_dir() else recordings
    splits: dict[str, set[str]] = {}
    for utterance in load_manifest(path).utterances:
        splits.setdefault(utterance.speaker, set()).add(utterance.split)
    speakers = sorted(who for who, own in splits.items() if {"train", "validation"} <= own)
    if not speakers:
        raise InputError(
            "nobody has sentences to train on and sentences to validate",
            where=f"--recordings {recordings}",
            hint="`harness corpus import` with --resplit cuts them by speaker.",
        )
    return path, speakers


def _checked(system: System, experiment: Experiment, overrides: Sequence[str]) -> LoadedScenario:
    """Check all that a scenario names before any phone is started."""
    from harness.lab import check_scenario
    from harness.scenario import load_scenario

    loaded = load_scenario(experiment.scenario, overrides)
    full = system.full_model
    shipped = data_root() / "models" / (full or "") / "manifest.json"
    if full is not None and loaded.scenario.model.name == full and not shipped.is_file():
        raise InputError(
            f"no model of the paper's size is shipped as {full}",
            where="--scale full",
            hint=f"Make one with random weights: harness model build --arch {full} --batch-size 5 "
            f"--no-measure --out {full}; harness model memory {full} --calibrate; then "
            f'--set "model={{path: $PWD/{full}}}" (docs/paper.md).',
        )
    with shown_materials(loaded.folder) as materials:
        check_scenario(loaded, materials)
    feed_of(loaded)  # rounds of federated training, too, are checked before a phone is started
    return loaded


def _folder(experiment: Experiment, scale: Scale, out: Path) -> Path:
    return out / "runs" / f"{experiment.key}-{scale}"


def _there(experiment: Experiment, scale: Scale, out: Path) -> bool:
    return (_folder(experiment, scale, out) / "run.json").is_file()


def _refuse_other_runs(
    ready: Sequence[tuple[Experiment, LoadedScenario]], scale: Scale, out: Path
) -> None:
    """Check that the runs that are there were made with the scenarios asked for now.

    Raises:
        InputError: Names all that were not.
    """
    folders = [
        str(_folder(experiment, scale, out))
        for experiment, loaded in ready
        if _there(experiment, scale, out)
        and _made_otherwise(_folder(experiment, scale, out), loaded)
    ]
    if folders:
        many = len(folders) > 1
        raise InputError(
            f"{'these runs were' if many else 'this run was'} made with another scenario than the "
            "one asked for now. Nothing was started",
            where=", ".join(folders),
            hint="Give the same --set and --scale as then, another --out, or move "
            f"{'the folders' if many else 'the folder'} away.",
        )


def _made_otherwise(folder: Path, loaded: LoadedScenario) -> bool:
    """Say whether a run has another scenario; one that cannot be read fails by itself later.

    A run of an older version has not the fields that came since: it is read as one of today.
    """
    from pydantic import ValidationError

    from harness.scenario import Scenario

    try:
        record = _record(folder)
    except HarnessError:
        return False
    if record.scenario_sha256 == loaded.sha256:
        return False
    try:
        return Scenario.model_validate(record.scenario) != loaded.scenario
    except ValidationError:
        return True


def _record(folder: Path) -> RunRecord:
    from harness.results.store import RunFolder

    return RunFolder.open(folder).record()


def _run_all(
    system: System,
    ready: Sequence[tuple[Experiment, LoadedScenario]],
    scale: Scale,
    out: Path,
    farm: str,
    adb: list[str] | None,
) -> tuple[dict[str, RunSummary], dict[str, HarnessError]]:
    """Run or go on with each experiment; stop at the first that is interrupted.

    Returns:
        How the runs ended, and what the others failed with, by experiment. One that fails does not
        keep the next from being run.
    """
    summaries: dict[str, RunSummary] = {}
    failures: dict[str, HarnessError] = {}
    for number, (experiment, loaded) in enumerate(ready, 1):
        folder = _folder(experiment, scale, out)
        try:
            if _there(experiment, scale, out) and _is_over(_record(folder)):
                continue
            console.note(f"{number} of {len(ready)}: {loaded.scenario.title}")
            summary = _run(system, experiment, loaded, folder, farm, adb)
        except HarnessError as error:
            if error.exit_code == EXIT_INTERRUPTED:
                raise
            console.error(f"{experiment.key}: {error}")
            failures[experiment.key] = error
            continue
        summaries[experiment.key] = summary
        if summary.interrupted:
            break
    return summaries, failures


def _is_over(record: RunRecord) -> bool:
    """Say whether a run has ended."""
    return record.finished_utc is not None and not record.interrupted


def _run(
    system: System,
    experiment: Experiment,
    loaded: LoadedScenario,
    folder: Path,
    farm: str,
    adb: list[str] | None,
) -> RunSummary:
    from harness.lab import RunSettings, open_bench, resume_run, run_scenario

    where: str | None = farm
    if farm == "virtual":
        where = f"virtual:{system.phone}={experiment.phones}"
    elif farm == "usb":
        where = None
    resumed = folder if (folder / "run.json").is_file() else None
    with (
        open_session(farm=where, adb=adb, loaded=loaded, resumed=resumed) as session,
        progress_display() as progress,
    ):
        bench = open_bench(session.servers, farm=session.farm)
        if resumed is not None:
            settings = RunSettings(
                progress=progress,
                on_plan=lambda plan, _folder: progress.planned(plan),
                feed=feed_of_run(folder),
            )
            return resume_run(folder, bench, settings=settings)
        return run_scenario(
            loaded,
            bench,
            run_root=folder.parent,
            settings=RunSettings(
                run_id=folder.name,
                command=[Path(sys.argv[0]).name, *sys.argv[1:]],
                progress=progress,
                on_plan=lambda plan, _folder: progress.planned(plan),
                feed=feed_of(loaded),
            ),
        )


def _sources(
    ready: Sequence[tuple[Experiment, LoadedScenario]],
    scale: Scale,
    out: Path,
    failures: dict[str, HarnessError],
) -> dict[str, Source]:
    """Read the runs that are there; one that cannot be read is added to ``failures``."""
    sources: dict[str, Source] = {}
    for experiment, _ in ready:
        if not _there(experiment, scale, out) or experiment.key in failures:
            continue
        try:
            sources[experiment.key] = _source(experiment, scale, out)
        except HarnessError as error:
            console.error(f"{experiment.key}: {error}")
            failures[experiment.key] = error
    return sources


def _source(experiment: Experiment, scale: Scale, out: Path) -> Source:
    """Report a run, so that the page can lead to its attempts, and read it."""
    from harness.paper.measure import Source
    from harness.report import build_report
    from harness.report.load import load_run

    folder = _folder(experiment, scale, out)
    page = build_report(folder)
    rates = dict(experiment.rates) if scale == "quick" else {}
    return Source(load_run(folder), page.relative_to(out).as_posix(), rates)


def _speech(
    ready: Sequence[tuple[Experiment, LoadedScenario]], wanted: Collection[str | None]
) -> dict[str, list[float]]:
    """Return how long the utterances are that the speakers of the wanted runs say."""
    from harness.scenario import expand_jobs

    seconds: dict[str, list[float]] = {}
    for experiment, loaded in ready:
        if experiment.key not in wanted:
            continue
        with shown_materials(loaded.folder) as materials:
            for spec in expand_jobs(loaded, ()):
                data = spec.content.data
                corpus = materials.corpus(data, loaded.scenario.rounds)
                seconds[data.speaker] = [
                    utterance.duration_s
                    for utterance in corpus.utterances
                    if utterance.speaker == data.speaker
                ]
    return seconds


def _differs(section: Section) -> bool:
    cells = (cell for grid in section.grids for _, row in grid.rows for cell in row)
    return any(cell.verdict == "differs" for cell in cells)


def _verdicts(section: Section) -> list[tuple[str, str]]:
    """Return (verdict, of what) of all that is judged in a section, one line each."""
    if section.missing:
        return [("not measured", section.missing)]
    from harness.paper.summary import summary

    judged = [claim for claim in section.claims if claim.verdict != "not compared"]
    verdicts = [(str(claim.verdict), claim.says) for claim in judged]
    cells = summary([section]).equal
    counted = [
        (verdict, f"{cells[verdict]} of {sum(cells.values())} figures of arithmetic")
        for verdict in ("differs", "not reached", "equal")
        if cells[verdict]
    ]
    return [*counted, *verdicts] or [("never judged", "")]


def _say(
    made: list[Section],
    summaries: dict[str, RunSummary],
    page: Path,
    files: int,
    *,
    as_json: bool,
) -> None:
    from harness.paper.summary import summary

    if as_json:
        console.emit_json(
            {
                "page": str(page),
                "items": {
                    section.item.key: {
                        "missing": section.missing or None,
                        "claims": {claim.says: claim.verdict for claim in section.claims},
                        "in_print": {claim.says: claim.in_print for claim in section.claims},
                        "differs": _differs(section),
                        "arithmetic": dict(summary([section]).equal),
                    }
                    for section in made
                },
                "runs": {
                    key: {"finished": summary.finished, "failed": summary.failed}
                    for key, summary in summaries.items()
                },
            }
        )
        return
    rows = []
    for section in made:
        title = section.item.title
        for verdict, what in _verdicts(section):
            rows.append((title, verdict, what))
            title = ""
    console.table(("item", "verdict", "of what"), rows)
    console.say(f"\nPage: {page} ({files} files beside it)")
