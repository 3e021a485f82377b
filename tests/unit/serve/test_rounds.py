"""The round of a federated training that goes on, on the live page and in ``harness status``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from harness.cli.status import round_lines
from harness.lab.ledger.tables import AttemptRow, TaskRow
from harness.results.model import ClientRecord
from harness.results.run import HostRecord, PlanRecord, RunRecord
from harness.serve.facts import RoundState
from harness.serve.page import run_page
from harness.serve.rounds import round_under_way
from tests.unit.serve.test_page import state_of

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=timezone.utc)
NAMES = ("ann", "bob", "cy", "<b>")
FEDERATION = "f00"


def plan(rounds: int, *, evaluated: tuple[int, ...] = (), name: str = FEDERATION):
    parts = [("start", 0, client) for client in NAMES]
    parts += [("train", r, client) for r in range(1, rounds + 1) for client in NAMES]
    parts += [("evaluate", r, client) for r in evaluated for client in NAMES]
    return tuple(
        PlanRecord(
            job_id=f"{name}-{role}-{round_}-{client}", identity="i", speaker=client, batch_size=2,
            axes={"data.speaker": client, "federated.rounds": 3}, epochs=1, sub_model="S1",
            pressure="none",
            client=ClientRecord(federation=name, client=client, role=role, round=round_),
        )
        for role, round_, client in parts
    )  # fmt: skip


def record(jobs: tuple[PlanRecord, ...], **federated: Any) -> RunRecord:
    return RunRecord(
        run_id="r", name="n", started_utc="2026-01-01T00:00:00Z", plan=jobs,
        scenario={"federated": {"rounds": 4, "strategy": {"name": "fedavg"}, **federated}},
        scenario_sha256="0" * 64,
        host=HostRecord(platform="x", cpus=1, memory_mb=1.0, python="3"),
    )  # fmt: skip


def row(task_id: str, state: str, at: str = "00:05") -> TaskRow:
    return TaskRow(task_id, 0, "phone", "i", state, "", f"2026-01-01T{at}:00Z")  # type: ignore[arg-type]


def attempt(task_id: str, state: str, ended: str | None = None, **more: Any) -> AttemptRow:
    return AttemptRow(
        task_id, 1, "P1", "o", state, more.get("step", "train"), more.get("failure"),
        "2026-01-01T00:09:00Z", ended and f"2026-01-01T{ended}:00Z",
    )  # fmt: skip


def train(round_: int, client: str) -> str:
    return f"{FEDERATION}-train-{round_}-{client}"


def models(*states: str) -> list[TaskRow]:
    return [row(f"model-{FEDERATION}-{n:03d}", state) for n, state in enumerate(states)]


def in_round_2() -> RoundState:
    """Return a round with a client of each kind, and one that is late from the round before."""
    tasks = [
        *models("finished", "finished", "waiting"),
        row(train(1, "ann"), "finished"), row(train(1, "bob"), "running"),
        row(train(2, "ann"), "finished"), row(train(2, "bob"), "queued"),
        row(train(2, "cy"), "running"), row(train(2, "<b>"), "failed"),
        row(train(1, "cy"), "finished"), row(train(1, "<b>"), "failed"),
    ]  # fmt: skip
    attempts = [
        attempt(train(2, "ann"), "finished", "00:04"),
        attempt(train(2, "cy"), "running"),
        attempt(train(2, "<b>"), "failed", "00:04", failure="DeviceLost"),
    ]
    state = round_under_way(record(plan(2)), tasks, attempts, NOW)
    assert state is not None
    return state


def test_who_has_answered_who_trains_and_who_is_late() -> None:
    state = in_round_2()
    assert (state.number, state.of, state.part, state.answered) == (2, 3, "trains", 1)
    assert [(c.client, c.state) for c in state.clients] == [
        ("cy", "trains"), ("bob", "waits"), ("<b>", "lost"), ("ann", "answered"),
    ]  # fmt: skip
    assert (state.clients[0].serial, state.clients[0].seconds) == ("P1", 60.0)
    assert state.clients[2].why == "DeviceLost"
    assert [(late.client, late.round) for late in state.late] == [("bob", 1)]
    assert state.settings == (("rounds", "3"),)


def test_who_answers_when_the_round_has_ended_is_late() -> None:
    tasks = [
        *models("finished", "finished"),
        row(train(1, "ann"), "finished"), row(train(1, "bob"), "finished"),
        row(train(1, "cy"), "running"), row(train(1, "<b>"), "queued"),
    ]  # fmt: skip
    attempts = [
        attempt(train(1, "ann"), "finished", "00:04"),
        attempt(train(1, "bob"), "finished", "00:06"),
        attempt(train(1, "cy"), "running"),
    ]
    state = round_under_way(record(plan(1, evaluated=(1,))), tasks, attempts, NOW)
    assert state is not None
    assert {c.client: c.state for c in state.clients} == {
        "ann": "answered", "bob": "late", "cy": "late", "<b>": "late",
    }  # fmt: skip
    assert (state.part, state.evaluations) == ("evaluates", (0, 4))


@pytest.mark.parametrize(
    ("rounds", "states", "part"),
    [
        (0, ("finished",), "evaluates"),
        (1, ("finished", "running"), "aggregates"),
        (1, ("finished", "finished"), "ended"),
        (1, ("finished", "failed"), "ended"),
    ],
)
def test_what_goes_on(rounds: int, states: tuple[str, ...], part: str) -> None:
    state = round_under_way(record(plan(rounds)), models(*states), [], NOW)
    assert state is not None
    assert (state.number, state.part) == (rounds, part)


def test_turns_of_flower_end_rounds_too() -> None:
    jobs = plan(2)
    tasks = [
        row(f"model-{FEDERATION}-000", "finished"),
        row(f"model-{FEDERATION}-turn-0001", "finished"),
        row(f"model-{FEDERATION}-turn-0003", "waiting"),
        row(train(1, "cy"), "running"),
        *(row(train(1, name), "finished") for name in ("ann", "bob", "<b>")),
    ]
    state = round_under_way(record(jobs, strategy={"app": "mine"}), tasks, [], NOW)
    assert state is not None
    assert (state.number, state.of, state.part) == (2, None, "trains")
    assert [late.client for late in state.late] == ["cy"]


def test_of_several_trainings_the_last_that_has_begun_is_told() -> None:
    def current(*jobs: PlanRecord) -> str:
        state = round_under_way(record(jobs), [], [], NOW)
        assert state is not None
        return state.federation

    assert current(*plan(0), *plan(0, name="g00")) == FEDERATION
    assert current(*plan(1), *plan(0, name="g00")) == FEDERATION
    assert current(*plan(1), *plan(1, name="g00")) == "g00"
    assert round_under_way(record(()), [], [], NOW) is None


def test_the_live_page_shows_the_round() -> None:
    state = in_round_2().model_copy(update={"rates": ((0, 61.04), (1, 48.6))})
    page = run_page(state_of(round=state), alone=True)
    assert "Round 2 of 3" in page
    assert "1 of 4 answered" in page
    assert "bob (round 1)" in page
    assert "start 61.0 %, round 1 48.6 %" in page
    assert "&lt;b&gt;" in page
    assert "<b>&" not in page
    assert 'id="p-round"' not in run_page(state_of(), alone=True)


def test_status_says_it_in_a_few_lines() -> None:
    assert round_lines(in_round_2()) == [
        "round 2 of 3: 1 of 4 answered; clients train",
        "  trains: cy (train, 60 s)",
        "  waits: bob",
        "  late: bob (round 1)",
        "  lost: <b> (DeviceLost)",
    ]
