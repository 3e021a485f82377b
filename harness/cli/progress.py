"""How a run is watched: a live table on a terminal, plain lines where there is none."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.live import Live
from rich.markup import escape

from harness.cli import console
from harness.cli.phones_table import PhonesTable, epoch_words, job_words, short_serials
from harness.lab import PhoneStatus, Plan
from harness.lab.planning.estimate import Estimate
from harness.report.numbers import duration, fixed
from harness.report.words import STOP_WORDS
from harness.results.model import AttemptResult
from harness.scenario.paths import axis_words

_AROUND = 6
"""Lines of a terminal that the table leaves to its head and to notes."""


def result_words(result: AttemptResult, name: str = "", phone: str = "") -> str:
    """Return one line about an attempt that ended; one that was stopped has not failed.

    Args:
        result: Of the attempt.
        name: What its job is called; empty: by its id.
        phone: What its phone is called; empty: by its serial.
    """
    name, where = name or result.job_id, f"on {phone or result.phone.serial}"
    if is_interrupted(result):
        return f"{name} stopped {where}; `harness resume` goes on with it"
    if result.failure is not None:
        return f"{name} failed {where}: {result.failure.kind}: {result.failure.message}"
    parts = []
    if result.selection is not None:
        chosen = result.selection.sub_model or "no sub-model fits"
        kind = "forced" if result.selection.forced else "chosen"
        parts.append(f"{chosen} {kind} at {result.selection.available_mb:.0f} MiB")
    trained = result.epochs_planned > 0
    if result.wer_before_percent is not None and result.wer_after_percent is not None:
        before = f"{result.wer_before_percent:.1f} -> " if trained else ""
        parts.append(f"WER {before}{result.wer_after_percent:.1f} %")
    if trained:
        parts.append(f"kept epoch {result.kept_epoch}")
    if result.exits is not None:
        left = [f"{e.exit} {fixed(e.share_percent)} %" for e in result.exits.by_exit if e.taken]
        parts.append(f"left at {', '.join(left)}")
    ended = STOP_WORDS.get(result.stop_reason or "", result.stop_reason)
    parts.append(f"{ended}, {duration(result.seconds)}")
    return f"{name} finished {where}: {', '.join(parts)}"


def is_interrupted(result: AttemptResult) -> bool:
    """Say whether an attempt was stopped by its user; its job is still to do."""
    return result.failure is not None and result.failure.kind == "Interrupted"


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
        self._seen: dict[str, tuple[str | None, str, int | None, bool]] = {}

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
        state = (status.job_id, status.step, status.epoch, bool(status.note))
        with self._lock:
            if self._seen.get(status.serial) == state:
                return
            self._seen[status.serial] = state
        parts = [status.serial, status.job_id, status.step]
        if epoch := epoch_words(status.epoch, status.epochs):
            parts.append(f"epoch {epoch}")
        if status.wer_percent is not None:
            parts.append(f"WER {status.wer_percent:.1f} %")
        if status.available_mb is not None:
            parts.append(f"{status.available_mb:.0f} MiB available")
        if status.note:
            parts.append(status.note)
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
            if not retried and not is_interrupted(result):
                self._ended += 1
                self._failed += result.failure is not None
            phone = short_serials(self._phones).get(result.phone.serial, "")
        mark = "[red]x[/]" if result.failure is not None else "[green]+[/]"
        if is_interrupted(result):
            mark = "[yellow]-[/]"
        name = job_words(axis_words(result.axes), result.job_id, named=True)
        repeat = f", repeat {result.repeat}" if result.repeat > 1 else ""
        again = "; will be tried again" if retried and not is_interrupted(result) else ""
        words = escape(result_words(result, name + repeat, phone) + again)
        console.err.print(f"{mark} {words}", soft_wrap=False)

    def note(self, text: str) -> None:
        """Leave a line."""
        console.err.print(f"[dim]{escape(text)}[/]", soft_wrap=False)

    def _draw(self) -> PhonesTable:
        with self._lock:
            phones = list(self._phones.values())
            seconds = time.monotonic() - self._started
            head = f"{self._ended} of {self._jobs} jobs done, {self._failed} failed, "
            head += duration(seconds)
            if self._about:
                head += f" of {self._about}"
        return PhonesTable(head, phones, rows=max(4, console.err.height - _AROUND))


def progress_display() -> LiveProgress | PlainProgress:
    """Return the display that fits where the output goes."""
    return LiveProgress() if console.err.is_terminal else PlainProgress()
