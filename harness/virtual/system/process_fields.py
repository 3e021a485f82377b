"""The fields of ``ps`` and ``top``, how they are asked for, and how a table is printed.

Source: toybox ``toys/posix/ps.c`` (field names and widths).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.virtual.system.process_rows import Row

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_PRIORITY = 20


class FieldError(ValueError):
    """There is no such field; the text is its name."""


@dataclass(frozen=True)
class Field:
    """One column.

    Args:
        name: What it is called when asked for.
        title: Its head.
        width: Characters; negative: to the left.
        read: Its value in a row; numbers are sorted as such.
        shown: How that is printed.
    """

    name: str
    title: str
    width: int
    read: Callable[[Row], int | float | str]
    shown: Callable[[int | float | str], str] = str


class Fields:
    """All fields of one phone.

    Args:
        total_kb: Its RAM, for ``%MEM``.
        label: Gives the security label of a row.
    """

    def __init__(self, total_kb: int, label: Callable[[Row], str]) -> None:
        self._by_name = {field.name: field for field in _fields(total_kb, label)}

    def get(self, name: str) -> Field:
        """Return a field by its name, in any case.

        Raises:
            FieldError: There's none.
        """
        try:
            return self._by_name[_ALIASES.get(name.upper(), name.upper())]
        except KeyError:
            raise FieldError(name) from None

    def parse(self, text: str) -> list[Field]:
        """Read ``NAME[:WIDTH][=TITLE],...``; a title goes on to the end of the text.

        Raises:
            FieldError: One of them isn't there.
        """
        fields: list[Field] = []
        left = text.strip()
        while left:
            match = re.match(r"([^,:= ]+)(?::(\d+))?(?:=(.*)|[, ]+|$)", left, re.DOTALL)
            if match is None:
                raise FieldError(left)
            field = self.get(match[1])
            if match[2]:
                field = replace(field, width=int(match[2]) * (-1 if field.width < 0 else 1))
            if match[3] is not None:
                field = replace(field, title=match[3])
            fields.append(field)
            left = left[match.end() :]
        return fields

    def sort(self, rows: Iterable[Row], keys: str) -> list[Row]:
        """Sort by ``[-|+]NAME,...``; ``-`` is the greatest first.

        Raises:
            FieldError: One of them isn't there.
        """
        listed = list(rows)
        for key in reversed([key for key in re.split("[, ]", keys) if key]):
            read = self.get(key.lstrip("+-")).read
            listed.sort(key=lambda row: _sortable(read(row)), reverse=key.startswith("-"))
        return listed

    @property
    def names(self) -> list[str]:
        """All names."""
        return sorted(self._by_name)


# toybox takes these for others' sake
_ALIASES = {
    "COMMAND": "COMM",
    "ETIME": "ELAPSED",
    "GNAME": "GROUP",
    "NICE": "NI",
    "PCPU": "%CPU",
    "PMEM": "%MEM",
    "RSZ": "RSS",
    "UCOMM": "NAME",
    "UNAME": "USER",
    "VSIZE": "VSZ",
}


def _sortable(value: int | float | str) -> tuple[bool, float, str]:
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value), "")


def _fields(total_kb: int, label: Callable[[Row], str]) -> list[Field]:
    def share(kb: int) -> float:
        return 100.0 * kb / max(1, total_kb)

    def priority(row: Row) -> int:
        return _PRIORITY + row.nice

    fixed = {"ADDR": 8, "BIT": 3, "CPU": 3, "F": 1, "MAJFL": 6, "MINFL": 6, "PCY": 3, "PSR": 3,
             "RTPRIO": 6, "SCH": 3, "WCHAN": -6, "TTY": -8, "C": 1, "SWAP": 6, "DIO": 6,
             "READ": 6, "WRITE": 6, "IO": 6, "DREAD": 6, "DWRITE": 6}  # fmt: skip
    values: dict[str, int | str] = {"BIT": 64, "PCY": "fg", "TTY": "?", "RTPRIO": "-", "F": 4}
    return [
        *(_fixed(name, width, values.get(name, 0)) for name, width in fixed.items()),
        Field("USER", "USER", -12, lambda row: row.user),
        Field("RUSER", "RUSER", -8, lambda row: row.user),
        Field("GROUP", "GROUP", -8, lambda row: row.user),
        Field("RGROUP", "RGROUP", -8, lambda row: row.user),
        Field("UID", "UID", 5, lambda row: row.uid),
        Field("RUID", "RUID", 4, lambda row: row.uid),
        Field("GID", "GID", 8, lambda row: row.uid),
        Field("RGID", "RGID", 4, lambda row: row.uid),
        Field("PID", "PID", 5, lambda row: row.pid),
        Field("TID", "TID", 5, lambda row: row.thread or row.pid),
        Field("PPID", "PPID", 5, lambda row: row.parent),
        Field("PGID", "PGID", 5, lambda row: row.pid),
        Field("TCNT", "TCNT", 4, lambda row: row.threads),
        Field("VSZ", "VSZ", 7, lambda row: row.virtual_kb),
        Field("RSS", "RSS", 6, lambda row: row.resident_kb),
        Field("SZ", "SZ", 5, lambda row: row.virtual_kb // _PAGE_KB),
        Field("VIRT", "VIRT", 4, lambda row: row.virtual_kb, _human),
        Field("RES", "RES", 4, lambda row: row.resident_kb, _human),
        Field("SHR", "SHR", 4, lambda row: row.shared_kb, _human),
        Field("%MEM", "%MEM", 5, lambda row: share(row.resident_kb), _tenth),
        Field("%VSZ", "%VSZ", 5, lambda row: share(row.virtual_kb), _tenth),
        Field("%CPU", "%CPU", 4, lambda row: 100 * row.seconds / max(0.01, row.age_s), _tenth),
        Field("S", "S", -1, lambda row: row.state),
        Field("STAT", "STAT", -5, lambda row: row.state + ("l" if row.threads > 1 else "")),
        Field("PR", "PR", 2, priority),
        Field("PRI", "PRI", 3, lambda row: 39 - priority(row)),
        Field("NI", "NI", 3, lambda row: row.nice),
        Field("TIME", "TIME", 8, lambda row: row.seconds, _clock),
        Field("TIME+", "TIME+", 9, lambda row: row.seconds, _fine_clock),
        Field("ELAPSED", "ELAPSED", 11, lambda row: row.age_s, _clock),
        Field("STIME", "STIME", 5, lambda row: time.time() - row.age_s, _begun),
        Field("LABEL", "LABEL", -30, label),
        Field("NAME", "NAME", -27, lambda row: row.name),
        Field("COMM", "COMMAND", -27, lambda row: row.name),
        Field("CMD", "CMD", -15, lambda row: (row.thread_name or row.name)[-15:]),
        Field("ARGS", "ARGS", -27, lambda row: row.args),
        Field("CMDLINE", "CMDLINE", -27, lambda row: row.args),
    ]


def _fixed(name: str, width: int, value: int | str) -> Field:
    return Field(name, name, width, lambda _: value)


def table(fields: Sequence[Field], rows: Iterable[Row], *, sorted_by: int = -1) -> list[str]:
    """Return a head, unless it is empty, and a line a row.

    Args:
        fields: The columns.
        rows: The lines.
        sorted_by: Number of the column that ``top`` sorts by; its head stands in brackets.
    """
    lines = [_line(fields, [field.shown(field.read(row)) for field in fields]) for row in rows]
    if not any(field.title for field in fields):
        return lines
    head = _line(fields, [field.title for field in fields])
    if sorted_by >= 0:
        title = fields[sorted_by].title
        head = head.replace(f" {title} ", f"[{title}]", 1)
    return [head, *lines]


def _line(fields: Sequence[Field], texts: Sequence[str]) -> str:
    cells = []
    for number, (field, text) in enumerate(zip(fields, texts, strict=True)):
        if number == len(fields) - 1 and field.width < 0:
            cells.append(text)  # the last column is as wide as it needs
        else:
            cells.append(text.ljust(-field.width) if field.width < 0 else text.rjust(field.width))
    return " ".join(cells).rstrip()


def _tenth(value: int | float | str) -> str:
    return f"{float(value):.1f}"


def _human(kb: int | float | str) -> str:
    value = float(kb)
    for unit in "KMG":
        if value < 1000:
            return f"{value:.1f}{unit}" if value < 10 and unit != "K" else f"{value:.0f}{unit}"
        value /= 1024
    return f"{value:.0f}T"


def _clock(seconds: int | float | str) -> str:
    whole = int(float(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _fine_clock(seconds: int | float | str) -> str:
    value = float(seconds)
    return f"{int(value) // 60}:{value % 60:05.2f}"


def _begun(when: int | float | str) -> str:
    return time.strftime("%H:%M", time.localtime(float(when)))
