"""``dumpsys meminfo --proto``, of a package or of the whole phone (Android 9 and later).

Source: AOSP ``core/proto/android/server/activitymanagerservice.proto`` (``MemInfoDumpProto``; RSS
since Android 11), written by ``AppProfiler.dumpApplicationMemoryUsage`` and
``ActivityThread.dumpMemInfoTable``. With ``-s`` a process has its summary only, without a total:
that is the sum of its parts, as it is in the text.
"""

from __future__ import annotations

import re

from harness.readings.bounds import MEMORY_KB
from harness.readings.errors import ReadingError
from harness.readings.meminfo_package import MeminfoPackage, MeminfoProcess, SummaryRow
from harness.readings.meminfo_system import MeminfoSystem, ProcessMemory
from harness.readings.wire import Message

_UPTIME, _REALTIME, _NATIVE, _APPS, _PSS, _TOTAL_RAM, _STATUS, _RSS = 1, 2, 3, 4, 5, 8, 9, 29
_STATUS_NAMES = {0: "normal", 1: "moderate", 2: "low", 3: "critical"}
_LABEL_PID = re.compile(r" \(pid [0-9]{1,10}[^()]{0,80}\)(?:\s{0,80}\([^()]{0,80}\)){0,4}$")

# Of a process: heaps, then the summary.
_HEAPS = {3: "Native Heap", 4: "Dalvik Heap", 7: "TOTAL"}
_OTHER_HEAPS, _UNKNOWN_HEAP, _TOTAL_HEAP, _SUMMARY = 5, 6, 7, 9
_COLUMNS = {
    2: "Pss Total",
    3: "Pss Clean",
    4: "Shared Dirty",
    5: "Private Dirty",
    6: "Shared Clean",
    7: "Private Clean",
}
_SWAP_COLUMNS = {8: "Swap Dirty", 9: "SwapPss Dirty"}
_HEAP_COLUMNS = {2: "Heap Size", 3: "Heap Alloc", 4: "Heap Free"}
_RSS_COLUMN = 10
_SUMMARY_PSS = {
    1: "Java Heap",
    2: "Native Heap",
    3: "Code",
    4: "Stack",
    5: "Graphics",
    6: "Private Other",
    7: "System",
}
_SUMMARY_RSS = {
    10: "Java Heap",
    11: "Native Heap",
    12: "Code",
    13: "Stack",
    14: "Graphics",
    15: "Unknown",
}
_SWAP_PSS, _SWAP = 8, 9


def parse_meminfo_proto(data: bytes) -> MeminfoPackage | MeminfoSystem:
    """Read ``dumpsys meminfo --proto``, with a package and ``-s`` or neither.

    Raises:
        ReadingError: Not such a message, or one without a process and without the phone's RAM.
    """
    message = Message("meminfo", data)
    if message.integer(_TOTAL_RAM) is not None:
        return _system(message)
    processes = [_process(one) for one in message.messages(_NATIVE)]
    for app in message.messages(_APPS):
        memory = app.message(1)
        if memory is not None:
            processes.append(_process(memory))
    kept = tuple(process for process in processes if process is not None)
    if not kept:
        raise ReadingError("meminfo", "no process and no RAM in the message", repr(data[:60]))
    return MeminfoPackage(
        uptime_ms=message.integer(_UPTIME), realtime_ms=message.integer(_REALTIME), processes=kept
    )


def _process(message: Message) -> MeminfoProcess | None:
    pid, name = message.integer(1), message.text(2)
    if pid is None or name is None:
        return None
    rows = _rows(message)
    total = rows.get("TOTAL", {})
    summary, pss, rss = _summary(message.message(_SUMMARY))
    swap = message.message(_SUMMARY)
    return MeminfoProcess(
        pid=pid,
        name=name,
        total_pss_kb=total.get("Pss Total", pss),
        total_rss_kb=total.get("Rss Total", rss),
        total_swap_pss_kb=swap.integer(_SWAP_PSS) if swap else total.get("SwapPss Dirty"),
        total_swap_kb=swap.integer(_SWAP) if swap else total.get("Swap Dirty"),
        summary=summary,
        rows=rows,
    )


