"""What a run writes into its log: orders and reports, what its user is told, what was skipped."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from harness.errors import HarnessError
from harness.lab.bench import Bench
from harness.lab.ledger.ledger import Ledger
from harness.lab.ports import PhoneStatus, Progress
from harness.lab.scheduling.engine import Awaited, Came, Engine, Order, Report, RunAttempt
from harness.log import TOLD, job_word, run_log
from harness.results.model import AttemptResult
from harness.version import version_words

_LOG = logging.getLogger(__name__)
_PLACE: Final = ("serial", "job_id", "task_id", "attempt")
_TROUBLE: Final = ("trouble", "why", "kind", "error", "lost")
"""Fields of a report: one that is set says that something went wrong."""
_LARGE: Final = ("phone", "result", "tickets", "done", "refusals")


@contextlib.contextmanager
def logged(folder: Path, ledger: Ledger, bench: Bench, busy: Mapping[str, str]) -> Iterator[None]:
    """Keep the log of a run meanwhile: ``harness.log`` in its folder.

    Args:
        folder: The run's folder.
        ledger: Says at the end which jobs were skipped, and why.
        bench: The phones.
        busy: Serial -> why a phone that fits is not the run's.
    """
    with run_log(folder):
        _LOG.info("run %s begins or goes on: %s", folder.name, version_words())
        for info in bench.unusable:
            _LOG.warning("not usable: %s", info.state, extra={"serial": info.serial})
        for serial, why in busy.items():
            _LOG.warning("not this run's: %s", why, extra={"serial": serial})
        try:
            yield
        except BaseException as error:
            _LOG.error("the run ends: %s: %s", type(error).__name__, error)
            raise
        finally:
            with contextlib.suppress(HarnessError):  # a ledger that cannot be read any more
                _end(folder, ledger)


def _end(folder: Path, ledger: Ledger) -> None:
    """Say what came of the tasks."""
    counts: Counter[str] = Counter()
    for row in ledger.rows():
        counts[row.standing] += 1
        if row.state == "skipped" and not row.is_withdrawn:
            _LOG.warning("skipped: %s", row.reason, extra={"job": row.task_id})
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    _LOG.info("run %s is left: %s", folder.name, states or "no tasks")


class LoggedEngine:
    """An engine whose orders and reports are in the log.

    Args:
        engine: Who carries out the orders.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def submit(self, order: Order) -> None:
        """See `Engine`."""
        _LOG.info("order %s", _words(order), extra=_place(order))
        self._engine.submit(order)

    def reports(self, wait_s: float) -> Sequence[Report]:
        """See `Engine`."""
        reports = self._engine.reports(wait_s)
        for report in reports:
            stopped = getattr(report, "kind", None) == "Interrupted"
            bad = not stopped and not isinstance(report, Awaited)
            bad = bad and any(getattr(report, name, None) for name in _TROUBLE)
            level = logging.WARNING if bad else logging.INFO
            _LOG.log(level, "report %s", _words(report), extra=_place(report))
        return reports

    def post(self, report: Report) -> None:
        """See `Engine`."""
        self._engine.post(report)

    def stop(self, *, hard: bool) -> None:
        """See `Engine`."""
        _LOG.info("asked to stop%s", " at once" if hard else "")
        self._engine.stop(hard=hard)

    def cancel(self, order: RunAttempt, why: str) -> None:
        """See `Engine`."""
        _LOG.info("asked to stop: %s", why, extra=_place(order))
        self._engine.cancel(order, why)

    def close(self) -> None:
        """See `Engine`."""
        self._engine.close()


def _words(message: Any) -> str:
    """Return an order or a report in words: its name, and what it says beside the ordinary."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    usual = {field.name: field.default for field in fields(message)}
    words = [
        f"{name}={value}"
        for name, value in values.items()
        if name not in (*_PLACE, *_LARGE) and value != usual[name]
    ]
    if isinstance(message, Came):
        info = message.phone.info
        words.append(f"as {info.adb_serial} on {info.adb_server}")
    return " ".join([type(message).__name__, *words])


def _place(message: Any) -> dict[str, str]:
    serial = message.phone.serial if isinstance(message, Came) else getattr(message, "serial", "")
    task_id = getattr(message, "job_id", "") or getattr(message, "task_id", "")
    job = job_word(task_id, getattr(message, "attempt", 0))
    return {"serial": serial, "job": job}


class LoggedProgress:
    """Writes what a run's user is told into the log too.

    Args:
        progress: Who wants to know.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def phone(self, status: PhoneStatus) -> None:
        """See `Progress`."""
        self._progress.phone(status)

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """See `Progress`."""
        self._progress.ended(result, retried=retried)

    def note(self, text: str) -> None:
        """See `Progress`."""
        logging.getLogger(TOLD).info("%s", text)
        self._progress.note(text)
