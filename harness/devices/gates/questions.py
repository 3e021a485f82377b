"""Questions that several gates share, or the doctor asks too."""

from __future__ import annotations

import re

from harness.devices.gates.declared import Question
from harness.readings import (
    Battery,
    parse_battery,
    parse_proc_meminfo,
)


def _available_mb(text: str) -> float | None:
    available_kb = parse_proc_meminfo(text).available_kb
    return None if available_kb is None else available_kb / 1024


def _version(text: str) -> str | None:
    match = re.search(r"versionName=(\S+)", text)
    return match[1] if match else None


def _free_mb(text: str) -> float | None:
    fields = " ".join(text.splitlines()[1:]).split()
    for position, field in enumerate(fields):
        if position and re.fullmatch(r"\d+%", field) and fields[position - 1].isdigit():
            return int(fields[position - 1]) / 1024
    return None


BOOTED: Question[bool] = Question(
    "boot", "getprop sys.boot_completed", lambda text: text.strip() == "1"
)
BATTERY: Question[Battery] = Question("battery", "dumpsys battery", parse_battery)
AVAILABLE_MB: Question[float] = Question("meminfo", "cat {proc_dir}/meminfo", _available_mb)
TRAINER_VERSION: Question[str] = Question(
    "package", "dumpsys package {package} | grep -m1 versionName=", _version
)
FREE_STORAGE_MB: Question[float] = Question(
    "storage",
    # the work folder may not be there yet
    "df -k {work_dir} 2>/dev/null || df -k /data/local/tmp",
    _free_mb,
)
POWER_SAVE: Question[bool] = Question(
    "low_power",
    "settings get global low_power",
    lambda text: {"0": False, "1": True, "null": False}.get(text.strip()),
)
