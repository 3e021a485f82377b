"""Which sub-model each trainer chose, and from what (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.mobileasr import default_candidates
from harness.report.load import Attempt
from harness.report.sub_models import RankedSubModel


@dataclass(frozen=True)
class Choice:
    """One decision of a trainer."""

    attempt: Attempt
    available_mb: float
    sub_model: RankedSubModel
    forced: bool


@dataclass(frozen=True)
class Decisions:
    """Decisions made from the same needs."""

    need_mb: tuple[tuple[str, float], ...]
    """Candidates from the largest to the smallest."""
    choices: tuple[Choice, ...]
    batch_sizes: tuple[int, ...]


def decisions(attempts: Sequence[Attempt], candidates: Sequence[str] = ()) -> tuple[Decisions, ...]:
    """Return the sub-model decisions, apart by the needs that they were made from.

    Args:
        attempts: Those without a decision are passed over.
        candidates: Sub-models that the scenario lets the trainer choose from, where its matrix
            does not say so for an attempt; empty = those of its network.
    """
    groups: dict[tuple[tuple[str, float], ...], list[Attempt]] = {}
    for attempt in attempts:
        selection = attempt.result.selection
        if selection is not None:
            offered = attempt.result.axes.get("trainer.candidates") or candidates
            offered = offered or default_candidates(attempt.network)
            need = [
                (name, selection.need_mb[name])
                for name in sorted(selection.need_mb, key=attempt.ranked)
                if name in offered or name == selection.sub_model
            ]
            groups.setdefault(tuple(need), []).append(attempt)
    return tuple(
        Decisions(need, tuple(_choice(attempt) for attempt in members), _batches(members))
        for need, members in groups.items()
    )


def candidates_of(scenario: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``trainer.candidates`` of a resolved scenario, empty where it does not say."""
    trainer = scenario.get("trainer")
    candidates = trainer.get("candidates") if isinstance(trainer, Mapping) else None
    return tuple(str(name) for name in candidates) if isinstance(candidates, list | tuple) else ()


def _batches(members: Sequence[Attempt]) -> tuple[int, ...]:
    return tuple(sorted({attempt.result.batch_size for attempt in members}))


def _choice(attempt: Attempt) -> Choice:
    selection = attempt.result.selection
    assert selection is not None
    return Choice(attempt, selection.available_mb, attempt.sub_model, selection.forced)
