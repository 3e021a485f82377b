"""Taking, renewing and giving back the phones of one owner.

A phone is held in this order: the lock on its host, the row in the ledger (the scheduler writes it
with what else changes when the phone comes), the note on the phone. It is given back the other way:
the note, the lock, and last the row. Who dies in between leaves a row too many, never one too few:
`resume` then cleans a phone that is clean.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from harness.adb.errors import AdbError
from harness.errors import HarnessError
from harness.lab.clock import Clock, SystemClock
from harness.lab.holding.holder import RENEW_S, Holder, PhoneBusyError
from harness.lab.holding.host_lock import HostLock
from harness.lab.holding.phone_note import remove_note, renew_note, write_note
from harness.lab.ports import LabPhone, Tools

_AT_ONCE: Final = 16
"""Notes that are renewed at the same time: some phones that hang keep no other waiting."""


class Keeper(Protocol):
    """Holds the phones of one owner."""

    @property
    def serials(self) -> Collection[str]:
        """The phones that are held now."""
        ...

    def take(self, phone: LabPhone) -> None:
        """Take a phone.

        Raises:
            PhoneBusyError: Another owner holds it.
            StoreError: The folder of the locks cannot be written.
        """
        ...

    def held(self, phone: LabPhone) -> AbstractContextManager[None]:
        """Hold a phone for as long as the context lasts, its note too.

        Raises:
            PhoneBusyError: Another owner holds it.
            AdbError: It does not answer.
        """
        ...

    def renewing(self, beat: Callable[[], None]) -> AbstractContextManager[None]:
        """Renew what is held for as long as the context lasts.

        Args:
            beat: Says in the ledger that the owner lives.
        """
        ...


def take_free(keeper: Keeper, phones: Sequence[LabPhone]) -> dict[str, str]:
    """Take what is free; return serial -> why it is not ours."""
    whys = {phone.serial: _why_busy(keeper, phone) for phone in phones}
    return {serial: why for serial, why in whys.items() if why}


def _why_busy(keeper: Keeper, phone: LabPhone) -> str:
    try:
        keeper.take(phone)
    except PhoneBusyError as error:
        return str(error)
    return ""


@contextmanager
def renewing(renew: Callable[[], None], clock: Clock) -> Iterator[None]:
    """Call ``renew`` every `RENEW_S` for as long as the context lasts, in a thread of its own."""
    over = threading.Event()

    def watch() -> None:
        while not clock.wait(over, RENEW_S):
            renew()

    thread = threading.Thread(target=watch, name="renew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass
class _Holding:
    """A phone that is held.

    Args:
        phone: As it is reached now.
        lock: Of this host.
        noted: The phone carries the owner's note.
        renewal: The last one that was begun.
        writing: Held while the note is written, renewed or removed.
    """

    phone: LabPhone
    lock: HostLock
    noted: bool = False
    renewal: Future[None] | None = None
    writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def wants_renewal(self) -> bool:
        """It carries a note, and nobody is about to renew it."""
        return self.noted and (self.renewal is None or self.renewal.done())


class HostKeeper:
    """A `Keeper` of phones that hang at this host. Used from many threads, a phone by one.

    Args:
        holder: The owner.
        tools: How to talk to the phones.
        root: Folder of the locks; None for this host's.
        clock: Where the time comes from.
        note: Told when a phone has lost the owner's note.
    """

    def __init__(
        self,
        holder: Holder,
        tools: Tools,
        *,
        root: Path | None = None,
        clock: Clock | None = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._holder = holder
        self._tools = tools
        self._root = root
        self._clock = clock or SystemClock()
        self._note = note
        self._holdings: dict[str, _Holding] = {}

    @property
    def serials(self) -> Collection[str]:
        """See `Keeper`."""
        return tuple(self._holdings)

    def take(self, phone: LabPhone) -> None:
        """See `Keeper`; the phone itself is not touched."""
        lock = HostLock(phone.serial, self._root, self._clock)
        lock.acquire(self._holder)
        self._holdings[phone.serial] = _Holding(phone, lock)

    def hold(self, phone: LabPhone) -> None:
        """Hold a phone with all that belongs to it: take it if need be, and write its note anew.

        Raises:
            PhoneBusyError: Another owner holds it, here or on another host.
            AdbError: It does not answer.
            StoreError: The folder of the locks cannot be written.
        """
        if phone.serial not in self._holdings:
            self.take(phone)
        holding = self._holdings[phone.serial]
        with holding.writing:
            write_note(self._tools, phone, self._holder)
            holding.phone, holding.noted = phone, True

    def release(self, serial: str) -> None:
        """Give a phone back: first the note, then the lock; one that is not held is left alone.

        Raises:
            AdbError: It does not answer; it is still held.
        """
        holding = self._holdings.get(serial)
        if holding is None:
            return
        with holding.writing:
            if holding.noted:
                remove_note(self._tools, holding.phone, self._holder)
                holding.noted = False
        self._free(serial)

    @contextmanager
    def held(self, phone: LabPhone) -> Iterator[None]:
        """See `Keeper`."""
        try:
            self.hold(phone)
            yield
            self.release(phone.serial)
        finally:
            self._free(phone.serial)

    def hand_over(self, owner: str) -> None:
        """Hold all phones for another process of the same run.

        The notes are those of the one before until each phone is held anew.

        Raises:
            StoreError: The folder of the locks cannot be written.
        """
        self._holder = replace(self._holder, owner=owner)
        for holding in list(self._holdings.values()):
            holding.noted = False
            holding.lock.write(self._holder)

    @contextmanager
    def renewing(self, beat: Callable[[], None] = lambda: None) -> Iterator[None]:
        """See `Keeper`."""
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="renew")

        def renew() -> None:
            with contextlib.suppress(HarnessError):  # a full disk: who works on the run hears of it
                beat()
            for holding in list(self._holdings.values()):
                if holding.wants_renewal:
                    holding.renewal = pool.submit(self._renew, holding)

        try:
            with renewing(renew, self._clock):
                yield
        finally:
            # not for a phone that does not answer: it was only to be told that we live
            pool.shutdown(wait=False, cancel_futures=True)

    def _renew(self, holding: _Holding) -> None:
        with holding.writing, contextlib.suppress(AdbError):  # one that is away is passed over
            if not holding.noted or renew_note(self._tools, holding.phone, self._holder):
                return
            if holding.noted:  # and not handed over meanwhile
                holding.noted = False
                self._note(
                    f"{holding.phone.serial}: the note that this run holds it is gone or another "
                    "host's."
                )

    def close(self) -> None:
        """Free what is still held; what lies on a phone is left to run out."""
        for serial in self.serials:
            self._free(serial)

    def _free(self, serial: str) -> None:
        holding = self._holdings.pop(serial, None)
        if holding is not None:
            holding.lock.release()

    def __enter__(self) -> HostKeeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
