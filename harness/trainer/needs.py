"""Which figures a trainer selects its sub-model by (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.errors import InputError
from harness.memory.as_printed import as_printed_sizes, estimate
from harness.memory.measured import MemoryModel
from harness.trainer.manifest import ModelManifest

MemoryModelName = Literal["measured", "as_printed"]


@dataclass(frozen=True)
class Needs:
    """What training each sub-model adds to a fresh trainer (MiB), at one batch size."""

    mb: dict[str, float] = field(default_factory=dict)
    predicted: tuple[str, ...] = ()
    """Those that were not measured at this batch size but follow from others."""


def needs_of(
    manifest: ModelManifest, batch_size: int, model: MemoryModelName = "measured"
) -> Needs:
    """Return the needs of a model's sub-models.

    Args:
        manifest: Of the model.
        batch_size: Utterances a step.
        model: ``measured``: as measured at this batch size, else predicted from other batch sizes,
            if the manifest has what that takes. ``as_printed``: MobileASR's lambda.

    Raises:
        InputError: The manifest does not have the layers' sizes that ``as_printed`` needs.
    """
    if model == "as_printed":
        return Needs(as_printed_needs(manifest, batch_size))
    needs: dict[str, float] = {}
    predicted: list[str] = []
    memory = None
    if manifest.memory is not None:
        memory = MemoryModel(manifest.memory, manifest.network, manifest.sizes)
    measured = manifest.need_mb.get(batch_size, {})
    for name in manifest.network.sub_model_names:
        if name in measured:
            needs[name] = measured[name]
        elif memory is not None and (prediction := memory.predict(name, batch_size)) is not None:
            needs[name] = round(prediction.need_mb, 1)
            predicted.append(name)
    return Needs(needs, tuple(predicted))


def as_printed_needs(manifest: ModelManifest, batch_size: int) -> dict[str, float]:
    """Return MobileASR's lambda of each sub-model.

    Raises:
        InputError: The manifest has no sizes.
    """
    if manifest.sizes is None:
        raise InputError(
            f"the manifest of {manifest.name} does not have the sizes of its layers",
            where="trainer.memory_model: as_printed",
            hint="'harness model memory FOLDER --calibrate' adds them.",
        )
    sizes = as_printed_sizes(manifest.sizes)
    return {
        sub_model.name: round(estimate(sizes, sub_model.layers, batch_size).total, 1)
        for sub_model in manifest.network.sub_models
    }
