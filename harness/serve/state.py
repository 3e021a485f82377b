"""A run as it stands: its phones, its queue, what runs and what came out."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError, InputError
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.tables import AttemptRow, LeaseRow, TaskRow
from harness.results.federated import mean_rates
from harness.results.files import StoreError
from harness.results.model import AttemptResult, PhoneRecord
from harness.results.networks import network_of
from harness.results.run import RunRecord
from harness.results.store import RunFolder
from harness.serve.brief import BriefReader, is_alive, job_name, since
from harness.serve.facts import Ended, PhoneState, RoundState, RunBrief, Running, RunState
from harness.serve.rounds import round_under_way
from harness.serve.tails import AttemptTail, thinned
from harness.serve.werr import WerrReader

NEXT = 12
"""So many queued jobs are named; the rest is counted."""


Outcomes = Counter[tuple[str, str]]
"""(Serial, how it ended) -> so many attempts."""


class RunWatch:
    """One run folder, read again and again; what cannot change is read once.

    Args:
        path: The run folder.

    Raises:
        InputError: It is none.
    """

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder.open(path)
        self._tails: dict[tuple[str, int], AttemptTail] = {}
        self._results: dict[tuple[str, int], AttemptResult] = {}
        self._briefs = BriefReader(self.folder)
        self._werr = WerrReader(self.folder)
        self._over: RunBrief | None = None
        self._outcomes: tuple[RunRecord, Outcomes] | None = None

    def brief(self, now: datetime | None = None) -> RunBrief:
        """Return how it stands, in one line; what has finished is not read again.

        Raises:
            HarnessError: Its record or ledger cannot be read.
        """
        if self._over is None:
            now = now or datetime.now(timezone.utc)
            record = self.folder.record()
            with Ledger.read(self.folder.ledger_path) as ledger:
                tasks, attempts, leases = ledger.rows(), ledger.attempts(), ledger.leases()
            brief = self._briefs.brief(record, tasks, attempts, leases, now)
            if brief.stage != "finished":
                return brief
            self._over = brief
        return self._over

    def outcomes(self) -> tuple[RunRecord, Outcomes]:
        """Return its record, and how many of its attempts ended how: (serial, outcome) -> count.

        Raises:
            HarnessError: Its record or ledger cannot be read.
        """
        if self._outcomes is None or self._over is None:
            record = self.folder.record()
            with Ledger.read(self.folder.ledger_path) as ledger:
                rows = ledger.attempts()
            counts = Counter(
                (row.serial, "finished" if row.state == "finished" else row.failure or row.state)
                for row in rows
                if row.state != "running"
            )
            self._outcomes = (record, counts)
        return self._outcomes

    def state(self, now: datetime | None = None) -> RunState:
        """Return how it stands.

        Raises:
            HarnessError: Its record or ledger cannot be read.
        """
        now = now or datetime.now(timezone.utc)
        record = self.folder.record()
        with Ledger.read(self.folder.ledger_path) as ledger:
            tasks, attempts, leases = ledger.rows(), ledger.attempts(), ledger.leases()
        open_ones = [row for row in attempts if row.state == "running"]
        running = self._running(record, open_ones, now)
        waiting = [row.task_id for row in tasks if row.state in ("queued", "waiting")]
        ended = tuple(self._ended(tasks, attempts))
        return RunState(
            **dict(self._briefs.brief(record, tasks, attempts, leases, now)),
            sub_models={
                name: network_of(manifest).sub_model_names
                for name, manifest in record.models.items()
            },
            job_names={job.job_id: job_name(job) for job in record.plan},
            phones=tuple(_phones(record.phones, leases, open_ones, running, now)),
            running=tuple(running),
            queue=tuple(waiting[:NEXT]),
            queued=len(waiting),
            ended=ended,
            round=self._round(record, tasks, attempts, now),
            werr=self._werr.so_far(record, [(one.job_id, one.attempt) for one in ended]),
        )

    def _running(
        self, record: RunRecord, rows: Iterable[AttemptRow], now: datetime
    ) -> list[Running]:
        plan = {job.job_id: job for job in record.plan}
        attempts: list[Running] = []
        tails: dict[tuple[str, int], AttemptTail] = {}
        for row in rows:
            key = (row.task_id, row.attempt)
            folder = self.folder.attempt(row.task_id, row.attempt).path
            tail = tails[key] = self._tails.get(key) or AttemptTail(folder)
            tail.refresh()
            job, training = plan.get(row.task_id), tail.training
            attempts.append(
                Running(
                    job_id=row.task_id,
                    attempt=row.attempt,
                    serial=row.serial,
                    step=row.step or "beginning",
                    axes=job.axes if job else {},
                    speaker=job.speaker if job else "",
                    started_utc=row.started_utc,
                    seconds=since(row.started_utc, now) or 0.0,
                    sub_model=training.sub_model,
                    phase=training.phase,
                    epoch=training.epoch,
                    epochs=job.epochs if job else 0,
                    steps=len(training.loss),
                    loss=thinned(training.loss),
                    wer_percent=training.wer,
                    left_at=training.leaving.counts if training.leaving else [],
                    streamed=len(training.streaming.told) if training.streaming else 0,
                    real_time_factor=(
                        training.streaming.real_time_factor if training.streaming else None
                    ),
                    samples=dict(tail.samples),
                )
            )
        self._tails = tails
        return attempts

    def _ended(self, tasks: Iterable[TaskRow], rows: Iterable[AttemptRow]) -> list[Ended]:
        # As the report counts its attempts: by the plan, then by number, those with a result.
        order = {row.task_id: row.index for row in tasks}
        over = [row for row in rows if row.state in ("finished", "failed")]
        over.sort(key=lambda row: (order[row.task_id], row.attempt))
        results = [(row, result) for row in over if (result := self._result(row)) is not None]
        last = {row.task_id: row.attempt for row, _ in results}
        found = [
            (row.ended_utc or "", n, _told(f"a{n}", result, last[row.task_id] == row.attempt))
            for n, (row, result) in enumerate(results, 1)
        ]
        # the latest first, also of those that ended at once
        return [ended for *_, ended in sorted(found, key=lambda told: told[:2], reverse=True)]

    def _round(
        self,
        record: RunRecord,
        tasks: Sequence[TaskRow],
        attempts: Sequence[AttemptRow],
        now: datetime,
    ) -> RoundState | None:
        state = round_under_way(record, tasks, attempts, now)
        if state is None:
            return None
        # of each job the last one, as in the report
        last = {row.task_id: each for row in attempts if (each := self._results.get(_key(row)))}
        return state.model_copy(update={"rates": mean_rates(last.values(), state.federation)})

    def _result(self, row: AttemptRow) -> AttemptResult | None:
        key = _key(row)
        if key not in self._results:
            try:
                self._results[key] = self.folder.attempt(*key).result()
            except StoreError:
                return None  # damaged, or not there: the report says so
        return self._results[key]


def _key(row: AttemptRow) -> tuple[str, int]:
    return row.task_id, row.attempt


class RunsWatch:
    """All runs below a folder, or one run folder.

    Args:
        path: ``runs/``, or a run folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watches: dict[str, RunWatch] = {}

    @property
    def alone(self) -> bool:
        """Whether it is one run, not a folder of runs."""
        return (self._path / "run.json").is_file()

    def names(self) -> list[str]:
        """Return the names of the runs."""
        if self.alone:
            return [self._path.resolve().name]
        return sorted(path.parent.name for path in self._path.glob("*/run.json"))

    def watch(self, name: str) -> RunWatch | None:
        """Return one of `names`; None if it is none of them."""
        return self._watch(name) if name in self.names() else None

    def watches(self) -> Iterator[RunWatch]:
        """Yield all runs, by name."""
        for name in self.names():
            try:
                watch = self._watch(name)
            except InputError:
                continue  # deleted meanwhile
            yield watch

    def _watch(self, name: str) -> RunWatch:
        if name not in self._watches:
            self._watches[name] = RunWatch(self._path if self.alone else self._path / name)
        return self._watches[name]

    def briefs(self) -> list[RunBrief]:
        """Return all runs that can be read, the latest first."""
        briefs: list[RunBrief] = []
        for watch in self.watches():
            with contextlib.suppress(HarnessError):  # damaged: its own page says how
                briefs.append(watch.brief())
        return sorted(briefs, key=lambda brief: brief.started_utc, reverse=True)


