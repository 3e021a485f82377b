"""Where a pruned network comes from, as the host's tasks are told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract.network import Network
from harness.federated.pruning.layers import config_of
from harness.lab.planning.models import LoadedModel, Models
from harness.scenario.pruning import Pruning
from harness.scenario.schema import JobContent, ModelChoice

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig


@dataclass(frozen=True)
class Source:
    """A model of the scenario.

    Args:
        model: As the scenario names it.
        batch_size: Of the jobs.
        folder: Relative paths of the scenario start here.
        file: The YAML file that the model was built from; None for a network of the project.
    """

    model: ModelChoice
    batch_size: int
    folder: Path
    file: str | None

    @staticmethod
    def of(content: JobContent, pruning: Pruning, folder: Path) -> Source:
        """Return the model of a job."""
        return Source(content.model, content.trainer.batch_size, folder, pruning.network)

    @staticmethod
    def of_json(value: Mapping[str, Any]) -> Source:
        """Read what `as_json` wrote."""
        choice = ModelChoice.model_validate(value["model"])
        return Source(choice, value["batch_size"], Path(value["folder"]), value["file"])

    def as_json(self) -> dict[str, Any]:
        """Return it as a task's arguments hold it."""
        return {
            "model": self.model.model_dump(mode="json", exclude_none=True),
            "batch_size": self.batch_size,
            "folder": str(self.folder),
            "file": self.file,
        }

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model's folder."""
        return Models(self.folder).model(self.model)

    @property
    def network(self) -> Network:
        """Layers and sub-models, by the manifest."""
        return self.loaded.manifest.network

    def config(self) -> NetworkConfig:
        """Return the sizes that it was built with.

        Raises:
            InputError: They are not known.
        """
        pruning = Pruning(level=0, network=self.file)
        return config_of(pruning, self.loaded, self.batch_size, self.folder)
