"""A few kills of the host; the large form is ``script/bench kills``, 25 by default."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.kills import prove
from tests.chaos.lab import chaos_lab

JOBS = 3


def test_three_kills_lose_no_attempt_no_event_and_no_sample(tmp_path: Path) -> None:
    with chaos_lab(tmp_path, phones=2, speed=20.0) as lab:
        verdict = prove(lab, kills=3, jobs=JOBS, seed=2)
    assert verdict.kills == 3
    assert verdict.jobs == {"finished": JOBS}
    assert verdict.finished_twice == verdict.events_missing == verdict.leases_left == 0
