"""What belongs to each inner unit of a Conformer's feed-forward modules (no tensorflow).

Such a unit is a column of the module's first matrix with its bias and a row of the second one:
without it the rest computes what it would with zeros there, and nothing else of the network changes
its size. Widths between layers stay: whatever adds to them would have to lose the same units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model.conformer import weights
from harness.model.conformer.weights import VECTORS
from harness.pruning.cells import Group, Place

if TYPE_CHECKING:
    from harness.model.conformer.configuration import Conformer

_MODULES = ("before", "after")
"""Feed-forward modules of a block: before attention, and after the convolution."""


def unit_groups(config: Conformer) -> tuple[Group, ...]:
    """Return the groups of a network, from input to output."""
    return tuple(group for n in range(1, config.layers + 1) for group in _groups(config, n))


def with_units(config: Conformer, units: Mapping[str, int]) -> Conformer:
    """Return a network with other numbers of units.

    Args:
        config: The network.
        units: By layer; of a layer that is not named as many as there are.
    """
    widths = enumerate(config.inner_widths, 1)
    return replace(config, inner=tuple(units.get(f"L{n}", width) for n, width in widths))


def _groups(config: Conformer, number: int) -> Iterator[Group]:
    from harness.model.conformer.configuration import HALF

    layer, units = f"L{number}", config.inner_widths[number - 1]
    vectors = weights.block(config, number).vectors
    for prefix in ("", HALF) if number in config.halved else ("",):
        name = f"{layer.lower()}_{prefix}"
        for module in _MODULES:
            first = _begin(vectors, f"{module}_in_bias")
            places = (
                Place(f"{name}{module}_in", 2),
                Place(f"{name}{VECTORS}", 0, first=first, scored=False),
                Place(f"{name}{module}_out", 1),
            )
            beside = "half rate " if prefix else ""
            yield Group(f"{layer} {beside}{module}", layer, units, places)


def _begin(vectors: Mapping[str, int], name: str) -> int:
    """Return where a vector begins in the variable that holds all of a layer's."""
    names = list(vectors)
    return sum(vectors[earlier] for earlier in names[: names.index(name)])
