"""Runs of version 1 stay readable: status, live page, report, comparison and data frames."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import harness
from harness.cli.verdict import judge
from harness.lab import status
from harness.lab.ledger import ledger as ledger_module
from harness.lab.ledger.ledger import Ledger, LedgerError
from harness.report import build_report
from harness.results.store import RunFolder
from harness.serve.state import RunWatch

LEDGER = "interrupted/ledger.sqlite"
STATES = ["finished", "running", "queued", "waiting"]


def test_status_says_where_it_stood(run_v1: Path) -> None:
    state = status(run_v1 / "interrupted")
    assert [row.state for row in state.tasks] == STATES
    assert [(row.attempt, row.state, row.step) for row in state.attempts] == [
        (1, "finished", "release"),
        (1, "running", "train"),
    ]
    assert len(state.leases) == 1
    assert [row.state for row in status(run_v1 / "finished").tasks] == ["finished"] * 4


def test_the_live_page_shows_it(run_v1: Path) -> None:
    state = RunWatch(run_v1 / "interrupted").state()
    assert state.counts == dict.fromkeys(STATES, 1)
    assert [attempt.step for attempt in state.running] == ["train"]
    assert state.queued == 2
    assert [attempt.failure for attempt in state.ended] == [None]


def test_report_comparison_and_frames(run_v1: Path) -> None:
    page = build_report([run_v1 / "finished"], run_v1 / "page.html").read_text()
    assert "Two speakers, two rounds each" in page
    build_report([run_v1 / "interrupted"], run_v1 / "page.html")
    runs = [run_v1 / "interrupted", run_v1 / "finished"]
    pages = {"out": run_v1 / "c.html", "junit": run_v1 / "c.xml"}
    assert judge(runs, alpha=0.05, minimum={}, **pages).exit_code == 0
    frames = harness.open_run(run_v1 / "finished")
    assert len(frames.attempts) == 4
    assert sorted(frames.attempts["round"]) == [1, 1, 2, 2]
    assert [job.round for job in RunFolder.open(run_v1 / "finished").record().plan] == [1, 2, 1, 2]


def test_looking_into_a_run_leaves_its_ledger_as_it_is(run_v1: Path) -> None:
    before = (run_v1 / LEDGER).read_bytes()
    status(run_v1 / "interrupted")
    assert (run_v1 / LEDGER).read_bytes() == before


def test_going_on_makes_the_ledger_one_of_today(run_v1: Path) -> None:
    with Ledger.read(run_v1 / LEDGER) as ledger:
        seen = (ledger.rows(), ledger.tasks(), ledger.attempts(), ledger.changes())
    with Ledger.open(run_v1 / LEDGER) as ledger:
        assert (ledger.rows(), ledger.tasks(), ledger.attempts(), ledger.changes()) == seen
        first, second, third, fourth = ledger.tasks()
        assert (first.parents, first.place) == ((), "any")
        assert (second.parents, second.beside) == ((first.task_id,), first.task_id)
        assert fourth.place == "same-as-parent"
        assert second.job.round == 2
        assert ledger.counted_parents(second.task_id) == [first.task_id]
        assert ledger.counted_parents(fourth.task_id) is None
        assert third.job.content.data.speaker == "uk-female"
    with sqlite3.connect(run_v1 / LEDGER) as db:
        assert db.execute("SELECT value FROM meta").fetchall() == [("2",)]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_migration_that_is_cut_short_leaves_the_old_ledger(
    run_v1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = ledger_module.FROM_VERSION_1.split(";\n")
    for count in range(1, len(statements)):
        cut = ";\n".join([*statements[:count], "INSERT INTO nowhere VALUES (1)"])
        monkeypatch.setattr(ledger_module, "FROM_VERSION_1", cut)
        with pytest.raises(LedgerError, match="nowhere"):
            Ledger.open(run_v1 / LEDGER)
        with sqlite3.connect(run_v1 / LEDGER) as db:
            assert db.execute("SELECT value FROM meta").fetchall() == [("1",)]
            assert db.execute("SELECT COUNT(*) FROM jobs").fetchone() == (4,)
    monkeypatch.undo()
    assert [row.state for row in status(run_v1 / "interrupted").tasks] == STATES
