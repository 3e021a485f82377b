"""What a phone lets the sampler read, found out once before it starts."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_LINE = re.compile(r"([a-z_]{1,20})=(.{0,100})")
_SMALL_STAT_BYTES = 4096
"""A /proc/stat up to this size is copied whole; a phone's lists thousands of interrupts."""


@dataclass(frozen=True)
class Capabilities:
    """What can be sampled on this phone, and how.

    Args:
        meminfo: ``/proc/meminfo`` can be read.
        stat_mode: How ``/proc/stat`` is read: ``cat``, ``line`` (its first) or ``none``.
        battery: Command of a battery reading, empty if the phone gives none.
        thermal: Command of a thermal reading, likewise.
        pss: Command of a PSS reading; the package comes last.
        pidof: Command that finds a process by name.
        clock_ticks: Clock ticks a second.
        page_kb: Size of a page.
        absent: What cannot be read, in words.
    """

    meminfo: bool
    stat_mode: str
    battery: str
    thermal: str
    pss: str
    pidof: str
    clock_ticks: int
    page_kb: int
    absent: tuple[str, ...]


def probe_command(proc_dir: str) -> str:
    """Return one command that tries all readings and prints what answered."""
    proc = shlex.quote(proc_dir)
    return f"""
cat {proc}/meminfo >/dev/null 2>&1 && echo meminfo=1
echo stat_bytes=$(wc -c 2>/dev/null < {proc}/stat)
cat /proc/1/stat >/dev/null 2>&1 && echo other_stat=1
echo clock_ticks=$(getconf CLK_TCK 2>/dev/null)
echo page=$(getconf PAGESIZE 2>/dev/null)
command -v pidof >/dev/null 2>&1 && echo pidof=1
case "$(dumpsys battery 2>/dev/null </dev/null)" in *level:*) echo battery=1;; esac
case "$(dumpsys thermalservice 2>/dev/null </dev/null)" in *"Thermal Status"*) echo thermal=1;; esac
true"""


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def parse_probe(text: str) -> Capabilities:
    """Read what ``probe_command`` printed (pure); what it does not name cannot be read."""
    found = {
        match[1]: match[2].strip()
        for line in text.replace("\r", "").split("\n")
        if (match := _LINE.fullmatch(line)) is not None
    }
    stat_bytes = _number(found.get("stat_bytes"), 0)
    missing = {
        "MemAvailable (/proc/meminfo)": "meminfo" not in found,
        "the phone's CPU (/proc/stat)": stat_bytes == 0,
        "the trainer's process (no pidof)": "pidof" not in found,
        "battery (dumpsys battery)": "battery" not in found,
        "temperatures (dumpsys thermalservice)": "thermal" not in found,
    }
    mode = "none" if stat_bytes == 0 else "cat" if stat_bytes <= _SMALL_STAT_BYTES else "line"
    return Capabilities(
        meminfo="meminfo" in found,
        stat_mode=mode,
        battery="dumpsys battery" if "battery" in found else "",
        thermal="dumpsys thermalservice" if "thermal" in found else "",
        pss="dumpsys meminfo -s",
        pidof="pidof" if "pidof" in found else "true",
        clock_ticks=_number(found.get("clock_ticks"), 100),
        page_kb=max(1, _number(found.get("page"), 4096) // 1024),
        absent=tuple(name for name, is_missing in missing.items() if is_missing),
    )
