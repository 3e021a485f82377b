"""A few kills of the host, and a fault; in full: ``script/bench kills`` and ``faults``."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.faults import FAULTS, try_fault
from tests.chaos.federated import prove_kills
from tests.chaos.kills import prove
from tests.chaos.lab import chaos_lab

JOBS = 3


def test_three_kills_lose_no_attempt_no_event_and_no_sample(tmp_path: Path) -> None:
    with chaos_lab(tmp_path, phones=2, speed=20.0) as lab:
        verdict = prove(lab, kills=3, jobs=JOBS, seed=2)
    assert verdict.kills == 3
    assert verdict.jobs == {"finished": JOBS}
    assert verdict.finished_twice == verdict.events_missing == verdict.leases_left == 0


def test_a_kill_on_a_phone_that_replays_is_no_reboot(tmp_path: Path) -> None:
    """At 20 times the speed of a trainer: what its events say of time is the phone's own clock."""
    with chaos_lab(tmp_path, phones=2, speed=20.0) as lab:
        row = try_fault(lab, FAULTS[0], 0)
    assert FAULTS[0].name == "lmkd_kill"
    assert row.happened == "TrainerKilled in attempt 1, then one finished"
    assert row.lost == "nothing"


def test_a_federated_run_comes_to_the_same_bits_though_host_and_adb_server_are_killed(
    tmp_path: Path,
) -> None:
    with chaos_lab(tmp_path, phones=2, speed=None) as lab:
        told = prove_kills(lab, rounds=1, kills=1, seed=3, server_every=1)
    assert (told["kills"], told["server_kills"]) == (1, 1)
    assert told["exit_code"] == 0
    assert told["same_bits"]
    assert not told["finished_twice"]
