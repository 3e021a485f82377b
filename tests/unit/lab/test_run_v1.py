"""Runs of version 1 stay readable: status, live page, report, comparison and data frames."""

from __future__ import annotations

from pathlib import Path

import harness
from harness.cli.verdict import judge
from harness.lab import status
from harness.report import build_report
from harness.results.store import RunFolder
from harness.serve.state import RunWatch

STATES = ["finished", "running", "queued", "waiting"]


def test_status_says_where_it_stood(run_v1: Path) -> None:
    found = status(run_v1 / "interrupted")
    assert [row.state for row in found.tasks] == STATES
    assert [(row.attempt, row.state, row.step) for row in found.attempts] == [
        (1, "finished", "release"),
        (1, "running", "train"),
    ]
    assert len(found.leases) == 1
    assert [row.state for row in status(run_v1 / "finished").tasks] == ["finished"] * 4


def test_the_live_page_shows_it(run_v1: Path) -> None:
    state = RunWatch(run_v1 / "interrupted").state()
    assert state.counts == dict.fromkeys(STATES, 1)
    assert [one.step for one in state.running] == ["train"]
    assert state.queued == 2
    assert [one.failure for one in state.ended] == [None]


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
