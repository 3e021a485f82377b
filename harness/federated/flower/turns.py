"""A turn of Flower as tasks: the models that are handed out, the clients' jobs, who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from harness.errors import InputError
from harness.federated.clients import Federation
from harness.federated.flower.arrays import keep, record_of, shapes_of
from harness.federated.flower.host import ANSWERS, HAND_OUT, KEPT
from harness.federated.flower.privacy import CLIPPED_ON_CLIENTS, no_clipping
from harness.lab.feed import TaskFeed
from harness.scenario.client_jobs import later_job
from harness.scenario.federated import Federated
from harness.scenario.spec import JobSpec
from harness.scenario.task import HostCall, Quorum, Task
from harness.trainer.npz import checkpoint_shapes

Role = Literal["train", "evaluate"]
_ROUND: Final = "server-round"
_RATE: Final = ("lr", "learning-rate", "learning_rate")
_EPOCHS: Final = ("local-epochs", "local_epochs", "epochs")
_STEPS: Final = ("local-steps", "local_steps")
_PROXIMAL: Final = ("proximal-mu", "proximal_mu")


@dataclass(frozen=True)
class Asked:
    """What a client is asked in a turn.

    Args:
        client: Who.
        arrays: Flower's record of the model.
        config: Flower's record of settings.
    """

    client: str
    arrays: Any
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """What a server sent in one breath.

    Args:
        role: Whether clients train or evaluate.
        round: Of the server, as it counts.
        jobs: Client -> its job.
        models: Client -> the server's model.
        sent: Client -> the task whose file it was sent, where that is the model in fewer bits.
        answers: The host's task that says who answered.
    """

    role: Role
    round: int
    jobs: dict[str, JobSpec]
    models: dict[str, Path]
    sent: dict[str, str]
    answers: str


class Turns:
    """The turns of one training, in their order.

    Args:
        federation: Whose.
        feed: Takes the tasks.
        start: The model that phones begin with.
        privacy: What the strategy promises, see `promise_of`.
    """

    def __init__(
        self, federation: Federation, feed: TaskFeed, start: Path, privacy: Mapping[str, Any]
    ) -> None:
        self._federation = federation
        self._feed = feed
        self._start = start
        self._shapes = checkpoint_shapes(start)
        self._privacy = dict(privacy)
        self._count = 0
        self._trained = 0
        self._known = {task.task_id: task for task in feed.tasks()}

    def begin(self, role: Role, asked: Sequence[Asked], after_s: float) -> Turn:
        """Add the tasks of a turn; those that an interrupted run had already are left as they are.

        Raises:
            InputError: The model is another than that of the phones, or than it was in this turn
                before the run was interrupted.
        """
        self._count += 1
        round_ = self._round(role, asked)
        compression = self._federation.settings.compression
        small = compression if compression is not None and compression.goes("down") else None
        models: dict[tuple[int, str], tuple[str, Path]] = {}
        packed: dict[str, str] = {}
        tasks: list[Task] = []
        jobs: dict[str, JobSpec] = {}
        sent: dict[str, Path] = {}
        for each in asked:
            if CLIPPED_ON_CLIENTS in each.config:
                raise no_clipping(self._federation.settings.strategy.label)
            whose = each.client if small and small.by_client and role == "train" else ""
            key = (id(each.arrays), whose)
            if key not in models:
                name = f"sent-{self._federation.name}-{self._count:04d}-{len(models)}"
                sha256, path = self._kept(self._sent(role, each.arrays))
                models[key] = (name, path)
                arguments: dict[str, Any] = {"sha256": sha256}
                if small is not None:
                    wire = small.wire("down", self._count, whose)
                    arguments["wire"] = wire.model_dump(mode="json")
                tasks.append(Task(name, HostCall(HAND_OUT, arguments)))
            name, sent[each.client] = models[key]
            if small is not None:
                packed[each.client] = name
            job = self._job(role, round_, each)
            jobs[each.client] = job
            tasks.append(Task(job.job_id, job, (name,)))
        tasks.append(self._answers(role, round_, jobs, packed, after_s))
        self._add(tasks)
        return Turn(role, round_, jobs, sent, packed, tasks[-1].task_id)

    def _round(self, role: Role, asked: Sequence[Asked]) -> int:
        self._trained += role == "train"
        told = asked[0].config.get(_ROUND)
        return int(told) if isinstance(told, int) and told >= 0 else self._trained

    def _sent(self, role: Role, arrays: Any) -> Any:
        """Return what is sent: an app's own model is replaced, if it may be, until one was trained.

        The first turn of training is the last in which nothing has come back yet.
        """
        begins = self._trained == 0 or (role == "train" and self._trained == 1)
        if not (begins and self._federation.settings.strategy.replace_start):
            return arrays
        if shapes_of(arrays) == self._shapes:
            return arrays
        self._feed.note("the app begins with a model of its own: phones get theirs in its place")
        return record_of(self._start)

    def _kept(self, arrays: Any) -> tuple[str, Path]:
        came = shapes_of(arrays)
        odd = sorted(
            n for n in came.keys() | self._shapes.keys() if came.get(n) != self._shapes.get(n)
        )
        if odd:
            raise InputError(
                f"the server sends another model than the phones train: {odd[0]} is "
                f"{came.get(odd[0], 'not in it')}, not {self._shapes.get(odd[0], 'in it')}",
                where="federated.strategy",
                hint="A ServerApp finds the weights to begin with in "
                "context.run_config['initial-weights'] (.npz); one that only begins with a model "
                "of its own runs with strategy: {app: ..., replace_start: true}, which is "
                "'harness federated run --replace-start'.",
            )
        return keep(arrays, self._feed.folder.path / KEPT)

    def _job(self, role: Role, round_: int, asked: Asked) -> JobSpec:
        settings = self._federation.settings
        return later_job(
            self._federation.starts[asked.client],
            role,
            round_,
            turn=self._count,
            settings=_with(settings, asked.config),
            learning_rate=_number(asked.config, _RATE),
            proximal=_number(asked.config, _PROXIMAL) or 0.0,
        )

    def _answers(
        self,
        role: Role,
        round_: int,
        jobs: Mapping[str, JobSpec],
        packed: Mapping[str, str],
        after_s: float,
    ) -> Task:
        settings = self._federation.settings
        enough = settings.enough(len(jobs)) if role == "train" else 1
        mark = "model" if role == "train" else "heard"
        arguments = {
            "federation": self._federation.name,
            "role": role,
            "round": round_,
            "strategy": settings.strategy.label,
            "asked": list(jobs),
            "enough": enough,
        }
        if role == "train" and packed:
            arguments["sent"] = dict(packed)
        if role == "train" and self._privacy:
            arguments["privacy"] = self._privacy
        return Task(
            f"{mark}-{self._federation.name}-turn-{self._count:04d}",
            HostCall(ANSWERS, arguments),
            tuple(job.job_id for job in jobs.values()),
            quorum=Quorum(enough, after_s),
        )

    def _add(self, tasks: Sequence[Task]) -> None:
        before = [self._known[task.task_id] for task in tasks if task.task_id in self._known]
        if not before:
            self._feed.add(tasks)
            return
        for task in tasks:
            known = self._known.get(task.task_id)
            if known is None or (known.identity, known.parents) != (task.identity, task.parents):
                raise InputError(
                    f"in turn {self._count} the server does not come to what it came to before "
                    "the run was interrupted",
                    where="federated.strategy",
                    hint="It has to do the same each time that it is run: take random numbers "
                    "from `random` or numpy.random, which are seeded, and no time of day.",
                )


def _with(settings: Federated, config: Mapping[str, Any]) -> Federated:
    epochs, steps = _number(config, _EPOCHS), _number(config, _STEPS)
    update: dict[str, Any] = {}
    if epochs is not None:
        update["local_epochs"] = max(1, int(epochs))
    if steps is not None:
        update["local_steps"] = max(1, int(steps))
    return settings.model_copy(update=update)


def _number(config: Mapping[str, Any], names: Sequence[str]) -> float | None:
    values = (config.get(name) for name in names)
    return next((float(v) for v in values if isinstance(v, (int, float)) and v > 0), None)
