"""Units of a network in all variables that touch them: what is left is a smaller dense network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.pruning.scores import Values, Weights

Kept = Mapping[str, Sequence[int]]
"""Group -> units that are kept, in their order."""
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Place:
    """Where the units of a group stand along one axis of a variable.

    Unit u of n stands at ``first + u + k * gap`` for each k below ``repeats``: the four gate
    columns of a cell, one row, a channel at each frequency.

    Args:
        variable: Its full name.
        axis: Of it.
        slice: Only in this slice of axis 0 (a direction); None: in all.
        first: Index of unit 0.
        repeats: How often each unit stands there.
        gap: Between two of them.
        scored: Whether its entries count in the score of a unit: those of matrices do.
    """

    variable: str
    axis: int
    slice: int | None = None
    first: int = 0
    repeats: int = 1
    gap: int = 0
    scored: bool = True

    def within(self, value: Values) -> tuple[Values, int]:
        """Return the part of a variable in which the units stand, and its axis."""
        if self.slice is None:
            return value, self.axis
        return value[self.slice], self.axis - 1

    def indices(self, units: Sequence[int]) -> Indices:
        """Return where units stand: [repeats, units]."""
        return (
            self.first
            + np.asarray(units, np.intp)[None, :]
            + self.gap * np.arange(self.repeats, dtype=np.intp)[:, None]
        )


@dataclass(frozen=True)
class Group:
    """Units of a layer of which any may be left out.

    Args:
        name: Unique: the layer, with its direction if it has two.
        layer: Its name. Groups of one layer keep the same number of units.
        units: How many there are.
        places: Where they stand.
        usual: Whether the layer is pruned if nobody says which are.
    """

    name: str
    layer: str
    units: int
    places: tuple[Place, ...]
    usual: bool = True


def group_scores(group: Group, scores: Mapping[str, Values]) -> Values:
    """Return the mean score of each unit, over all that it has in matrices.

    An entry at which two places of a unit meet counts twice.

    Args:
        group: Whose.
        scores: Of the entries, of every variable that is scored.
    """
    total, count = np.zeros(group.units), 0
    for place in group.places:
        if not place.scored:
            continue
        values, axis = place.within(scores[place.variable])
        sums = values.sum(tuple(n for n in range(values.ndim) if n != axis))
        indices = place.indices(range(group.units))
        total += sums[indices].sum(0)
        count += place.repeats * (values.size // values.shape[axis])
    return total / max(count, 1)


class Selection:
    """What is kept of each variable.

    Args:
        groups: Of the network.
        kept: Of each group; one that it lacks is kept whole.
    """

    def __init__(self, groups: Iterable[Group], kept: Kept) -> None:
        self._cuts: dict[str, list[tuple[Place, Sequence[int], int]]] = {}
        for group in groups:
            units = kept.get(group.name)
            if units is None or len(units) == group.units:
                continue
            for place in group.places:
                self._cuts.setdefault(place.variable, []).append((place, units, group.units))

    def touches(self, variable: str) -> bool:
        """Say whether something of a variable is left out."""
        return variable in self._cuts

    def gather(self, variable: str, value: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return what is kept of a variable, as small as it becomes."""
        if variable not in self._cuts:
            return value
        if self._by_slice(variable):
            return np.stack([value[n][axes] for n, axes in self._slices(variable, value.shape)])
        return value[self._axes(variable, value.shape, None)]

    def scatter(
        self,
        variable: str,
        small: npt.NDArray[np.floating],
        into: npt.NDArray[np.floating],
    ) -> npt.NDArray[np.floating]:
        """Return ``into`` with what was kept put back to its places; the rest stays as it is.

        Args:
            variable: Its name.
            small: What became of `gather`'s.
            into: The whole variable.
        """
        if variable not in self._cuts:
            return small
        whole = into.copy()
        if self._by_slice(variable):
            for n, axes in self._slices(variable, into.shape):
                whole[n][axes] = small[n]
        else:
            whole[self._axes(variable, into.shape, None)] = small
        return whole

    def mask(self, variable: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Return which entries of a variable are kept."""
        kept = self.gather(variable, np.ones(shape, np.float32))
        return self.scatter(variable, kept, np.zeros(shape, np.float32)) > 0

    def _by_slice(self, variable: str) -> bool:
        return any(place.slice is not None for place, _, _ in self._cuts[variable])

    def _slices(
        self, variable: str, shape: tuple[int, ...]
    ) -> list[tuple[int, tuple[Indices, ...]]]:
        return [(n, self._axes(variable, shape, n)) for n in range(shape[0])]

    def _axes(self, variable: str, shape: tuple[int, ...], at: int | None) -> tuple[Indices, ...]:
        """Return the kept indices of each axis, as ``numpy.ix_`` has them (without the slice's)."""
        begin = 0 if at is None else 1
        kept = [np.ones(length, bool) for length in shape[begin:]]
        for place, units, of in self._cuts[variable]:
            if place.slice not in (None, at):
                continue
            stays = kept[place.axis - begin]
            stays[place.indices(range(of)).reshape(-1)] = False
            stays[place.indices(units).reshape(-1)] = True
        return np.ix_(*(np.flatnonzero(stays) for stays in kept))


def gathered(selection: Selection, weights: Mapping[str, Weights]) -> dict[str, Weights]:
    """Return the weights of the smaller network."""
    return {
        name: np.ascontiguousarray(selection.gather(name, value), np.float32)
        for name, value in weights.items()
    }
