"""The host's part of a turn of Flower: a model that is handed out, and who has answered.

A turn is what a server sends in one breath. Both tasks leave their results in the run folder, so a
program that is called anew after a crash sees the same turns come to the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.contract.wire import Wire
from harness.federated.privacy import epsilon_of, rho, weighted_rho
from harness.federated.rounds import RoundFailedError, answers_of
from harness.federated.sent import pack_model
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.results.federated import LeftOut, ModelRecord, models_of
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.trainer.checkpoints import check_sha256

HAND_OUT: Final = "federated-hand-out"
ANSWERS: Final = "federated-answers"
KEPT: Final = "federated"
"""Folder of the run where models lie by their hashes."""
_ASSUMED: Final = (
    "Flower’s wrapper, by the heaviest client’s share of the mean; assumed: who answers, and each "
    "client’s number of utterances, are known to all"
)


@host_task(HAND_OUT)
def hand_out(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave a model for the jobs of a turn.

    Raises:
        InputError: It is not in the run folder, or is not what it was.
    """
    kept = context.run.path / KEPT / f"{arguments['sha256']}.npz"
    check_sha256(kept, arguments["sha256"])
    if "wire" in arguments:
        return pack_model(kept, context.out / CHECKPOINT, Wire.model_validate(arguments["wire"]))
    _link(kept, context.out / CHECKPOINT)
    return {"sha256": arguments["sha256"], "size_bytes": kept.stat().st_size}


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a disk without links
        shutil.copyfile(source, target)


@host_task(ANSWERS)
def hear_answers(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Write down whose answers count in a turn.

    Raises:
        RoundFailedError: Too few of them can be used.
    """
    answers, left_out = [], list[LeftOut]()
    if arguments["role"] == "train":
        sent = {
            client: TaskFolder(context.run.path, task).checkpoint_path
            for client, task in arguments.get("sent", {}).items()
        }
        usable, left_out = answers_of(context.parents, sent)
        answers = [share for _, share in usable]
        if len(answers) < arguments["enough"]:
            raise RoundFailedError.of(len(answers), arguments["enough"], left_out)
    record = ModelRecord(
        federation=arguments["federation"],
        round=arguments["round"],
        strategy=arguments["strategy"],
        asked=tuple(arguments["asked"]),
        answers=tuple(answers),
        left_out=tuple(left_out),
        counted=tuple(parent.task_id for parent in context.parents),
    )
    promise = arguments.get("privacy")
    if promise is not None:
        record = _with_privacy(record, promise, context.run.path)
    return record.model_dump(mode="json")


def _with_privacy(record: ModelRecord, promise: Mapping[str, Any], run: Path) -> ModelRecord:
    """Add what the rounds so far may tell of a client."""
    if "unknown" in promise:
        return record.model_copy(update={"privacy_note": f"no ε: {promise['unknown']}"})
    earlier = [
        model.privacy_cost
        for model in models_of(run)
        if model.federation == record.federation and model.privacy_cost is not None
    ]
    cost = _cost(record, promise)
    return record.model_copy(
        update={
            "privacy_cost": cost,
            "epsilon": epsilon_of(sum(earlier) + cost, promise["delta"]),
            "delta": promise["delta"],
            "privacy_note": _ASSUMED,
        }
    )


def _cost(record: ModelRecord, promise: Mapping[str, Any]) -> float:
    weights = [share.utterances for share in record.answers]
    if len(weights) < len(record.asked):
        return 0.0  # Flower's wrappers make no model where an answer is missing
    if not any(weights):
        return 0.0
    cost = weighted_rho(promise["noise"], promise["clients"], weights)
    if "count_noise" in promise:
        cost += rho(promise["count_noise"])
    return cost
