"""How commands speak: errors on stderr, tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

WIDE = 100
"""From so many columns on a terminal is wide: tables show more of each row."""
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def error(message: str) -> None:
    """Say what went wrong; the text is never read as markup."""
    err.print(f"[bold red]error:[/] {escape(message)}")


def note(message: str) -> None:
    """Say something beside the result, on stderr."""
    err.print(f"[dim]{escape(message)}[/]")


def say(message: str) -> None:
    """Print one plain line on stdout."""
    out.print(escape(message))


def tell(message: str) -> None:
    """Print a sentence on stdout, wrapped at words where it goes to a terminal."""
    out.print(escape(message), soft_wrap=not out.is_terminal)


def sized() -> Console:
    """Return a console on stdout with a width; a pipe has none, so that it gets a large one."""
    return Console(highlight=False, width=None if out.is_terminal else 220)


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")
    sys.stdout.flush()


def emit_pieces(pieces: Iterable[str]) -> None:
    """Print one JSON document on stdout, piece by piece."""
    sys.stdout.writelines(pieces)
    sys.stdout.write("\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table; a column whose name ends in `` >`` is right-aligned."""
    shown = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        right = column.endswith(" >")
        shown.add_column(
            column.removesuffix(" >"), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        shown.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    sized().print(shown)


@dataclass(frozen=True)
class Column:
    """A column of a table that is as wide as the terminal.

    Args:
        name: Its head; may have two lines.
        right: Right-aligned.
        optional: Left out where the terminal is too narrow for all; the last such column first.
    """

    name: str
    right: bool = False
    optional: bool = False


def wide_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table that fits the terminal: a row is a line, and less is shown where it is narrow.

    Args:
        columns: What there is to show.
        rows: A cell each, of all columns.
    """
    target = sized()
    target.print(shown_table(columns, rows, target.width))


def shown_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> Table:
    """Return a table for a terminal of so many columns, see `wide_table`."""
    lines = [list(row) for row in rows]
    gap = 2 if width >= WIDE else 1
    widths = [
        max(cell_len(text) for text in (*column.name.split("\n"), *(row[at] for row in lines)))
        for at, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    for at in reversed([at for at, column in enumerate(columns) if column.optional]):
        if sum(widths[each] + gap for each in kept) - gap > width:
            kept.remove(at)
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, gap, 0, 0))
    for number in kept:
        column = columns[number]
        shown.add_column(
            column.name, justify="right" if column.right else "left", vertical="bottom"
        )
    for row in lines:
        shown.add_row(*(Text(row[number], no_wrap=True, overflow="ellipsis") for number in kept))
    return shown


def verdict(good: bool, message: str) -> None:
    """Say whether something is as it should be, on stderr; wrapped at words."""
    colour = "green" if good else "red"
    err.print(f"[{colour}]{escape(message)}[/]", soft_wrap=False)


def emit_line(value: Any) -> None:
    """Print one JSON document on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
