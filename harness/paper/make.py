"""A section for each table or figure that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.memory.published import Published, load_published
from harness.paper import figures, recorded, tables
from harness.paper.given import Given
from harness.paper.items import Item
from harness.paper.sections import Section


def sections(items: Sequence[Item], given: Given) -> list[Section]:
    """Return a section for every item, also for those that nothing was measured for."""
    published = load_published()
    return [_MAKERS[item.key](item, published, given) for item in items]


_MAKERS: dict[str, Callable[[Item, Published, Given], Section]] = {
    "table1": tables.table1,
    "table2": tables.sweep,
    "table3": tables.sweep,
    "table4": tables.arithmetic_of("Table 4", "Table 4, share"),
    "table5": tables.arithmetic_of("Table 5"),
    "table6": tables.table6,
    "table7": tables.table7,
    "table8": tables.table8,
    "table9": tables.arithmetic_of("Table 9", "Appendix D"),
    "figure2": figures.figure2,
    "figure3": figures.figure3,
    "figure4": figures.figure4,
    "figure5": recorded.figure5,
}
