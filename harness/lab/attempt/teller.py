"""What is told of an attempt while it goes on: its step, and what it waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from harness.lab.attempt.state import AttemptRequest
from harness.lab.clock import Clock
from harness.lab.ports import PhoneStatus, Progress, Tools
from harness.sampling import Sampler
from harness.scenario.paths import axis_words

_LOG = logging.getLogger(__name__)

WAITS: Final = "waiting for the hub"
"""Said instead of the step in which a phone waits for others of its hub."""
AWAY: Final = "waiting for the phone"
"""Said instead of the step in which a phone does not answer."""
TICK_S: Final = 1.0
AGAIN_S: Final = 60.0
"""After so long a gate that is still shut is written down again, with what the phone says now."""


class AttemptTeller:
    """Tells the ledger and a display how an attempt goes. Used from several threads.

    Args:
        request: The attempt.
        tools: How to talk to the phone.
        clock: Where the time comes from.
        progress: Who wants to know.
        on_step: Called as each step begins (for the ledger).
    """

    def __init__(
        self,
        request: AttemptRequest,
        tools: Tools,
        clock: Clock,
        progress: Progress,
        on_step: Callable[[str], None],
    ) -> None:
        self.step = "gate"
        self.sampler: Sampler | None = None
        """Gives MemAvailable once samples are taken."""
        self._phase_since = time.monotonic()
        self._phone = request.phone
        self._lost_s = request.spec.content.limits.lost_s
        self._tools = tools
        self._clock = clock
        self._progress = progress
        self._on_step = on_step
        self._lock = threading.Lock()
        self._away = False
        self._shut_told = float("-inf")
        self._status = PhoneStatus(
            serial=request.phone.serial,
            profile=request.phone.record.profile,
            job_id=request.spec.job_id,
            axes=axis_words(request.spec.axes),
            attempt=request.attempt,
            epochs=request.spec.content.trainer.planned_epochs,
        )

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Tell once a second what is new, also while a step waits."""
        over = threading.Event()

        def tick() -> None:
            while not over.wait(TICK_S):
                self.look_at_link()
                if self.sampler is not None:
                    self.say()

        ticker = threading.Thread(target=tick, name="ticker", daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()

    def enter(self, step: str) -> None:
        """Say that a step begins."""
        with self._lock:
            self.step, self._away = step, False
        self._on_step(step)
        self.say(step=step, note="")

    def say(self, **changes: Any) -> None:
        """Show the status with some fields changed."""
        with self._lock:
            before = (self._status.step, self._status.phase)
            self._status = replace(self._status, **changes)
            if (self._status.step, self._status.phase) != before:
                self._phase_since = time.monotonic()
            available_mb, age_s = self._available()
            self._status = replace(self._status, available_mb=available_mb, available_age_s=age_s)
            self._progress.phone(self._status)

    def _available(self) -> tuple[float | None, float | None]:
        """Return MemAvailable and its age; nothing if the step or phase has changed since."""
        age_s = None if self.sampler is None else self.sampler.sample_age_s()
        if self.sampler is None or age_s is None or time.monotonic() - age_s < self._phase_since:
            return None, None
        return self.sampler.available_mb(), age_s

    def waits_for_hub(self, waiting: bool) -> None:
        """Say that other phones of the hub are pushed to first, which may take long."""
        step = WAITS if waiting else self.step
        self._on_step(step)
        self.say(step=step)

    def waits_for_gates(self, shut: str, left_s: float) -> None:
        """Say which gates are shut.

        Args:
            shut: Each with its name, what it wants and what the phone says.
            left_s: How long they are waited for.
        """
        note = f"{shut}; waits for {left_s:.0f} s at most"
        now = self._clock.monotonic()
        if now - self._shut_told >= AGAIN_S:
            self._shut_told = now
            _LOG.warning("gates are shut: %s", note)
            self._on_step(f"gate: {note}")
        self.say(note=note)

    def look_at_link(self) -> None:
        """Say when the phone does not answer, and when it does again."""
        away_s = self._tools.away_s(self._phone)
        with self._lock:
            changed = self._away != (away_s is not None)
            self._away = away_s is not None
            step = self.step
        if not changed:
            return
        if away_s is None:
            _LOG.info("the phone is back, in %s", step)
            self._on_step(step)
            self.say(step=step, note="")
            return
        now = _time_of(self._clock.utc())
        since = now - timedelta(seconds=away_s)
        until = max(now, since + timedelta(seconds=self._lost_s))
        note = f"since {since:%H:%M:%S}, until {until:%H:%M:%S} UTC at most"
        _LOG.warning("%s, in %s: %s", AWAY, step, note)
        self._on_step(f"{AWAY} {note}")
        self.say(step=AWAY, note=note)


def _time_of(utc: str) -> datetime:
    return datetime.fromisoformat(utc.replace("Z", "+00:00")).astimezone(timezone.utc)
