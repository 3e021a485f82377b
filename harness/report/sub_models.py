"""Sub-models as a page shows them: in the order of their network, each with a colour and a mark.

Nothing but the text of a page says a sub-model's name: colours and marks go by its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

from harness.report.ramp import shade_of
from harness.report.style import MARKERS, NO_MARKER

UNNAMED = "none"
"""What a page says where no sub-model was chosen."""


@total_ordering
@dataclass(frozen=True)
class RankedSubModel:
    """A sub-model and its rank among those of its network.

    Sorted from the largest to the smallest; those that the network does not have come after them,
    what is none comes last.

    Args:
        name: As the network says; None: none was chosen.
        order: All sub-models of the network, from the largest need to the smallest.
    """

    name: str | None
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str | None, order: tuple[str, ...]) -> RankedSubModel:
        """Return a sub-model of a network; that none was chosen is the same in all networks."""
        return cls(name, order) if name else cls(None)

    def __lt__(self, other: RankedSubModel) -> bool:
        """Say whether it comes before another."""
        return self._key < other._key

    @property
    def _key(self) -> tuple[bool, tuple[str, ...], int, str]:
        return self.name is None, self.order, self._place, self.name or ""

    @property
    def _place(self) -> int:
        return self.order.index(self.name) if self.name in self.order else len(self.order)

    @property
    def label(self) -> str:
        """Its name, or that there is none."""
        return self.name or UNNAMED

    @property
    def role(self) -> str:
        """Its colour: a role of `harness.report.style`."""
        known = self.name in self.order
        return f"s{shade_of(self._place, len(self.order))}" if known else "soft"

    @property
    def marker(self) -> str:
        """Its mark: a shape of `harness.report.figures.shapes`.

        With more sub-models than marks they begin anew: neighbours never share one.
        """
        return MARKERS[self._place % len(MARKERS)] if self.name in self.order else NO_MARKER

    @property
    def mark_id(self) -> str:
        """Where a page defines its mark."""
        return mark_id(self.marker)


def mark_id(marker: str) -> str:
    """Return the id of a mark's definition on a page."""
    return f"m{MARKERS.index(marker)}" if marker in MARKERS else "mx"


def merged(orders: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of several networks in one order: of the first, then what others add."""
    return tuple(dict.fromkeys(name for order in dict.fromkeys(orders) for name in order))
