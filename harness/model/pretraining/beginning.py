"""Weights of one or several files that a training begins from (no tensorflow)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.model.configuration import NetworkConfig
from harness.model.initial import Weights
from harness.model.pretraining.start import Init, Start, read_start
from harness.trainer.lineage import Begun, Stage


@dataclass(frozen=True)
class Beginning:
    """Weights to begin from: of each file, what of the files before it is not taken otherwise."""

    starts: tuple[Start, ...]
    """At least one; a later one counts where two have a layer."""

    @cached_property
    def weights(self) -> Weights:
        """By full name."""
        return {name: value for start in self.starts for name, value in start.weights.items()}

    @property
    def words(self) -> str:
        """What a user is told."""
        return "; then ".join(start.words for start in self._told)

    @property
    def _told(self) -> tuple[Start, ...]:
        """The starts, with what begins at random after all of them, told by the last."""
        taken = {layer for start in self.starts for layer in start.taken}
        *before, last = self.starts
        fresh = tuple(layer for layer in last.fresh if layer not in taken)
        return *(replace(start, fresh=()) for start in before), replace(last, fresh=fresh)

    @property
    def identity(self) -> str:
        """What makes it this beginning."""
        return "+".join(start.identity for start in self.starts)

    @property
    def recorded(self) -> tuple[Begun, ...]:
        """Return it for a lineage."""
        return tuple(start.recorded for start in self._told)

    @property
    def lineage(self) -> tuple[Stage, ...]:
        """The trainings that made the weights, those of the first file first, each once."""
        manifests = [start.manifest for start in self.starts if start.manifest is not None]
        return tuple(dict.fromkeys(stage for each in manifests for stage in each.lineage))


def read_beginning(inits: Sequence[Init], config: NetworkConfig) -> Beginning | None:
    """Read the weights that a training begins from; None if there are none.

    Args:
        inits: Which weights of which files, in the order in which they are taken.
        config: The network to train.

    Raises:
        InputError: As `read_start`.
    """
    starts = tuple(read_start(init, config) for init in inits)
    return Beginning(starts) if starts else None
