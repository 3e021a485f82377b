"""The ledger: what it has returned from is there after a crash, and no state goes backwards."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.lab.ledger.ledger import Ledger, LedgerError
from harness.scenario.schema import JobContent
from harness.scenario.spec import JobSpec
from harness.scenario.task import HostCall, Quorum, Task

MAY_FOLLOW = {
    "waiting": {"queued", "skipped"},
    "queued": {"running", "skipped"},
    "running": {"finished", "failed", "queued", "skipped"},
    "finished": set(),
    "failed": {"queued"},
    "skipped": {"queued", "waiting"},
}
"""Written down once more: the product's own table must not be the judge of itself."""

CONTENT = JobContent.model_validate({"model": "ds2-tiny"})


def jobs(count: int = 3) -> list[Task]:
    return [
        Task.of_job(JobSpec(job_id=f"j{n}", identity=f"{n:064d}", index=n, content=CONTENT))
        for n in range(count)
    ]


def chain() -> list[Task]:
    first, second = jobs(2)
    return [first, Task.of_job(second.job.model_copy(update={"round": 2}), "j0")]


def test_a_job_goes_its_way_and_the_history_tells(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "l.sqlite", chain()) as ledger:
        assert [(row.task_id, row.state) for row in ledger.rows()] == [
            ("j0", "queued"),
            ("j1", "waiting"),
        ]
        assert ledger.start_attempt("j0", "S1", "me") == 1
        ledger.attempt_step("j0", 1, "train")
        assert ledger.attempts(state="running")[0].step == "train"
        ledger.end_attempt("j0", 1, state="failed", failure="DeviceLost", task_state="queued")
        assert ledger.start_attempt("j0", "S2", "me") == 2
        ledger.end_attempt("j0", 2, state="finished", failure=None, task_state="finished")
        ledger.release_task("j1", ["j0"], "after j0")
        assert ledger.counted_parents("j1") == ["j0"]
        assert ledger.counts() == {"finished": 1, "queued": 1}
        moves = [(c.key, c.old, c.new) for c in ledger.changes() if c.what == "task"]
        assert moves == [
            ("j0", "queued", "running"),
            ("j0", "running", "queued"),
            ("j0", "queued", "running"),
            ("j0", "running", "finished"),
            ("j1", "waiting", "queued"),
        ]
        last = ledger.changes()[-2].id
        assert len(ledger.changes(after=last)) == 1


@settings(max_examples=30)
@given(st.lists(st.sampled_from(sorted(MAY_FOLLOW)), min_size=1, max_size=8))
def test_states_only_move_as_allowed(
    tmp_path_factory: pytest.TempPathFactory, walk: list[str]
) -> None:
    path = tmp_path_factory.mktemp("l") / "l.sqlite"
    with Ledger.create(path, jobs(1)) as ledger:
        now = "queued"
        for wanted in walk:
            if wanted == now or wanted in MAY_FOLLOW[now]:
                ledger.set_state("j0", wanted)  # type: ignore[arg-type]
                now = wanted
            else:
                with pytest.raises(LedgerError, match="cannot become"):
                    ledger.set_state("j0", wanted)  # type: ignore[arg-type]
            assert ledger.row("j0").state == now


WAYS: dict[str, list[str]] = {
    "queued": [],
    "running": ["running"],
    "finished": ["running", "finished"],
    "failed": ["running", "failed"],
    "skipped": ["skipped"],
    "waiting": ["skipped", "waiting"],
}
"""How a task comes to each state."""


@pytest.mark.parametrize("now", sorted(MAY_FOLLOW))
@pytest.mark.parametrize("wanted", sorted(MAY_FOLLOW))
def test_every_move_is_allowed_or_refused_as_written_down_here(
    tmp_path: Path, now: str, wanted: str
) -> None:
    with Ledger.create(tmp_path / "l.sqlite", jobs(1)) as ledger:
        for state in WAYS[now]:
            ledger.set_state("j0", state)  # type: ignore[arg-type]
        if wanted == now or wanted in MAY_FOLLOW[now]:
            ledger.set_state("j0", wanted)  # type: ignore[arg-type]
        else:
            with pytest.raises(LedgerError, match=f"is {now} and cannot become {wanted}"):
                ledger.set_state("j0", wanted)  # type: ignore[arg-type]
        assert ledger.row("j0").state == (wanted if wanted in (now, *MAY_FOLLOW[now]) else now)


def test_tasks_of_every_kind_come_back_and_their_parents_must_be_there(tmp_path: Path) -> None:
    first, second = chain()
    tasks = [
        first,
        second,
        Task("mean", HostCall("f", {"x": [1, 2.5]}, 2), ("j0", "j1"), quorum=Quorum(1, 60.0)),
    ]
    tasks = [replace(task, index=index) for index, task in enumerate(tasks)]
    with Ledger.create(tmp_path / "l.sqlite", tasks) as ledger:
        assert ledger.tasks() == tasks
        assert ledger.task("mean") == tasks[2]
        assert ledger.tasks("queued") == tasks[:1]
        assert ledger.start_attempt("j0", "A", "me") == 1
        with pytest.raises(LedgerError, match="UNIQUE"):
            ledger.add([replace(first, index=7)])
        with pytest.raises(LedgerError, match="FOREIGN KEY"):
            ledger.add([Task("lost", HostCall("f"), ("nobody",), index=8)])
        assert len(ledger.rows()) == 3
        ledger.release_task("mean", ["j1"], "after 1 of 2 parents")
        assert ledger.counted_parents("mean") == ["j1"]
        assert ledger.counted_parents("j1") is None
        assert ledger.counted_parents("j0") == []


