"""Which sub-model each trainer chose, and from what (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.load import Attempt
from harness.report.outcome import sub_model_rank


@dataclass(frozen=True)
class Choice:
    """One decision of a trainer."""

    attempt: Attempt
    available_mb: float
    sub_model: str | None
    forced: bool


@dataclass(frozen=True)
class Decisions:
    """Decisions made from the same needs."""

    need_mb: tuple[tuple[str, float], ...]
    """Candidates from the largest to the smallest."""
    choices: tuple[Choice, ...]
    batch_sizes: tuple[int, ...]


def decisions(attempts: Sequence[Attempt]) -> tuple[Decisions, ...]:
    """Return the sub-model decisions, apart by the needs that they were made from."""
    groups: dict[tuple[tuple[str, float], ...], list[Attempt]] = {}
    for one in attempts:
        selection = one.result.selection
        if selection is not None:
            need = sorted(selection.need_mb.items(), key=lambda item: sub_model_rank(item[0]))
            groups.setdefault(tuple(need), []).append(one)
    return tuple(
        Decisions(need, tuple(_choice(one) for one in members), _batches(members))
        for need, members in groups.items()
    )


def _batches(members: Sequence[Attempt]) -> tuple[int, ...]:
    return tuple(sorted({one.result.batch_size for one in members}))


def _choice(attempt: Attempt) -> Choice:
    selection = attempt.result.selection
    assert selection is not None
    return Choice(attempt, selection.available_mb, selection.sub_model, selection.forced)
