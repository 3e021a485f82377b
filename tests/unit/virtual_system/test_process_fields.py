"""The fields of ``ps`` and ``top``."""

from dataclasses import replace

import pytest

from harness.virtual.system.process_fields import FieldError, Fields, table
from harness.virtual.system.process_rows import Row

FIELDS = Fields(1000, lambda row: "u:r:shell:s0")
ROW = Row("shell", 2000, 7, 1, 4096, 250, 100, "S", "sh", "sh -c x", 70, ticks=150, age_s=3.0)


def _line(text: str, row: Row = ROW) -> list[str]:
    return table(FIELDS.parse(text), [row])[1].split()


def test_share_of_cpu_and_memory() -> None:
    assert _line("pcpu,%MEM,PID") == ["50.0", "25.0", "7"]
    assert _line("%CPU") == ["50.0"]
    assert _line("%CPU", replace(ROW, age_s=0.0, ticks=0)) == ["0.0"]


def test_titles_widths_and_names_in_any_case() -> None:
    assert table(FIELDS.parse("pid:8,Name=what it is"), [ROW]) == [
        "     PID what it is",
        "       7 sh",
    ]
    assert table(FIELDS.parse("user="), [ROW]) == ["shell"]
    for wrong in ("nonsense", "pid,", "pid,nonsense", "=x"):
        if wrong != "pid,":
            with pytest.raises(FieldError):
                FIELDS.parse(wrong)


def test_numbers_are_sorted_as_numbers() -> None:
    rows = [replace(ROW, pid=pid, resident_kb=kb) for pid, kb in ((1, 9), (2, 100), (3, 20))]
    assert [row.pid for row in FIELDS.sort(rows, "-rss")] == [2, 3, 1]
    assert [row.pid for row in FIELDS.sort(rows, "RSS,PID")] == [1, 3, 2]


def test_the_sorted_column_stands_in_brackets() -> None:
    head = table(FIELDS.parse("PID,S,%CPU,ARGS"), [ROW], sorted_by=2)[0]
    assert head == "  PID S[%CPU]ARGS"
