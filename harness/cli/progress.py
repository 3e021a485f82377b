"""How a run is watched: a live table on a terminal, plain lines where there is none."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.cli import console
from harness.lab import PhoneStatus, Plan
from harness.lab.planning.estimate import Estimate
from harness.results.model import AttemptResult


def result_words(result: AttemptResult) -> str:
    """Return one line about an attempt that ended."""
    name = result.job_id
    where = f"on {result.phone.serial}"
    if result.failure is not None:
        return f"{name} failed {where}: {result.failure.kind}: {result.failure.message}"
    parts = []
    if result.selection is not None:
        chosen = result.selection.sub_model or "no sub-model fits"
        kind = "forced" if result.selection.forced else "chosen"
        parts.append(f"{chosen} {kind} at {result.selection.available_mb:.0f} MiB")
    if result.wer_before_percent is not None and result.wer_after_percent is not None:
        parts.append(f"WER {result.wer_before_percent:.1f} -> {result.wer_after_percent:.1f} %")
    parts.append(f"kept epoch {result.kept_epoch}, {result.stop_reason}, {result.seconds:.0f} s")
    return f"{name} finished {where}: {', '.join(parts)}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _about(time: Estimate) -> str:
    """Return a rough time in whole minutes, ``1 min`` at least; ``roughly`` if it is a guess."""
    word = "about" if time.attempts else "roughly"
    return f"{word} {max(1, round(time.seconds / 60))} min"


class PlainProgress:
    """One line for each thing worth one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[str | None, str, int | None]] = {}

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def planned(self, plan: Plan) -> None:
        """Say how much there is to do."""
        jobs, phones = len(plan.placed), len(plan.phones)
        words = f"{jobs} job{_s(jobs)} on {phones} phone{_s(phones)}"
        self._line(f"{words}, {_about(plan.time)} ({plan.time.words})")

    def phone(self, status: PhoneStatus) -> None:
        """Say a line when the step or the epoch changed."""
        if status.job_id is None:
            return
        state = (status.job_id, status.step, status.epoch)
        with self._lock:
            if self._seen.get(status.serial) == state:
                return
            self._seen[status.serial] = state
        parts = [status.serial, status.job_id, status.step]
        if status.epoch is not None:
            parts.append(f"epoch {status.epoch}/{status.epochs}")
        if status.wer_percent is not None:
            parts.append(f"WER {status.wer_percent:.1f} %")
        if status.available_mb is not None:
            parts.append(f"{status.available_mb:.0f} MiB available")
        self._line("  ".join(parts))

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """Say how an attempt ended."""
        self._line(result_words(result) + ("; will be tried again" if retried else ""))

    def note(self, text: str) -> None:
        """Say it."""
        self._line(text)

    def _line(self, text: str) -> None:
        with self._lock:
            console.err.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(text)}")


class LiveProgress:
    """A table of phones that is redrawn in place, with finished attempts above it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._phones: dict[str, PhoneStatus] = {}
        self._jobs = 0
        self._ended = 0
        self._failed = 0
        self._started = time.monotonic()
        self._about = ""
        self._live = Live(
            get_renderable=self._draw, console=console.err, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def planned(self, plan: Plan) -> None:
        """Take the plan's size for the head line."""
        with self._lock:
            self._jobs, self._about = len(plan.placed), _about(plan.time)
            for phone in plan.phones:
                record = phone.record
                self._phones[phone.serial] = PhoneStatus(phone.serial, record.profile)

    def phone(self, status: PhoneStatus) -> None:
        """Take a phone's state."""
        with self._lock:
            self._phones[status.serial] = status

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """Count an attempt and leave a line about it."""
        with self._lock:
            if not retried:
                self._ended += 1
                self._failed += result.failure is not None
        mark = "[red]x[/]" if result.failure is not None else "[green]+[/]"
        again = "; will be tried again" if retried else ""
        console.err.print(f"{mark} {escape(result_words(result) + again)}")

    def note(self, text: str) -> None:
        """Leave a line."""
        console.err.print(f"[dim]{escape(text)}[/]")

    def _draw(self) -> Group:
        with self._lock:
            phones = list(self._phones.values())
            minutes = (time.monotonic() - self._started) / 60
            head = f"{self._ended} of {self._jobs} jobs, {self._failed} failed, {minutes:.1f} min"
            if self._about:
                head += f" of {self._about}"
        table = Table(box=None, header_style="dim", pad_edge=False)
        for name, right in (
            ("phone", False),
            ("job", False),
            ("step", False),
            ("sub-model", False),
            ("epoch", True),
            ("WER %", True),
            ("available MiB", True),
        ):
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for status in phones:
            step = status.step if status.phase is None else f"{status.step}: {status.phase}"
            table.add_row(
                *(
                    escape(text)
                    for text in (
                        status.serial,
                        status.axes or status.job_id or "",
                        step,
                        status.sub_model or "",
                        "" if status.epoch is None else f"{status.epoch}/{status.epochs}",
                        "" if status.wer_percent is None else f"{status.wer_percent:.1f}",
                        "" if status.available_mb is None else f"{status.available_mb:.0f}",
                    )
                )
            )
        return Group(Text(head, style="bold"), table)


def progress_display() -> LiveProgress | PlainProgress:
    """Return the display that fits where the output goes."""
    return LiveProgress() if console.err.is_terminal else PlainProgress()
