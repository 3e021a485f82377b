"""``harness plan``: what a scenario would do, without doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import typer

from harness.cli import console, federated_plan
from harness.cli.engine import open_lab
from harness.cli.groups import grouped
from harness.cli.materials import checked
from harness.cli.options import (
    JobOptions,
    JsonOption,
    PhoneOptions,
    RunsOption,
    ScenarioArgument,
)
from harness.cli.phones_table import short_serials
from harness.cli.runs import RUN_ROOT
from harness.cli.scenario_file import read_scenario
from harness.devices.unmet import some_of
from harness.errors import NoPhoneError
from harness.lab import Plan, plan_run
from harness.lab.planning.estimate import PastTimes
from harness.lab.planning.plan import PlannedJob, estimated
from harness.report.numbers import duration
from harness.scenario.paths import axis_names, axis_words
from harness.scenario.schema import AUTO

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
    materials, _ = checked(loaded, only)
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
    console.wide_table(*plan_columns(made))
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
        names = some_of([phone.serial for phone in made.phones], _NAMED)
        console.tell(
            f"\n{_counted(len(made.placed), 'job')} on {_counted(len(made.phones), 'phone')} "
            f"({names}), "
            f"{'side by side, ' if len(made.phones) > 1 else ''}roughly "
            f"{duration(time.seconds)} ({time.words}). Nothing was started."
        )
    federated_plan.show(federated_plan.training_plans(made))
    if made.unplaced:
        console.tell(
            f"\nNo phone for {len(made.jobs) - len(made.placed)} of "
            f"{_counted(len(made.jobs), 'job')}: "
            "`harness run` starts nothing then, unless --skip-unfit leaves them out."
        )


def plan_columns(made: Plan) -> tuple[list[console.Column], list[list[str]]]:
    """Return the columns and rows of a plan's table.

    Room and needs are on one scale: what is left to training beside the trainer's own base, and
    what each candidate adds to it.
    """
    names = axis_names(dict.fromkeys(path for job in made.jobs for path in job.spec.axes))
    serials = short_serials(phone.serial for phone in made.phones)
    columns = [
        *(console.Column(name) for name in names.values()),
        console.Column("job", optional=bool(names)),
        console.Column("phones that fit"),
        console.Column("room\nMiB", right=True),
        console.Column("needs, MiB"),
        console.Column("chosen"),
        console.Column("time", right=True),
    ]
    rows: list[list[str]] = []
    for job in made.jobs:
        needs, content = job.needs, job.spec.content
        words = dict(zip(job.spec.axes, axis_words(job.spec.axes), strict=True))
        room = _room(job, made)
        need_mb = needs.memory.mb
        rows.append(
            [
                *(words[path][1] if path in words else "" for path in names),
                job.spec.job_id,
                _phones(job, serials, len(made.phones)),
                "" if room is None else f"{room:.0f}",
                "  ".join(f"{name} {need_mb[name]:.0f}" for name in needs.sub_models),
                _expected(needs.sub_models, need_mb, room, content.trainer.sub_model),
                duration(job.estimate_s),
            ]
        )
    return columns, rows


def _phones(job: PlannedJob, serials: Mapping[str, str], count: int) -> str:
    if len(job.candidates) == count > 1:
        return f"all {count}"
    names = [serials[serial] for serial in job.candidates]
    return some_of(names, 2) if names else "NONE, see below"


def _room(job: PlannedJob, made: Plan) -> float | None:
    """Return the least that the trainer may find for training, in MiB; None if nobody knows."""
    base_mb = job.needs.model.manifest.trainer_base_mb
    if job.needs.goal is not None:
        return job.needs.goal.available_mb - base_mb
    idle = [phone.info.idle_available_mb for phone in made.phones if phone.serial in job.candidates]
    known = [size for size in idle if size]
    return min(known) - base_mb if known else None


def _expected(
    sub_models: Sequence[str], need_mb: Mapping[str, float], room: float | None, asked: str
) -> str:
    if asked != AUTO:
        return asked
    if room is None:
        return "?"
    return next((name for name in sub_models if need_mb[name] <= room), "none fits")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
