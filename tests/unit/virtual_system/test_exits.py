"""Exit records as ``dumpsys activity exit-info`` prints them."""

import pytest

from harness.readings.exit_info import REASON_LOW_MEMORY, parse_exit_info
from harness.virtual.system.exits import (
    LOW_MEMORY,
    ExitRecord,
    ExitWhy,
    exit_info_text,
    size_text,
)


def _record(pid: int, package: str, why: ExitWhy, held_kb: int = 1000) -> ExitRecord:
    return ExitRecord(1_790_000_000.5, pid, 10234, package, f"{package}:p", why, 9, 125, held_kb)


def test_records_are_read_back_newest_first_by_package() -> None:
    why = ExitWhy(10, "USER REQUESTED", 21, "FORCE STOP", "stop me because status=0 said so")
    records = [
        _record(7, "b.c", LOW_MEMORY, 184_320),
        _record(6, "a.b", why),
        _record(5, "b.c", why),
    ]
    read_back = parse_exit_info(exit_info_text(records, None)).records
    assert [r.pid for r in read_back] == [6, 7, 5]
    assert read_back[1].reason == REASON_LOW_MEMORY
    assert read_back[1].rss_kb == 180 * 1024
    assert read_back[2].description == why.description
    assert (read_back[2].subreason, read_back[2].process) == (21, "b.c:p")
    only = parse_exit_info(exit_info_text(records, "a.b")).records
    assert [r.pid for r in only] == [6]
    assert parse_exit_info(exit_info_text([], None)).records == ()


@pytest.mark.parametrize(
    ("kb", "text"),
    [(0, "0.00"), (5, "5.0KB"), (500, "500KB"), (184_320, "180MB"), (1 << 20, "1.0GB")],
)
def test_sizes(kb: int, text: str) -> None:
    assert size_text(kb) == text
