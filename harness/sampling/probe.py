"""What a phone lets the sampler read, found out once before it starts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from harness.readings import ReadingError, parse_battery_proto, parse_meminfo_proto

_LINE = re.compile(r"([a-z_]{1,20})=(.{0,4000})")
_MOST_PROTO_BYTES = 1500
"""A battery message has 60 bytes, the summary of one process 200."""
_SMALL_STAT_BYTES = 4096
"""A /proc/stat up to this size is copied whole; a phone's lists thousands of interrupts."""


@dataclass(frozen=True)
class Capabilities:
    """What can be sampled on this phone, and how.

    Args:
        meminfo: ``/proc/meminfo`` can be read.
        stat_mode: How ``/proc/stat`` is read: ``cat``, ``line`` (its first) or ``none``.
        battery: Command of a battery reading, empty if the phone gives none.
        battery_proto: It prints a protobuf message.
        thermal: Command of a thermal reading, likewise.
        pss: Command of a PSS reading; the package comes last.
        pss_proto: It prints a protobuf message.
        pidof: Command that finds a process by name.
        clock_ticks: Clock ticks a second.
        page_kb: Size of a page.
        absent: What cannot be read, in words.
    """

    meminfo: bool
    stat_mode: str
    battery: str
    battery_proto: bool
    thermal: str
    pss: str
    pss_proto: bool
    pidof: str
    clock_ticks: int
    page_kb: int
    absent: tuple[str, ...]


def probe_command(proc_dir: str) -> str:
    """Return one command that tries all readings and prints what answered.

    Protobuf is asked for once and read by the host, as hexadecimal digits: a phone that does not
    know ``--proto`` prints text or a complaint. ``system`` is Android's own process; where it is
    not to be had, this shell is asked for.
    """
    proc = shlex.quote(proc_dir)
    return f"""
hex() {{ head -c {_MOST_PROTO_BYTES} | od -An -v -tx1 | tr -d ' \\n'; }}
cat {proc}/meminfo >/dev/null 2>&1 && echo meminfo=1
echo stat_bytes=$(wc -c 2>/dev/null < {proc}/stat)
cat /proc/1/stat >/dev/null 2>&1 && echo other_stat=1
echo clock_ticks=$(getconf CLK_TCK 2>/dev/null)
echo page=$(getconf PAGESIZE 2>/dev/null)
command -v pidof >/dev/null 2>&1 && echo pidof=1
case "$(dumpsys battery 2>/dev/null </dev/null)" in *level:*) echo battery=1;; esac
echo battery_proto=$(dumpsys battery --proto 2>/dev/null </dev/null | hex)
echo pss_proto=$(dumpsys meminfo -s --proto system 2>/dev/null </dev/null | hex)
echo own_pss_proto=$(dumpsys meminfo -s --proto $$ 2>/dev/null </dev/null | hex)
case "$(dumpsys thermalservice 2>/dev/null </dev/null)" in *"Thermal Status"*) echo thermal=1;; esac
true"""


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def _is_message(parse: Callable[[bytes], object], digits: str | None) -> bool:
    """Whether these hexadecimal digits are a message that can be read."""
    try:
        parse(bytes.fromhex(digits or ""))
    except (ReadingError, ValueError):
        return False
    return True


def _battery_command(proto: bool, text: bool) -> str:
    return "dumpsys battery --proto" if proto else "dumpsys battery" if text else ""


def parse_probe(text: str) -> Capabilities:
    """Read what ``probe_command`` printed (pure); what it does not name cannot be read."""
    found = {
        match[1]: match[2].strip()
        for line in text.replace("\r", "").split("\n")
        if (match := _LINE.fullmatch(line)) is not None
    }
    stat_bytes = _number(found.get("stat_bytes"), 0)
    battery_proto = _is_message(parse_battery_proto, found.get("battery_proto"))
    pss_proto = any(
        _is_message(parse_meminfo_proto, found.get(name)) for name in ("pss_proto", "own_pss_proto")
    )
    missing = {
        "MemAvailable (/proc/meminfo)": "meminfo" not in found,
        "the phone's CPU (/proc/stat)": stat_bytes == 0,
        "the trainer's process (no pidof)": "pidof" not in found,
        "battery (dumpsys battery)": "battery" not in found and not battery_proto,
        "temperatures (dumpsys thermalservice)": "thermal" not in found,
    }
    mode = "none" if stat_bytes == 0 else "cat" if stat_bytes <= _SMALL_STAT_BYTES else "line"
    return Capabilities(
        meminfo="meminfo" in found,
        stat_mode=mode,
        battery=_battery_command(battery_proto, "battery" in found),
        battery_proto=battery_proto,
        thermal="dumpsys thermalservice" if "thermal" in found else "",
        pss="dumpsys meminfo -s --proto" if pss_proto else "dumpsys meminfo -s",
        pss_proto=pss_proto,
        pidof="pidof" if "pidof" in found else "true",
        clock_ticks=_number(found.get("clock_ticks"), 100),
        page_kb=max(1, _number(found.get("page"), 4096) // 1024),
        absent=tuple(name for name, is_missing in missing.items() if is_missing),
    )
