"""A run from beginning to end, and its continuation after whatever ended it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import InputError
from harness.lab.bench import Bench, manned
from harness.lab.holding import owner_name
from harness.lab.host import host_record, versions
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.recovery import clean_left_phones, lose, reconcile, reopen, written_in
from harness.lab.ledger.tables import OPEN
from harness.lab.logbook import LoggedProgress, logged
from harness.lab.planning.candidates import one_for_each
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.estimate import PastTimes
from harness.lab.planning.heat import heated, queue_order
from harness.lab.planning.materials import Materials
from harness.lab.planning.needs import JobNeeds
from harness.lab.planning.plan import Plan, estimated, make_plan
from harness.lab.planning.rare_words import check_rare_words
from harness.lab.run import Run
from harness.lab.settings import RunSettings
from harness.lab.summary import RunSummary, summary
from harness.results.names import safe_name
from harness.results.run import RunRecord
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder
from harness.results.word_list import write_words
from harness.scenario import LoadedScenario, Scenario


def plan_run(
    loaded: LoadedScenario, bench: Bench, materials: Materials, only: Sequence[str] = ()
) -> Plan:
    """Say which jobs a scenario comes to and which phones each may get; starts nothing.

    Raises:
        InputError: Something in the scenario is wrong or missing.
    """
    jobs = check_scenario(loaded, materials, only)
    return make_plan(one_for_each(jobs, bench.phones), bench.phones)


def run_scenario(
    loaded: LoadedScenario,
    bench: Bench,
    *,
    run_root: Path,
    settings: RunSettings | None = None,
) -> RunSummary:
    """Run a scenario on the phones at hand.

    Args:
        loaded: The scenario.
        bench: Phones and tools.
        run_root: Where run folders are made.
        settings: How; None for the usual way.

    Raises:
        InputError: Something in the scenario is wrong or missing; nothing was started.
        NoPhoneError: A job fits no phone, or all that fit are held by others.
        StoreError: The run folder cannot be written.
    """
    settings = _logged(settings)
    materials = settings.materials or Materials(loaded.folder)
    plan = plan_run(loaded, bench, materials, settings.only)
    plan.check(skip_unfit=settings.skip_unfit)
    words = check_rare_words(loaded, materials, [job.needs for job in plan.jobs])
    plan = _by_past_runs(plan, loaded.scenario, run_root)
    clock = bench.clock
    run_id = settings.run_id or _run_id(loaded.scenario.name, clock.utc())
    owner = owner_name()
    with ExitStack() as stack:
        crew, jobs, busy = stack.enter_context(
            manned(bench, plan, owner, str(run_root / run_id), settings)
        )
        plan = plan.with_jobs(jobs)
        folder = RunFolder.create(run_root, run_id)
        stack.enter_context(_alone(folder))
        if words is not None:
            write_words(folder, words)
        models, data = materials.describe([job.needs for job in plan.jobs])
        record = RunRecord(
            run_id=folder.run_id,
            name=loaded.scenario.name,
            title=loaded.scenario.title,
            started_utc=clock.utc(),
            command=tuple(settings.command),
            origins=tuple(sorted({phone.record.origin for phone in plan.phones})),
            scenario=loaded.scenario.model_dump(mode="json"),
            scenario_source=str(loaded.lines.path),
            scenario_sha256=loaded.sha256,
            plan=tuple(job.record() for job in plan.jobs),
            versions=versions(),
            host=host_record(),
            phones=tuple(phone.record for phone in plan.phones),
            models=models,
            data=data,
            farm=dict(bench.farm) if bench.farm is not None else None,
            notes=tuple(busy.values()),
        )
        ledger = stack.enter_context(
            Ledger.create(folder.ledger_path, [job.task for job in plan.jobs], clock)
        )
        _skip_unfit(ledger, plan)
        stack.enter_context(logged(folder.path, ledger, bench, busy))
        # Last of the three: a folder with run.json is a run that can be resumed.
        folder.write_record(record)
        settings.on_plan(plan, folder)
        run = Run(loaded.scenario, folder, ledger, bench, materials, owner, settings)
        return run.go(jobs, crew)


def resume_run(
    path: Path,
    bench: Bench,
    *,
    retry_failed: bool = False,
    settings: RunSettings | None = None,
) -> RunSummary:
    """Go on with a run that was interrupted: unfinished jobs run, finished ones never again.

    Args:
        path: The run folder.
        bench: Phones and tools.
        retry_failed: Run failed and skipped jobs again too.
        settings: How; None for the usual way.

    Raises:
        InputError: Not a run folder, or the model is not the one that the run began with.
        NoPhoneError: No phone fits an unfinished job.
    """
    folder = RunFolder.open(path)
    record = folder.record()
    scenario = Scenario.model_validate({**record.scenario, "matrix": {}})
    source = Path(record.scenario_source)
    settings = _logged(settings)
    materials = settings.materials or Materials(source.parent.resolve())
    owner = owner_name()
    with ExitStack() as stack:
        stack.enter_context(_alone(folder))
        ledger = stack.enter_context(Ledger.open(folder.ledger_path, bench.clock))
        rejoin = reconcile(
            ledger,
            written_in(folder),
            {phone.serial for phone in bench.phones},
            lambda task_id, attempt: TaskFolder(path, task_id).wrote(attempt),
        )
        clean_left_phones(ledger, bench, owner, str(path), settings.progress, spare=rejoin)
        if retry_failed:
            reopen(ledger)
        tasks = ledger.tasks(*OPEN)
        if not tasks and settings.feed is None:
            return summary(folder, ledger, interrupted=False)
        todo = [task for task in tasks if task.kind == "phone"]
        needs = materials.needs(todo)
        _same_models(record, needs)
        plan = make_plan(needs, bench.phones)
        plan.check(skip_unfit=settings.skip_unfit)
        plan = _by_past_runs(plan, scenario, path.parent)
        _skip_unfit(ledger, plan)
        known = {phone.serial for phone in record.phones}
        phones = plan.phones
        if settings.feed is not None:  # it may want any phone that the run had
            used = {phone.serial for phone in phones}
            phones = tuple(phone for phone in bench.phones if phone.serial in known | used)
        crew, jobs, busy = stack.enter_context(
            manned(bench, plan, owner, str(path), settings, phones)
        )
        stack.enter_context(logged(folder.path, ledger, bench, busy))
        for row in ledger.attempts(state="running"):
            if row.serial not in crew.keeper.serials:
                rejoin.pop(row.serial, None)
                lose(ledger, row)
        new = tuple(phone.record for phone in phones if phone.serial not in known)
        folder.write_record(
            record.model_copy(
                update={
                    "finished_utc": None,
                    "interrupted": False,
                    "phones": (*record.phones, *new),
                    "notes": (*record.notes, f"resumed at {bench.clock.utc()}"),
                }
            )
        )
        settings.on_plan(plan, folder)
        run = Run(scenario, folder, ledger, bench, materials, owner, settings)
        run.add_to_plan(plan.jobs)
        return run.go(jobs, crew, rejoin)


def _logged(settings: RunSettings | None) -> RunSettings:
    """Return settings, the usual ones for None, whose notes stand in the log too."""
    settings = settings or RunSettings()
    return replace(settings, progress=LoggedProgress(settings.progress))


def _by_past_runs(plan: Plan, scenario: Scenario, run_root: Path) -> Plan:
    """Return ``plan`` with times, and heat if the order asks for it, as past runs had them."""
    spreads = queue_order(scenario) == "heat"
    past = PastTimes.read(run_root, heat=spreads)
    plan = estimated(plan, past)
    return heated(plan, past) if spreads else plan


def _skip_unfit(ledger: Ledger, plan: Plan) -> None:
    with ledger.batch():
        for group in plan.unplaced:
            for job_id in group.jobs:
                ledger.set_state(job_id, "skipped", group.unmet.headline)


def _same_models(record: RunRecord, jobs: Sequence[JobNeeds]) -> None:
    for model in {job.model.folder: job.model for job in jobs}.values():
        before = record.models.get(model.manifest.name)
        now = model.manifest.model_dump(mode="json")
        if before is not None and not _says_the_same(before, now):
            raise InputError(
                f"the model {model.manifest.name} is not the one that the run began with",
                where=str(model.folder),
                hint="Put it back, or start a new run.",
            )


def _says_the_same(before: Any, now: Any) -> bool:
    """Compare what was written; a field that a later version brought says nothing of then.

    A file is the same by its digest, wherever it lies.
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        if "sha256" in before and "sha256" in now:
            return bool(before["sha256"] == now["sha256"])
        return all(_says_the_same(value, now.get(key)) for key, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_says_the_same, before, now))
    return bool(before == now)


def _run_id(name: str, utc: str) -> str:
    stamp = utc.replace("-", "").replace(":", "").split(".")[0]
    return safe_name(f"{stamp}-{name}-{secrets.token_hex(2)}")


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    """Be the only process that works on a run.

    Raises:
        InputError: Another one does.
    """
    lock = FileLock(folder.path / ".lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            "another process works on this run",
            where=str(folder.path),
            hint="See `harness status`.",
        ) from error
    try:
        yield
    finally:
        lock.release()
