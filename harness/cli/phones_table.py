"""The table of phones while a run goes on, for a terminal of 80 columns and of more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from harness.cli.console import WIDE
from harness.lab import PhoneStatus

_STALE_S: Final = 5.0
"""A reading older than this is shown with its age."""
_IDLE: Final = "idle"


def short_serials(serials: Iterable[str]) -> dict[str, str]:
    """Return what to call phones where each is known: without what all of them begin or end with.

    Serials of virtual phones, ``VLAB-pixel-4-1-5983aa``, have a common mark at either end.
    """
    names = list(dict.fromkeys(serials))
    words = [name.split("-") for name in names]
    shortest = min((len(parts) for parts in words), default=0)
    head = tail = 0
    if len(names) > 1:
        while head < shortest - 1 and len({parts[head] for parts in words}) == 1:
            head += 1
        while tail < shortest - head - 1 and len({parts[-1 - tail] for parts in words}) == 1:
            tail += 1
    return {
        name: "-".join(parts[head : len(parts) - tail])
        for name, parts in zip(names, words, strict=True)
    }


def job_words(axes: Sequence[tuple[str, str]], job_id: str | None, *, named: bool) -> str:
    """Return a job as people tell jobs apart: by what the matrix sets for it.

    Args:
        axes: (name, value) of each axis.
        job_id: What it is called where nothing varies.
        named: With the names of all axes; else only with those of numbers.
    """
    words = [
        f"{name} {value}" if named or value[:1].isdigit() or value == "none" else value
        for name, value in axes
    ]
    return ", ".join(words) or job_id or ""


class PhonesTable:
    """What each phone does, as wide as the terminal is; a cell never breaks over lines.

    Args:
        head: The line above it.
        phones: Their states.
        rows: At most so many phones are shown; what is not idle first.
    """

    def __init__(self, head: str, phones: Sequence[PhoneStatus], rows: int = 1000) -> None:
        self._head = head
        self._phones = phones
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        yield from self._group(options.max_width).renderables

    def _group(self, width: int) -> Group:
        wide = width >= WIDE
        gap = 2 if wide else 1
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, gap, 0, 0))
        for name in ("phone", "job", "doing", "sub-\nmodel"):
            # as wide as the longest that it may say, so that the table stands still
            table.add_column(name, vertical="bottom", min_width=15 if name == "doing" else None)
        for name in ("epoch", "WER %", "available\nMiB"):
            table.add_column(name, vertical="bottom", justify="right")
        names = short_serials(status.serial for status in self._phones)
        busy_first = sorted(self._phones, key=lambda status: status.step == _IDLE)
        shown = busy_first[: self._rows] if len(self._phones) > self._rows else self._phones
        for status in shown:
            table.add_row(*(_line(cell) for cell in _cells(status, names, named=wide)))
        below: list[RenderableType] = [
            Text(f"{names[status.serial]}: {status.note}", style="yellow")
            for status in shown
            if status.note
        ]
        if len(shown) < len(self._phones):
            below.append(Text(f"and {len(self._phones) - len(shown)} more phones", style="dim"))
        return Group(Text(self._head, style="bold"), table, *below)


def _cells(status: PhoneStatus, names: dict[str, str], *, named: bool) -> tuple[str, ...]:
    available = "" if status.available_mb is None else f"{status.available_mb:.0f}"
    if available and status.available_age_s is not None and status.available_age_s > _STALE_S:
        available = f"{available} ({status.available_age_s:.0f} s old)"
    return (
        names[status.serial],
        job_words(status.axes, status.job_id, named=named),
        status.step if status.phase in (None, status.step) else f"{status.step}: {status.phase}",
        status.sub_model or "",
        epoch_words(status.epoch, status.epochs),
        "" if status.wer_percent is None else f"{status.wer_percent:.1f}",
        available,
    )


def epoch_words(epoch: int | None, epochs: int | None) -> str:
    """Return ``2/6``; nothing before the first one, and where none is trained (``evaluate``)."""
    return f"{epoch}/{epochs}" if epoch is not None and epochs else ""


def _line(text: str) -> Text:
    """Return text that is cut, not broken, where its column is narrow."""
    return Text(text, no_wrap=True, overflow="ellipsis")
