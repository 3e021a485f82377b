"""Log buffers and logcat's formats."""

import time

import pytest

from harness.virtual.system.logcat_options import parse_time
from harness.virtual.system.logs import WITH_YEAR, Entry, LogStore, format_entry, stamp
from harness.virtual.system.server import TICKS_A_SECOND, SystemServer
from harness.virtual.system.service import System

_WHEN = time.mktime((2026, 3, 4, 5, 6, 7, 0, 0, -1)) + 0.089
_ENTRY = Entry(0, _WHEN, "main", "W", "Tag", "one\ntwo", 12, 34, 1000)


@pytest.mark.parametrize(
    ("style", "modifiers", "expected"),
    [
        ("threadtime", set(), "03-04 05:06:07.089    12    34 W Tag     : one\n"
                              "03-04 05:06:07.089    12    34 W Tag     : two\n"),
        ("brief", set(), "W/Tag     (   12): one\nW/Tag     (   12): two\n"),
        ("tag", set(), "W/Tag     : one\nW/Tag     : two\n"),
        ("raw", set(), "one\ntwo\n"),
        ("time", set(), "03-04 05:06:07.089 W/Tag     (   12): one\n"
                        "03-04 05:06:07.089 W/Tag     (   12): two\n"),
        ("process", set(), "W(   12) one  (Tag)\nW(   12) two  (Tag)\n"),
        ("long", set(), "[ 03-04 05:06:07.089    12:   34 W/Tag      ]\none\ntwo\n\n"),
        ("threadtime", {"year", "uid"},
         "2026-03-04 05:06:07.089  1000    12    34 W Tag     : one\n"
         "2026-03-04 05:06:07.089  1000    12    34 W Tag     : two\n"),
    ],
)  # fmt: skip
def test_formats(style: str, modifiers: set[str], expected: str) -> None:
    assert format_entry(_ENTRY, style, frozenset(modifiers)) == expected


def test_times_are_read_back() -> None:
    assert parse_time(stamp(_WHEN, WITH_YEAR)) == pytest.approx(_WHEN, abs=0.001)
    assert parse_time(stamp(_WHEN), now=_WHEN) == pytest.approx(_WHEN, abs=0.001)
    assert parse_time("1700000000.25") == 1700000000.25
    for wrong in ("", "yesterday", "13-45 99:00:00.000"):
        with pytest.raises(ValueError, match=wrong or "^$"):
            parse_time(wrong)


def test_buffers_are_bounded_ordered_and_cleared_apart() -> None:
    store = LogStore(clock=lambda: 1.0)
    for number in range(5000):
        store.add("A", str(number))
    store.event("am_kill", [0, 1, "name", 900, "why"])
    store.add("B", "x" * 9000, buffer="system")
    main = store.entries(["main"])
    assert len(main) == 4000
    assert main[-1].message == "4999"
    mixed = store.entries(["events", "main", "system"], after=main[-2].sequence)
    assert [e.tag for e in mixed] == ["A", "am_kill", "B"]
    assert mixed[1].message == "[0,1,name,900,why]"
    assert len(mixed[2].message) == 4000
    store.clear(["main"])
    assert [e.tag for e in store.entries(["main", "events"])] == ["am_kill"]


def test_the_log_never_stands_still(system: System) -> None:
    """A client that follows it hears of an order to stop only at the next line (adbutils)."""
    server = SystemServer(system.setup)
    before = len(server.logs.entries(["main"]))
    for _ in range(10 * TICKS_A_SECOND):
        server.tick()
    server.close()
    assert len(server.logs.entries(["main"])) > before
