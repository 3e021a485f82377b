"""Following a training to its end: events into the run folder, and a typed reason if it goes wrong.

The event log is the truth; the process list only says whether more of it can still come.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harness.adb.errors import CommandTimedOut, DeviceLost
from harness.contract import parse_event
from harness.contract.events import EventError, Finished, Started, Stopped, TrainerError
from harness.lab.attempt.boot_clock import UNREAD, BootClock
from harness.lab.attempt.event_feed import Feed
from harness.lab.attempt.evidence import ended_too_soon, gather
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.attempt.trainer_control import ask_trainer_to_stop, trainer_pid
from harness.lab.clock import Clock, StopRequestedError, StopSignal
from harness.lab.failures import StepFailed
from harness.lab.ports import LabPhone, Tools
from harness.results.store import AttemptFolder
from harness.scenario.schema import Limits

POLL_S: Final = 0.5
ALIVE_CHECK_S: Final = 2.0
"""How often the process list is asked; an end shows in the events before it shows there."""
ALIVE_TIMEOUT_S: Final = 5.0
"""A phone that does not answer by then is asked again later; the events must not wait for it."""
DRAIN_S: Final = 3.0
"""After the process is gone: silence of the log after which nothing more is expected."""
STOP_GRACE_S: Final = 15.0
"""How long a trainer that was asked to stop may take; a step at full size takes seconds."""


READ_AGAIN_S: Final = 2.0
READ_AGAIN_TIMES: Final = 5


class DamagedLogError(StepFailed):
    """A line of the event log came broken: over the cable, or as the trainer wrote it."""


class EventLog:
    """Bytes to events, line by line, without gaps.

    Attributes:
        events: So far.
        size: Bytes that they stand in.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.size = 0
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Any]:
        """Take bytes in; return the events that became complete.

        Raises:
            DamagedLogError: A line is no event, or the numbering has a gap. What came before it
                counts; the next bytes have to be those from ``size`` on.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [self._event(line) for line in lines]

    def _event(self, line: bytes) -> Any:
        try:
            event = parse_event(line)
        except EventError as error:
            self._rest = b""
            raise DamagedLogError(
                "TrainerCrashed",
                f"line {len(self.events) + 1} of the event log is not of contract version 1",
                [str(error)],
            ) from error
        if event.seq != len(self.events):
            self._rest = b""
            raise DamagedLogError(
                "InternalError",
                f"the event log has a gap: event {event.seq} follows {len(self.events) - 1}",
            )
        self.events.append(event)
        self.size += len(line) + 1
        return event


@dataclass
class TrainWatch:
    """One training, watched.

    Args:
        tools: How to talk to the phone.
        phone: Where it trains.
        layout: Where its files are.
        folder: Where its events go.
        limits: How long what may take.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        on_event: Called with each event, in order.
        on_turn: Called again and again meanwhile.
        last_samples: Gives the last seconds as lines, for evidence.
        boot_clock: The phone's, before its trainer was started.
    """

    tools: Tools
    phone: LabPhone
    layout: PhoneLayout
    folder: AttemptFolder
    limits: Limits
    stop: StopSignal
    clock: Clock
    on_event: Callable[[Any], None] = lambda _: None
    on_turn: Callable[[], None] = lambda: None
    last_samples: Callable[[], list[str]] = list
    boot_clock: BootClock = UNREAD
    log: EventLog = field(default_factory=EventLog)
    pid: int | None = None

    def run(self) -> None:
        """Follow the training until it has ended.

        Raises:
            StepFailed: ``TrainerKilled``, ``TrainerCrashed`` or ``TrainerStalled``.
            DeviceLost: The phone was gone for longer than it may be.
            StopRequestedError: The user stopped the run; the trainer was asked to stop before.
        """
        begun = self.clock.monotonic()
        damaged = 0
        while True:
            offset, known = self.folder.events_size(), len(self.log.events)
            feed = self.tools.follow(self.phone, self.layout.events, offset, self.limits.lost_s)
            try:
                return self._follow(feed, begun)
            except DamagedLogError:
                # The phone has it whole, unless it was written so: then it comes broken each time.
                self.folder.cut_events(self.log.size)
                damaged = 1 if len(self.log.events) > known else damaged + 1
                if damaged > READ_AGAIN_TIMES:
                    raise
            finally:
                feed.close()
            self.clock.wait(self.stop.gentle, READ_AGAIN_S)

    def _follow(self, feed: Feed, begun: float) -> None:
        last_event = last_check = self.clock.monotonic()
        started = next((event for event in self.log.events if isinstance(event, Started)), None)
        self.pid = self.pid if started is None else started.pid
        seen_alive = False
        while True:
            if self.stop.requested:
                self._stop(feed)
            if self._take(feed, POLL_S):
                last_event = self.clock.monotonic()
            self.on_turn()
            if self._ended():
                return
            now = self.clock.monotonic()
            self._check_limits(now - begun, now - last_event)
            if now - last_check >= ALIVE_CHECK_S:
                last_check = now
                alive = self._alive()
                if alive is False and (seen_alive or self.log.events):
                    self._drain(feed)
                    return
                seen_alive = seen_alive or alive is True

    def _take(self, feed: Feed, seconds: float) -> bool:
        chunk = feed.poll(seconds)
        if not chunk:
            return False
        self.folder.append_events(chunk)
        known = len(self.log.events)
        try:
            self.log.feed(chunk)
        finally:  # also those before a damaged line
            self._tell(self.log.events[known:])
        return True

    def _tell(self, events: Sequence[Any]) -> None:
        for event in events:
            if isinstance(event, Started):
                self.pid = event.pid
            self.on_event(event)
            if isinstance(event, TrainerError):
                raise StepFailed(
                    "TrainerCrashed",
                    f"{event.kind}: {event.message}",
                    event.detail.splitlines(),
                )

    def _ended(self) -> bool:
        return bool(self.log.events) and isinstance(self.log.events[-1], Finished)

    def _alive(self) -> bool | None:
        """Return whether the trainer's process is there; None where the phone cannot be asked."""
        try:
            return trainer_pid(self.tools, self.phone, ALIVE_TIMEOUT_S) is not None
        except (DeviceLost, CommandTimedOut):
            return None  # the feed knows how long a phone may be gone

    def _check_limits(self, since_begin: float, since_event: float) -> None:
        if not self.log.events and since_begin > self.limits.start_s:
            raise self._stalled(f"no event within {self.limits.start_s:g} s of its start")
        if self.log.events and since_event > self.limits.stall_s:
            raise self._stalled(f"no event for {self.limits.stall_s:g} s")
        if since_begin > self.limits.train_s:
            raise self._stalled(f"still training after {self.limits.train_s:g} s")

    def _stalled(self, what: str) -> StepFailed:
        lines = [f"last event: {self.log.events[-1]}"] if self.log.events else []
        return StepFailed("TrainerStalled", what, [*lines, *self.last_samples()])

    def _drain(self, feed: Feed) -> None:
        """The process is gone: take what is still on its way, then judge."""
        quiet_since = self.clock.monotonic()
        while self.clock.monotonic() - quiet_since < DRAIN_S:
            if self._take(feed, POLL_S):
                quiet_since = self.clock.monotonic()
            if self._ended():
                return
        if any(isinstance(event, Stopped) for event in self.log.events):
            return  # ended by rule; with no sub-model that fits there is nothing to finish
        self._check_boot()
        raise ended_too_soon(gather(self.tools, self.phone), self.pid, self.last_samples())

    def _check_boot(self) -> None:
        """A trainer that ended with its phone is no crash of its own.

        Raises:
            StepFailed: ``DeviceLost``: the phone's clock since boot was set back.
        """
        why = self.boot_clock.restarted(BootClock.read(self.tools, self.phone, self.clock))
        if why:
            raise StepFailed("DeviceLost", "the phone was rebooted during the training", [why])

    def _stop(self, feed: Feed) -> None:
        if not self.stop.hard.is_set():
            ask_trainer_to_stop(self.tools, self.phone, self.layout.job)
            until = self.clock.monotonic() + STOP_GRACE_S
            # A trainer without anything evaluated yet ends with an error event, which is no
            # failure here: it did as it was told.
            with contextlib.suppress(StepFailed):
                while self.clock.monotonic() < until and not self.stop.hard.is_set():
                    self._take(feed, POLL_S)
                    if self._ended():
                        break
        raise StopRequestedError(self.stop.why)
