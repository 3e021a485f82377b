"""What the phone tells its trainer: available memory, battery, own memory."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_PROC_VARIABLE = "MOBILEASR_PROC_DIR"
_LEVEL = re.compile(r"^\s+(level|scale): (\d+)\s*$", re.MULTILINE)
_BATTERY_TIMEOUT_S = 10.0


def available_mb() -> float | None:
    """Return MemAvailable in MiB (ActivityManager.MemoryInfo.availMem on Android)."""
    folder = Path(os.environ.get(_PROC_VARIABLE, "/proc"))
    try:
        text = (folder / "meminfo").read_text()
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) / 1024 if match else None


def battery_percent() -> float | None:
    """Return the battery level in percent from ``dumpsys battery``, or None."""
    try:
        dump = subprocess.run(
            ["dumpsys", "battery"],
            capture_output=True,
            text=True,
            timeout=_BATTERY_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    levels: dict[str, int] = {}
    for key, value in _LEVEL.findall(dump.stdout):
        levels.setdefault(key, int(value))
    if "level" not in levels:
        return None
    return 100.0 * levels["level"] / max(1, levels.get("scale", 100))


def rss_mb() -> float | None:
    """Return this process's resident memory (VmRSS) in MiB."""
    return _own_mb("VmRSS")


def peak_rss_mb() -> float | None:
    """Return this process's peak resident memory (VmHWM) in MiB."""
    return _own_mb("VmHWM")


def _own_mb(field: str) -> float | None:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return None
    match = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) / 1024 if match else None
