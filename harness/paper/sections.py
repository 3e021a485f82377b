"""One section a table or figure: printed beside measured, and what must hold (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from harness.memory.published import Compared, Published, compare
from harness.paper.items import Item
from harness.paper.measure import Figure
from harness.paper.published import Measured, Trend
from harness.report.figures.sheet import Drawn
from harness.report.numbers import fixed

Verdict = Literal[
    "holds", "does not hold", "cannot be said", "equal", "differs", "given", "not reached", ""
]


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


@dataclass(frozen=True)
class Head:
    """A column: its label and what may be made of it."""

    label: str
    value_class: str


@dataclass(frozen=True)
class Grid:
    """A table: printed beside ours."""

    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    ours: str = "measured"

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
class Claim:
    """Something that must hold."""

    says: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Drawing:
    """A figure; ``name`` is that of its files."""

    name: str
    caption: str
    svg: Drawn


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
    origins: tuple[str, ...] = field(default=())
    conditions: str = ""
    """With what it was measured, in words."""


def arithmetic(item: Item, published: Published, places: Sequence[str]) -> Section:
    """Return tables of figures that follow from the network: printed beside our arithmetic.

    Args:
        item: The table.
        published: The file.
        places: Names (``at``) of its parts in the file.
    """
    grids, notes, tables = [], [], [published.table(at) for at in places]
    for table in tables:
        compared = [compare(row) for row in table.rows]
        rows = tuple(
            (f"{row.printed.name} ({row.printed.unit})" if row.printed.unit else row.printed.name,
             (_arithmetic_cell(row),))
            for row in compared
        )  # fmt: skip
        head = Head("", "arithmetic")
        title = table.what if len(tables) == 1 else f"{table.at}: {table.what}"
        grids.append(Grid(title, (head,), rows, ours="our arithmetic"))
        for row in compared:
            if row.printed.note and published.notes[row.printed.note] not in notes:
                notes.append(published.notes[row.printed.note])
    return Section(
        item, at=tables[0].at, what=tables[0].what, grids=tuple(grids), notes=tuple(notes)
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
            cells.append(_cell(row.printed.get(head.key, ""), figure, head.digits))
        rows.append((row.name, tuple(cells)))
    heads = tuple(Head(column.label, column.value_class) for column in says.columns)
    return Grid(says.what, heads, tuple(rows), ours)


def _cell(printed: str, found: Figure, digits: int) -> Cell:
    if found.found is None:
        return Cell(printed, found.text, found.links)
    known = found.found
    low, high = fixed(known.low, digits), fixed(known.high, digits)
    return Cell(
        printed=printed,
        measured=fixed(known.median, digits),
        links=found.links,
        low=known.low,
        median=known.median,
        high=known.high,
        n=known.n,
        span=f"{low} to {high}" if low != high else "",
    )


def claims(says: Measured, figures: Mapping[tuple[str, str], Figure]) -> tuple[Claim, ...]:
    """Return whether what must hold does, by medians unless the trend says otherwise."""
    labels = {column.key: column.label for column in says.columns}
    return tuple(_claim(trend, figures, labels[trend.metric]) for trend in says.trends)


def _claim(trend: Trend, figures: Mapping[tuple[str, str], Figure], label: str) -> Claim:
    spreads = [figures.get((row, trend.metric), Figure()).found for row in trend.rows]
    known = [
        spread_found.low if trend.by == "least" else spread_found.median
        for spread_found in spreads
        if spread_found is not None
    ]
    if len(known) < len(trend.rows):
        lost = [
            row
            for row, spread_found in zip(trend.rows, spreads, strict=True)
            if spread_found is None
        ]
        return Claim(trend.says, "cannot be said", f"Nothing was measured for {', '.join(lost)}.")
    named = list(zip(trend.rows, known, strict=True))
    made = ordered(trend.says, trend.expected == "rises", named)
    times = max(spread_found.n for spread_found in spreads if spread_found is not None)
    least = f", the least of {times}" if trend.by == "least" and times > 1 else ""
    return replace(made, evidence=f"{label}{least}: {made.evidence}.")


def ordered(says: str, rising: bool, values: Sequence[tuple[str, float]]) -> Claim:
    """Judge an order: no step the wrong way, and at least one the right way."""
    sign = 1.0 if rising else -1.0
    steps = [sign * (after - before) for (_, before), (_, after) in pairwise(values)]
    holds = bool(steps) and all(step >= 0 for step in steps) and sum(steps) > 0
    evidence = "; ".join(f"{name} → {value:.3g}" for name, value in values)
    return Claim(says, "holds" if holds else "does not hold", evidence)
