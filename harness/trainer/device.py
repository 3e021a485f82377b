"""What the phone tells its trainer: available memory, battery, own memory."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_PROC_VARIABLE = "MOBILEASR_PROC_DIR"
_LEVEL = re.compile(r"^\s+(level|scale): (\d+)\s*$", re.MULTILINE)
_PRESENT = re.compile(r"^\s+present: (true|false)\s*$", re.MULTILINE)
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
    """Return the battery level in percent from ``dumpsys battery``; None without a battery."""
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
    present = _PRESENT.search(dump.stdout)
    if "level" not in levels or (present is not None and present[1] == "false"):
        return None
    percent = 100.0 * levels["level"] / max(1, levels.get("scale", 100))
    return percent if percent <= 100 else None


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
