"""The matrix as a map: one figure of the results by two settings (pure).

The page holds the first map as a table that reads without a script; with it, rows, columns and
figure can be chosen, and the filters count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.report.axes import (
    PROFILE,
    RUN,
    SPEAKER,
    Axis,
    key_at,
    label_of,
    shown,
    value_at,
    varying,
)
from harness.report.facets import Facets
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread

STEPS = 6
"""Shades from the least to the greatest value."""


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

    @property
    def failed(self) -> int:
        """How many did not finish."""
        return sum(not attempt.finished for attempt in self.attempts)


@dataclass(frozen=True)
class Heat:
    """A map."""

    figure: Figure
    rows: Axis
    columns: Axis
    cells: tuple[tuple[str, tuple[Cell, ...]], ...]
    """Name of the row, cells in the order of ``columns``."""
    names: tuple[str, ...]
    """Of the columns."""


def values_of(attempt: Attempt) -> str:
    """Return an attempt's figures for the page's script, in the order of `FIGURES`."""
    read = (figure.read(attempt) for figure in FIGURES)
    return " ".join("-" if value is None else f"{value:.6g}" for value in read)


def heat(attempts: Sequence[Attempt], facets: Facets) -> Heat | None:
    """Return the map over the two settings that vary most; None where only one varies.

    Args:
        attempts: The last of each job.
        facets: The settings that the page can filter by; no other is offered.
    """
    offered = [path for _, path in facets.paths]
    axes = [axis for axis in varying(attempts) if axis.path in offered]
    if len(axes) < 2:
        return None
    # What is compared stands across, on whom it is compared down
    who = (SPEAKER, PROFILE, RUN)
    columns = max(axes, key=lambda axis: (axis.path not in who, len(axis.values)))
    rows = max((axis for axis in axes if axis is not columns), key=lambda axis: len(axis.values))
    figure = next(
        (
            figure
            for figure in FIGURES
            if any(figure.read(attempt) is not None for attempt in attempts)
        ),
        None,
    )
    if figure is None:
        return None
    groups: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault((key_at(attempt, rows.path), key_at(attempt, columns.path)), []).append(
            attempt
        )
    spreads = {
        key: spread(figure.read(attempt) for attempt in members if attempt.finished)
        for key, members in groups.items()
    }
    known = [found.median for found in spreads.values() if found is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)

    def cell(row: str, column: str) -> Cell:
        figure_here = spreads.get((row, column))
        return Cell(
            figure_here, shade(figure_here.median, low, high) if figure_here else None,
            tuple(groups.get((row, column), ())),
        )  # fmt: skip

    down, across = _keys(attempts, rows), _keys(attempts, columns)
    return Heat(
        figure,
        rows,
        columns,
        tuple((name, tuple(cell(row, column) for column, _ in across)) for row, name in down),
        tuple(name for _, name in across),
    )


def shade(value: float, low: float, high: float) -> int:
    """Return which of the shades a value between ``low`` and ``high`` has."""
    if high <= low:
        return 0
    return min(STEPS - 1, int((value - low) / (high - low) * STEPS))


def _keys(attempts: Sequence[Attempt], axis: Axis) -> list[tuple[str, str]]:
    """Return (key, name) of an axis's values, in its order."""
    keys = {shown(value_at(attempt, axis.path)): key_at(attempt, axis.path) for attempt in attempts}
    return [(keys[name], name) for name in map(shown, axis.values)]


def title_of(view: Heat) -> str:
    """Return what the first map shows, in words."""
    return f"{view.figure.label} by {label_of(view.rows.path)} and {label_of(view.columns.path)}"
