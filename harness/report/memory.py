"""What the two memory models say of a run's sub-models, beside what training took (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.memory.as_printed import as_printed_sizes, estimate
from harness.memory.measured import MemoryModel, MemoryRecord
from harness.memory.sizes import NetworkSizes
from harness.report.cost import Need
from harness.report.numbers import Spread, spread
from harness.report.outcome import sub_model_rank


@dataclass(frozen=True)
class Models:
    """Needs of one sub-model at one batch size (MiB), by both models."""

    as_printed_mb: float | None
    """The paper's estimate; None where the manifest lacks what it takes."""
    measured_mb: float | None
    """Of fresh trainers on the host."""
    predicted: bool
    """That batch size was not measured: ``measured_mb`` follows from others."""


@dataclass(frozen=True)
class NeedRow:
    """All attempts of one model, batch size and sub-model."""

    run: str
    model: str
    batch_size: int
    sub_model: str | None
    models: Models
    used: str
    """What the phone selected by: ``measured`` or ``as printed``."""
    took_mb: Spread | None
    peak_mb: Spread | None
    attempts: int


def models_of(manifest: Mapping[str, Any], sub_model: str | None, batch_size: int) -> Models:
    """Return what the models say, as far as a manifest in ``run.json`` tells.

    Args:
        manifest: Of the model; an older one lacks the parts, a damaged part is passed over.
        sub_model: S1 .. S8.
        batch_size: Utterances a step.
    """
    if sub_model is None:
        return Models(None, None, False)
    sizes = _part(NetworkSizes, manifest.get("sizes"))
    printed = None
    if sizes is not None:
        printed = estimate(as_printed_sizes(sizes), sub_model, batch_size).total
    needs = manifest.get("need_mb")
    at = needs.get(str(batch_size)) if isinstance(needs, Mapping) else None
    known = at.get(sub_model) if isinstance(at, Mapping) else None
    if isinstance(known, int | float):
        return Models(printed, float(known), False)
    record = _part(MemoryRecord, manifest.get("memory"))
    said = MemoryModel(record, sizes).predict(sub_model, batch_size) if record else None
    return Models(printed, said.need_mb if said else None, said is not None)


def _part(kind: Any, value: Any) -> Any:
    try:
        return None if value is None else kind.model_validate(value)
    except ValidationError:
        return None


def need_rows(
    needs: Sequence[Need], manifests: Mapping[str, Mapping[str, Any]], scenario: Mapping[str, Any]
) -> tuple[NeedRow, ...]:
    """Return both models beside what training took, largest sub-model first.

    Args:
        needs: Attempts with a predicted and a measured need.
        manifests: By the model's name, from ``run.json``.
        scenario: As resolved.
    """
    groups: dict[tuple[str, int, int, str], list[Need]] = {}
    for one in needs:
        result = one.attempt.result
        used = _used(one, scenario)
        rank = sub_model_rank(one.attempt.sub_model)
        groups.setdefault((result.model_name, result.batch_size, rank, used), []).append(one)
    found = []
    for (model, batch_size, _, used), members in sorted(groups.items()):
        sub_model = members[0].attempt.sub_model
        found.append(
            NeedRow(
                run=members[0].attempt.result.run_id,
                model=model,
                batch_size=batch_size,
                sub_model=sub_model,
                models=models_of(manifests.get(model, {}), sub_model, batch_size),
                used=used,
                took_mb=spread(one.measured_mb for one in members),
                peak_mb=spread(one.attempt.result.peak_rss_mb for one in members),
                attempts=len(members),
            )
        )
    return tuple(found)


def _used(need: Need, scenario: Mapping[str, Any]) -> str:
    trainer = scenario.get("trainer")
    default = trainer.get("memory_model") if isinstance(trainer, Mapping) else None
    chosen = need.attempt.result.axes.get("trainer.memory_model", default)
    return "as printed" if chosen == "as_printed" else "measured"
