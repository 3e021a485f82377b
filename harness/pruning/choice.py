"""The units of a network that a round keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.pruning.cells import Group, Kept, group_scores
from harness.pruning.density import layer_densities
from harness.pruning.matrices import count_of
from harness.pruning.names import Density, Score
from harness.pruning.scores import Values, entry_scores, kept_units


@dataclass(frozen=True)
class Ranked:
    """A group with what its units are ranked by.

    Args:
        group: Which.
        scores: [units]
        norm: Mean |w| of all its units.
        entries: Numbers of matrices that belong to its units.
    """

    group: Group
    scores: Values
    norm: float
    entries: int


def ranked(
    groups: Sequence[Group],
    weights: Mapping[str, npt.NDArray[np.floating]],
    momentum: Mapping[str, Values] | None,
    score: Score,
) -> list[Ranked]:
    """Return the groups with their units' scores.

    Args:
        groups: Of the network.
        weights: Of every variable that is scored.
        momentum: Likewise; None: nothing has been trained yet.
        score: Which.
    """
    names = {place.variable for group in groups for place in group.places if place.scored}
    sizes = {name: np.abs(np.asarray(weights[name], np.float64)) for name in names}
    scored = {
        name: entry_scores(sizes[name], None if momentum is None else momentum[name], score)
        for name in names
    }
    return [
        Ranked(
            group,
            group_scores(group, scored),
            float(group_scores(group, sizes).mean()),
            _entries(group, sizes),
        )
        for group in groups
    ]


def units_kept(groups: Sequence[Ranked], level: float, density: Density) -> dict[str, int]:
    """Return how many units stay, by layer; at least one does.

    Of n units, the whole part of (1 - density) n goes.

    Args:
        groups: With their scores.
        level: Share that is pruned.
        density: What each layer keeps.
    """
    layers: dict[str, list[Ranked]] = {}
    for each in groups:
        layers.setdefault(each.group.layer, []).append(each)
    norms = [
        sum(each.norm * each.entries for each in of) / sum(each.entries for each in of)
        for of in layers.values()
    ]
    counts = [sum(each.entries for each in of) for of in layers.values()]
    shares = layer_densities(norms, level, density, counts)
    kept: dict[str, int] = {}
    for (layer, of), share in zip(layers.items(), shares, strict=True):
        units = of[0].group.units
        kept[layer] = max(1, units - count_of(max(0.0, 1 - share), units))
    return kept


def kept_of(
    groups: Sequence[Ranked], units: Mapping[str, int], before: Kept | None = None
) -> dict[str, list[int]]:
    """Return which units stay, of each group.

    Args:
        groups: With their scores.
        units: How many stay, by layer; see `units_kept`.
        before: Only these may stay (no mask refinement).
    """
    return {
        each.group.name: kept_units(
            each.scores,
            units[each.group.layer],
            None if before is None else before[each.group.name],
        )
        for each in groups
    }


def regrown(before: Kept, now: Kept) -> int:
    """Return how many units are kept that were not kept before."""
    return sum(len(set(units) - set(before[name])) for name, units in now.items())


def _entries(group: Group, values: Mapping[str, Values]) -> int:
    total = 0
    for place in group.places:
        if place.scored:
            value, axis = place.within(values[place.variable])
            total += group.units * place.repeats * (value.size // value.shape[axis])
    return total
