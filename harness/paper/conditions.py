"""With what a run measured: model, phones, speech, rate and the WER it began at (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.paper.measure import Source
from harness.report.axes import shown
from harness.report.load import Attempt
from harness.report.numbers import fixed
from harness.report.text import listed, plural


def conditions(source: Source) -> str:
    """Return the settings behind a section in one sentence; empty where nothing finished."""
    results = [attempt.result for attempt in source.finished]
    if not results:
        return ""
    rounds = max(result.round for result in results)
    epochs = max(result.epochs_planned for result in results)
    jobs = len(results)
    return "; ".join(
        text
        for text in (
            f"{plural(jobs, 'attempt')} of {_all(result.model_name for result in results)} "
            f"on {_all(f'{result.phone.origin} {result.phone.profile}' for result in results)}",
            _speech(source),
            f"batches of {_all(result.batch_size for result in results)}",
            *(_training(source, epochs, rounds) if epochs else ("heard, not trained",)),
        )
        if text
    )


def _training(source: Source, epochs: int, rounds: int) -> tuple[str, ...]:
    clients = [a.result.client for a in source.finished if a.result.client is not None]
    if clients:
        who = plural(len({client.client for client in clients}), "client")
        last = max(client.round for client in clients)
        each = f"{plural(last, 'round')} of at most {plural(epochs, 'epoch')}"
        return _rates(source), who, each, _before(source)
    each = f" in each of {rounds} rounds" if rounds > 1 else ""
    return _rates(source), f"at most {plural(epochs, 'epoch')}{each}", _before(source)


def _all(values: Iterable[object]) -> str:
    return listed([shown(value) for value in sorted(set(values), key=_rank)], most=6)


def _rank(value: object) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _speech(source: Source) -> str:
    record = source.data.record
    asked = record.scenario.get("data") or {}
    corpora = list(record.data.values())
    utterances = sum(corpus.get("utterances", 0) for corpus in corpora)
    seconds = sum(corpus.get("seconds", 0.0) for corpus in corpora)
    text = f"{asked.get('train')} + {asked.get('validation')} utterances"
    if not utterances or not asked.get("train"):
        return ""
    return f"{text} of {fixed(seconds / utterances, 1)} s on average"


def _rates(source: Source) -> str:
    papers = {ours: paper for paper, ours in source.rates.items()}
    rates = sorted({attempt.result.learning_rate for attempt in source.finished}, reverse=True)
    parts = [
        shown(rate) + (f" (stands for {shown(papers[rate])})" if rate in papers else "")
        for rate in rates
    ]
    return f"learning rate {listed(parts)}"


def _is_first(attempt: Attempt) -> bool:
    """Say whether nothing was trained before; of federated training the start."""
    client = attempt.result.client
    return client is None or client.role == "start"


def _before(source: Source) -> str:
    first = [
        wer
        for attempt in source.finished
        if attempt.result.round == 1 and _is_first(attempt)
        if (wer := attempt.result.wer_before_percent) is not None
    ]
    if not first:
        return ""
    low, high = fixed(min(first), 2), fixed(max(first), 2)
    text = low if low == high else f"{low} to {high}"
    return f"WER before training {text}\N{NO-BREAK SPACE}%"
