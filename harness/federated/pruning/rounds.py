"""The tasks that a pruned round has besides: what goes out, the network for it, what is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.federated.clients import Federation
from harness.federated.pruning.choice import PRUNE, choice_arguments
from harness.federated.pruning.layers import check_pruning
from harness.federated.pruning.model import DEPLOY, deploy_arguments
from harness.federated.pruning.network import NETWORK, network_arguments, network_task
from harness.federated.pruning.source import Source
from harness.lab.feed import TaskFeed
from harness.results.federated import PruningRecord
from harness.results.tasks import TaskFolder
from harness.scenario.client_jobs import deployed_task, pruned_task
from harness.scenario.pruning import Pruning
from harness.scenario.schema import ModelChoice
from harness.scenario.task import HostCall, Task


@dataclass(frozen=True)
class GoesOut:
    """What jobs get in place of the server's model.

    Args:
        task: Whose weights they start from.
        model: The network that these fit; None: the scenario's.
        tasks: To add together with the jobs.
    """

    task: str
    model: ModelChoice | None = None
    tasks: tuple[Task, ...] = ()


class PrunedRounds:
    """Federated Pruning of one training.

    Args:
        federation: Whose.
        pruning: Its settings.
        feed: Takes the tasks.
        folder: Relative paths of the scenario start here.
    """

    def __init__(
        self, federation: Federation, pruning: Pruning, feed: TaskFeed, folder: Path
    ) -> None:
        content = next(iter(federation.starts.values())).content
        check_pruning(content, folder)
        self._federation, self._pruning, self._feed = federation, pruning, feed
        self._content = content
        self._source = Source.of(content, pruning, folder.resolve())

    def chosen(self, round_: int) -> str:
        """Return the id of the task that chooses for a round."""
        return pruned_task(self._federation.name, round_)

    def trained(self, round_: int) -> GoesOut | None:
        """Return what the clients of a round train; None if it could not be made, which is told.

        It is waited for: the jobs of the round can be planned only when their network is there.
        """
        name = self.chosen(round_)
        before = None if round_ == 1 else self.chosen(round_ - 1)
        model = self._federation.model(round_ - 1)
        arguments = choice_arguments(self._pruning, self._source, round_, model, before)
        parents = (model,) if before is None else (model, before)
        if not self._made(Task(name, HostCall(PRUNE, arguments), parents), round_):
            return None
        units = self._units(round_)
        if units is None:
            return GoesOut(name)
        network = network_task(self._federation.name, units)
        arguments = network_arguments(self._source, units, self._content, name)
        if not self._made(Task(network, HostCall(NETWORK, arguments), (name,)), round_):
            return None
        return GoesOut(name, self._model(units))

    def round_arguments(self, out: GoesOut) -> dict[str, Any]:
        """Return what the task that makes the model of a round is given besides."""
        return {"pruned": {"chosen": out.task, "source": self._source.as_json()}}

    def heard(self, round_: int) -> GoesOut:
        """Return what clients evaluate of a round's model: what they would be given of it."""
        name = deployed_task(self._federation.name, round_)
        model, chosen = self._federation.model(round_), self.chosen(round_)
        call = HostCall(DEPLOY, deploy_arguments(self._pruning, self._source, model, chosen))
        units = self._units(round_)
        tasks = () if self._feed.knows(name) else (Task(name, call, (model, chosen)),)
        return GoesOut(name, None if units is None else self._model(units), tasks)

    def _made(self, task: Task, round_: int) -> bool:
        name = task.task_id
        if not self._feed.knows(name):
            self._feed.add([task])
        outcome = self._feed.outcomes([name])[name]
        if outcome.state != "finished":
            self._feed.note(f"federated training ends in round {round_}: {outcome.reason}")
            return False
        return True

    def _units(self, round_: int) -> dict[str, int] | None:
        """Return how many units are kept by layer; None where the network stays as it is."""
        record = PruningRecord.model_validate(self._result(self.chosen(round_)))
        if record.masked or all(kept == of for kept, of in record.units.values()):
            return None
        return {layer: kept for layer, (kept, _) in record.units.items()}

    def _model(self, units: dict[str, int]) -> ModelChoice:
        folder = TaskFolder(self._feed.folder.path, network_task(self._federation.name, units))
        return ModelChoice(path=str(folder.path.resolve()))

    def _result(self, name: str) -> Any:
        return TaskFolder(self._feed.folder.path, name).result().value
