"""The state of a phone that gates look at: asked in one command, read into one model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from harness.adb.shell import quote
from harness.readings import (
    Battery,
    ReadingError,
    Thermal,
    parse_battery,
    parse_proc_meminfo,
    parse_thermal,
)

T = TypeVar("T")
_MARK = "#mobileasr-gate "


class PhoneState(BaseModel):
    """What a phone said of itself; None where it did not say."""

    model_config = ConfigDict(frozen=True)

    booted: bool = False
    battery: Battery | None = None
    thermal: Thermal | None = None
    available_mb: float | None = None
    free_storage_mb: float | None = None
    screen_on: bool | None = None
    power_save: bool | None = None
    trainer_version: str | None = None
    trainer_pids: tuple[int, ...] = ()


def state_command(package: str, work_dir: str, proc_dir: str) -> str:
    """Return the one command that asks for all of it."""
    parts = {
        "boot": "getprop sys.boot_completed",
        "battery": "dumpsys battery",
        "thermal": "dumpsys thermalservice",
        "meminfo": f"cat {quote(proc_dir)}/meminfo",
        # the work folder may not be there yet
        "storage": f"df -k {quote(work_dir)} 2>/dev/null || df -k /data/local/tmp",
        "power": "dumpsys power | grep -E 'mWakefulness=|Display Power: state='",
        "low_power": "settings get global low_power",
        "package": f"dumpsys package {quote(package)} | grep -m1 versionName=",
        "pids": f"pidof {quote(package)}",
    }
    asked = "; ".join(f"echo; echo '{_MARK}{name}'; {part}" for name, part in parts.items())
    return f"{{ {asked}; }} 2>/dev/null; true"


def parse_state(text: str) -> PhoneState:
    """Read what `state_command` printed (pure); what can't be read is None."""
    found: dict[str, str] = {}
    for block in text.replace("\r\n", "\n").split(f"\n{_MARK}")[1:]:
        name, _, body = block.partition("\n")
        found[name.strip()] = body
    get = found.get
    meminfo = _read(parse_proc_meminfo, get("meminfo", ""))
    version = re.search(r"versionName=(\S+)", get("package", ""))
    low_power = get("low_power", "").strip()
    return PhoneState(
        booted=get("boot", "").strip() == "1",
        battery=_read(parse_battery, get("battery", "")),
        thermal=_read(parse_thermal, get("thermal", "")),
        available_mb=(
            meminfo.available_kb / 1024 if meminfo and meminfo.available_kb is not None else None
        ),
        free_storage_mb=_free_mb(get("storage", "")),
        screen_on=_screen(get("power", "")),
        power_save={"0": False, "1": True, "null": False}.get(low_power),
        trainer_version=version[1] if version else None,
        trainer_pids=tuple(int(pid) for pid in get("pids", "").split() if pid.isdigit()),
    )


def _read(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text) if text.strip() else None
    except ReadingError:
        return None


def _free_mb(text: str) -> float | None:
    fields = " ".join(text.splitlines()[1:]).split()
    for position, field in enumerate(fields):
        if position and re.fullmatch(r"\d+%", field) and fields[position - 1].isdigit():
            return int(fields[position - 1]) / 1024
    return None


def _screen(text: str) -> bool | None:
    wakefulness = re.search(r"mWakefulness=(\w+)", text)
    if wakefulness:
        return wakefulness[1] == "Awake"
    state = re.search(r"Display Power: state=(\w+)", text)
    return state[1] == "ON" if state else None
