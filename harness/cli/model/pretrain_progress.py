"""How a pre-training is watched: a bar on a terminal, plain lines where there is none."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness.cli import console

if TYPE_CHECKING:
    from harness.model.pretraining.watcher import StepReport

_PLAIN_EVERY_S = 30.0


def words(report: StepReport) -> str:
    """Return where a training is, and how long it will go on, in one line."""
    minutes, seconds = divmod(round(report.seconds_left), 60)
    return (
        f"epoch {report.epoch}/{report.epochs}, loss {report.loss:.2f}, "
        f"{report.step_seconds:.2f} s a step, {minutes}:{seconds:02d} left"
    )


class PlainDisplay:
    """Lines with the time of day, one each half a minute."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def said(self, text: str) -> None:
        """Print it."""
        console.err.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(text)}")

    def stepped(self, report: StepReport) -> None:
        """Print a line if the last one is old."""
        if time.monotonic() - self._last >= _PLAIN_EVERY_S:
            self._last = time.monotonic()
            self.said(f"step {report.step}/{report.steps}, {words(report)}")


class BarDisplay:
    """Lines, with a bar of steps under them."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, visible=False)

    def said(self, text: str) -> None:
        """Leave a line above the bar."""
        console.note(text)

    def stepped(self, report: StepReport) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            completed=report.step,
            total=report.steps,
            description=words(report),
            visible=report.step < report.steps,
        )


@contextlib.contextmanager
def training_display() -> Iterator[PlainDisplay | BarDisplay]:
    """Yield the display that fits where the output goes."""
    if not console.err.is_terminal:
        yield PlainDisplay()
        return
    columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console.err, transient=True) as bar:
        yield BarDisplay(bar)
