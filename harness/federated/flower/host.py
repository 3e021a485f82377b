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

from harness.federated.rounds import RoundFailedError, answers_of
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.results.federated import LeftOut, ModelRecord
from harness.results.tasks import CHECKPOINT
from harness.trainer.checkpoints import check_sha256

HAND_OUT: Final = "federated-hand-out"
ANSWERS: Final = "federated-answers"
KEPT: Final = "federated"
"""Folder of the run where models lie by their hashes."""


@host_task(HAND_OUT)
def hand_out(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave a model for the jobs of a turn.

    Raises:
        InputError: It is not in the run folder, or is not what it was.
    """
    kept = context.run.path / KEPT / f"{arguments['sha256']}.npz"
    check_sha256(kept, arguments["sha256"])
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
        usable, left_out = answers_of(context.parents)
        answers = [share for _, share in usable]
        if len(answers) < arguments["enough"]:
            raise RoundFailedError.of(len(answers), arguments["enough"], left_out)
    return ModelRecord(
        federation=arguments["federation"],
        round=arguments["round"],
        strategy=arguments["strategy"],
        asked=tuple(arguments["asked"]),
        answers=tuple(answers),
        left_out=tuple(left_out),
        counted=tuple(parent.task_id for parent in context.parents),
    ).model_dump(mode="json")
