"""The host's part of a round: the start as a file, and the model that a round's answers make.

Each is a task of the run whose folder holds all that the next round needs: the model
(``checkpoint.npz``), what the server's optimiser remembers (``moments.npz``) and, as its result,
who answered. A host that dies leaves a folder whole or not at all, so a resumed run has the same
bits.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.errors import HarnessError
from harness.federated.aggregate import MOMENTS, Made, aggregate
from harness.federated.arrived import Answer
from harness.federated.privacy import epsilon
from harness.federated.pruning.model import pruned_model
from harness.lab.scheduling.host_tasks import HostContext, Parent, host_task
from harness.results.federated import ClientShare, LeftOut, ModelRecord
from harness.results.store import AttemptFolder
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.scenario.federated import Federated
from harness.trainer.checkpoints import check_sha256, file_sha256, write_weights
from harness.trainer.runtime import FlatbufferModel

START: Final = "federated-start"
ROUND: Final = "federated-round"
_LOG = logging.getLogger(__name__)


class RoundFailedError(HarnessError):
    """Too few answers can be used."""

    @classmethod
    def of(cls, answers: int, enough: int, left_out: Sequence[LeftOut]) -> RoundFailedError:
        """Return it with the reasons."""
        reasons = "; ".join(f"{gone.client}: {gone.why}" for gone in left_out)
        return cls(
            f"{answers} clients sent something that can be used, {enough} are needed"
            + (f" ({reasons})" if reasons else "")
        )


def start_arguments(
    federation: str, federated: Federated, flatbuffer: Path, checkpoint: Path | None
) -> dict[str, Any]:
    """Return what `write_start` is given.

    Args:
        federation: Name of the training.
        federated: Its settings.
        flatbuffer: The model's file.
        checkpoint: Weights to start from; None: the flatbuffer's own.
    """
    source = checkpoint or flatbuffer
    return {
        "federation": federation,
        "strategy": federated.strategy.label,
        "flatbuffer": str(flatbuffer),
        "checkpoint": None if checkpoint is None else str(checkpoint),
        "sha256": file_sha256(source),
    }


@host_task(START)
def write_start(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave the weights that the first round starts from.

    Raises:
        InputError: They are not what they were when the run began.
    """
    target = context.out / CHECKPOINT
    checkpoint = arguments["checkpoint"]
    if checkpoint is not None:
        check_sha256(Path(checkpoint), arguments["sha256"])
        shutil.copyfile(checkpoint, target)
    else:
        flatbuffer = Path(arguments["flatbuffer"])
        check_sha256(flatbuffer, arguments["sha256"])
        write_weights(target, FlatbufferModel(flatbuffer, 1).weights())
    return ModelRecord(
        federation=arguments["federation"],
        round=0,
        strategy=arguments["strategy"],
        sha256=file_sha256(target),
        size_bytes=target.stat().st_size,
    ).model_dump(mode="json")


def round_arguments(
    federation: str,
    federated: Federated,
    round_: int,
    before: str,
    asked: Sequence[str],
    packed: Mapping[str, str],
) -> dict[str, Any]:
    """Return what `make_model` is given.

    Args:
        federation: Name of the training.
        federated: Its settings.
        round_: From 1.
        before: The task that made the model before.
        asked: Clients of the round.
        packed: Client -> the task whose file it was sent, where it was written in fewer bits.
    """
    arguments = {
        "federation": federation,
        "round": round_,
        "before": before,
        "asked": list(asked),
        "settings": federated.model_dump(mode="json"),
    }
    if packed:
        arguments["sent"] = dict(packed)
    return arguments


@host_task(ROUND)
def make_model(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Make the model of a round of what its clients sent.

    Raises:
        RoundFailedError: Too few of them sent something that can be used.
        InputError: A file of the run is damaged.
    """
    federated = Federated.model_validate(arguments["settings"])
    before = TaskFolder(context.run.path, arguments["before"]).path
    sent = {
        client: TaskFolder(context.run.path, task).checkpoint_path
        for client, task in arguments.get("sent", {}).items()
    }
    answers, left_out = answers_of(context.parents, sent)
    enough = federated.enough(len(arguments["asked"]))
    if len(answers) < enough:
        raise RoundFailedError.of(len(answers), enough, left_out)

    def aggregated(
        sent: Path, answers: Sequence[Answer], moments: Path | None, model: Path, out: Path
    ) -> Made:
        round_ = arguments["round"]
        return aggregate(
            sent, answers, federated, round_=round_, moments=moments, model=model, moments_out=out
        )

    came, pruned = [answer for answer, _ in answers], None
    if federated.pruning is not None:
        made, pruned = pruned_model(context, arguments, federated.pruning, before, came, aggregated)
    else:
        moments = before / MOMENTS
        made = aggregated(
            before / CHECKPOINT,
            came,
            moments if moments.is_file() else None,
            context.out / CHECKPOINT,
            context.out / MOMENTS,
        )
    _LOG.info(
        "round %d: a model of %d answers, %d left out",
        arguments["round"], len(answers), len(left_out),
    )  # fmt: skip
    record = _record(arguments, federated, answers, left_out, made)
    return record.model_copy(update={"pruning": pruned}).model_dump(mode="json")


def answers_of(
    parents: Sequence[Parent], sent: Mapping[str, Path]
) -> tuple[list[tuple[Answer, ClientShare]], list[LeftOut]]:
    """Return what can be used, by the clients' names, and why the rest cannot.

    Args:
        parents: The clients' jobs that have ended.
        sent: Client -> what it was sent, where that is not the server's own model.
    """
    answers: list[tuple[Answer, ClientShare]] = []
    left_out: list[LeftOut] = []
    for parent in parents:
        folder = AttemptFolder(parent.folder, parent.task_id, parent.attempt)
        result = folder.result()
        client = result.speaker if result.client is None else result.client.client
        if result.update is None:
            why = f"it trained no epoch (ended by {result.stop_reason or 'nothing'})"
            left_out.append(LeftOut(client=client, job_id=parent.task_id, why=why))
            continue
        share = ClientShare(
            client=client,
            job_id=parent.task_id,
            attempt=parent.attempt,
            utterances=result.update.utterances,
            steps=result.update.steps,
            layers=result.update.layers,
            update_bytes=result.update.size_bytes,
            sent_bytes=sent[client].stat().st_size if client in sent else None,
            written=result.update.written,
        )
        update, began = result.update, sent.get(client)
        answer = Answer(client, folder.update_path, update.utterances, update.form, began)
        answers.append((answer, share))
    answers.sort(key=lambda pair: pair[0].client)
    return answers, left_out


def _record(
    arguments: Mapping[str, Any],
    federated: Federated,
    answers: Sequence[tuple[Answer, ClientShare]],
    left_out: Sequence[LeftOut],
    made: Made,
) -> ModelRecord:
    round_ = int(arguments["round"])
    shares = tuple(
        share.model_copy(
            update={"weight": made.weights[share.client], "norm": made.norms[share.client]}
        )
        for _, share in answers
    )
    privacy = federated.privacy
    return ModelRecord(
        federation=arguments["federation"],
        round=round_,
        strategy=federated.strategy.label,
        sha256=made.model.sha256,
        size_bytes=made.model.size_bytes,
        asked=tuple(arguments["asked"]),
        answers=shares,
        left_out=tuple(left_out),
        untrained=len(made.untrained),
        epsilon=None if privacy is None else epsilon(privacy, round_),
        delta=None if privacy is None else privacy.delta,
    )
