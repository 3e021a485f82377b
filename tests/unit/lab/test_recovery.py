"""A run whose host died: what is on disk and what the ledger says are brought together."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost
from harness.lab.bench import Bench
from harness.lab.clock import SystemClock
from harness.lab.holding import Holder
from harness.lab.holding.host_lock import HostLock
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.recovery import clean_left_phones, reconcile, reopen, written_in
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.run_tasks import outcomes_of
from harness.lab.summary import summary
from harness.results.store import RunFolder
from harness.results.tasks import HostResult, TaskFolder
from harness.scenario.task import Quorum, Task
from tests.fixtures.tasks import host_task, phone_task
from tests.unit.lab.fakes import FakeTools, World, make_phone, make_spec
from tests.unit.lab.test_scheduler import result


def make_run(tmp_path: Path, count: int = 3) -> tuple[RunFolder, Ledger]:
    run = RunFolder.create(tmp_path, "r")
    tasks = [
        Task.of_job(
            make_spec(f"j{n}").model_copy(update={"index": n}), f"j{n - 1}" if n == 2 else None
        )
        for n in range(count)
    ]
    return run, Ledger.create(run.ledger_path, tasks)


def write(run: RunFolder, job: str, kind: str | None) -> None:
    folder = run.attempt(job, 1)
    folder.make()
    folder.write_result(result(job, 1, make_phone("A"), kind))


def test_a_written_result_counts_though_the_ledger_did_not_hear_of_it(tmp_path: Path) -> None:
    run, ledger = make_run(tmp_path)
    ledger.start_attempt("j1", "A", "dead")
    write(run, "j1", None)
    assert reconcile(ledger, written_in(run), ["A"]) == {}
    assert [row.state for row in ledger.rows()] == ["queued", "finished", "waiting"]
    assert reconcile(ledger, written_in(run), ["A"]) == {}


def test_a_running_attempt_without_a_result_is_lost_and_its_job_queued(tmp_path: Path) -> None:
    run, ledger = make_run(tmp_path)
    ledger.start_attempt("j0", "A", "dead")
    run.attempt("j0", 1).make()
    assert reconcile(ledger, written_in(run), ["B"]) == {}
    assert ledger.row("j0").state == "queued"
    assert [row.state for row in ledger.attempts()] == ["lost"]
    assert ledger.start_attempt("j0", "A", "me") == 2


def test_a_running_attempt_on_a_phone_that_is_here_is_left_to_be_rejoined(tmp_path: Path) -> None:
    run, ledger = make_run(tmp_path)
    ledger.start_attempt("j0", "A", "dead")
    assert reconcile(ledger, written_in(run), ["A"]) == {"A": ("j0", 1)}
    assert ledger.row("j0").state == "running"
    ledger.adopt_attempt("j0", 1, "me")
    assert [(row.owner, row.state) for row in ledger.attempts()] == [("me", "running")]


def test_a_written_failure_is_kept_and_the_job_runs_again(tmp_path: Path) -> None:
    run, ledger = make_run(tmp_path)
    ledger.start_attempt("j0", "A", "dead")
    write(run, "j0", "TrainerKilled")
    reconcile(ledger, written_in(run), ["A"])
    assert [(row.state, row.failure) for row in ledger.attempts()] == [("failed", "TrainerKilled")]
    assert ledger.row("j0").state == "queued"


def test_what_ran_on_the_host_runs_again_unless_its_result_lies_there(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "l.sqlite", [host_task("done", 0), host_task("half", 1)])
    for name in ("done", "half"):
        ledger.start_attempt(name, "", "dead")
    done = TaskFolder(tmp_path, "done")
    (done.begin() / "weights").write_text("1")
    value = {"task_id": "done", "attempt": 1, "function": "f", "started_utc": "", "seconds": 1.0}
    done.finish(HostResult.model_validate(value))
    (TaskFolder(tmp_path, "half").begin() / "weights").write_text("1")

    def wrote(task_id: str, attempt: int) -> bool:
        return TaskFolder(tmp_path, task_id).wrote(attempt)

    def written(task_id: str, attempt: int) -> None:
        raise AssertionError("no phone ran it")

    assert reconcile(ledger, written, ["", "A"], wrote) == {}
    assert [row.state for row in ledger.rows()] == ["finished", "queued"]
    assert not (tmp_path / "tasks/half").exists()
    assert list(TaskFolder(tmp_path, "half").begin().iterdir()) == []


def test_a_task_that_had_its_quorum_keeps_it_when_it_is_reopened(tmp_path: Path) -> None:
    tasks = [host_task("a", 0), host_task("b", 1), host_task("mean", 2, parents="ab")]
    tasks.append(host_task("next", 3, parents=["mean"]))
    ledger = Ledger.create(tmp_path / "l.sqlite", tasks)
    ledger.release_task("mean", ["a"], "after 1 of 2 parents")
    ledger.set_state("mean", "running")
    ledger.set_state("mean", "failed")
    ledger.set_state("next", "skipped", "mean failed: X")
    reopen(ledger)
    assert [row.state for row in ledger.rows()] == ["queued", "queued", "queued", "waiting"]
    assert ledger.counted_parents("mean") == ["a"]


def test_reopening_failed_jobs_and_what_waited_for_them(tmp_path: Path) -> None:
    _, ledger = make_run(tmp_path)
    n = ledger.start_attempt("j1", "A", "me")
    ledger.end_attempt("j1", n, state="failed", failure="TrainerCrashed", task_state="failed")
    ledger.set_state("j2", "skipped", "j1 failed")
    reopen(ledger)
    assert [row.state for row in ledger.rows()] == ["queued", "queued", "waiting"]


class Cleaner(FakeTools):
    def __init__(self, *, lost: bool = False) -> None:
        super().__init__(World(clock=None))  # type: ignore[arg-type]
        self.cleaned: list[str] = []
        self.lost = lost

    def clean(self, phone: LabPhone, *, speech: bool) -> list[str]:
        if self.lost:
            raise DeviceLost("gone", serial=phone.serial)
        self.cleaned.append(phone.serial)
        return []


def held(ledger: Ledger, serial: str) -> None:
    ledger.lease(serial, adb_server="h:1", adb_serial="x", work_dir="/w/x", owner="dead")


@pytest.mark.parametrize("lost", [False, True])
def test_phones_of_a_dead_owner_are_cleaned_and_freed(tmp_path: Path, lost: bool) -> None:
    _, ledger = make_run(tmp_path)
    held(ledger, "A")
    held(ledger, "GONE")
    tools = Cleaner(lost=lost)
    bench = Bench([make_phone("A")], tools, lease_root=tmp_path / "leases", clock=SystemClock())
    clean_left_phones(ledger, bench, "me", "r", NoProgress())
    assert tools.cleaned == ([] if lost else ["A"])
    assert ledger.leases() == []
    notes = {change.key: change.note for change in ledger.changes() if change.new == "released"}
    assert notes["GONE"] == "not here"
    assert ("gone" in notes["A"]) == lost


def test_a_phone_where_an_attempt_may_still_run_is_not_cleaned(tmp_path: Path) -> None:
    _, ledger = make_run(tmp_path)
    held(ledger, "A")
    tools = Cleaner()
    bench = Bench([make_phone("A")], tools, lease_root=tmp_path / "leases", clock=SystemClock())
    clean_left_phones(ledger, bench, "me", "r", NoProgress(), spare={"A"})
    assert tools.cleaned == []
    assert ledger.leases() == []


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_phone_that_somebody_else_uses_by_now_is_left_alone(tmp_path: Path) -> None:
    _, ledger = make_run(tmp_path)
    held(ledger, "A")
    tools = Cleaner()
    bench = Bench([make_phone("A")], tools, lease_root=tmp_path / "leases", clock=SystemClock())
    root = tmp_path / "leases"
    other = HostLock("A", root)
    other.acquire(Holder.here("other", "x", root))
    progress = Notes()
    clean_left_phones(ledger, bench, "me", "r", progress)
    assert tools.cleaned == []
    assert "not cleaned, since A is held by other" in progress.notes[0]


@pytest.mark.parametrize("answered", [False, True])
def test_what_was_withdrawn_is_not_taken_up_again(tmp_path: Path, answered: bool) -> None:
    run, ledger = make_run(tmp_path, 2)
    ledger.start_attempt("j0", "A", "dead")
    assert ledger.withdraw("j0", "late") == "running"
    assert ledger.withdraw("j1", "late") == "queued"
    if answered:
        write(run, "j0", None)
    assert reconcile(ledger, written_in(run), ["A"]) == {}, "its phone is cleaned instead"
    assert [row.is_withdrawn for row in ledger.rows()] == [True, True]
    assert [row.state for row in ledger.attempts()] == ["finished" if answered else "lost"]
    assert {name: outcome.state for name, outcome in outcomes_of(ledger).items() if outcome} == {
        "j0": "withdrawn",
        "j1": "withdrawn",
    }
    (summed,) = [summary(RunFolder(tmp_path / "r"), ledger, interrupted=False)]
    assert (summed.withdrawn, summed.skipped) == (2, 0)


def test_what_was_withdrawn_is_tried_again_only_if_somebody_still_waits_for_it(
    tmp_path: Path,
) -> None:
    names = ["late", "in-time", "late-too", "in-time-too"]
    first = host_task("round-1", 4, parents=names[:2], quorum=Quorum(1, 5.0))
    second = host_task("round-2", 5, parents=names[2:], quorum=Quorum(2, 5.0))
    jobs = [phone_task(name, n) for n, name in enumerate(names)]
    ledger = Ledger.create(tmp_path / "l.sqlite", [*jobs, first, second])
    for name in names[1], names[3]:
        ledger.start_attempt(name, "A", "me")
        ledger.end_attempt(name, 1, state="finished", failure=None, task_state="finished")
    ledger.release_task("round-1", [names[1]], "one is enough")
    ledger.start_attempt("round-1", "", "me")
    ledger.end_attempt("round-1", 1, state="finished", failure=None, task_state="finished")
    ledger.set_state("round-2", "skipped", "too few")
    ledger.withdraw("late", "round 1 is over")
    ledger.withdraw("late-too", "round 2 is over")
    reopen(ledger)
    states = {row.task_id: row.state for row in ledger.rows()}
    assert (states["late"], states["late-too"], states["round-2"]) == (
        "skipped",
        "queued",
        "waiting",
    )
