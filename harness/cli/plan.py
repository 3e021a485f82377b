"""``harness plan``: what a scenario would do, without doing it."""

from __future__ import annotations

import typer

from harness.cli import console
from harness.cli.materials import shown_materials
from harness.cli.options import (
    AdbOption,
    FarmOption,
    JsonOption,
    OnlyOption,
    RunsOption,
    ScenarioArgument,
    SetOption,
)
from harness.cli.runs import RUN_ROOT
from harness.cli.session import open_session
from harness.lab import Plan, check_scenario, open_bench, plan_run
from harness.lab.estimate import Estimate, PastTimes, estimated
from harness.report.numbers import duration
from harness.scenario import load_scenario

app = typer.Typer()


@app.command()
def plan(
    scenario: ScenarioArgument,
    farm: FarmOption = None,
    adb: AdbOption = None,
    set_: SetOption = None,
    only: OnlyOption = None,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Show the jobs, the phones each may get, predicted memory and rough time; start nothing."""
    loaded = load_scenario(scenario, set_ or ())
    with shown_materials(loaded.folder) as materials:
        check_scenario(loaded, materials, only or ())
    with open_session(farm=farm, adb=adb, loaded=loaded, only=only or ()) as session:
        made = plan_run(
            loaded, open_bench(session.servers, farm=session.farm), materials, only or ()
        )
    made, time = estimated(made, PastTimes.read(runs))
    if as_json:
        console.emit_json(
            {
                "jobs": [job.record().model_dump(mode="json") for job in made.jobs],
                "phones": [phone.info.model_dump(mode="json") for phone in made.phones],
                "unfit": dict(made.unfit),
                "estimate_s": time.seconds,
                "estimate_from": time.words,
                "estimate_attempts": time.attempts,
            }
        )
        return
    _show(made, time)


def _show(made: Plan, time: Estimate) -> None:
    rows = []
    for job in made.jobs:
        record = job.record()
        needs = "  ".join(f"{name} {mb:.0f}" for name, mb in record.need_mb.items())
        rows.append(
            (
                record.job_id,
                " ".join(record.candidates),
                record.pressure,
                "" if job.goal is None else f"{job.goal.available_mb:.0f}",
                record.sub_model,
                needs,
                f"{job.estimate_s / 60:.1f}",
            )
        )
    console.table(
        (
            "job",
            "phones that fit",
            "pressure",
            "goal MiB >",
            "sub-model",
            "need MiB",
            "minutes >",
        ),
        rows,
    )
    for job in made.jobs:
        for warning in job.warnings:
            console.note(f"{job.spec.job_id}: {warning}")
    for serial, why in made.unfit.items():
        console.note(f"{serial}: {why}")
    console.say(
        f"\n{len(made.jobs)} jobs on {len(made.phones)} phones side by side, roughly "
        f"{duration(time.seconds)} ({time.words}). Nothing was started."
    )
