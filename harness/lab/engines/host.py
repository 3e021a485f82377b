"""A worker's side: the phones of this host, held for coordinators and worked with as they say.

Every phone that is taken for a coordinator is leased here, on the host where it hangs. A
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness import __version__
from harness.adb.errors import AdbError
from harness.adb.transfer import LocalFile
from harness.lab.attempt import run_attempt
from harness.lab.attempt_state import AttemptRequest
from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.engine import (
    Leave,
    Left,
    Order,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
)
from harness.lab.engines.sessions import Running, Session
from harness.lab.engines.shelf import LIMIT_BYTES, Shelf, sizes
from harness.lab.engines.wire import Hello, News, NotHereError, Outcome, Parcel, moved
from harness.lab.leases import PhoneBusyError, acquire, holder_of
from harness.lab.phone_notes import RENEW_S, Claim, hold, let_go, renew
from harness.lab.ports import LabPhone
from harness.lab.score import host_scorer
from harness.lab.threads import AT_ONCE, check_phone, prepare_phone
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
        self._sessions: dict[str, Session] = {}
        self._lock = threading.RLock()
        self._bench = find()
        self._find = self._bench.look or find  # asks only phones that are new
        self._found_at = time.monotonic()
        self._phones: dict[str, LabPhone] = {one.serial: one for one in self._bench.phones}
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="sessions", daemon=True)
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
            ours = left.leases if left is not None else {}
            busy = {
                one.serial: self._busy(one.serial) for one in bench.phones if one.serial not in ours
            }
        return Hello(
            version=__version__,
            host=socket.gethostname(),
            phones=tuple(one.info for one in bench.phones),
            unusable=tuple(bench.unusable),
            busy={serial: who for serial, who in busy.items() if who},
        )

    def take(self, session: str, run: str, owner: str, serials: Sequence[str]) -> tuple[str, ...]:
        """Lease phones for a coordinator; return those that it has now.

        Args:
            session: The coordinator.
            run: Its run, the same when it is resumed and of no other.
            owner: Its name in leases.
            serials: The phones.
        """
        self._check_open()
        with self._lock:
            ours = self._sessions.get(session)
            if ours is None or not ours.leases:
                ours = self._take_over(run, owner) or ours or Session(run, owner)
                self._sessions[session] = ours
            ours.heard = time.monotonic()
            for serial in serials:
                if serial in ours.leases or serial not in self._phones:
                    continue
                with contextlib.suppress(PhoneBusyError):
                    ours.leases[serial] = acquire(
                        serial,
                        owner=owner,
                        run=run,
                        root=self._bench.lease_root,
                        clock=self._bench.clock,
                    )
            return tuple(ours.leases)

    def tend(self, session: str, order: Order, keep: bool) -> Report:
        """Carry out an order that is no attempt.

        Args:
            session: The coordinator.
            order: What to do.
            keep: Leave on the phone what was put there.
        """
        ours, phone = self._ours(session, order.serial)
        tools = self._bench.tools
        try:
            if not isinstance(order, Leave):
                hold(tools, phone, self._claim(ours))
                ours.noted[order.serial] = phone
            if isinstance(order, Prepare):
                if not order.keep:
                    self._clear(ours, order.serial)
                phone, notes = prepare_phone(tools, phone, keep=order.keep)
                self._phones[order.serial] = phone
                return Prepared(order.serial, replace(phone, handle=None), tuple(notes))
            if isinstance(order, Recover):
                tools.clean(phone, speech=False)
                if order.thorough:
                    check_phone(tools, phone)
                return Recovered(order.serial)
            assert isinstance(order, Leave)
            if not keep:
                tools.clean(phone, speech=True)
            if ours.noted.pop(order.serial, None) is not None:
                let_go(tools, phone, self._claim(ours))
            ours.leases.pop(order.serial).release()
            return Left(order.serial)
        except AdbError as error:
            if isinstance(order, Prepare):
                return Prepared(order.serial, None, trouble=str(error))
            if isinstance(order, Recover):
                return Recovered(order.serial, str(error))
            return Left(order.serial, str(error))

    def clean(self, serial: str, speech: bool) -> tuple[str, ...]:
        """Undo on a phone that nobody here holds what may have been left there."""
        phone = self._phones[serial]
        lease = acquire(serial, owner="clean", run="harness worker", root=self._bench.lease_root)
        with lease:
            return tuple(self._bench.tools.clean(phone, speech=speech))

    def missing(self, files: Sequence[LocalFile]) -> tuple[str, ...]:
        """Return the names of those files that are not here yet."""
        return self._shelf.missing(files)

    def store(self, file: LocalFile, offset: int, data: bytes) -> None:
        """Take a piece of a file, see `Shelf.store`."""
        self._shelf.store(file, offset, data)

    def attempt(self, session: str, order: RunAttempt, parcel: Parcel) -> Outcome:
        """Run an attempt; its folder waits here until it is fetched."""
        ours, phone = self._ours(session, order.serial)
        key = (order.job_id, order.attempt)
        before = ours.running.get(key)
        if before is not None:  # begun for a coordinator that died
            before.over.wait()
            return before.outcome or Outcome(lost=True)
        folder = self._folder(session, *key)
        if not order.rejoin:
            shutil.rmtree(folder.path, ignore_errors=True)
        elif folder.result_path.is_file() and folder.result().failure is None:
            return Outcome(clean=True, files=sizes(folder))  # it ended while nobody asked
        running = ours.running[key] = Running(order.serial, folder, StopSignal())
        if ours.stop.requested:
            running.stop.gentle.set()

        def on_step(step: str) -> None:
            with ours.lock:
                ours.told.steps.append((order.serial, *key, step))

        try:
            with self._shelf.using(parcel.material.files()):
                end = run_attempt(
                    AttemptRequest(
                        run_id=parcel.run_id,
                        spec=parcel.spec,
                        attempt=order.attempt,
                        phone=phone,
                        material=moved(parcel.material, self._shelf.local),
                        goal=parcel.goal,
                        gates=parcel.gates,
                        folder=folder,
                        keep=parcel.keep,
                        forget_speech=parcel.forget_speech,
                        rejoin=order.rejoin,
                    ),
                    tools=self._bench.tools,
                    scorer=host_scorer,
                    stop=running.stop,
                    clock=self._bench.clock,
                    progress=ours,
                    on_step=on_step,
                )
            running.outcome = (
                Outcome(lost=True) if end is None else Outcome(clean=end.clean, files=sizes(folder))
            )
        finally:
            ours.running.pop(key, None)
            running.over.set()
        return running.outcome

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
        ours = self._session(session)
        ours.heard = time.monotonic()
        found = ours.news()
        for (job_id, attempt), running in list(ours.running.items()):
            for name in _GROWING:
                offset = sizes.get((job_id, attempt, name), 0)
                with contextlib.suppress(OSError), (running.folder.path / name).open("rb") as file:
                    file.seek(offset)
                    if data := file.read(_PIECE):
                        found.grown.append((job_id, attempt, name, offset, data))
        return found

    def stop(self, session: str, hard: bool) -> None:
        """Stop a coordinator's attempts."""
        ours = self._session(session)
        for signal in (ours.stop, *(one.stop for one in list(ours.running.values()))):
            signal.gentle.set()
            if hard:
                signal.hard.set()

    def bye(self, session: str) -> None:
        """A coordinator is done: what it still holds is free."""
        with self._lock:
            ours = self._sessions.pop(session, None)
        for lease in list(ours.leases.values()) if ours else []:
            lease.release()

    # -- the worker's own -------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all attempts, and wait until they have released their phones."""
        self._over.set()
        for session in list(self._sessions):
            self._end(session)

    def _watching(self) -> None:
        while not self._over.wait(BEAT_S):
            self._shelf.keep_used()
            for name, ours in list(self._sessions.items()):
                if time.monotonic() - ours.heard > SILENT_S and not ours.running:
                    self._end(name)
                    continue
                for lease in list(ours.leases.values()):
                    lease.heartbeat()
                if time.monotonic() - ours.renewed > RENEW_S:
                    ours.renewed = time.monotonic()
                    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="renew") as pool:
                        list(pool.map(partial(self._renew, ours), list(ours.noted)))

    def _renew(self, ours: Session, serial: str) -> None:
        with contextlib.suppress(AdbError):  # one that is away is passed over
            phone = self._phones[serial]
            mine = renew(self._bench.tools, phone, self._claim(ours))
            if not mine and ours.noted.pop(serial, None) is not None:
                ours.note(f"{serial}: the note that this run holds it is gone or another host's.")

    def _claim(self, ours: Session) -> Claim:
        return Claim.of(ours.owner, ours.run, self._bench.lease_root)

    def _end(self, name: str) -> None:
        """End what a coordinator has here, as far as its phones can be reached."""
        ours = self._sessions.get(name)
        if ours is None:
            return
        for running in list(ours.running.values()):
            running.stop.gentle.set()
        for serial in list(ours.leases):
            self._clear(ours, serial)
            with contextlib.suppress(AdbError):
                self._bench.tools.clean(self._phones[serial], speech=True)
                if ours.noted.pop(serial, None) is not None:
                    let_go(self._bench.tools, self._phones[serial], self._claim(ours))
        self.bye(name)

    def _clear(self, ours: Session, serial: str) -> None:
        """End what may still run on a phone: nobody waits for it any more."""
        for running in list(ours.running.values()):
            if running.serial == serial:
                running.stop.gentle.set()
                running.over.wait(END_S)

    def _left_by(self, run: str) -> Session | None:
        """Return what a coordinator of a run left here that says nothing any more."""
        for ours in self._sessions.values():
            if run and ours.run == run and time.monotonic() - ours.heard > STALE_S:
                return ours
        return None

    def _take_over(self, run: str, owner: str) -> Session | None:
        left = self._left_by(run)
        if left is not None:
            self._sessions = {name: one for name, one in self._sessions.items() if one is not left}
            left.stop, left.owner = StopSignal(), owner
            left.news()  # what nobody heard is old
            left.noted.clear()  # the notes are the dead one's, until each phone is prepared anew
        return left

    def _held(self) -> set[str]:
        return {serial for ours in self._sessions.values() for serial in ours.leases}

    def _busy(self, serial: str) -> str:
        """Return who holds a phone; empty if it is free."""
        if holder_of(serial, self._bench.lease_root) is None:
            return ""
        try:  # a note may be a dead owner's; only its lock tells
            acquire(serial, owner="look", run="", root=self._bench.lease_root).release()
        except PhoneBusyError as error:
            return str(error)
        return ""

    def _ours(self, session: str, serial: str) -> tuple[Session, LabPhone]:
        self._check_open()
        ours = self._session(session)
        if serial not in ours.leases:
            raise NotHereError(f"{serial} is not held for this coordinator")
        return ours, self._phones[serial]

    def _session(self, name: str) -> Session:
        ours = self._sessions.get(name)
        if ours is None:
            raise NotHereError("nothing is held for this coordinator")
        return ours

    def _check_open(self) -> None:
        if self._over.is_set():
            raise NotHereError("the worker is about to end")

    def _folder(self, session: str, job_id: str, attempt: int) -> AttemptFolder:
        return self._shelf.folder(self._session(session).run, job_id, attempt)
