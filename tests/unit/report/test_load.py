import json
from pathlib import Path

import pytest

from harness.contract.events import PhaseChange, Selected
from harness.errors import InputError
from harness.report.load import load_run
from tests.fixtures.report_run import RunShape, make_run, small


def test_last_attempts_are_what_jobs_came_to(quick_run: Path) -> None:
    data = load_run(quick_run)
    assert len(data.attempts) == 13
    assert len(data.final) == 12
    assert len({attempt.key for attempt in data.attempts}) == 13
    retried = [attempt for attempt in data.attempts if not attempt.final]
    assert [one.result.status for one in retried] == ["failed"]


def test_attempts_come_in_the_order_of_the_plan(quick_run: Path) -> None:
    data = load_run(quick_run)
    planned = [job.job_id for job in data.record.plan]
    assert [attempt.result.job_id for attempt in data.final] == planned


def test_a_damaged_result_is_told_of_and_left_out(tmp_path: Path) -> None:
    path = make_run(tmp_path, small(sub_models=("S1", "S5")))
    damaged = sorted(path.glob("attempts/*/1/result.json"))[0]
    damaged.write_text('{"version": 1, "job_id": "x"')
    data = load_run(path)
    assert len(data.attempts) == 1
    (problem,) = data.problems
    assert problem.startswith("attempts/")
    assert str(tmp_path) not in problem


def test_an_attempt_without_a_result_is_under_way(tmp_path: Path) -> None:
    path = make_run(tmp_path, RunShape(stop_after=0))
    place = path / "attempts" / "some-job" / "2"
    place.mkdir(parents=True)
    events = [
        Selected(
            seq=0, t_boot_ms=5, sub_model="S5", policy="first_fit", forced=False,
            available_mb=200, need_mb={"S5": 90},
        ),
        PhaseChange(seq=1, t_boot_ms=6, phase="train", state="begin", epoch=1),
    ]  # fmt: skip
    lines = "".join(event.model_dump_json() + "\n" for event in events)
    (place / "events.jsonl").write_text(lines + '{"seq": 2, "half')
    (one,) = load_run(path).under_way
    assert (one.job_id, one.attempt, one.sub_model, one.phase) == ("some-job", 2, "S5", "train")
    assert one.epoch is None


def test_an_event_log_that_cannot_be_read_is_still_under_way(tmp_path: Path) -> None:
    path = make_run(tmp_path, RunShape(stop_after=0))
    place = path / "attempts" / "some-job" / "1"
    place.mkdir(parents=True)
    (place / "events.jsonl").write_text(json.dumps({"no": "event"}) + "\n")
    (one,) = load_run(path).under_way
    assert one.sub_model is None


def test_no_run_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        load_run(tmp_path)
