"""What the page counts: equal figures, and claims here and in print (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.paper.sections import Section


@dataclass(frozen=True)
class Summary:
    """Counts over sections.

    Attributes:
        equal: Verdicts of arithmetic -> cells.
        here: Verdicts of claims by what was measured -> claims.
        in_print: Verdicts of claims by the paper's own figures -> claims.
    """

    equal: Counter[str]
    here: Counter[str]
    in_print: Counter[str]

    @property
    def must_equal(self) -> int:
        """Cells that should be equal, also those that our arithmetic does not reach."""
        return sum(self.equal[verdict] for verdict in ("equal", "differs", "not reached"))

    @property
    def claims(self) -> int:
        """How many claims there are."""
        return self.here.total()


def summary(sections: Sequence[Section]) -> Summary:
    """Count over sections."""
    claims = [claim for section in sections for claim in section.claims]
    cells = (c for s in sections for grid in s.grids for _, row in grid.rows for c in row)
    return Summary(
        Counter(cell.verdict for cell in cells if cell.verdict),
        Counter(claim.verdict for claim in claims),
        Counter(claim.in_print for claim in claims),
    )
