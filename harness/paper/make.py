"""A section for each table or figure that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.errors import HarnessError
from harness.memory.published import Published, load_published
from harness.paper import figures, recorded, tables
from harness.paper.given import Given
from harness.paper.items import Item
from harness.paper.sections import Section


def sections(items: Sequence[Item], given: Given) -> list[Section]:
    """Return a section for every item, also for those that nothing was measured for.

    What a run's files cannot give is said in its own section and costs no other.
    """
    published = load_published()
    return [_section(item, published, given) for item in items]


def _section(item: Item, published: Published, given: Given) -> Section:
    make = _MAKERS[item.key]
    try:
        return make(item, published, given)
    except HarnessError as error:
        key = item.experiment or item.key
        rest = {other: source for other, source in given.sources.items() if other != key}
        lost = replace(given, sources=rest, missing={**given.missing, key: f"it failed: {error}"})
        return replace(make(item, published, lost), failed=True)


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
