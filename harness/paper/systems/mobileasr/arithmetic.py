"""Tables of figures that follow from the network: printed beside our arithmetic (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.memory.published import Compared, Published, compare
from harness.paper.given import Given
from harness.paper.items import Item
from harness.paper.sections import Cell, Grid, Head, Section
from harness.paper.verdicts import Verdict


def arithmetic_of(*places: str) -> Callable[[Item, Published, Given], Section]:
    """Return the maker of a table that needs no run."""
    return lambda item, published, _: arithmetic(item, published, places)


def arithmetic(item: Item, published: Published, places: Sequence[str]) -> Section:
    """Return tables of figures that follow from the network: printed beside our arithmetic.

    Args:
        item: The table.
        published: The file.
        places: Names (``at``) of its parts in the file.
    """
    grids, notes = [], list[str]()
    tables = [published.table(at) for at in places]
    for table in tables:
        rows = []
        for compared in map(compare, table.rows):
            printed = compared.printed
            if printed.note and published.notes[printed.note] not in notes:
                notes.append(published.notes[printed.note])
            marks = (1 + notes.index(published.notes[printed.note]),) if printed.note else ()
            name = f"{printed.name} ({printed.unit})" if printed.unit else printed.name
            rows.append((name, (replace(_arithmetic_cell(compared), marks=marks),)))
        head = Head("", "arithmetic")
        title = table.what if len(tables) == 1 else f"{table.at}: {table.what}"
        grids.append(Grid(title, (head,), tuple(rows), ours="our arithmetic"))
    return Section(
        item,
        at=tables[0].at,
        what=tables[0].what,
        grids=tuple(grids),
        notes=tuple(notes),
    )


def _arithmetic_cell(compared: Compared) -> Cell:
    verdict: Verdict = ""
    if compared.printed.value_class == "arithmetic":
        verdict = "equal" if compared.equal else "differs"
    elif compared.printed.value_class == "not_reached":
        verdict = "not reached"
    elif compared.printed.value_class == "given":
        verdict = "given"
    return Cell(printed=compared.printed.printed, measured=compared.ours or "", verdict=verdict)
