"""``harness nightly``: run a scenario, judge it by the good nights before, tell the verdict."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.compare import AlphaOption, MinimumOption
from harness.cli.engine import open_lab, reopen_lab
from harness.cli.feeds import feed_of_run
from harness.cli.groups import grouped
from harness.cli.materials import checked
from harness.cli.options import (
    JobOptions,
    JsonOption,
    PhoneOptions,
    RunsOption,
    ScenarioArgument,
    SkipUnfitOption,
    WaitOption,
)
from harness.cli.progress import progress_display
from harness.cli.runs import RUN_ROOT, check_new_run, run_folder
from harness.cli.scenario_file import read_scenario
from harness.cli.verdict import check_webhook, judge, minimums, show, tell
from harness.errors import HarnessError
from harness.lab import Plan, RunSettings, RunSummary, resume_run, run_scenario
from harness.report import build_report
from harness.report.numbers import parse_utc
from harness.report.observed import plan_key
from harness.results.compare import ALPHA
from harness.results.nightly import (
    NightlyRecord,
    Verdict,
    good_before,
    nightly_runs,
    prune,
    read_nightly,
    write_nightly,
)
from harness.results.store import RunFolder
from harness.scenario import LoadedScenario

app = typer.Typer()

SAME_NIGHT_S = 20 * 3600.0
"""A nightly run that began longer ago is not gone on with unasked."""


@dataclass(frozen=True)
class NightOptions:
    """How a night is judged, and what is kept of it."""

    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="auto|RUN",
            help="`auto`: the last good nightly runs of the same jobs. A run: that one alone.",
        ),
    ] = "auto"
    pool: Annotated[
        int, typer.Option("--pool", help="How many good runs `auto` takes together.", min=1)
    ] = 7
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="What comes out is wanted: later nights are judged from this run on.",
        ),
    ] = False
    keep: Annotated[
        int,
        typer.Option("--keep", help="Nightly runs of this scenario to keep, and the baseline's."),
    ] = 30
    webhook: Annotated[
        Optional[str],
        typer.Option(
            "--webhook",
            metavar="URL",
            envvar="MOBILEASR_WEBHOOK",
            help="Post the verdict there as JSON.",
            show_default=False,
        ),
    ] = None
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, even if tonight's run was interrupted.")
    ] = False
    once: Annotated[
        bool,
        typer.Option("--once", help="Do nothing where tonight's run has its verdict already."),
    ] = False
    alpha: AlphaOption = ALPHA
    minimum: MinimumOption = None


@app.command()
@grouped
def nightly(
    scenario: ScenarioArgument,
    night: NightOptions,
    phones: PhoneOptions,
    jobs: JobOptions,
    skip_unfit: SkipUnfitOption = False,
    wait: WaitOption = False,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Run, compare with the good nights before, report: exit code 1 if anything got worse.

    0 nothing got worse (also: nothing to compare with yet, too few repeats to tell), 1 worse or
    failed, 2 bad input, 3 no phone that fits, 130 interrupted. Called again after a crash, it goes
    on with the run of the same night.
    """
    check_webhook(night.webhook)
    least = minimums(night.minimum or ())
    loaded = read_scenario(scenario, jobs.set_ or ())
    pinned = None if night.baseline == "auto" else run_folder(Path(night.baseline), runs)
    check_new_run(runs, None)
    if night.keep < 1:
        raise typer.BadParameter("keep at least one run", param_hint="--keep")
    name = loaded.scenario.name
    tonight = _tonight(loaded, runs, jobs.only or ())
    done = read_nightly(tonight) if tonight is not None else None
    if night.once and done is not None and done.verdict is not None:
        _say(done.verdict, as_json)
        raise typer.Exit(done.verdict.exit_code)
    patience = {"skip_unfit": skip_unfit, "wait": wait}
    unfinished = tonight if not night.fresh and done is not None and done.verdict is None else None
    try:
        if unfinished is not None:
            summary = _go_on(unfinished, phones.phones_file, **patience)
        else:
            summary = _start(
                loaded, runs, jobs.only or (), phones, skip_unfit=skip_unfit, wait=wait
            )
    except HarnessError as error:
        no_run = {"word": "no run", "line": f"{name}: {error}", "exit_code": error.exit_code}
        tell(night.webhook, {**no_run, "scenario": name})
        raise
    folder = RunFolder(summary.folder)
    if summary.interrupted or summary.unfinished:
        verdict = _interrupted(name, summary)
    else:
        verdict = _judged(folder, pinned, night, least)
        if night.accept:
            console.note(f"{folder.run_id} is accepted: no run before it is a baseline any more")
    tell(night.webhook, verdict.model_dump(mode="json"))
    if verdict.word != "interrupted":
        _prune(runs, name, verdict, night.keep)
    _say(verdict, as_json)
    raise typer.Exit(verdict.exit_code)


