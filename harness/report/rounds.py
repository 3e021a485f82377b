"""Federated training on the page: WER by round, and what each client did in each round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean
from typing import Any

from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed, parse_utc
from harness.report.text import plural
from harness.results.federated import ClientShare, ModelRecord, PruningRecord
from harness.results.model import AttemptResult, ClientRecord
from harness.results.run import PlanRecord


@dataclass(frozen=True)
class Cell:
    """What one client did in one round."""

    state: str
    """``answered``, ``late``, ``left out``, ``lost``, ``under way``; empty: it was not asked."""
    why: str = ""
    attempt: Attempt | None = None
    share: ClientShare | None = None

    @property
    def down_bytes(self) -> int | None:
        """Bytes that were pushed for it; what lay on the phone already is not pushed."""
        transfer = None if self.attempt is None else self.attempt.result.transfer
        return None if transfer is None else transfer.pushed_bytes

    @property
    def up_bytes(self) -> int | None:
        """Bytes that it sent back."""
        update = None if self.attempt is None else self.attempt.result.update
        return None if update is None else update.size_bytes


@dataclass(frozen=True)
class Travel:
    """What the weights of a round became on their way, in fewer bits than float32's."""

    coding: str
    """Of what came back; empty: it came back as float32."""
    sent_bytes: float | None
    """Of the model that a client was sent, on average; None: it was sent as float32."""
    update_bytes: float | None
    """Of what a client sent back, on average."""
    float32_bytes: float | None
    """Of that as float32."""
    error: float | None
    """What small variables lost on their way back, by their size, on average."""
    changed: float | None
    """Share of codes that training changed, on average."""
    still: tuple[str, ...]
    """Clients whose training changed no code: it stood still."""

    @classmethod
    def of(cls, answers: Sequence[ClientShare]) -> Travel | None:
        """Return that of the answers of a round; None: there are none."""
        if not answers:
            return None
        written = [answer.written for answer in answers if answer.written is not None]
        return cls(
            coding=", ".join(sorted({each.coding for each in written})),
            sent_bytes=_mean(answer.sent_bytes for answer in answers),
            update_bytes=_mean(answer.update_bytes for answer in answers),
            float32_bytes=_mean(each.float32_bytes for each in written),
            error=_mean(each.error for each in written),
            changed=_mean(each.changed for each in written),
            still=tuple(
                answer.client
                for answer in answers
                if answer.written is not None and answer.written.changed == 0
            ),
        )


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return mean(there) if there else None


@dataclass(frozen=True)
class Round:
    """One round of training, and its model."""

    number: int
    cells: Mapping[str, Cell]
    """By client."""
    rates: Mapping[str, float]
    """Client -> WER of the model of this round, %."""
    model: ModelRecord | None
    evaluations: Mapping[str, Attempt]
    """Client -> the attempt that evaluated it."""

    @property
    def mean_rate(self) -> float | None:
        """Mean over the clients, %."""
        return mean(self.rates.values()) if self.rates else None

    @property
    def worst(self) -> tuple[str, float] | None:
        """The client with the highest WER."""
        return max(self.rates.items(), key=lambda pair: pair[1], default=None)

    @property
    def answered(self) -> list[Attempt]:
        """The attempts whose answers counted."""
        return [c.attempt for c in self.cells.values() if c.state == "answered" and c.attempt]

    @property
    def asked(self) -> int:
        """How many clients were asked."""
        return sum(bool(cell.state) for cell in self.cells.values())

    @cached_property
    def ends(self) -> list[float]:
        """When each answer was there, in seconds after the first of the round began; in order."""
        spans = [_span(attempt.result) for attempt in self.answered]
        begin = min((span[0] for span in spans), default=0.0)
        return sorted(span[1] - begin for span in spans)

    @property
    def seconds(self) -> float | None:
        """From the first client's begin to the last answer."""
        return self.ends[-1] if self.ends else None

    @property
    def waited_s(self) -> float | None:
        """How long the last answer was waited for when all others were there."""
        return self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else None

    @property
    def pruning(self) -> PruningRecord | None:
        """What of the network its clients had; None: all of it."""
        return None if self.model is None else self.model.pruning

    @property
    def down_bytes(self) -> int:
        """Bytes pushed for training."""
        return sum(cell.down_bytes or 0 for cell in self.cells.values())

    @property
    def up_bytes(self) -> int:
        """Bytes that came back."""
        return sum(cell.up_bytes or 0 for cell in self.cells.values())

    @cached_property
    def travel(self) -> Travel | None:
        """What its weights became on their way; None: they travelled as float32."""
        shares = () if self.model is None else self.model.answers
        return Travel.of([share for share in shares if share.written or share.sent_bytes])


