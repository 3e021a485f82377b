"""``dumpsys meminfo <package>`` and ``-s`` (Android 6 to 16).

Source: AOSP ``ActivityThread.dumpMemInfoTable``. Columns are taken from the header, since Android
11 put ``Rss Total`` before the heap columns. TOTAL Pss includes SwapPss, so it may exceed RSS.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from harness.readings.base import NotedReading, Reading, because, clean, failures, integer, lines
from harness.readings.bounds import MEMORY_KB
from harness.readings.errors import ReadingError

_PROCESS = re.compile(r"\s*\*\* MEMINFO in pid ([0-9]{1,10}) \[([^\]]{0,255})\]")
_UPTIME = re.compile(r"\s*Uptime: ([0-9]{1,18}) Realtime: ([0-9]{1,18})")
_NOT_FOUND = re.compile(r"\s*No process found for: (.{1,255})")
_TOTALS = re.compile(r"TOTAL( PSS| RSS| SWAP PSS| SWAP \(KB\))?:\s{0,40}([0-9]{1,15})")
_TOTAL_FIELDS = {
    "": "total_pss_kb",
    " PSS": "total_pss_kb",
    " RSS": "total_rss_kb",
    " SWAP PSS": "total_swap_pss_kb",
    " SWAP (KB)": "total_swap_kb",
}
_SUMMARY = re.compile(r"\s{1,60}([A-Z][A-Za-z ]{1,40}):((?:\s{1,60}[0-9]{1,15}){1,2})\s{0,60}")
OF_PHONE = re.compile(r"^[ \t]{0,20}Total (?:RSS|PSS) by process:|^ {0,4}Total RAM: ", re.MULTILINE)
"""Where the dump of the whole phone begins."""
_SECTIONS = ("App Summary", "Dalvik Details", "Objects", "SQL", "DATABASES", "Asset Allocations")


class SummaryRow(Reading):
    """One line of the App Summary, in KiB."""

    pss_kb: Annotated[int | None, MEMORY_KB] = None
    rss_kb: Annotated[int | None, MEMORY_KB] = None


class MeminfoProcess(Reading):
    """One process of the package, in KiB."""

    pid: int
    name: str
    total_pss_kb: Annotated[int | None, MEMORY_KB] = None
    total_rss_kb: Annotated[int | None, MEMORY_KB] = None
    total_swap_pss_kb: Annotated[int | None, MEMORY_KB] = None
    total_swap_kb: Annotated[int | None, MEMORY_KB] = None
    summary: dict[str, SummaryRow] = Field(default_factory=dict)
    rows: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Memory table: row name -> column name (``Pss Total``, ``Private Dirty``, ...) -> KiB."""


class MeminfoPackage(NotedReading):
    """All processes of a package."""

    uptime_ms: int | None = None
    realtime_ms: int | None = None
    processes: tuple[MeminfoProcess, ...] = ()
    not_found: str | None = None
    """The name for which the phone found no process."""


class _Block:
    """What is gathered of one process."""

    def __init__(self, pid: int, name: str) -> None:
        self.pid = pid
        self.name = name
        self.totals: dict[str, int] = {}
        self.summary: dict[str, SummaryRow] = {}
        self.rows: dict[str, dict[str, int]] = {}
        self.header: list[list[str]] = []
        self.columns: list[str] = []
        self.section = ""
        self.rss_column: int | None = None

    def take(self, line: str) -> None:
        stripped = line.strip()
        if stripped in _SECTIONS:
            self.section = stripped
        elif self.section == "App Summary":
            self._take_summary(line)
        elif not self.section and stripped:
            self._take_table(stripped.split())

    def _take_table(self, words: list[str]) -> None:
        if words[0] == "------":
            self.columns = self._columns()
            return
        if not self.columns:
            self.header.append(words)
            return
        values: list[int] = []
        while words and (value := integer(words[-1])) is not None:
            values.append(value)
            words.pop()
        if words and values:
            values.reverse()
            name = " ".join(words)
            cells = zip(self.columns, values, strict=False)
            self.rows.setdefault(name, {c: kb for c, kb in cells if MEMORY_KB.hold(kb)})

    def _columns(self) -> list[str]:
        if len(self.header) < 2 or len(self.header[-1]) != len(self.header[-2]):
            return []
        return [f"{top} {under}" for top, under in zip(*self.header[-2:], strict=True)]

    def _take_summary(self, line: str) -> None:
        if "TOTAL" in line:
            for match in _TOTALS.finditer(line):
                value = integer(match[2])
                if value is not None:
                    self.totals.setdefault(_TOTAL_FIELDS[match[1] or ""], value)
            return
        if "Rss(KB)" in line:
            self.rss_column = line.index("Rss(KB)")
            return
        match_row = _SUMMARY.fullmatch(line)
        if match_row is None:
            return
        values = [integer(word) for word in match_row[2].split()]
        if len(values) == 2:
            row = SummaryRow(pss_kb=values[0], rss_kb=values[1])
        elif self.rss_column is not None and len(line.rstrip()) > self.rss_column:
            row = SummaryRow(rss_kb=values[0])  # "Unknown:" has an RSS only
        else:
            row = SummaryRow(pss_kb=values[0])
        self.summary.setdefault(match_row[1], row)

    def done(self) -> MeminfoProcess:
        total = self.rows.get("TOTAL", {})
        return MeminfoProcess(
            pid=self.pid,
            name=self.name,
            total_pss_kb=self.totals.get("total_pss_kb", total.get("Pss Total")),
            total_rss_kb=self.totals.get("total_rss_kb", total.get("Rss Total")),
            total_swap_pss_kb=self.totals.get("total_swap_pss_kb", total.get("SwapPss Dirty")),
            total_swap_kb=self.totals.get(
                "total_swap_kb", total.get("Swap Dirty", total.get("Swapped Dirty"))
            ),
            summary=self.summary,
            rows=self.rows,
        )


def parse_meminfo_package(text: str | bytes) -> MeminfoPackage:
    """Read ``dumpsys meminfo <package>``, with ``-a`` or ``-s`` or neither.

    Raises:
        ReadingError: Neither a MEMINFO block nor ``No process found for``.
    """
    blocks: list[_Block] = []
    uptime: int | None = None
    realtime: int | None = None
    not_found: str | None = None
    cleaned = clean(text)
    block: _Block | None = None
    for line in lines(cleaned):
        if (match := _PROCESS.match(line)) is not None:
            block = _Block(int(match[1]), match[2])
            blocks.append(block)
        elif OF_PHONE.match(line) is not None:
            block = None  # what follows is of the whole phone
        elif block is not None:
            block.take(line)
        elif (match := _UPTIME.match(line)) is not None:
            uptime, realtime = int(match[1]), int(match[2])
        elif (match := _NOT_FOUND.match(line)) is not None:
            not_found = match[1].strip()
    if not blocks and not_found is None:
        raise ReadingError("meminfo", because(cleaned, "no MEMINFO block"), cleaned)
    processes = tuple(block.done() for block in blocks)
    cut = tuple(
        f"total_pss_kb: the dump of pid {process.pid} has no total"
        for process in processes
        if process.total_pss_kb is None
    )
    return MeminfoPackage(
        uptime_ms=uptime,
        realtime_ms=realtime,
        processes=processes,
        not_found=not_found,
        notes=(*failures(cleaned), *cut),
    )