def _interrupted(name: str, summary: RunSummary) -> Verdict:
    return Verdict(
        word="interrupted",
        line=f"{name}: interrupted; the same command goes on with it",
        exit_code=130 if summary.interrupted else 1,
        scenario=name,
        run=summary.run_id,
    )


def _prune(runs: Path, name: str, verdict: Verdict, keep: int) -> None:
    before = verdict.comparison.before if verdict.comparison else ()
    for deleted in prune(nightly_runs(runs, name), keep, [runs / run_id for run_id in before]):
        console.note(f"deleted {deleted}: {keep} runs are kept")


def _say(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        console.emit_json(verdict.model_dump(mode="json"))
        return
    show(verdict)
    if verdict.page:
        console.say(f"\nPage: {verdict.page}\nJUnit: {verdict.junit}")
    console.say(verdict.line)


def _tonight(loaded: LoadedScenario, root: Path, only: Sequence[str]) -> RunFolder | None:
    """Return the latest run of the same scenario and filters, if it began this night."""
    now = datetime.now(timezone.utc)
    for folder in reversed(nightly_runs(root, loaded.scenario.name)):
        record, mark = folder.record(), read_nightly(folder)
        began = parse_utc(record.started_utc)
        if mark is None or began is None or (now - began).total_seconds() > SAME_NIGHT_S:
            continue
        if record.scenario_sha256 == loaded.sha256 and mark.only == tuple(only):
            return folder
    return None


def _start(
    loaded: LoadedScenario,
    root: Path,
    only: Sequence[str],
    phones: PhoneOptions,
    *,
    skip_unfit: bool,
    wait: bool,
) -> RunSummary:
    materials, feed = checked(loaded, only)
    with (
        open_lab(phones, loaded=loaded, only=only) as bench,
        progress_display() as progress,
    ):

        def planned(plan: Plan, folder: RunFolder) -> None:
            key = plan_key([job.record() for job in plan.jobs])
            write_nightly(folder, NightlyRecord(plan_key=key, only=tuple(only)))
            progress.planned(plan)

        return run_scenario(
            loaded,
            bench,
            run_root=root,
            settings=RunSettings(
                only=only,
                command=_command(),
                progress=progress,
                materials=materials,
                on_plan=planned,
                skip_unfit=skip_unfit,
                feed=feed,
                wait=wait,
            ),
        )


def _command() -> list[str]:
    """Return the command line for the record, without the webhook's address: it may be secret."""
    told: list[str] = []
    for word in sys.argv[1:]:
        after = told and told[-1] == "--webhook"
        told.append("…" if after else "--webhook=…" if word.startswith("--webhook=") else word)
    return [Path(sys.argv[0]).name, *told]


def _go_on(
    folder: RunFolder, phones_file: Path | None, *, skip_unfit: bool, wait: bool
) -> RunSummary:
    """Finish an interrupted run.

    Raises:
        InputError: What adds its rounds cannot be made any more.
        NoPhoneError: A phone that it needs is not there now.
    """
    console.note(f"going on with {folder.path}, which was interrupted")
    feed = feed_of_run(folder.path)
    with (
        reopen_lab(folder.path, PhoneOptions(phones_file=phones_file)) as bench,
        progress_display() as progress,
    ):
        return resume_run(
            folder.path,
            bench,
            settings=RunSettings(
                progress=progress,
                on_plan=lambda plan, _folder: progress.planned(plan),
                skip_unfit=skip_unfit,
                feed=feed,
                wait=wait,
            ),
        )


def _judged(
    folder: RunFolder, pinned: Path | None, night: NightOptions, minimum: dict[str, float]
) -> Verdict:
    mark = read_nightly(folder)
    key = mark.plan_key if mark else plan_key(folder.record().plan)
    earlier = [
        run
        for run in nightly_runs(folder.path.parent, folder.record().name)
        if run.run_id != folder.run_id
    ]
    if pinned is not None:
        before = [pinned]
    else:
        before = [run.path for run in good_before(earlier, key, night.pool)]
    build_report(folder.path)
    page = folder.path / "report" / "compare.html"
    verdict = judge(
        [*before, folder.path],
        alpha=night.alpha,
        minimum=minimum,
        out=page,
        junit=page.with_name("nightly.xml"),
        history=[run.path for run in earlier],
    )
    mark = mark or NightlyRecord(plan_key=key)
    write_nightly(folder, mark.model_copy(update={"verdict": verdict, "accepted": night.accept}))
    return verdict
