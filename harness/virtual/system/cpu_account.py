"""Busy time of a whole phone, from samples of its processes (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.virtual.system.procfs import ProcessUse


class CpuAccount:
    """Adds up the CPU time of processes that come and go; the sums never fall.

    A process's figures include those of its reaped children. So when one vanishes while its parent
    is the phone's, its time is in the parent's figures already; when the parent isn't the phone's
    (or has vanished with it), its last figures are kept here. What begins and ends between two
    looks under a parent that isn't the phone's (a short ``adb shell``) is not seen.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], ProcessUse] = {}
        self._gone = [0, 0]
        self.user = 0
        self.system = 0
        self.begun = 0

    def update(self, processes: Iterable[ProcessUse]) -> None:
        """Take the figures of all living processes of the phone."""
        now = {(use.pid, use.start): use for use in processes}
        living = {use.pid for use in now.values()}
        for key, use in self._last.items():
            if key not in now and use.parent not in living:
                self._gone[0] += use.user
                self._gone[1] += use.system
        self.begun += len(now.keys() - self._last.keys())
        self._last = now
        self.user = max(self.user, self._gone[0] + sum(use.user for use in now.values()))
        self.system = max(self.system, self._gone[1] + sum(use.system for use in now.values()))

    @property
    def busy(self) -> int:
        """Ticks in user and kernel mode."""
        return self.user + self.system
