"""What the two memory models say of a run's sub-models, beside what training took (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.contract.network import Network
from harness.memory.as_printed import as_printed_sizes, estimate
from harness.memory.measured import MemoryModel, MemoryRecord
from harness.memory.sizes import NetworkSizes
from harness.report.cost import Need
from harness.report.numbers import Spread, spread
from harness.report.sub_models import RankedSubModel
from harness.results.networks import network_of


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
    sub_model: RankedSubModel
    models: Models
    used: str
    """What the phone selected by: ``measured`` or ``as printed``."""
    took_mb: Spread | None
    load_mb: Spread | None
    """Of that, until the model was loaded."""
    train_mb: Spread | None
    """Of that, until the first epoch was trained."""
    peak_mb: Spread | None
    attempts: int


def models_of(manifest: Mapping[str, Any], name: str | None, batch_size: int) -> Models:
    """Return what the models say, as far as a manifest in ``run.json`` tells.

    Args:
        manifest: Of the model; an older one lacks the parts, a damaged part is passed over.
        name: Of the sub-model.
        batch_size: Utterances a step.
    """
    network = network_of(manifest)
    if name not in network.sub_model_names:
        return Models(None, None, False)
    sizes = _sizes(manifest, network)
    printed = None
    if sizes is not None:
        layers = network.sub_model(name).layers
        printed = estimate(as_printed_sizes(sizes), layers, batch_size).total
    needs = manifest.get("need_mb")
    at = needs.get(str(batch_size)) if isinstance(needs, Mapping) else None
    known = at.get(name) if isinstance(at, Mapping) else None
    if isinstance(known, int | float):
        return Models(printed, float(known), False)
    record = _part(MemoryRecord, manifest.get("memory"))
    prediction = MemoryModel(record, network, sizes).predict(name, batch_size) if record else None
    return Models(printed, prediction.need_mb if prediction else None, prediction is not None)


def _sizes(manifest: Mapping[str, Any], network: Network) -> NetworkSizes | None:
    sizes: NetworkSizes | None = _part(NetworkSizes, manifest.get("sizes"))
    named = sizes is not None and {layer.name for layer in sizes.layers} >= set(network.layer_names)
    return sizes if named else None


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
    groups: dict[tuple[str, int, RankedSubModel, str], list[Need]] = {}
    for need in needs:
        result = need.attempt.result
        used = _used(need, scenario)
        key = (result.model_name, result.batch_size, need.attempt.sub_model, used)
        groups.setdefault(key, []).append(need)
    sizes = []
    for (model, batch_size, sub_model, used), members in sorted(groups.items()):
        sizes.append(
            NeedRow(
                run=members[0].attempt.result.run_id,
                model=model,
                batch_size=batch_size,
                sub_model=sub_model,
                models=models_of(manifests.get(model, {}), sub_model.name, batch_size),
                used=used,
                took_mb=spread(need.measured_mb for need in members),
                load_mb=spread(need.attempt.result.load_peak_mb for need in members),
                train_mb=spread(need.attempt.result.train_peak_mb for need in members),
                peak_mb=spread(need.attempt.result.peak_rss_mb for need in members),
                attempts=len(members),
            )
        )
    return tuple(sizes)


def _used(need: Need, scenario: Mapping[str, Any]) -> str:
    trainer = scenario.get("trainer")
    default = trainer.get("memory_model") if isinstance(trainer, Mapping) else None
    chosen = need.attempt.result.axes.get("trainer.memory_model", default)
    return "as printed" if chosen == "as_printed" else "measured"
