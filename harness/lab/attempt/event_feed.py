"""A file of a phone that is followed while it grows."""

from __future__ import annotations

from collections.abc import Callable

from harness.adb.errors import CommandTimedOut, DeviceLost
from harness.adb.follow import FileFollower
from harness.adb.phone import Phone

FOLLOW_CHECK_S = 5.0
"""Silence after which a followed file's size is compared: a dead link looks like an idle file."""
LINK_PATIENCE_S = 2.0
"""How long one poll waits for a lost phone, so that Ctrl-C is heard meanwhile."""


class Feed:
    """A growing file of a phone, byte for byte.

    Args:
        phone: The phone.
        path: The file.
        offset: Where to begin.
        lost_s: How long the phone may be gone, counted over all polls.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self, phone: Phone, path: str, offset: int, lost_s: float, clock: Callable[[], float]
    ) -> None:
        self._follower = FileFollower(
            phone,
            path,
            offset,
            check_s=FOLLOW_CHECK_S,
            lost_timeout_s=min(LINK_PATIENCE_S, lost_s),
            clock=clock,
        )
        self._lost_s = lost_s
        self._clock = clock
        self._lost_since: float | None = None

    def poll(self, seconds: float) -> bytes:
        """Return the next bytes, or nothing after ``seconds``.

        Raises:
            DeviceLost: The phone was gone for longer than it may be.
        """
        begun = self._clock()
        try:
            data = self._follower.read(seconds)
        except (DeviceLost, CommandTimedOut):
            # Also one that hangs, or asks for its key again as USB enumerates it anew.
            if self._lost_since is None:
                self._lost_since = begun
            if self._clock() - self._lost_since >= self._lost_s:
                raise
            return b""
        self._lost_since = None
        return data

    def close(self) -> None:
        """Stop following."""
        self._follower.__exit__(None, None, None)
