"""What phones are sent of a model, where it travels in fewer bits: a file, made on the host."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.compression.chosen import chosen, lot_key
from harness.compression.packed import coding_of, pack
from harness.contract.wire import Wire
from harness.federated.clients import Federation
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.scenario.client_jobs import sent_task
from harness.scenario.task import HostCall, Task
from harness.trainer.checkpoints import weights_writer
from harness.trainer.npz import opened_weights

SENT: Final = "federated-sent"


@host_task(SENT)
def write_sent(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Write a model as phones are sent it.

    Raises:
        InputError: The model is damaged.
    """
    model = TaskFolder(context.run.path, arguments["model"]).checkpoint_path
    return pack_model(model, context.out / CHECKPOINT, Wire.model_validate(arguments["wire"]))


def pack_model(model: Path, out: Path, wire: Wire) -> dict[str, Any]:
    """Write a model in fewer bits, variable by variable; return what a result says of it.

    Args:
        model: All weights.
        out: Where the file will be.
        wire: How.

    Raises:
        InputError: The model is damaged.
        OSError: The disk is full, for example.
    """
    lost = whole = 0.0
    float32_bytes = 0
    with opened_weights(model) as stored, weights_writer(out) as writer:
        small = set(chosen(stored.shapes, wire))
        for name in stored.shapes:
            value = stored.read(name)
            float32_bytes += value.nbytes
            if name not in small:
                writer.write(name, value)
                continue
            packed = pack(value, wire, lot_key(wire, name, "down"))
            writer.write_small(name, packed)
            lost += float(np.sum((packed.value() - value).astype(np.float64) ** 2))
            whole += float(np.sum(value.astype(np.float64) ** 2))
    saved = writer.saved()
    return {
        "sha256": saved.sha256,
        "size_bytes": saved.size_bytes,
        "coding": coding_of(wire),
        "variables": len(small),
        "error": math.sqrt(lost / whole) if whole else 0.0,
        "float32_bytes": float32_bytes,
    }


def sent_tasks(
    federation: Federation, round_: int, clients: Iterable[str] | None, part: str | None = None
) -> tuple[list[Task], dict[str, str]]:
    """Return the tasks that write what phones are sent of the model of a round.

    Args:
        federation: Whose.
        round_: Of the model; 0: the start.
        clients: Who trains it next; None: it is listened to, and the same for all.
        part: The task that leaves what of the model phones have, where that is not all of it.

    Returns:
        The tasks, and the task whose file a client is sent, by client.
    """
    model = part or federation.model(round_)
    compression = federation.settings.compression
    names = list(federation.starts) if clients is None else list(clients)
    if compression is None or not compression.goes("down"):
        return [], dict.fromkeys(names, model)
    by_client = compression.by_client and clients is not None
    # of a part, what is listened to is chosen by other masks than what is trained next
    mark = "" if part is None else "-heard" if clients is None else "-part"
    tasks: dict[str, Task] = {}
    sent: dict[str, str] = {}
    for client in names:
        whose = client if by_client else ""
        name = sent_task(federation.name, round_, whose) + mark
        wire = compression.wire("down", round_ + 1, whose)
        arguments = {"model": model, "wire": wire.model_dump(mode="json")}
        tasks.setdefault(name, Task(name, HostCall(SENT, arguments), (model,)))
        sent[client] = name
    return list(tasks.values()), sent