def _rows(message: Message) -> dict[str, dict[str, int]]:
    rows: dict[str, dict[str, int]] = {}
    for field, name in _HEAPS.items():
        heap = message.message(field)
        memory = heap.message(1) if heap else None
        if heap is None or memory is None:
            continue
        columns = _columns(memory)
        rows[name] = {**columns, **_named(heap, _HEAP_COLUMNS)}
    others = [*message.messages(_OTHER_HEAPS), *message.messages(_UNKNOWN_HEAP)]
    for memory in others:
        name_of = memory.text(1)
        if name_of is not None:
            rows.setdefault(name_of, _columns(memory))
    return rows


def _columns(memory: Message) -> dict[str, int]:
    columns = _named(memory, _COLUMNS)
    # A zero of these may as well be a field that this Android never writes.
    for field, name in {**_SWAP_COLUMNS, _RSS_COLUMN: "Rss Total"}.items():
        value = memory.integer(field)
        if value is not None:
            columns[name] = value
    return columns


def _named(message: Message, names: dict[int, str]) -> dict[str, int]:
    """Return fields of a whole message by name; what was left out is zero."""
    found = {name: message.number(field) for field, name in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def _summary(
    message: Message | None,
) -> tuple[dict[str, SummaryRow], int | None, int | None]:
    """Return the rows, and the sums of PSS and RSS; RSS is None before Android 11."""
    if message is None or not message.fields:
        return {}, None, None
    pss = _named(message, _SUMMARY_PSS)
    rss: dict[str, int] = {}
    if any(field in message.fields for field in _SUMMARY_RSS):
        rss = _named(message, _SUMMARY_RSS)
    rows = {name: SummaryRow(pss_kb=pss.get(name), rss_kb=rss.get(name)) for name in {**pss, **rss}}
    total_pss = sum(pss.values()) if len(pss) == len(_SUMMARY_PSS) else None
    return rows, total_pss, sum(rss.values()) if len(rss) == len(_SUMMARY_RSS) else None


def _system(message: Message) -> MeminfoSystem:
    def number(field: int) -> int | None:
        # up to the RAM lines fields are written in order, and some of them are never zero
        return message.number(field, *range(field + 1, 26))

    def total(*fields: int) -> int | None:
        parts = [number(field) for field in fields]
        return None if None in parts else sum(part or 0 for part in parts)

    status = number(_STATUS)
    has_swap = any(field in message.fields for field in (16, 17, 18))
    return MeminfoSystem(
        uptime_ms=message.integer(_UPTIME),
        rss_by_process=_items(message, _RSS, 9),
        pss_by_process=_items(message, _PSS, 6),
        total_ram_kb=message.integer(_TOTAL_RAM),
        status=None if status is None else _STATUS_NAMES.get(status),
        free_ram_kb=total(10, 11, 12),
        cached_pss_kb=number(10),
        cached_kernel_kb=number(11),
        free_kb=number(12),
        used_ram_kb=total(13, 14),
        used_pss_kb=number(13),
        kernel_kb=number(14),
        lost_ram_kb=number(15),
        zram_physical_kb=number(16) if has_swap else None,
        zram_in_swap_kb=number(17) if has_swap else None,
        zram_total_swap_kb=number(18) if has_swap else None,
        tuning_oom_kb=message.integer(25),
    )


def _items(message: Message, field: int, kb_field: int) -> tuple[ProcessMemory, ...]:
    found = []
    for item in message.messages(field):
        pid, label = item.integer(3), item.text(2)
        kb = item.number(kb_field)
        if pid is None or label is None or kb is None or not MEMORY_KB.hold(kb):
            continue
        found.append(
            ProcessMemory(
                pid=pid,
                name=_LABEL_PID.sub("", label),
                kb=kb,
                activities=bool(item.integer(5)),
            )
        )
    return tuple(found)
