"""A run in one line: how far it is, how long it goes on, what came out, read from its ledger."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from harness.errors import HarnessError
from harness.lab.holding import has_expired
from harness.lab.ledger.tables import AttemptRow, LeaseRow, TaskRow
from harness.report.numbers import parse_utc
from harness.results.nightly import read_nightly
from harness.results.run import PlanRecord, RunRecord
from harness.results.store import RunFolder
from harness.scenario.paths import axis_words
from harness.serve.facts import RunBrief, Stage


class BriefReader:
    """Tells a run in one line; what cannot change is read once.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._wers: dict[tuple[str, int], float | None] = {}

    def brief(
        self,
        record: RunRecord,
        tasks: Sequence[TaskRow],
        attempts: Sequence[AttemptRow],
        leases: Sequence[LeaseRow],
        now: datetime,
    ) -> RunBrief:
        """Return how the run stands.

        Args:
            record: ``run.json``.
            tasks: How each job stands.
            attempts: Those that there were.
            leases: Phones that are held.
            now: The time.
        """
        counts: Counter[str] = Counter(row.standing for row in tasks)
        stage = stage_of(record, leases, now)
        end = parse_utc(record.finished_utc) or _last_heard(stage, attempts) or now
        verdict, good = self._verdict(stage, counts)
        return RunBrief(
            run_id=record.run_id,
            name=record.name,
            title=record.title or record.name,
            stage=stage,
            started_utc=record.started_utc,
            finished_utc=record.finished_utc,
            origins=record.origins,
            counts=dict(counts),
            total=sum(counts.values()),
            done=sum(counts[state] for state in ("finished", "failed", "skipped", "withdrawn")),
            seconds=since(record.started_utc, end),
            left_s=(
                seconds_left(record.plan, tasks, attempts, len(leases), now)
                if stage == "running"
                else None
            ),
            wer_percent=self._wer_percent(attempts),
            verdict=verdict,
            good=good,
        )

    def _verdict(self, stage: Stage, counts: Mapping[str, int]) -> tuple[str, bool | None]:
        with contextlib.suppress(HarnessError):
            night = read_nightly(self.folder)
            if night is not None and night.verdict is not None:
                return night.verdict.word, night.good
        if stage != "finished":
            return "", None
        bad = [f"{counts[word]} {word}" for word in ("failed", "skipped") if counts.get(word)]
        return (", ".join(bad), False) if bad else ("all finished", True)

    def _wer_percent(self, rows: Iterable[AttemptRow]) -> tuple[float, float] | None:
        known = [wer for row in rows if (wer := self._wer_of(row)) is not None]
        return (min(known), max(known)) if known else None

    def _wer_of(self, row: AttemptRow) -> float | None:
        """Return the WER that an attempt ended with; of its result this figure alone is read."""
        key = (row.task_id, row.attempt)
        if row.state != "finished":
            return None
        if key not in self._wers:
            try:
                raw = json.loads(self.folder.attempt(*key).result_path.read_bytes())
                wer = raw.get("wer_after_percent")
            except (OSError, ValueError, AttributeError):
                return None  # damaged, or not there: the report says so
            known = isinstance(wer, (int, float)) and math.isfinite(wer)
            self._wers[key] = float(wer) if known else None
        return self._wers[key]


def job_name(job: PlanRecord) -> str:
    """Return a job in the words that tell it from others; its id where nothing varies."""
    words = [f"{name} {value}" for name, value in axis_words(job.axes)]
    words += [f"{name} {n}" for name, n in (("round", job.round), ("repeat", job.repeat)) if n > 1]
    if job.client is not None:
        role, number = job.client.role, job.client.round
        words.append("start" if role == "start" else f"{role} round {number}")
    return ", ".join(words) if job.axes else job.job_id


def seconds_left(
    plan: Sequence[PlanRecord],
    tasks: Iterable[TaskRow],
    attempts: Iterable[AttemptRow],
    phones: int,
    now: datetime,
) -> float | None:
    """Return about how long a run goes on; None if the plan says no times.

    What the plan estimates is corrected by how long the jobs that ended have really taken.

    Args:
        plan: Its jobs.
        tasks: How each stands.
        attempts: Those that there were.
        phones: How many work at once.
        now: The time.
    """
    planned = {job.job_id: job.estimate_s for job in plan}
    taken = planned_for_taken = 0.0
    running: dict[str, float] = {}
    for row in attempts:
        estimate = planned.get(row.task_id)
        if row.state == "running":
            running[row.task_id] = since(row.started_utc, now) or 0.0
        elif row.state == "finished" and estimate:
            end = parse_utc(row.ended_utc)
            taken += (since(row.started_utc, end) or 0.0) if end else 0.0
            planned_for_taken += estimate
    ratio = taken / planned_for_taken if taken and planned_for_taken else 1.0
    left, slowest = 0.0, 0.0
    for task in tasks:
        estimate = planned.get(task.task_id)
        if task.state not in ("queued", "waiting", "running"):
            continue
        if not estimate:
            return None
        one = max(0.0, estimate * ratio - running.get(task.task_id, 0.0))
        left, slowest = left + one, max(slowest, one)
    return max(slowest, left / max(1, phones))


def _last_heard(stage: Stage, attempts: Iterable[AttemptRow]) -> datetime | None:
    """Return when a run that does not go on was last at work."""
    if stage == "running":
        return None
    ends = [row.ended_utc or row.started_utc for row in attempts]
    return parse_utc(max(ends)) if ends else None


def stage_of(record: RunRecord, leases: Iterable[LeaseRow], now: datetime) -> Stage:
    """Say whether a run goes on, and if not, why."""
    if record.finished_utc is not None:
        return "finished"
    if record.interrupted:
        return "interrupted"
    heard = [row.heartbeat_utc for row in leases] or [record.started_utc]
    return "running" if any(is_alive(utc, now) for utc in heard) else "silent"


def is_alive(heard_utc: str, now: datetime) -> bool:
    """Say whether a holder that was last heard of then still counts."""
    silent_s = since(heard_utc, now)
    return silent_s is not None and not has_expired(silent_s)


def since(utc: str, now: datetime) -> float | None:
    """Return the seconds from a time stamp to now; None if it cannot be read."""
    then = parse_utc(utc)
    return None if then is None else (now - then).total_seconds()
