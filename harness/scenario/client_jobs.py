"""The jobs of federated training: what one client does in one round (pure).

The matrix makes *templates*, one for each federation; `start_job` makes of a template and a client
the first thing that the client does, `later_job` of that whatever follows.
"""

from __future__ import annotations

import re
from typing import Literal

from harness.contract.share import Share
from harness.scenario.base import Section
from harness.scenario.federated import Federated
from harness.scenario.identity import sha256_of
from harness.scenario.schema import Data, JobContent, ModelChoice
from harness.scenario.spec import ClientTask, JobSpec

_NEVER = 1_000_000
_MARKS = {"start": "start", "train": "r{:03d}", "evaluate": "e{:03d}"}


class Client(Section):
    """Who takes part, and with whose speech."""

    name: str
    data: Data


def federated_of(content: JobContent) -> Federated:
    """Return a job's federated settings.

    Raises:
        ValueError: It has none.
    """
    if content.federated is None:
        raise ValueError("no federated job")
    return content.federated


def start_job(template: JobSpec, client: Client) -> JobSpec:
    """Return what a client does before the first round: it evaluates the model that there is.

    Args:
        template: Of the federation, as the matrix makes it.
        client: Who.
    """
    task = ClientTask(federation=template.identity[:12], client=client.name, role="start", round=0)
    return _client_job(template, client, task)


def later_job(
    start: JobSpec,
    role: Literal["train", "evaluate"],
    round_: int,
    *,
    turn: int = 0,
    settings: Federated | None = None,
    learning_rate: float | None = None,
    proximal: float | None = None,
    model: ModelChoice | None = None,
) -> JobSpec:
    """Return what a client does in a round.

    Args:
        start: What it did before the first.
        role: ``train``: train the model of the round before; ``evaluate``: that of this round.
        round_: From 1.
        turn: See `ClientTask`.
        settings: Of this job; None: the scenario's.
        learning_rate: Of the client; None: the scenario's or the model's own.
        proximal: FedProx's mu; None: the strategy's.
        model: Of this job, where it trains a part of the network; None: the scenario's.

    Raises:
        ValueError: ``start`` is no such job.
    """
    if start.client is None:
        raise ValueError(f"{start.job_id} is no job of a federated training")
    client = Client(name=start.client.client, data=start.content.data)
    content = start.content
    if settings is not None:
        content = content.model_copy(update={"federated": settings})
    if model is not None:
        content = content.model_copy(update={"model": model})
    if learning_rate is not None:
        trainer = content.trainer.model_copy(update={"learning_rate": learning_rate})
        content = content.model_copy(update={"trainer": trainer})
    if proximal is None:
        strategy = federated_of(content).strategy
        proximal = strategy.mu if strategy.name == "fedprox" else 0.0
    task = ClientTask(
        federation=start.client.federation,
        client=client.name,
        role=role,
        round=round_,
        turn=turn,
        proximal=proximal if role == "train" else 0.0,
    )
    return _client_job(start.model_copy(update={"content": content}), client, task)


def _client_job(template: JobSpec, client: Client, task: ClientTask) -> JobSpec:
    word = re.sub(r"[^A-Za-z0-9.]+", "-", client.name).strip("-.")[:32] or "client"
    trainer = template.content.trainer
    federated = federated_of(template.content)
    epochs = 0
    if task.role == "train":
        epochs = federated.local_epochs if federated.steps is None else federated.steps
    trainer = trainer.model_copy(
        update={
            "epochs": min(epochs, 10_000),
            "keep": "last",
            "seed": trainer.seed + task.round,
            "stop": trainer.stop.model_copy(update={"patience": _NEVER}),
        }
    )
    # The federation's name stands for the content, so ids stay when fields are added; what Flower
    # changes of it from turn to turn does not.
    changed = trainer.model_dump(mode="json") if task.turn else None
    identity = sha256_of([task.model_dump(mode="json", exclude_defaults=True), changed])
    return template.model_copy(
        update={
            "job_id": f"{word}-{_MARKS[task.role].format(task.round)}-{identity[:10]}",
            "identity": identity,
            "content": template.content.model_copy(
                update={"data": client.data, "trainer": trainer}
            ),
            "axes": {**template.axes, "data.speaker": client.name},
            "client": task,
        }
    )


def model_task(federation: str, round_: int) -> str:
    """Return the id of the host's task that makes the model of a round (0: the start)."""
    return f"model-{federation}-{round_:03d}"


def sent_task(federation: str, round_: int, client: str = "") -> str:
    """Return the id of the host's task that writes what phones are sent of a round's model.

    Args:
        federation: Whose.
        round_: Of the model; 0: the start.
        client: To whom, where each is sent another file.
    """
    name = f"sent-{federation}-{round_:03d}"
    return f"{name}-{sha256_of(client)[:10]}" if client else name


def pruned_task(federation: str, round_: int) -> str:
    """Return the id of the host's task that writes the part of the network that a round trains."""
    return f"pruned-{federation}-{round_:03d}"


def deployed_task(federation: str, round_: int) -> str:
    """Return the id of the host's task that writes what phones would have of a round's model."""
    return f"deployed-{federation}-{round_:03d}"


def share_of(spec: JobSpec) -> Share | None:
    """Return what goes back to the host of a job; None: its kept checkpoint."""
    if spec.client is None:
        return None
    federated = federated_of(spec.content)
    if spec.client.role != "train":
        return Share(hypotheses=federated.hypotheses)
    compression = federated.compression
    if compression is None or not compression.goes("up"):
        form, wire = Share().form, None
    else:
        form = compression.settled_upload
        wire = compression.wire("up", spec.client.turn or spec.client.round, spec.client.client)
    return Share(
        form=form,
        steps=federated.steps,
        proximal=spec.client.proximal,
        hypotheses=federated.hypotheses,
        wire=wire,
    )
