"""``dumpsys cpuinfo``: a window of its own, some seconds old, as on a phone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from harness.virtual.system.call import Call
from harness.virtual.system.logs import WITH_YEAR, stamp
from harness.virtual.system.procfs import TICKS, ProcessUse
from harness.virtual.system.service import Answers, System

_WINDOW_S = 10.0


@dataclass(frozen=True)
class _Shot:
    when: float
    uses: dict[tuple[int, int], ProcessUse]


class CpuDump:
    """Remembers two moments and prints what was used between them.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._apps = system.apps
        self._cores = system.accountant.limits.cores
        self._old = _Shot(time.time(), {})
        self._new = self._old
        self.answers = Answers(
            dumps={"cpuinfo": self.dump},
        )

    def take(self, uses: list[ProcessUse]) -> None:
        """Offer the figures of a tick; a new window begins when the last is old enough."""
        now = time.time()
        if now - self._new.when >= _WINDOW_S or not self._new.uses:
            self._old, self._new = self._new, _Shot(now, {(u.pid, u.start): u for u in uses})

    def dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys cpuinfo``."""
        del args
        call.print(self.text(), end="")
        return 0

    def text(self) -> str:
        """Return the dump. Source: AOSP ``ProcessCpuTracker.printCurrentState``."""
        now, old, new = time.time(), self._old, self._new
        seconds = max(0.001, new.when - old.when)
        load = " / ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in os.getloadavg())
        lines = [
            f"Load: {load}",
            f"CPU usage from {int((now - old.when) * 1000)}ms to {int((now - new.when) * 1000)}ms "
            f"ago ({stamp(old.when, WITH_YEAR)} to {stamp(new.when, WITH_YEAR)}):",
        ]
        names = {app.host_pid: (app.pid, app.name) for app in self._apps}
        rows = []
        sums = [0.0, 0.0]
        for key, use in new.uses.items():
            before = old.uses.get(key)
            user = (use.user - (before.user if before else 0)) / TICKS / seconds * 100
            system = (use.system - (before.system if before else 0)) / TICKS / seconds * 100
            sums[0] += user
            sums[1] += system
            pid, name = names.get(use.pid, (use.pid, use.name))
            mark = " " if before else "+"
            both = user + system
            row = f"{mark} {_p(both)}% {pid}/{name}: {_p(user)}% user + {_p(system)}% kernel"
            rows.append((both, f"{row} / faults: 0 minor"))
        lines += [row for _, row in sorted(rows, reverse=True)]
        total, user, system = (v / self._cores for v in (sum(sums), *sums))
        lines.append(f"{_p(total)}% TOTAL: {_p(user)}% user + {_p(system)}% kernel + 0% iowait")
        return "\n".join(lines) + "\n"


def _p(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"