def _phones(
    known: Iterable[PhoneRecord],
    leases: Iterable[LeaseRow],
    rows: Iterable[AttemptRow],
    running: Iterable[Running],
    now: datetime,
) -> Iterable[PhoneState]:
    held = {row.serial: row for row in leases}
    busy = {row.serial: row for row in rows}
    seen = {attempt.serial: attempt.samples for attempt in running}
    for phone in known:
        lease, attempt = held.get(phone.serial), busy.get(phone.serial)
        state: Literal["working", "waiting", "free", "silent"] = "free"
        if lease is not None:
            alive = is_alive(lease.heartbeat_utc, now)
            state = ("working" if attempt else "waiting") if alive else "silent"
        samples = seen.get(phone.serial, {})
        yield PhoneState(
            serial=phone.serial,
            profile=phone.profile,
            model=phone.model,
            origin=phone.origin,
            state=state,
            job_id=attempt.task_id if attempt else None,
            attempt=attempt.attempt if attempt else None,
            step=attempt.step if attempt else None,
            battery_percent=_newest(samples.get("battery_percent")),
            battery_temperature_c=_newest(samples.get("battery_temperature_c")),
            available_mb=_newest(samples.get("available_mb")),
            owner=lease.owner if lease else None,
            heartbeat_utc=lease.heartbeat_utc if lease else None,
        )


def _newest(values: list[Any] | None) -> float | None:
    return next((value for value in reversed(values or []) if value is not None), None)


def _told(key: str, result: AttemptResult, last: bool) -> Ended:
    return Ended(
        key=key,
        job_id=result.job_id,
        attempt=result.attempt,
        last=last,
        serial=result.phone.serial,
        profile=result.phone.profile,
        speaker=result.speaker,
        model=result.model_name,
        sub_model=result.selection.sub_model if result.selection else None,
        wer_before_percent=result.wer_before_percent,
        wer_after_percent=result.wer_after_percent,
        peak_rss_mb=result.peak_rss_mb,
        minutes_per_epoch=result.minutes_per_epoch,
        rule=result.exits.label if result.exits else None,
        mean_depth=result.exits.mean_depth if result.exits else None,
        real_time_factor=result.streaming.real_time_factor if result.streaming else None,
        last_word_ms=result.streaming.last_word_ms_median if result.streaming else None,
        stop_reason=result.stop_reason,
        failure=result.failure.kind if result.failure else None,
        message=result.failure.message if result.failure else None,
        seconds=result.seconds,
    )
