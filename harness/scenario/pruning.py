"""What a scenario says of Federated Pruning (docs/pruning.md)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from harness.pruning.levels import risen
from harness.pruning.names import Density, Halves, Pattern, Schedule, Score
from harness.scenario.base import Count, Flag, Number, Section, Words


class Pruning(Section):
    """Clients get a part of the network only; the server keeps all of it."""

    level: Number = Field(ge=0, lt=1)
    """Share of the units of a layer that no client gets, from 0 to below 1."""
    pattern: Pattern = "cell"
    """What is left out as one. ``cell``: a unit of the network in all matrices that touch it, so
    that clients train a smaller dense network. ``input_unit``, ``output_unit`` and their halves: a
    row or a column of a single matrix, which only ``masked`` can do."""
    halves: Halves = "each"
    """Of half rows and columns: the same number in each half of a matrix, or ranked together."""
    masked: Flag = False
    """Clients get the whole network with zeros where it is pruned: fewer bytes down, and nothing
    else is saved."""
    score: Score = "weight"
    """By what units are ranked: mean absolute weight, the momentum of what the rounds changed, or
    the product of both. The first round has no momentum and goes by weights."""
    density: Density = "uniform"
    """What share each layer keeps: the same, or more where weights are larger, by one of the
    readings of the paper's formula."""
    schedule: Schedule = "constant"
    """How the level is reached."""
    rise: Count = Field(1, ge=1)
    """Of ``stepped`` and ``cubic``: the rounds in which the level rises."""
    steps: Count | None = Field(None, ge=1)
    """Of ``stepped``: in how many steps; left out, one a round."""
    refine_rounds: Count | None = Field(None, ge=1)
    """Rounds in which masks are chosen anew once the level is there; then they are frozen. Left
    out, to the end."""
    refinement: Flag = True
    """Whether the server keeps the values of what is pruned, so that it can grow back. Without,
    they become zero and stay out."""
    layers: Words = ()
    """Which layers are pruned; left out, all that are usually (docs/pruning.md)."""
    network: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """The YAML file that the model was built from, for a network of one's own; relative to the
    scenario."""

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_a_level(cls, value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return {"level": value} if is_number else value

    @model_validator(mode="after")
    def _fits_together(self) -> Pruning:
        if self.pattern != "cell" and not self.masked:
            raise ValueError(
                f"{self.pattern} leaves no smaller dense network: take pattern: cell, or masked: "
                "true, which saves bytes only"
            )
        if self.halves == "joint" and not self.pattern.startswith("half_"):
            raise ValueError(f"halves: joint is for half rows and columns, not for {self.pattern}")
        if self.schedule == "constant" and (self.rise != 1 or self.steps is not None):
            raise ValueError("rise and steps are for schedule: stepped and cubic")
        if self.steps is not None and self.schedule != "stepped":
            raise ValueError("steps is for schedule: stepped")
        if self.steps is not None and self.steps > self.rise:
            raise ValueError(f"{self.steps} steps need {self.steps} rounds or more to rise in")
        return self

    @property
    def settled_steps(self) -> int:
        """In how many steps a stepped level rises."""
        return self.steps or self.rise

    @property
    def risen(self) -> int:
        """Rounds after which the level is there."""
        return risen(self.schedule, self.rise)
