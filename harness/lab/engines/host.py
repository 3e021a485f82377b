"""A worker's side: the phones of this host, held for coordinators and worked with as they say.

Every phone that is taken for a coordinator is held here, on the host where it hangs. A
coordinator that says nothing for `SILENT_S` counts as gone: what it has running goes on to its end,
then its phones are cleaned and freed. Until then the same run, resumed, takes over what is here.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import __version__
from harness.adb.errors import AdbError
from harness.adb.transfer import LocalFile
from harness.lab.attempt.state import AttemptEnd, AttemptRequest
from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.engines.guest_run import GuestAttempt, GuestRun
from harness.lab.engines.phone_work import tend
from harness.lab.engines.shelf import LIMIT_BYTES, Shelf, sizes
from harness.lab.engines.wire import Hello, HostTrouble, News, NotHereError, moved
from harness.lab.failures import host_error
from harness.lab.holding import PhoneBusyError, holder_on_host, owner_name
from harness.lab.ports import LabPhone
from harness.lab.scheduling.engine import (
    Ended,
    Order,
    Prepare,
    Prepared,
    Report,
    RunAttempt,
    Stepped,
)
from harness.results.store import AttemptFolder

SILENT_S = 60.0
STALE_S = 3.0
"""A coordinator asks every second; after so long without, another of its run may take over."""
BEAT_S = 5.0
END_S = 60.0
"""How long a worker that ends waits for its attempts to release their phones."""
_FRESH_S = 5.0
_GROWING = ("events.jsonl", "samples.txt")
_PIECE = 1 << 18


class Host:
    """The phones of this host; its methods are what a coordinator calls (`Fabric.call`).

    Args:
        find: Looks for phones.
        root: Folder for what comes and goes: ``cas`` and ``spool``.
        limit_bytes: How large ``cas`` may become, see `Shelf`.
    """

    def __init__(
        self, find: Callable[[], Bench], root: Path, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._shelf = Shelf(root, limit_bytes)
        self._guests: dict[str, GuestRun] = {}
        """Session of a coordinator -> its run."""
        self._lock = threading.RLock()
        self._bench = find()
        self._find = self._bench.look or find  # asks only phones that are new
        self._found_at = time.monotonic()
        self._phones: dict[str, LabPhone] = {phone.serial: phone for phone in self._bench.phones}
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="guests", daemon=True)
        self._watch.start()

    # -- what a coordinator calls -----------------------------------------------------------------

    def hello(self, run: str = "") -> Hello:
        """Say who this is and what it has.

        Args:
            run: Who asks: what a dead coordinator of the same run holds is not busy for it.
        """
        self._check_open()
        with self._lock:
            if time.monotonic() - self._found_at > _FRESH_S:
                self._bench = self._find()
                self._found_at = time.monotonic()
                for phone in self._bench.phones:
                    known = self._phones.get(phone.serial)
                    if known is None or phone.serial not in self._held():
                        self._phones[phone.serial] = phone
                    elif known.moved(phone):
                        self._phones[phone.serial] = known.found_again(phone)
            bench = self._bench
            left = self._left_by(run)
            ours = left.keeper.serials if left is not None else ()
            free = [phone.serial for phone in bench.phones if phone.serial not in ours]
            holders = {serial: holder_on_host(serial, bench.lease_root) for serial in free}
        return Hello(
            version=__version__,
            host=socket.gethostname(),
            phones=tuple(phone.info for phone in bench.phones),
            unusable=tuple(bench.unusable),
            busy={
                serial: str(PhoneBusyError(serial, holder))
                for serial, holder in holders.items()
                if holder is not None
            },
        )

    def take(
        self, session: str, run: str, owner: str, keep: bool, serials: Sequence[str]
    ) -> tuple[str, ...]:
        """Hold phones for a coordinator; return those that it has now.

        Args:
            session: The coordinator.
            run: Its run, the same when it is resumed and of no other.
            owner: Its name as a holder.
            keep: Leave on the phones what was put there.
            serials: The phones.
        """
        self._check_open()
        with self._lock:
            guest = self._guests.get(session)
            if guest is None or not guest.keeper.serials:
                left = self._taken_over(run, owner, keep)
                if left is not None and guest is not None and guest is not left:
                    guest.close()
                guest = left or guest or GuestRun(run, owner, keep, self._bench)
                self._guests[session] = guest
            guest.heard = time.monotonic()
            for serial in serials:
                phone = self._phones.get(serial)
                if phone is not None and serial not in guest.keeper.serials:
                    guest.work.take(phone)
            return tuple(guest.keeper.serials)

    def tend(self, session: str, order: Order) -> Report:
        """Carry out an order that is no attempt.

        Args:
            session: The coordinator.
            order: What to do.
        """
        guest, phone = self._held_for(session, order.serial)
        if isinstance(order, Prepare) and not order.keep:
            self._end_attempts(guest, order.serial)
        report = tend(guest.work, order, phone)
        if isinstance(report, Prepared) and report.phone is not None:
            self._phones[order.serial] = report.phone
            return replace(report, phone=replace(report.phone, handle=None))
        return report

    def clean(self, serial: str, speech: bool) -> tuple[str, ...]:
        """Undo on a phone that nobody holds what may have been left there."""
        phone = self._phones[serial]
        with (
            self._bench.crew(owner_name(), "harness worker") as crew,
            crew.keeper.held(phone),
        ):
            return tuple(self._bench.tools.clean(phone, speech=speech))

    def missing(self, files: Sequence[LocalFile]) -> tuple[str, ...]:
        """Return the names of those files that are not here yet."""
        return self._shelf.missing(files)

    def store(self, file: LocalFile, offset: int, data: bytes) -> None:
        """Take a piece of a file, see `Shelf.store`."""
        self._shelf.store(file, offset, data)

    def attempt(
        self, session: str, order: RunAttempt, request: AttemptRequest
    ) -> tuple[Ended, Mapping[str, int]] | HostTrouble:
        """Run an attempt; its folder waits here until it is fetched.

        Args:
            session: The coordinator.
            order: The attempt.
            request: As the coordinator knows it: files are named by their content, and phone and
                folder are to be found here.

        Returns:
            How it ended, and name -> size of what lies in its folder; or what this host lacks.
        """
        guest, phone = self._held_for(session, order.serial)
        key = (order.job_id, order.attempt)
        before = guest.running.get(key)
        if before is not None:  # begun for a coordinator that died
            before.over.wait()
            return before.end or (Ended.of(order, None), {})
        folder = self._folder(session, *key)
        if not order.rejoin:
            shutil.rmtree(folder.path, ignore_errors=True)
        elif folder.result_path.is_file() and folder.result().failure is None:
            end = AttemptEnd(folder.result(), clean=True)  # it ended while nobody asked
            return Ended.of(order, end), sizes(folder)
        running = guest.running[key] = GuestAttempt(order.serial, folder, StopSignal())
        if guest.stop.requested:
            running.stop.gentle.set()
        if key in guest.withdrawn:
            running.stop.withdraw(guest.withdrawn.pop(key))
        try:
            with self._shelf.using(request.material.files()):
                material = moved(request.material, self._shelf.local)
                here = replace(request, phone=phone, material=material, folder=folder)
                done = guest.work.attempt(
                    here,
                    running.stop,
                    lambda step: guest.stepped(Stepped(order.serial, *key, step)),
                )
            files = {} if done is None else sizes(folder)
            running.end = Ended.of(order, done), files
        except Exception as error:
            trouble = host_error(error)
            if trouble is None:
                raise
            return HostTrouble(f"{socket.gethostname()}: {trouble}")
        finally:
            guest.running.pop(key, None)
            running.over.set()
        return running.end

    def read(self, session: str, job_id: str, attempt: int, name: str, offset: int) -> bytes:
        """Return a piece of a file of an attempt that has ended."""
        return self._shelf.read(self._folder(session, job_id, attempt), name, offset)

    def forget(self, session: str, job_id: str, attempt: int) -> None:
        """Remove an attempt's folder: the coordinator has it."""
        self._shelf.forget(self._folder(session, job_id, attempt))

    def news(self, session: str, sizes: Mapping[tuple[str, int, str], int]) -> News:
        """Say what happened, and what running attempts wrote; the coordinator lives.

        Args:
            session: The coordinator.
            sizes: (job, attempt, file) -> how much of it the coordinator has.
        """
        self._check_open()
        guest = self._guest(session)
        guest.heard = time.monotonic()
        news = guest.news()
        for (job_id, attempt), running in list(guest.running.items()):
            for name in _GROWING:
                offset = sizes.get((job_id, attempt, name), 0)
                with contextlib.suppress(OSError), (running.folder.path / name).open("rb") as file:
                    file.seek(offset)
                    if data := file.read(_PIECE):
                        news.grown.append((job_id, attempt, name, offset, data))
        return news

    def stop(self, session: str, hard: bool) -> None:
        """Stop a coordinator's attempts."""
        guest = self._guest(session)
        for signal in (guest.stop, *(running.stop for running in list(guest.running.values()))):
            signal.gentle.set()
            if hard:
                signal.hard.set()

    def withdraw(self, session: str, job_id: str, attempt: int, why: str) -> None:
        """Stop one attempt of a coordinator; one that is still to come as soon as it does."""
        guest, key = self._guest(session), (job_id, attempt)
        guest.withdrawn[key] = why
        running = guest.running.get(key)
        if running is not None:
            running.stop.withdraw(why)

    def bye(self, session: str) -> None:
        """A coordinator is done: what it still holds is free."""
        with self._lock:
            guest = self._guests.pop(session, None)
        if guest is not None:
            guest.close()

    # -- the worker's own -------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all attempts, and wait until they have released their phones."""
        self._over.set()
        for session in list(self._guests):
            self._end(session)

    def _watching(self) -> None:
        while not self._over.wait(BEAT_S):
            self._shelf.keep_used()
            for session, guest in list(self._guests.items()):
                if time.monotonic() - guest.heard > SILENT_S and not guest.running:
                    self._end(session)

    def _end(self, session: str) -> None:
        """End what a coordinator has here, as far as its phones can be reached."""
        guest = self._guests.get(session)
        if guest is None:
            return
        for running in list(guest.running.values()):
            running.stop.gentle.set()
        for serial in guest.keeper.serials:
            self._end_attempts(guest, serial)
            with contextlib.suppress(AdbError):
                self._bench.tools.clean(self._phones[serial], speech=True)
                guest.keeper.release(serial)
        self.bye(session)

    def _end_attempts(self, guest: GuestRun, serial: str) -> None:
        """End what may still run on a phone: nobody waits for it any more."""
        for running in list(guest.running.values()):
            if running.serial == serial:
                running.stop.gentle.set()
                running.over.wait(END_S)

    def _left_by(self, run: str) -> GuestRun | None:
        """Return what a coordinator of a run left here that says nothing any more."""
        for guest in self._guests.values():
            if run and guest.run == run and time.monotonic() - guest.heard > STALE_S:
                return guest
        return None

    def _taken_over(self, run: str, owner: str, keep: bool) -> GuestRun | None:
        left = self._left_by(run)
        if left is not None:
            self._guests = {
                name: guest for name, guest in self._guests.items() if guest is not left
            }
            left.resumed(owner, keep)
        return left

    def _held(self) -> set[str]:
        return {serial for guest in self._guests.values() for serial in guest.keeper.serials}

    def _held_for(self, session: str, serial: str) -> tuple[GuestRun, LabPhone]:
        self._check_open()
        guest = self._guest(session)
        if serial not in guest.keeper.serials:
            raise NotHereError(f"{serial} is not held for this coordinator")
        return guest, self._phones[serial]

    def _guest(self, session: str) -> GuestRun:
        guest = self._guests.get(session)
        if guest is None:
            raise NotHereError("nothing is held for this coordinator")
        return guest

    def _check_open(self) -> None:
        if self._over.is_set():
            raise NotHereError("the worker is about to end")

    def _folder(self, session: str, job_id: str, attempt: int) -> AttemptFolder:
        return self._shelf.folder(self._guest(session).run, job_id, attempt)
