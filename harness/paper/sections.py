"""One section a table or figure: printed beside measured, and what must hold (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.memory.published import digits_like
from harness.paper.claims import Claim
from harness.paper.items import Item
from harness.paper.measure import Figure, Source
from harness.paper.published import Column, Measured
from harness.paper.verdicts import Verdict
from harness.report.figures.sheet import Drawn
from harness.report.numbers import fixed


@dataclass(frozen=True)
class Cell:
    """One figure, printed and measured."""

    printed: str = ""
    measured: str = ""
    links: tuple[str, ...] = ()
    low: float | None = None
    median: float | None = None
    high: float | None = None
    n: int = 0
    verdict: Verdict = ""
    span: str = ""
    """The least and the most of the repeats, where they differ."""
    marks: tuple[int, ...] = ()
    """Numbers of the footnotes that are about it; so elsewhere."""


@dataclass(frozen=True)
class Head:
    """A column: its label and what may be made of it."""

    label: str
    value_class: str
    marks: tuple[int, ...] = ()
    source: str = ""
    """Where its printed figures were read, if not all of a page stand in one place."""


@dataclass(frozen=True)
class Grid:
    """A table: printed beside ours."""

    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    ours: str = "measured"
    marks: tuple[int, ...] = ()
    """Footnotes about the table as a whole."""
    row_marks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[tuple[str, ...], ...]:
        """What stands under each column's name: ``printed``, ours, or both; nothing empty."""
        return tuple(self._kinds(number) for number in range(len(self.heads)))

    def _kinds(self, number: int) -> tuple[str, ...]:
        cells = [row[number] for _, row in self.rows]
        printed = any(cell.printed for cell in cells)
        ours = any(cell.measured for cell in cells) or not printed
        return ("printed",) * printed + (self.ours,) * ours

    @property
    def value_class(self) -> str:
        """What may be made of every column; empty where they differ."""
        classes = {head.value_class for head in self.heads}
        return classes.pop() if len(classes) == 1 else ""

    @property
    def labelled(self) -> bool:
        """Whether the columns have names: the only one of a table need not."""
        return any(head.label for head in self.heads)

    @property
    def several(self) -> bool:
        """Whether a row stands for several attempts: they are then named at its end."""
        return any(len(cell.links) > 1 for _, cells in self.rows for cell in cells)


def attempts_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return all that a row leads to, each once."""
    return tuple(dict.fromkeys(link for cell in cells for link in cell.links))


@dataclass(frozen=True)
class Drawing:
    """A figure; ``name`` is that of its files."""

    name: str
    caption: str
    svg: Drawn


@dataclass(frozen=True)
class Basis:
    """What a section's claims are judged by.

    Attributes:
        says: What the page prints there.
        figures: (row's name, metric) -> ours.
        source: The run behind it; None = nothing was measured.
    """

    says: Measured | None = None
    figures: Mapping[tuple[str, str], Figure] = field(default_factory=dict)
    source: Source | None = None


@dataclass(frozen=True)
class Section:
    """A table or figure of the paper."""

    item: Item
    at: str = ""
    what: str = ""
    grids: tuple[Grid, ...] = ()
    claims: tuple[Claim, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""
    """Why there is nothing measured; empty where there is."""
    failed: bool = False
    """Its run's files could not be read to the end."""
    origins: tuple[str, ...] = field(default=())
    conditions: str = ""
    """With what it was measured, in words."""
    basis: Basis = field(default_factory=Basis)


def after(grid: Grid, notes: int) -> Grid:
    """Return a table whose footnotes come after ``notes`` others."""

    def moved(marks: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(notes + mark for mark in marks)

    return replace(
        grid,
        marks=moved(grid.marks),
        row_marks={name: moved(marks) for name, marks in grid.row_marks.items()},
        heads=tuple(replace(head, marks=moved(head.marks)) for head in grid.heads),
        rows=tuple(
            (name, tuple(replace(cell, marks=moved(cell.marks)) for cell in cells))
            for name, cells in grid.rows
        ),
    )


def measured_grid(
    says: Measured, figures: Mapping[tuple[str, str], Figure], ours: str = "measured"
) -> Grid:
    """Return a table with what was measured beside what is printed.

    Args:
        says: The page.
        figures: (row's name, column's key) -> ours.
        ours: What our column is called.
    """
    rows = []
    for row in says.rows:
        cells = []
        for head in says.columns:
            figure = figures.get((row.name, head.key), Figure())
            cell = _cell(row.printed.get(head.key, ""), figure, head)
            cells.append(replace(cell, marks=_marks(says, row.name, head.key)))
        rows.append((row.name, tuple(cells)))
    heads = tuple(
        Head(column.label, column.value_class, _marks(says, "", column.key), column.source)
        for column in says.columns
    )
    row_marks = {row.name: _marks(says, row.name, "") for row in says.rows}
    return Grid(says.what, heads, tuple(rows), ours, _marks(says, "", ""), row_marks)


def _marks(says: Measured, row: str, column: str) -> tuple[int, ...]:
    """Return the notes about a cell; about a whole row, column or table where a name is empty."""
    return tuple(
        number
        for number, note in enumerate(says.notes, 1)
        if (row in note.rows if row else not note.rows)
        and (column in note.columns if column else not note.columns)
    )


def _cell(printed: str, found: Figure, column: Column) -> Cell:
    if found.found is None:
        return Cell(printed, found.text, found.links)
    known = found.found
    if column.value_class == "arithmetic" and printed:
        ours = digits_like(known.median, printed)
        return Cell(printed, ours, found.links, verdict="equal" if ours == printed else "differs")
    low, high = fixed(known.low, column.digits), fixed(known.high, column.digits)
    return Cell(
        printed=printed,
        measured=fixed(known.median, column.digits),
        links=found.links,
        low=known.low,
        median=known.median,
        high=known.high,
        n=known.n,
        span=f"{low} to {high}" if low != high else "",
    )
