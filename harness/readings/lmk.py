"""Who killed what for memory: lmkd and ActivityManager lines of logcat, ``dumpsys activity lmk``.

Sources: AOSP ``system/memory/lmkd/lmkd.cpp`` (``Kill '...'``), its ``event.logtags``
(``killinfo``), ``frameworks/base/services/.../EventLogTags.logtags`` (``am_kill``,
``am_proc_died``). The format of a log line (brief, time, threadtime, with uid) does not
matter: only the tag and the text after it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from harness.readings.base import Reading, integer, lines
from harness.readings.bounds import MEMORY_KB, PID

KillSource = Literal[
    "lmkd",
    "killinfo",
    "am_kill",
    "am_proc_died",
    "am_low_memory",
    "am_died",
    "am_killing",
    "zygote",
]

_TIME = re.compile(r"\s*((?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} [0-9:.]{8,15})")
_LMKD = re.compile(r"Kill(?:ing)? '([^']{0,255})' \(([0-9]{1,10})\)(.*)")
_UID = re.compile(r"\buid ([0-9]{1,10})")
_ADJ = re.compile(r"\b(?:oom_score_adj|oom_adj|adj) (-?[0-9]{1,5})")
_FREE = re.compile(r"to free ([0-9]{1,15})kB")
_ANON = re.compile(r"([0-9]{1,15})kB anon rss")
_SWAP = re.compile(r"([0-9]{1,15})kB swap")
_REASON = re.compile(r"; reason: (.{1,300})")
_TAG = re.compile(
    r"\b(am_kill|am_proc_died|am_low_memory|killinfo)\s{0,8}(?:\([ 0-9]{1,12}\))?: (.*)"
)
_DIED = re.compile(r"\bProcess (\S{1,255}) \(pid ([0-9]{1,10})\) has died:?(.{0,200})")
_KILLING = re.compile(
    r"\bKilling ([0-9]{1,10}):([^/\s]{1,255})/(\S{1,40}) \(adj (-?[0-9]{1,5})\)(.*)"
)
_ZYGOTE = re.compile(r"\bProcess ([0-9]{1,10}) exited due to signal (?:\(?)([0-9]{1,3})")
_COUNT = re.compile(r"\s*kills at or below oom_adj (-?[0-9]{1,5}): ([0-9]{1,12})")
_TOTAL = re.compile(r"\s*Total number of kills: ([0-9]{1,12})")


class KillLine(Reading):
    """One line of evidence about an ended process (or of memory running low)."""

    source: KillSource
    time: str | None = None
    """As printed: month-day and time of the phone."""
    pid: Annotated[int | None, PID] = None
    process: str | None = None
    uid: int | None = None
    oom_score_adj: int | None = None
    freed_kb: Annotated[int | None, MEMORY_KB] = None
    anon_rss_kb: Annotated[int | None, MEMORY_KB] = None
    swap_kb: Annotated[int | None, MEMORY_KB] = None
    reason: str | None = None
    line: str
    """The line itself, as evidence."""


class Lmk(Reading):
    """Kill lines in the order of the log, and the counters of ``dumpsys activity lmk``."""

    kills: tuple[KillLine, ...] = ()
    total_kills: int | None = None
    kills_at_or_below: dict[int, int] | None = None


def _found(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1]) if match else None


def _event(tag: str, text: str) -> dict[str, object] | None:
    values = text.strip()
    if values.startswith("[") and values.endswith("]"):
        values = values[1:-1]
    fields = [field.strip() for field in values.split(",")]
    if tag == "am_low_memory":
        return {"reason": f"{fields[0]} processes left"}
    if tag == "killinfo" and len(fields) >= 6:
        names = ("pid", "uid", "oom_score_adj")
        death: dict[str, object] = {n: integer(v) for n, v in zip(names, fields, strict=False)}
        return {**death, "freed_kb": integer(fields[4]), "reason": f"lmkd reason {fields[5]}"}
    if tag in ("am_kill", "am_proc_died") and len(fields) >= 4:
        reason = fields[4:]
        if tag == "am_kill" and len(reason) > 1 and integer(reason[-1]) is not None:
            reason = reason[:-1]  # RSS, since Android 13
        return {
            "pid": integer(fields[1]),
            "process": fields[2] or None,
            "oom_score_adj": integer(fields[3]),
            "reason": ", ".join(reason) or None if tag == "am_kill" else None,
        }
    return None


def _kill(line: str) -> dict[str, object] | None:
    if (match := _TAG.search(line)) is not None:
        death = _event(match[1], match[2])
        return None if death is None else {"source": match[1], **death}
    if (match := _LMKD.search(line)) is not None:
        rest = match[3]
        reason = _REASON.search(rest)
        return {
            "source": "lmkd",
            "pid": int(match[2]),
            "process": match[1],
            "uid": _found(_UID, rest),
            "oom_score_adj": _found(_ADJ, rest),
            "freed_kb": _found(_FREE, rest),
            "anon_rss_kb": _found(_ANON, rest),
            "swap_kb": _found(_SWAP, rest),
            "reason": reason[1].strip() if reason else None,
        }
    if (match := _KILLING.search(line)) is not None:
        return {
            "source": "am_killing",
            "pid": int(match[1]),
            "process": match[2],
            "oom_score_adj": int(match[4]),
            "reason": match[5].strip(" :") or None,
        }
    if (match := _DIED.search(line)) is not None:
        reason_text = match[3].strip() or None
        return {
            "source": "am_died",
            "pid": int(match[2]),
            "process": match[1],
            "reason": reason_text,
        }
    if (match := _ZYGOTE.search(line)) is not None:
        return {"source": "zygote", "pid": int(match[1]), "reason": f"signal {match[2]}"}
    return None


def parse_lmk(text: str | bytes) -> Lmk:
    """Read a log for kills, or ``dumpsys activity lmk``; a text without any is an empty reading."""
    kills: list[KillLine] = []
    total: int | None = None
    counts: dict[int, int] = {}
    for line in lines(text):
        if (match := _COUNT.match(line)) is not None:
            counts.setdefault(int(match[1]), int(match[2]))
        elif (match := _TOTAL.match(line)) is not None:
            total = int(match[1])
        elif (death := _kill(line[:1000])) is not None:
            time = _TIME.match(line)
            kills.append(
                KillLine.model_validate(
                    {**death, "time": time[1] if time else None, "line": line.strip()[:1000]}
                )
            )
    return Lmk(kills=tuple(kills), total_kills=total, kills_at_or_below=counts or None)
