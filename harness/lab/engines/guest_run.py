"""What a run that is coordinated elsewhere has on a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from harness.lab.bench import Bench, host_keeper
from harness.lab.clock import StopSignal
from harness.lab.engines.phone_work import PhoneWork
from harness.lab.engines.wire import News
from harness.lab.holding import HostKeeper
from harness.lab.ports import PhoneStatus
from harness.lab.scheduling.engine import Ended, Stepped
from harness.results.model import AttemptResult
from harness.results.store import AttemptFolder


@dataclass
class GuestAttempt:
    """An attempt that was begun here.

    Attributes:
        serial: The phone.
        folder: Where its files wait to be fetched.
        stop: To stop it.
        over: Set when it has ended.
        end: How, and name -> size of its files; None if it ended by an error.
    """

    serial: str
    folder: AttemptFolder
    stop: StopSignal
    over: threading.Event = field(default_factory=threading.Event)
    end: tuple[Ended, Mapping[str, int]] | None = None


class GuestRun:
    """A run of another host; also the `Progress` of its attempts.

    Args:
        run: Its name, the same when it is resumed and of no other.
        owner: The coordinator's name as a holder.
        keep: Leave on the phones what was put there.
        bench: The phones of this host.
    """

    def __init__(self, run: str, owner: str, keep: bool, bench: Bench) -> None:
        self.run = run
        self.stop = StopSignal()
        self.running: dict[tuple[str, int], GuestAttempt] = {}
        self.withdrawn: dict[tuple[str, int], str] = {}
        """Attempts that the coordinator wants no more -> why."""
        self.heard = time.monotonic()
        """When the coordinator last said something."""
        self.keeper: HostKeeper = host_keeper(bench, owner, run, self.note)
        self.work = PhoneWork(bench.tools, self.keeper, bench.clock, self, keep)
        self._lock = threading.Lock()
        self._news = News()
        self._renewing = ExitStack()
        self._renewing.enter_context(self.keeper.renewing())

    def resumed(self, owner: str, keep: bool) -> None:
        """Belong to a new coordinator, the run's former one being dead."""
        self.stop = StopSignal()
        self.work = replace(self.work, keep=keep)
        self.keeper.hand_over(owner)
        self.news()  # what nobody heard is old

    def close(self) -> None:
        """Free the phones."""
        self._renewing.close()
        self.keeper.close()

    def phone(self, status: PhoneStatus) -> None:
        """See `Progress`; only the newest of a phone is kept."""
        with self._lock:
            self._news.statuses[status.serial] = status

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """Say nothing: the coordinator sees the result."""

    def note(self, text: str) -> None:
        """See `Progress`."""
        with self._lock:
            self._news.notes.append(text)

    def stepped(self, report: Stepped) -> None:
        """Take in that an attempt has reached a step."""
        with self._lock:
            self._news.steps.append(report)

    def news(self) -> News:
        """Return what happened since the last time."""
        with self._lock:
            news, self._news = self._news, News()
        return news
