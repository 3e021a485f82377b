"""The matrix as a map: one figure of the results by two settings (pure).

The page holds the first map as a table that reads without a script; with it, rows, columns and
figure can be chosen, and the filters count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from harness.report.axes import (
    PROFILE,
    RUN,
    SPEAKER,
    Axis,
    shown,
    value_at,
    varying,
)
from harness.report.facets import Facets, partition
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread

STEPS = 6
"""Shades from the least to the greatest value."""
WIDEST = 12
"""Columns that a page has room for."""
MOST_CELLS = 240
"""A larger matrix is shown by two settings at a time."""
JOINED = ", "
"""Between the values that a row or column stands for."""


@dataclass(frozen=True)
class Figure:
    """One number of a result."""

    key: str
    label: str
    digits: int
    read: Callable[[Attempt], float | None]


def _change(attempt: Attempt) -> float | None:
    before, after = attempt.result.wer_before_percent, attempt.result.wer_after_percent
    return None if before is None or after is None else after - before


FIGURES = (
    Figure("wer", "WER after, %", 1, lambda attempt: attempt.result.wer_after_percent),
    Figure("change", "change of WER, points", 1, _change),
    Figure("minutes", "minutes an epoch", 2, lambda attempt: attempt.result.minutes_per_epoch),
    Figure("rss", "peak RSS, MB", 0, lambda attempt: attempt.result.peak_rss_mb),
    Figure(
        "need", "memory that training took, MB", 0, lambda attempt: attempt.result.measured_need_mb
    ),
)


@dataclass(frozen=True)
class Cell:
    """Jobs that agree in the two settings."""

    value: Spread | None
    """Over those that finished."""
    shade: int | None
    """0 for the least value of the map, ``STEPS`` - 1 for the greatest."""
    attempts: tuple[Attempt, ...]
    best: bool = False
    """The least of the map; less is better in each of its figures."""

    @property
    def finished_keys(self) -> str:
        """Of the jobs that the value is of."""
        return " ".join(attempt.key for attempt in self.attempts if attempt.finished)

    @property
    def failed(self) -> int:
        """How many did not finish."""
        return sum(not attempt.finished for attempt in self.attempts)


@dataclass(frozen=True)
class Heat:
    """A map."""

    figure: Figure
    rows: tuple[Axis, ...]
    """Settings that a row stands for."""
    columns: tuple[Axis, ...]
    cells: tuple[tuple[str, tuple[Cell, ...]], ...]
    """Name of the row, cells in the order of ``columns``."""
    names: tuple[str, ...]
    """Of the columns."""

    @property
    def title(self) -> str:
        """What it shows, in words."""
        rows, columns = (" and ".join(axis.label for axis in axes) for axes in self.sides)
        return f"{self.figure.label}: {rows} down, {columns} across"

    @property
    def sides(self) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
        """Rows and columns."""
        return self.rows, self.columns


def values_of(attempt: Attempt) -> str:
    """Return an attempt's figures for the page's script, in the order of `FIGURES`."""
    read = (figure.read(attempt) for figure in FIGURES)
    return " ".join("-" if value is None else f"{value:.6g}" for value in read)


def heat(attempts: Sequence[Attempt], facets: Facets) -> Heat | None:
    """Return the map of the whole matrix, or over the two settings that vary most.

    A cell is one setting and its repeats, as long as the map is no wider than `WIDEST`: then no
    cell is a mean over settings. A wider matrix is shown by two settings at a time.

    Args:
        attempts: The last of each job.
        facets: The settings that the page can filter by; no other is offered.

    Returns:
        None where fewer than two settings vary.
    """
    offered = [path for _, path in facets.paths]
    axes = _telling([axis for axis in varying(attempts) if axis.path in offered], attempts)
    figure = _first_known(attempts)
    if len(axes) < 2 or figure is None:
        return None
    rows, columns = _sides(axes)
    groups: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault((_name(attempt, rows), _name(attempt, columns)), []).append(attempt)
    spreads = {
        key: spread(figure.read(attempt) for attempt in members if attempt.finished)
        for key, members in groups.items()
    }
    known = [found.median for found in spreads.values() if found is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)

    def cell(row: str, column: str) -> Cell:
        value = spreads.get((row, column))
        members = tuple(groups.get((row, column), ()))
        if value is None:
            return Cell(None, None, members)
        return Cell(value, shade(value.median, low, high), members, best=value.median == low < high)

    names = _names(attempts, columns)
    return Heat(
        figure,
        rows,
        columns,
        tuple((row, tuple(cell(row, name) for name in names)) for row in _names(attempts, rows)),
        names,
    )


def _telling(axes: Sequence[Axis], attempts: Sequence[Attempt]) -> list[Axis]:
    """Leave out settings that only say again what another says: a run's own learning rate."""
    seen: list[list[int]] = []
    telling = []
    for axis in axes:
        parts = partition(attempts, axis.path)
        if parts not in seen:
            seen.append(parts)
            telling.append(axis)
    return telling


def _first_known(attempts: Sequence[Attempt]) -> Figure | None:
    known = (
        figure
        for figure in FIGURES
        if any(figure.read(attempt) is not None for attempt in attempts)
    )
    return next(known, None)


def _sides(axes: Sequence[Axis]) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
    """Return the settings of rows and of columns: what is compared across, on whom down."""
    who = (SPEAKER, PROFILE, RUN)
    down = tuple(axis for axis in axes if axis.path in who)
    across = tuple(axis for axis in axes if axis.path not in who)
    while across and prod(len(axis.values) for axis in across) > WIDEST and len(across) > 1:
        # the first vary most slowly in a scenario and read best down the page
        down, across = (*down, across[0]), across[1:]
    if not down and len(across) > 1:
        down, across = across[:1], across[1:]
    if not across and len(down) > 1:
        down, across = down[:-1], down[-1:]
    if across and down and prod(len(axis.values) for axis in (*down, *across)) <= MOST_CELLS:
        return down, across
    columns = max(axes, key=lambda axis: (axis.path not in who, len(axis.values)))
    rows = max((axis for axis in axes if axis is not columns), key=lambda axis: len(axis.values))
    return (rows,), (columns,)


def shade(value: float, low: float, high: float) -> int:
    """Return which of the shades a value between ``low`` and ``high`` has."""
    if high <= low:
        return 0
    return min(STEPS - 1, int((value - low) / (high - low) * STEPS))


def _name(attempt: Attempt, axes: Sequence[Axis]) -> str:
    return JOINED.join(shown(value_at(attempt, axis.path)) for axis in axes)


def _names(attempts: Sequence[Attempt], axes: Sequence[Axis]) -> tuple[str, ...]:
    """Return the rows' or columns' names that an attempt has, in the order of their axes."""
    present = {_name(attempt, axes) for attempt in attempts}
    every = (JOINED.join(map(shown, values)) for values in product(*(axis.values for axis in axes)))
    return tuple(name for name in dict.fromkeys(every) if name in present)
