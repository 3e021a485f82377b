"""Background RAM pressure on one phone as a closed loop: setup, start, (hold), stop."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.pressure.apps import Apps
from harness.pressure.ballast import SERVICES, Ballast
from harness.pressure.control import Controller, Decision, Reading
from harness.pressure.errors import PressureError, PressureUnreachable
from harness.pressure.goal import Goal
from harness.pressure.journal import Journal, read_journal
from harness.pressure.loop import Loop
from harness.pressure.phone import PhoneReader
from harness.pressure.record import make_record, merge_kills
from harness.pressure.release import RETURN_LIMIT_S, await_return
from harness.pressure.settings import PressureSettings
from harness.pressure.watch import Kill, KillWatch
from harness.results.files import StoreError
from harness.results.model import PressureRecord

_ALL = range(1, SERVICES + 1)
_LOG = logging.getLogger(__name__)


class Pressure:
    """Takes a phone to a goal and holds it there while the trainer runs.

    Args:
        phone: The phone.
        goal: What to hold.
        settings: By which means, how often, and how long.
        journal: File of this host from which another process could go on (`rejoin`); None for none.
    """

    def __init__(
        self,
        phone: Phone,
        goal: Goal,
        settings: PressureSettings | None = None,
        *,
        journal: Path | None = None,
    ) -> None:
        self.goal = goal
        self._settings = settings = settings or PressureSettings()
        self._regulated = "ballast" in settings.means
        package, timeout_s = settings.package, settings.command_timeout_s
        self._controller = Controller(goal, settings.controller)
        self._ballast = Ballast(phone, package, timeout_s)
        self._apps = Apps(phone, settings.apps if "apps" in settings.means else (), timeout_s)
        self._watch = KillWatch(phone, package, timeout_s)
        self._read = PhoneReader(phone, package, settings.proc_dir, timeout_s)
        self._loop: Loop | None = None
        self._idle: Reading | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._held: list[tuple[float, bool]] = []
        self._settle_s = 0.0
        self._gaps: list[tuple[int, int]] = []
        self._pressed_apps: tuple[str, ...] = ()
        self._pressed = False
        self._record: PressureRecord | None = None
        self._journal = Journal(journal)
        self.trouble: StoreError | None = None
        """Why this host cannot write down how the pressure goes; it is regulated no more."""
        self.notes: list[str] = []
        """Things a reader of the result must know, in words."""

    def setup(self) -> None:
        """Release what an earlier host may have left, and look at the idle phone."""
        if self._read(_ALL).alive:
            self._ballast.release()
            self._await_return(None)
        self._watch.setup()
        self._idle = self._read(())
        ballast = self._ballast if self._regulated else None
        self._loop = Loop(
            self._read, self._controller, ballast, self._settings.package, self._watch.known
        )

    def start(self) -> None:
        """Settle to the goal, then hold it in a thread until `stop`.

        Raises:
            PressureUnreachable: The goal cannot be reached; everything is released.
            PressureError: The phone does not start ballast or an app; likewise.
            AdbError: The phone was lost; released as far as it answers.
        """
        if self._loop is None:
            self.setup()
        self._pressed = True
        try:
            self._press_by_apps()
            self._settle()
        except BaseException:
            try:
                self._release()
            except (AdbError, PressureError) as error:
                self.notes.append(f"pressure may still be on: {error}")
            raise
        self._write_down()
        self._begin_hold()

    def rejoin(self) -> None:
        """Go on holding what an earlier process held; `start` was its own.

        What it asked of ballast lives on on the phone; `notes` say for how long nobody looked.

        Raises:
            PressureError: It never reached its goal, or left no journal.
            AdbError: The phone is lost.
        """
        past = None if self._journal.path is None else read_journal(self._journal.path)
        if past is None:
            raise PressureError("nothing is written of a pressure that was held")
        reading = self._read(_ALL)
        self._idle = past.idle
        self._settle_s = past.settle_s
        self._held = past.held
        self._pressed_apps = past.apps
        self._apps.launched[:] = past.apps
        self._watch.take_up(past.since)
        there = {k: mb for k, mb in past.asked.items() if k in reading.alive}
        self._ballast.adopt(there, past.peak_mb)
        self._controller.take_up(sum(there.values()), past.max_mb)
        ballast = self._ballast if self._regulated else None
        self._loop = Loop(
            self._read, self._controller, ballast, self._settings.package, self._watch.known
        )
        self._loop.history.steps.extend(past.steps)
        self._gaps = [*past.gaps, (past.last_ms, reading.t_ms)]
        self._journal.taken_up(past.last_ms, reading.t_ms)
        if there != past.asked:
            gone = sorted(set(past.asked) - set(there))
            self.notes.append(f"Ballast that was gone when the pressure was taken up: {gone}.")
        self._pressed = True
        self._begin_hold()

    def _begin_hold(self) -> None:
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,  # its records are about the same attempt
            args=(self._hold,),
            name="ram-pressure",
            daemon=True,
        )
        self._thread.start()

    def _write_down(self) -> None:
        """Note what another process would have to know to go on."""
        if self._loop is None or self._loop.last is None or self._idle is None:
            return
        self._journal.settled(
            idle=self._idle,
            settle_s=self._settle_s,
            apps=list(self._apps.launched),
            since=self._watch.since,
            asked=self._ballast.asked,
            peak_mb=self._ballast.peak_mb,
            max_mb=self._controller.max_mb,
            steps=self._loop.history.steps,
            t_ms=self._loop.last[0].t_ms,
        )

    def stop(self, origin_boot_ms: int | None = None) -> PressureRecord:
        """Release everything and tell what was reached; a second call returns the same.

        Args:
            origin_boot_ms: Zero of the record's times on the phone's boot clock (the attempt's
                first sample); None = the idle reading right before `start`.

        Raises:
            PressureError: Ballast could not be released, also not within ``release_limit_s``.
            AdbError: The phone stayed lost for that long.
        """
        if self._record is not None:
            return self._record
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * self._settings.command_timeout_s)
        ballast_left: Exception | None = None
        try:
            self._release()
        except (AdbError, PressureError) as error:
            ballast_left = error
        self._record = self._make_record(self._kills(), origin_boot_ms)
        if ballast_left is not None:
            raise ballast_left
        return self._record

    def _press_by_apps(self) -> None:
        self._apps.press(
            self.goal,
            lambda: self._read(()),
            lambda: self._ending.wait(self._settings.period_s),
            refill=self._regulated,
        )
        if self._regulated:
            return
        reading, _ = self._tick()
        why, note = self._apps.told(self.goal, reading)
        if why:
            raise PressureUnreachable(why, self._evidence())
        self.notes.append(note)

    def _settle(self) -> None:
        if not self._regulated:
            return
        begun = due = time.monotonic()
        while not self._ending.is_set():
            reading, decision = self._tick()
            took_s = time.monotonic() - begun
            if decision.state == "settled":
                self._settle_s = took_s
                _LOG.info(
                    "pressure settled in %.1f s: %.0f MB of %.0f MB, ballast %d MB",
                    took_s,
                    reading.value_mb,
                    self.goal.available_mb,
                    self._ballast.total_mb,
                )
                return
            if decision.state == "unreachable" or took_s > self._settings.settle_limit_s:
                why = decision.why or (
                    f"{self.goal.available_mb:.0f} MB was not reached within "
                    f"{self._settings.settle_limit_s:g} s; the phone has "
                    f"{reading.value_mb:.0f} MB with {self._ballast.total_mb} MB of ballast"
                )
                raise PressureUnreachable(why, self._evidence())
            due = self._pace(due)
        raise PressureError("the pressure was stopped before it settled")

    def _hold(self) -> None:
        due = time.monotonic()
        while True:
            due = self._pace(due)
            if self._ending.is_set():
                return
            try:
                reading, decision = self._tick()
            except (AdbError, PressureError) as error:
                # A lost cable is no reason to let go: the ballast stays on the phone meanwhile.
                _LOG.info("no reading of the pressure: %s", error)
                continue
            self._held.append((reading.value_mb, decision.within))
            try:
                self._journal.reading(reading, decision.within, self._ballast.asked)
            except StoreError as error:
                self.trouble = error
                return

    def _tick(self) -> tuple[Reading, Decision]:
        if self._loop is None:
            raise PressureError("setup was not called")
        return self._loop.tick()

    def _pace(self, due: float) -> float:
        """Wait for the next tick of a fixed grid; ticks that are past are passed over."""
        now = time.monotonic()
        due = max(due + self._settings.period_s, now)
        self._ending.wait(due - now)
        return due

    def _release(self) -> None:
        """Let go, however often the phone has to be asked.

        Raises:
            AdbError: The phone stayed lost.
            PressureError: It does not end the ballast.
        """
        if not self._pressed:
            return
        until = time.monotonic() + self._settings.release_limit_s
        while True:
            try:
                self._pressed_apps = tuple(self._apps.launched) or self._pressed_apps
                self._apps.release()
                self._ballast.release()
                back = self._await_return(self._idle)
                break
            except (AdbError, PressureError) as error:
                if time.monotonic() >= until:
                    raise
                _LOG.info("the pressure is not released yet: %s", error)
                time.sleep(self._settings.period_s)
        self._pressed = False
        if not back and self._idle is not None:
            self.notes.append(
                f"MemAvailable did not come back to {self._idle.value_mb:.0f} MB within "
                f"{RETURN_LIMIT_S:g} s of the release"
            )

    def _await_return(self, idle: Reading | None) -> bool:
        return await_return(lambda: self._read(_ALL), idle, self._settings.period_s)

    def _kills(self) -> list[tuple[int | None, Kill]]:
        if self._loop is None:
            return []
        logged: list[Kill] = []
        try:
            logged = self._watch.kills()
        except AdbError as error:
            self.notes.append(f"the phone's log of kills could not be read: {error}")
        self.notes.extend(note for note in self._watch.notes if note not in self.notes)
        return merge_kills(logged, self._loop.history)

    def _evidence(self) -> list[str]:
        recent = list(self._loop.history.recent) if self._loop is not None else []
        killed = [line for _, kill in self._kills() for line in kill.evidence]
        return [*recent, *killed, *self._watch.notes]

    def _make_record(
        self, kills: Sequence[tuple[int | None, Kill]], origin_boot_ms: int | None
    ) -> PressureRecord:
        if self._loop is None or self._idle is None:
            raise PressureError("pressure was never set up")
        last = self._loop.last[0] if self._loop.last is not None else self._idle
        origin_ms = self._idle.t_ms if origin_boot_ms is None else origin_boot_ms
        for begin, end in self._gaps:
            self.notes.append(
                f"From {(begin - origin_ms) / 1000:.1f} s to {(end - origin_ms) / 1000:.1f} s the "
                "RAM pressure was not controlled: its host was gone, the ballast stayed as it was."
            )
        return make_record(
            goal=self.goal,
            means=self._settings.means,
            apps=self._pressed_apps,
            history=self._loop.history,
            held=self._held,
            kills=kills,
            log_t_ms=self._watch.t_ms,
            settle_s=self._settle_s,
            reached_mb=last.value_mb,
            ballast_peak_mb=float(self._ballast.peak_mb),
            origin_ms=origin_ms,
        )
