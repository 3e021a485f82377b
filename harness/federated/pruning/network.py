"""The smaller network that clients of a round train: a model folder, made once for equal sizes.

Which units are left out is not in the flatbuffer, only how many are: whatever units a round
chooses, phones that have the file are sent new weights and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.federated.pruning.source import Source
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.scenario.identity import sha256_of
from harness.scenario.schema import AUTO, JobContent
from harness.trainer.manifest import Provenance, describe_file

NETWORK: Final = "federated-network"


def network_task(federation: str, units: Mapping[str, int]) -> str:
    """Return the id of the task that makes the network of so many units a layer."""
    return f"network-{federation}-{sha256_of(dict(units))[:10]}"


def network_arguments(
    source: Source, units: Mapping[str, int], content: JobContent, chosen: str
) -> dict[str, Any]:
    """Return what `make_network` is given.

    Args:
        source: Of the whole network.
        units: By layer.
        content: Of the jobs, for the sub-models that they may train.
        chosen: The task whose weights it starts from, to be a model of its own.
    """
    return {
        "source": source.as_json(),
        "units": dict(units),
        "sub_models": _sub_models(content),
        "chosen": chosen,
    }


def _sub_models(content: JobContent) -> list[str] | None:
    """Return those that jobs may train; None: all of the network."""
    trainer, pressure = content.trainer, content.pressure
    if trainer.sub_model == AUTO and trainer.candidates is None:
        return None
    named = {trainer.sub_model, *(trainer.candidates or ())} - {AUTO}
    if pressure is not None and pressure.fits is not None:
        named.add(pressure.fits)
    return sorted(named)


@host_task(NETWORK)
def make_network(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave a model folder: flatbuffer, weights to start from, measured needs, manifest.

    Raises:
        harness.model.convert.ConversionError: tensorflow could not.
    """
    from harness.model import folder as models

    source = Source.of_json(arguments["source"])
    config = source.config().with_units(arguments["units"])
    config = replace(config, name=f"{config.name}-{context.task_id.rsplit('-', 1)[-1]}")
    names = arguments["sub_models"]
    chosen = TaskFolder(context.run.path, arguments["chosen"]).path / CHECKPOINT
    shutil.copyfile(chosen, context.out / models.CHECKPOINT)
    files = models.write_models(
        config, context.out, [source.batch_size], embed=False, sub_models=names
    )
    manifest = models.write_manifest(
        config,
        context.out,
        files,
        checkpoint=describe_file(context.out / models.CHECKPOINT),
        provenance=Provenance(
            command=f"federated.pruning of {source.loaded.manifest.name}",
            date=models.today(),
            versions=models.versions(),
        ),
        learning_rate=source.loaded.manifest.learning_rate,
        sub_models=names,
    )
    return {
        "units": arguments["units"],
        "parameters": sum(layer.parameters for layer in manifest.network.layers),
        "need_mb": manifest.need_mb[source.batch_size],
    }
