"""A followed event log whose phone goes away."""

from __future__ import annotations

from typing import Any

import pytest

from harness.adb.errors import AdbError, CommandTimedOut, DeviceLost, DeviceUnauthorized, ServerLost
from harness.lab.attempt import event_feed
from harness.lab.attempt.event_feed import Feed
from tests.unit.lab.fakes import FakeClock

AWAY = (
    DeviceLost("offline"),
    DeviceUnauthorized("accept the key"),  # a phone that USB has just enumerated anew
    ServerLost("the server is restarted"),
    CommandTimedOut(serial="S", command="tail", timeout_s=2.0),
)


class Follower:
    """A `FileFollower` whose phone is away for some reads."""

    def __init__(self, clock: FakeClock, error: AdbError, reads: int) -> None:
        self._clock, self._error, self._reads = clock, error, reads

    def read(self, seconds: float) -> bytes:
        self._clock.now += 2.0
        self._reads -= 1
        if self._reads >= 0:
            raise self._error
        return b"event"


def feed_of(monkeypatch: pytest.MonkeyPatch, error: AdbError, reads: int, lost_s: float) -> Feed:
    clock = FakeClock()

    def follower(*_: Any, **__: Any) -> Follower:
        return Follower(clock, error, reads)

    monkeypatch.setattr(event_feed, "FileFollower", follower)
    return Feed(None, "/events.jsonl", 0, lost_s, clock.monotonic)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_each_way_to_be_away_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, error: AdbError
) -> None:
    feed = feed_of(monkeypatch, error, reads=4, lost_s=20.0)
    assert [feed.poll(0.5) for _ in range(5)] == [b"", b"", b"", b"", b"event"]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_and_only_for_so_long(monkeypatch: pytest.MonkeyPatch, error: AdbError) -> None:
    feed = feed_of(monkeypatch, error, reads=100, lost_s=20.0)
    for _ in range(9):
        assert feed.poll(0.5) == b""
    with pytest.raises(type(error)):
        feed.poll(0.5)