def test_two_tasks_of_the_host_run_at_once(tmp_path: Path) -> None:
    tasks = [Task(name, HostCall("f"), index=index) for index, name in enumerate("ab")]
    with Ledger.create(tmp_path / "l.sqlite", tasks) as ledger:
        for name in "ab":
            ledger.start_attempt(name, "", "me")
        assert len(ledger.attempts(state="running")) == 2


def test_one_attempt_a_job_and_a_phone(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "l.sqlite", jobs()) as ledger:
        ledger.start_attempt("j0", "S1", "me")
        with pytest.raises(LedgerError, match="j1/1 is not running"):
            ledger.end_attempt("j1", 1, state="finished", failure=None, task_state="finished")
        with pytest.raises(LedgerError, match="UNIQUE"):
            ledger.start_attempt("j1", "S1", "me")
        assert ledger.row("j1").state == "queued"  # the refused change left nothing behind
        assert [c.key for c in ledger.changes() if c.what == "task"] == ["j0"]


def test_leases_open_and_close(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "l.sqlite", jobs()) as ledger:
        held = {"adb_server": "h:1", "adb_serial": "x", "work_dir": "/w", "owner": "me"}
        ledger.lease("S1", **held)
        ledger.lease("S1", **held)  # a phone that was away is there again
        with pytest.raises(LedgerError, match="UNIQUE"):
            ledger.lease("S1", **{**held, "owner": "you"})
        assert [row.serial for row in ledger.leases()] == ["S1"]
        ledger.heartbeat("me")
        ledger.release("S1")
        ledger.release("S1")
        assert ledger.leases() == []
        ledger.lease("S1", **held)
        assert [c.new for c in ledger.changes() if c.what == "lease"] == [
            "held",
            "released",
            "held",
        ]


def test_tasks_come_back_as_planned(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "l.sqlite", chain()).close()
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        assert ledger.tasks() == chain()


def test_bad_files_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger"):
        Ledger.open(tmp_path / "none.sqlite")
    (tmp_path / "text.sqlite").write_text("not a database, but long enough to look at " * 50)
    with pytest.raises(InputError, match=r"text\.sqlite"):
        Ledger.open(tmp_path / "text.sqlite")
    Ledger.create(tmp_path / "l.sqlite", jobs()).close()
    with sqlite3.connect(tmp_path / "l.sqlite") as db:
        db.execute("UPDATE meta SET value = '99'")
    with pytest.raises(InputError, match="version 99"):
        Ledger.open(tmp_path / "l.sqlite")
    with pytest.raises(LedgerError, match="already"):
        Ledger.create(tmp_path / "l.sqlite", jobs())


def test_threads_share_one_ledger(tmp_path: Path) -> None:
    many = jobs(40)
    with Ledger.create(tmp_path / "l.sqlite", many) as ledger:

        def work(worker: int) -> None:
            for job in many[worker::4]:
                n = ledger.start_attempt(job.task_id, f"S{worker}", "me")
                ledger.end_attempt(
                    job.task_id, n, state="finished", failure=None, task_state="finished"
                )

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.counts() == {"finished": 40}
        assert len(ledger.attempts()) == 40


def test_a_killed_writer_loses_nothing_it_was_told_is_done(tmp_path: Path) -> None:
    """SIGKILL a process in the middle of its writes: all that it reported is in the ledger."""
    path = tmp_path / "l.sqlite"
    Ledger.create(path, jobs(500)).close()
    script = textwrap.dedent(
        f"""
        from harness.lab.ledger.ledger import Ledger
        from pathlib import Path
        ledger = Ledger.open(Path({str(path)!r}))
        for job in ledger.rows("queued"):
            n = ledger.start_attempt(job.task_id, "S", "me")
            ledger.end_attempt(
                job.task_id, n, state="finished", failure=None, task_state="finished"
            )
            print(job.task_id, flush=True)
        """
    )
    for kill_after in (3, 11):
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        ) as process:
            assert process.stdout is not None
            lines = [line.strip() for line in itertools.islice(process.stdout, kill_after)]
            process.send_signal(signal.SIGKILL)
            lines += [line.strip() for line in process.stdout]
        with Ledger.open(path) as ledger:
            done = {row.task_id for row in ledger.rows("finished")}
            assert len(lines) >= kill_after
            assert set(lines) <= done
            running = ledger.attempts(state="running")
            assert len(running) <= 1
            for row in running:  # what resume does with an attempt whose host died
                ledger.end_attempt(
                    row.task_id, row.attempt, state="lost", failure=None, task_state="queued"
                )
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("work", ["{", "[]", '{"job_id": 3}', '{"surprise": 1}'])
def test_a_task_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path, work: str) -> None:
    path = tmp_path / "ledger.sqlite"
    call = Task("host", HostCall("note", {}), index=1)
    Ledger.create(path, [*jobs(1), call]).close()
    for task_id in ("j0", "host"):
        with sqlite3.connect(path) as db:
            before = db.execute("SELECT work FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
            db.execute("UPDATE tasks SET work = ? WHERE task_id = ?", (work, task_id))
        with Ledger.read(path) as ledger, pytest.raises(InputError, match=f"task {task_id} cannot"):
            ledger.tasks()
        with sqlite3.connect(path) as db:
            db.execute("UPDATE tasks SET work = ? WHERE task_id = ?", (*before, task_id))


def test_a_ledger_whose_pages_are_damaged_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.create(path, jobs(200)) as ledger:
        ledger._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = b"\xff" * (len(content) - 3 * 4096)
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable ledger"), Ledger.read(path) as ledger:
        ledger.tasks()
