"""One turn of the loop: read the phone, see what is gone, decide, tell the ballast."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.pressure.ballast import Ballast, process_name
from harness.pressure.control import Controller, Decision, Reading
from harness.pressure.watch import Kill

_LOG = logging.getLogger(__name__)


@dataclass
class History:
    """What happened, on the phone's boot clock."""

    steps: list[tuple[int, float]] = field(default_factory=list)
    """(t_ms, MiB of ballast) each time it changed."""
    lost: list[tuple[int, Kill]] = field(default_factory=list)
    """Ballast that was found gone, and when."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    """The last readings in words, as evidence."""


class Loop:
    """Reader, controller and ballast of one phone.

    Args:
        read: Takes one reading of the phone, looking for these ballast services.
        controller: Decides.
        ballast: Does; None when pressure comes from apps alone.
        package: The trainer's package.
        known: Names by pid of our own processes; filled here.
    """

    def __init__(
        self,
        read: Callable[[Iterable[int]], Reading],
        controller: Controller,
        ballast: Ballast | None,
        package: str,
        known: dict[int, str],
    ) -> None:
        self._read = read
        self._controller = controller
        self._ballast = ballast
        self._package = package
        self._known = known
        self._pids: dict[int, int] = {}
        self.history = History()
        self.last: tuple[Reading, Decision] | None = None

    def tick(self) -> tuple[Reading, Decision]:
        """Do one turn.

        Raises:
            PressureError: The reading is nonsense, or the phone starts no ballast.
            AdbError: The phone is lost.
        """
        reading = self._read(self._ballast.asked if self._ballast is not None else ())
        self._see_processes(reading)
        decision = self._controller.step(reading)
        held = self._ballast.total_mb if self._ballast is not None else 0
        self.history.recent.append(
            f"t={reading.t_ms / 1000:.1f} s: MemAvailable {reading.available_mb:.0f} MB, trainer "
            f"{reading.trainer_mb:.0f} MB, ballast {held} MB"
        )
        self.last = (reading, decision)
        if self._ballast is not None and decision.ballast_mb != held:
            _LOG.info(
                "%.0f MB for the trainer (MemAvailable %.0f), goal %.0f: ballast %d -> %d MB",
                reading.value_mb,
                reading.available_mb,
                self._controller.goal.available_mb,
                held,
                decision.ballast_mb,
            )
            self._ballast.hold(decision.ballast_mb)
            self.history.steps.append((reading.t_ms, float(decision.ballast_mb)))
        return reading, decision

    def _see_processes(self, reading: Reading) -> None:
        """Learn pids, and take ballast off the books that is gone though it should run."""
        if reading.trainer_pid is not None:
            self._known[reading.trainer_pid] = self._package
        if self._ballast is not None:
            for service in sorted(self._ballast.asked):
                before, now = self._pids.get(service), reading.alive.get(service)
                if before is not None and now != before:
                    self._lost(service, before, reading.t_ms)
        for service, pid in reading.alive.items():
            self._pids[service] = pid
            self._known[pid] = process_name(self._package, service)

    def _lost(self, service: int, pid: int, t_ms: int) -> None:
        assert self._ballast is not None
        del self._pids[service]
        mb = self._ballast.forget(service)
        _LOG.warning("ballast %d (pid %d, %.0f MB) is gone", service, pid, mb)
        self._controller.lost(mb)
        self.history.lost.append(
            (
                t_ms,
                Kill(
                    process_name(self._package, service),
                    pid,
                    "ballast",
                    "gone, no killer named",
                    None,
                    [f"pid {pid} with {mb} MB is gone; what the goal needs is started again"],
                ),
            )
        )
        self.history.steps.append((t_ms, float(self._ballast.total_mb)))
