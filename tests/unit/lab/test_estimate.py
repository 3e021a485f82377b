"""How long a plan takes, by past runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from harness.lab.ledger.ledger import Ledger
from harness.lab.planning.candidates import one_for_each
from harness.lab.planning.estimate import PastTimes, kind_of, phone_kind
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, estimated, make_plan, makespan_s
from harness.scenario import expand_jobs, parse_scenario, tasks_of
from harness.scenario.task import HostCall, Task
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import make_phone

PHONES = [make_phone("A"), make_phone("B")]
HEAD = "name: t\nmodel: ds2-tiny\ntrainer: {batch_size: 2, epochs: 4}\n"


def plan(text: str) -> Plan:
    raw, lines = parse_yaml(HEAD + text, "s.yaml")
    tasks = tasks_of(expand_jobs(parse_scenario(raw, lines, folder=Path())))
    return make_plan(one_for_each(Materials(Path()).needs(tasks), PHONES), PHONES)


def past(made: Plan, *times: tuple[float, float]) -> PastTimes:
    known = PastTimes()
    phone = phone_kind(PHONES[0].record)
    for epoch_s, beside_s in times:
        kind = _kind_of(made)
        known.times.setdefault((phone, kind), []).append((epoch_s, beside_s))
    return known


def _kind_of(made: Plan) -> str:
    return kind_of(made.jobs[0].spec.content)


def test_without_past_runs_it_says_so(tmp_path: Path) -> None:
    made = plan("")
    after = estimated(made, PastTimes.read(tmp_path))
    total = after.time
    assert after.jobs[0].estimate_s == made.jobs[0].estimate_s
    assert "no past run" in total.words
    assert total.attempts == 0


def test_the_median_of_past_attempts_counts() -> None:
    made = plan("")
    known = past(made, (10.0, 5.0), (11.0, 6.0), (99.0, 90.0))
    after = estimated(made, known)
    total = after.time
    assert after.jobs[0].estimate_s == pytest.approx(4 * 11.0 + 6.0)
    assert "3 past attempts" in total.words


def test_a_virtual_phone_says_nothing_of_a_real_one() -> None:
    made = plan("")
    known = past(made, (10.0, 5.0))
    (((phone, kind), times),) = known.times.items()
    assert phone.startswith(PHONES[0].record.origin)
    other = PastTimes({(phone.replace(PHONES[0].record.origin, "trace"), kind): times})
    assert estimated(made, other).time.attempts == 0


def test_another_kind_of_job_does_not_count() -> None:
    known = past(plan(""), (10.0, 5.0))
    total = estimated(plan("matrix: {trainer.threads: [2, 4]}\n"), known).time
    assert total.words.startswith("1 of 2 jobs by past attempts")


def test_phones_work_side_by_side_and_rounds_stay_on_theirs() -> None:
    alike = plan("repeats: 4\n").jobs
    job_s = alike[0].estimate_s
    assert makespan_s(alike) == pytest.approx(2 * job_s)
    assert makespan_s(plan("rounds: 3\n").jobs) == pytest.approx(3 * job_s)
    pinned = plan("repeats: 4\nphones: {serial: A}\n").jobs
    assert makespan_s(pinned) == pytest.approx(4 * job_s)


def test_a_run_whose_jobs_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """One old or damaged run must not stop every later one in the same folder."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    Ledger.create(folder / "ledger.sqlite", [Task("host", HostCall("note", {}))]).close()
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        db.execute("UPDATE tasks SET work = '{'")
    assert not PastTimes.read(tmp_path).times
