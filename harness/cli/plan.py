"""``harness plan``: what a scenario would do, without doing it."""

from __future__ import annotations

from typing import Any, Final

import typer

from harness.cli import console, federated_plan
from harness.cli.engine import open_lab
from harness.cli.feeds import feed_of
from harness.cli.groups import grouped
from harness.cli.materials import shown_materials
from harness.cli.options import (
    JobOptions,
    JsonOption,
    PhoneOptions,
    RunsOption,
    ScenarioArgument,
)
from harness.cli.runs import RUN_ROOT
from harness.cli.scenario_file import read_scenario
from harness.devices.unmet import some_of
from harness.errors import NoPhoneError
from harness.lab import Plan, check_scenario, plan_run
from harness.lab.planning.estimate import PastTimes
from harness.lab.planning.plan import estimated
from harness.report.numbers import duration

app = typer.Typer()

_NAMED: Final = 4
"""So many jobs with one warning are named; the others are counted."""


@app.command()
@grouped
def plan(
    scenario: ScenarioArgument,
    phones: PhoneOptions,
    jobs: JobOptions,
    runs: RunsOption = RUN_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Show the jobs, the phones each may get, predicted memory and rough time; start nothing.

    Exit code 3 if a job fits no phone: the whole plan is shown, and why each phone is not enough.
    """
    loaded = read_scenario(scenario, jobs.set_ or ())
    only = jobs.only or ()
    with shown_materials(loaded.folder) as materials:
        check_scenario(loaded, materials, only)
    feed_of(loaded)  # what is wrong with it is told here too
    with open_lab(phones, loaded=loaded, only=only) as bench:
        made = plan_run(loaded, bench, materials, only)
    made = estimated(made, PastTimes.read(runs))
    if as_json:
        console.emit_json(_facts(made))
    else:
        _show(made)
    if made.unplaced:
        raise typer.Exit(NoPhoneError.exit_code)


def _facts(made: Plan) -> dict[str, Any]:
    return {
        "jobs": [job.record().model_dump(mode="json") for job in made.jobs],
        "phones": [phone.info.model_dump(mode="json") for phone in made.phones],
        "unfit": dict(made.unfit),
        "unplaced": [
            {
                "jobs": group.jobs,
                "wanted": group.unmet.wanted,
                "count": group.unmet.count,
                "why": dict(group.unmet.why),
            }
            for group in made.unplaced
        ],
        "estimate_s": made.time.seconds,
        "estimate_from": made.time.words,
        "estimate_attempts": made.time.attempts,
        "federated": federated_plan.facts(federated_plan.training_plans(made)),
    }


def _show(made: Plan) -> None:
    rows = []
    for job in made.jobs:
        record = job.record()
        needs = "  ".join(f"{name} {mb:.0f}" for name, mb in record.need_mb.items())
        rows.append(
            (
                record.job_id,
                " ".join(record.candidates) or "NONE, see below",
                record.pressure,
                "" if job.needs.goal is None else f"{job.needs.goal.available_mb:.0f}",
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
    warned: dict[str, list[str]] = {}
    for job in made.jobs:
        for warning in job.warnings:
            warned.setdefault(warning, []).append(job.spec.job_id)
    for warning, jobs in warned.items():
        console.note(f"{some_of(jobs, _NAMED)}: {warning}")
    for serial, why in made.unfit.items():
        console.note(f"{serial}: {why}")
    for group in made.unplaced:
        console.say("\n" + "\n".join(group.lines()))
    time = made.time
    if made.placed:
        console.say(
            f"\n{_counted(len(made.placed), 'job')} on {_counted(len(made.phones), 'phone')}, "
            f"{'side by side, ' if len(made.phones) > 1 else ''}roughly "
            f"{duration(time.seconds)} ({time.words}). Nothing was started."
        )
    federated_plan.show(federated_plan.training_plans(made))
    if made.unplaced:
        console.say(
            f"\nNo phone for {len(made.jobs) - len(made.placed)} of "
            f"{_counted(len(made.jobs), 'job')}: "
            "`harness run` starts nothing then, unless --skip-unfit leaves them out."
        )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
