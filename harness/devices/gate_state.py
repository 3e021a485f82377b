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
_DOZING = frozenset({"IDLE", "IDLE_MAINTENANCE", "OVERRIDE"})
"""States of doze in which apps are held back. Source: AOSP ``DeviceIdleController``."""
_DOZE_STATE = re.compile(r"[A-Z_]{3,40}")


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
    clock_off_s: float | None = None
    """The phone's clock minus the host's, 0 where they agree as far as can be told. Both count
    from 1970 in UTC: time zones do not matter."""
    doze_deep: str | None = None
    """State of ``DeviceIdleController``, such as ACTIVE or IDLE."""
    doze_light: str | None = None

    @property
    def dozing(self) -> str | None:
        """What kind of doze the phone is in, empty if in none, None if it does not tell."""
        told = {"deep": self.doze_deep, "light": self.doze_light}
        asleep = [f"{kind} {state}" for kind, state in told.items() if state in _DOZING]
        if asleep:
            return ", ".join(asleep)
        return None if self.doze_deep is None and self.doze_light is None else ""


def state_command(package: str, work_dir: str, proc_dir: str) -> str:
    """Return the one command that asks for all of it."""
    parts = {
        "clock": "date +%s",
        "boot": "getprop sys.boot_completed",
        "battery": "dumpsys battery",
        "thermal": "dumpsys thermalservice",
        "meminfo": f"cat {quote(proc_dir)}/meminfo",
        # the work folder may not be there yet
        "storage": f"df -k {quote(work_dir)} 2>/dev/null || df -k /data/local/tmp",
        "power": "dumpsys power | grep -E 'mWakefulness=|Display Power: state='",
        "doze": "dumpsys deviceidle get deep; dumpsys deviceidle get light",
        "low_power": "settings get global low_power",
        "package": f"dumpsys package {quote(package)} | grep -m1 versionName=",
        "pids": f"pidof {quote(package)}",
    }
    asked = "; ".join(f"echo; echo '{_MARK}{name}'; {part}" for name, part in parts.items())
    return f"{{ {asked}; }} 2>/dev/null; true"


def parse_state(text: str, asked: tuple[float, float] | None = None) -> PhoneState:
    """Read what `state_command` printed (pure); what can't be read is None.

    Args:
        text: What it printed.
        asked: The host's clock before it was asked and after it answered, s since 1970.
    """
    found: dict[str, str] = {}
    for block in text.replace("\r\n", "\n").split(f"\n{_MARK}")[1:]:
        name, _, body = block.partition("\n")
        found[name.strip()] = body
    get = found.get
    meminfo = _read(parse_proc_meminfo, get("meminfo", ""))
    version = re.search(r"versionName=(\S+)", get("package", ""))
    low_power = get("low_power", "").strip()
    doze = [line.strip() for line in get("doze", "").strip().splitlines()]
    doze = [line for line in doze if _DOZE_STATE.fullmatch(line)]
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
        clock_off_s=_clock_off(get("clock", ""), asked),
        doze_deep=doze[0] if len(doze) == 2 else None,
        doze_light=doze[1] if len(doze) == 2 else None,
    )


def _read(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text) if text.strip() else None
    except ReadingError:
        return None


def _clock_off(text: str, asked: tuple[float, float] | None) -> float | None:
    said = text.strip()
    if asked is None or not re.fullmatch(r"[0-9]{1,12}", said):
        return None
    # the phone tells whole seconds, at some moment between the host's two
    earliest, latest = int(said) - asked[1], int(said) + 1 - asked[0]
    return earliest if earliest > 0 else min(latest, 0.0)


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
