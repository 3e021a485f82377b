"""The round of a federated training that goes on: who has answered, who trains, who is late (pure).

Told from the plan and the ledger alone, so that it costs no more with a hundred clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from harness.lab.ledger.tables import AttemptRow, TaskRow
from harness.results.run import PlanRecord, RunRecord
from harness.scenario.paths import axis_words
from harness.serve.brief import since
from harness.serve.facts import ClientState, LateClient, RoundPart, RoundState

_OVER: Final = ("finished", "failed", "skipped")
_ORDER: Final = ("trains", "waits", "late", "lost", "answered")


def round_under_way(
    record: RunRecord, tasks: Sequence[TaskRow], attempts: Iterable[AttemptRow], now: datetime
) -> RoundState | None:
    """Return the round that a run is in; None where it trains nothing together.

    Of several trainings, which follow each other, it is that of the last one that has begun.

    Args:
        record: ``run.json``.
        tasks: How each task stands.
        attempts: Those that there were.
        now: The time.
    """
    jobs = [job for job in record.plan if job.client is not None]
    if not jobs:
        return None
    rows = {row.task_id: row for row in tasks}
    tries = {row.task_id: row for row in sorted(attempts, key=lambda row: row.attempt)}
    name = _current(jobs)
    own = [job for job in jobs if job.client is not None and job.client.federation == name]
    training = _by_round(own, "train")
    ends = dict(zip(sorted(training), _models(name, tasks), strict=False))
    number = max(training, default=0)
    end = ends.get(number)
    clients = [
        _client(job, rows.get(job.job_id), tries.get(job.job_id), end, now)
        for job in training.get(number, ())
    ]
    late = [
        LateClient(client=job.client.client, round=round_)
        for round_, asked in sorted(training.items())
        if round_ != number and _has_ended(ends.get(round_))
        for job in asked
        if job.client is not None and not _has_ended(rows.get(job.job_id))
    ]
    part, done, total = _part(own, rows, number, end)
    return RoundState(
        federation=name,
        settings=tuple(axis_words({k: v for k, v in own[0].axes.items() if k != "data.speaker"})),
        number=number,
        of=_rounds(record, own[0]),
        part=part,
        evaluations=(done, total),
        clients=tuple(sorted(clients, key=lambda told: (_ORDER.index(told.state), told.client))),
        late=tuple(late),
    )


def _current(jobs: Iterable[PlanRecord]) -> str:
    names: dict[str, bool] = {}
    for job in jobs:
        if job.client is not None:
            begun = names.get(job.client.federation, False)
            names[job.client.federation] = begun or job.client.role == "train"
    return next((name for name in reversed(names) if names[name]), next(iter(names)))


def _by_round(jobs: Iterable[PlanRecord], role: str) -> dict[int, list[PlanRecord]]:
    rounds: dict[int, list[PlanRecord]] = {}
    for job in jobs:
        if job.client is not None and job.client.role == role:
            rounds.setdefault(job.client.round, []).append(job)
    return rounds


def _models(federation: str, tasks: Iterable[TaskRow]) -> list[TaskRow]:
    """Return the tasks that end the rounds, in their order: one a round, the start left out."""
    start = f"model-{federation}-000"
    names = f"model-{federation}-"
    found = [row for row in tasks if row.task_id.startswith(names) and row.task_id != start]
    return sorted(found, key=lambda row: row.task_id)


def _has_ended(row: TaskRow | None) -> bool:
    return row is not None and row.state in _OVER


def _client(
    job: PlanRecord,
    row: TaskRow | None,
    attempt: AttemptRow | None,
    end: TaskRow | None,
    now: datetime,
) -> ClientState:
    assert job.client is not None, "asked of jobs of a federated training"
    told: dict[str, Any] = {"client": job.client.client, "state": "waits"}
    if attempt is not None:
        told["serial"] = attempt.serial
    if row is not None and row.state == "finished":
        after = end is not None and attempt is not None and end.state == "finished"
        late = after and (attempt.ended_utc or "") > end.updated_utc  # type: ignore[union-attr]
        told["state"] = "late" if late else "answered"
    elif row is not None and row.state in _OVER:
        failure = None if attempt is None else attempt.failure
        told |= {"state": "lost", "why": failure or row.reason}
    elif attempt is not None and attempt.state == "running":
        late = _has_ended(end)
        seconds = since(attempt.started_utc, now)
        told |= {"state": "late" if late else "trains", "step": attempt.step, "seconds": seconds}
    elif _has_ended(end):
        told["state"] = "late"
    elif attempt is not None:
        told["why"] = f"to be tried again after {attempt.failure or attempt.state}"
    return ClientState.model_validate(told)


def _part(
    own: Sequence[PlanRecord], rows: Mapping[str, TaskRow], number: int, end: TaskRow | None
) -> tuple[RoundPart, int, int]:
    """Return what goes on, and how many of the evaluations of that model are done."""
    role = "evaluate" if number else "start"
    evaluations = [rows.get(job.job_id) for job in _by_round(own, role).get(number, ())]
    done = sum(_has_ended(row) for row in evaluations)
    if number and not _has_ended(end):
        running = end is not None and end.state == "running"
        return ("aggregates" if running else "trains"), done, len(evaluations)
    if done < len(evaluations):
        return "evaluates", done, len(evaluations)
    return "ended", done, len(evaluations)


def _rounds(record: RunRecord, job: PlanRecord) -> int | None:
    """Return how many rounds there are to be; None where a Flower app decides."""
    federated = record.scenario.get("federated")
    if not isinstance(federated, dict):
        return None
    strategy = job.axes.get("federated.strategy", federated.get("strategy"))
    if isinstance(strategy, dict) and strategy.get("app") is not None:
        return None
    rounds = job.axes.get("federated.rounds", federated.get("rounds"))
    return rounds if isinstance(rounds, int) else None
