"""Whether a phone was started anew meanwhile, by its own clock since boot alone.

The clock is compared with what it said before, never with another clock: what writes the times of
events may count otherwise (a replayed trainer, a container).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.adb.errors import AdbError
from harness.lab.clock import Clock
from harness.lab.ports import LabPhone, Tools

_TIMEOUT_S: Final = 5.0
_SLACK_S: Final = 5.0
"""A reading may take so long."""


@dataclass(frozen=True)
class BootClock:
    """One reading of a phone's clock.

    Args:
        uptime_s: Seconds since boot; None if the phone does not tell.
        at_s: The host's monotonic clock right before; None if another process took the reading.
    """

    uptime_s: float | None = None
    at_s: float | None = None

    @classmethod
    def read(cls, tools: Tools, phone: LabPhone, clock: Clock) -> BootClock:
        """Read a phone's clock; one that does not answer tells nothing."""
        at_s = clock.monotonic()
        try:
            text = tools.shell(phone, ["cat", "/proc/uptime"], _TIMEOUT_S).stdout
            return cls(float(text.split()[0]), at_s)
        except (AdbError, IndexError, ValueError):
            return cls(None, at_s)

    def restarted(self, later: BootClock) -> str:
        """Return in words how a later reading shows that the phone was started anew, else nothing.

        It does where the clock went back, or on by less than the host's.
        """
        if self.uptime_s is None or later.uptime_s is None:
            return ""
        passed_s = 0.0
        if self.at_s is not None and later.at_s is not None:
            passed_s = max(0.0, later.at_s - self.at_s - _SLACK_S)
        if later.uptime_s >= self.uptime_s + passed_s:
            return ""
        return (
            f"the phone had been up for {self.uptime_s:.1f} s, and for {later.uptime_s:.1f} s "
            f"at least {passed_s:.0f} s later"
        )


UNREAD: Final = BootClock()
"""No reading."""