@dataclass(frozen=True)
class Training:
    """A federated training."""

    key: str
    """Unique on the page."""
    strategy: str
    settings: tuple[tuple[str, str], ...]
    """What tells it from the others of its run."""
    clients: tuple[str, ...]
    rounds: tuple[Round, ...]
    """From 0, the start."""
    axes: Mapping[str, Any] = field(default_factory=dict)
    """Dotted scenario path -> value, for the fields that the matrix varies."""

    @property
    def evaluated(self) -> tuple[Round, ...]:
        """Rounds whose model was evaluated."""
        return tuple(round_ for round_ in self.rounds if round_.rates)

    @property
    def travelled(self) -> tuple[tuple[int, Travel], ...]:
        """(round, what its weights became on their way), of rounds of fewer bits."""
        return tuple((r.number, r.travel) for r in self.rounds if r.travel is not None)

    @property
    def still(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """(round, clients whose training changed no code of what they sent back)."""
        return tuple((number, travel.still) for number, travel in self.travelled if travel.still)

    @property
    def fall(self) -> tuple[float, float] | None:
        """Mean WER of the start and of the last model that was evaluated, %."""
        rates = [round_.mean_rate for round_ in self.evaluated]
        if len(rates) < 2 or rates[0] is None or rates[-1] is None:
            return None
        return rates[0], rates[-1]

    @property
    def words(self) -> str:
        """Who takes part, and what tells it from others."""
        last = self.evaluated[-1].number if self.evaluated else 0
        settings = "".join(f", {name} {value}" for name, value in self.settings)
        return f"{plural(len(self.clients), 'client')} in {plural(last, 'round')}{settings}"

    @property
    def forgotten(self) -> tuple[tuple[str, float, float], ...]:
        """(client, its lowest WER, its last), where the last is higher."""
        lost = []
        for client in self.clients:
            rates = [r.rates[client] for r in self.evaluated if client in r.rates]
            if rates and rates[-1] > min(rates):
                lost.append((client, min(rates), rates[-1]))
        return tuple(lost)

    @property
    def pruned(self) -> tuple[tuple[Round, PruningRecord], ...]:
        """Rounds whose clients had a part of the network, with what it was."""
        return tuple((r, r.pruning) for r in self.rounds if r.pruning is not None)

    @property
    def epsilon(self) -> tuple[float, float] | None:
        """(epsilon, delta) of all rounds."""
        for round_ in reversed(self.rounds):
            model = round_.model
            if model is not None and model.epsilon is not None and model.delta is not None:
                return model.epsilon, model.delta
        return None

    @property
    def privacy_note(self) -> str:
        """What epsilon assumes besides, or why there is none though noise is added."""
        notes = [round_.model.privacy_note for round_ in self.rounds if round_.model is not None]
        return next((note for note in reversed(notes) if note), "")


def trainings(runs: Sequence[RunData]) -> list[Training]:
    """Return the federated trainings of runs, in the order of their jobs."""
    return [
        training
        for number, run in enumerate(runs, 1)
        for training in of_run(run, f"{number}-" if len(runs) > 1 else "")
    ]


def in_words(run: RunData) -> list[str]:
    """Return what each federated training of a run came to, in half a sentence."""
    told = []
    for training in trainings([run]):
        fall = training.fall
        if fall is not None:
            verb = "fell" if fall[1] < fall[0] else "did not fall"
            told.append(
                f"the mean WER of {training.words} {verb}: {fixed(fall[0], 1)} % to "
                f"{fixed(fall[1], 1)} %"
            )
    return told


def of_run(run: RunData, prefix: str = "") -> Iterable[Training]:
    """Return the federated trainings of one run.

    Args:
        run: The run.
        prefix: Of their keys.
    """
    jobs: dict[str, list[tuple[PlanRecord, ClientRecord]]] = {}
    for job in run.record.plan:
        if job.client:
            jobs.setdefault(job.client.federation, []).append((job, job.client))
    ended: dict[tuple[str, int], list[tuple[Attempt, ClientRecord]]] = {}
    for attempt in run.final:
        if client := attempt.result.client:
            ended.setdefault((client.federation, client.round), []).append((attempt, client))
    for name, planned in jobs.items():
        models = {model.round: model for model in run.models if model.federation == name}
        clients = tuple(dict.fromkeys(client.client for _, client in planned))
        asked: dict[int, set[str]] = {}
        for _, client in planned:
            if client.role == "train":
                asked.setdefault(client.round, set()).add(client.client)
        last = max([0, *models, *(client.round for _, client in planned)])
        strategy = next((model.strategy for model in models.values()), "")
        yield Training(
            key=f"{prefix}{name}",
            strategy=strategy,
            settings=tuple(
                (path.rpartition(".")[2].replace("_", " "), str(value))
                for path, value in planned[0][0].axes.items()
                if path != "data.speaker"
            ),
            clients=clients,
            rounds=tuple(
                _round(
                    number,
                    clients,
                    asked.get(number, set()),
                    ended.get((name, number), ()),
                    models.get(number),
                )
                for number in range(last + 1)
            ),
            axes=planned[0][0].axes,
        )


def _round(
    number: int,
    clients: Sequence[str],
    asked: Collection[str],
    ended: Iterable[tuple[Attempt, ClientRecord]],
    model: ModelRecord | None,
) -> Round:
    trained: dict[str, Attempt] = {}
    evaluations: dict[str, Attempt] = {}
    rates: dict[str, float] = {}
    for attempt, client in ended:
        rate = attempt.result.wer_before_percent
        if client.role == "train":
            trained[client.client] = attempt
        elif rate is not None:
            evaluations[client.client], rates[client.client] = attempt, rate
    cells = {
        client: _cell(trained.get(client), client in asked, client, model) for client in clients
    }
    return Round(number, cells, rates, model, evaluations)


def _cell(attempt: Attempt | None, asked: bool, client: str, model: ModelRecord | None) -> Cell:
    if not asked:
        return Cell("")
    if model is not None:
        for share in model.answers:
            if share.client == client:
                return Cell("answered", attempt=attempt, share=share)
        for gone in model.left_out:
            if gone.client == client:
                return Cell("left out", gone.why, attempt)
    if attempt is None:
        return Cell("under way" if model is None else "late", "no answer yet")
    if attempt.result.failure is not None and attempt.result.failure.kind != "Interrupted":
        return Cell("lost", attempt.result.failure.kind, attempt)
    return Cell("late" if model is not None else "under way", "", attempt)


def _span(result: AttemptResult) -> tuple[float, float]:
    begun = parse_utc(result.started_utc)
    begin = 0.0 if begun is None else begun.timestamp()
    return begin, begin + result.seconds
