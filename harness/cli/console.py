"""How commands speak: errors on stderr, tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

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


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
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
    # a pipe has no width: keep every row on one line there
    Console(highlight=False, width=None if out.is_terminal else 220).print(shown)


def emit_line(value: Any) -> None:
    """Print one JSON document on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
