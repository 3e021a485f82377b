"""Gates: the state that a phone must be in before it is measured, and waiting until it is.

A scenario writes ``gates: lab`` (or ``strict``, ``off``), or fields of its own over one of these::

    gates: {preset: strict, battery_percent_min: 50, mode: wait}
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.adb.phone import Phone
from harness.devices.gate_state import PhoneState, parse_state, state_command
from harness.devices.inventory import PhoneInfo
from harness.errors import HarnessError, InputError
from harness.readings import Battery
from harness.results.model import GateRecord
from harness.yamlio import LineIndex, explain

TRAINER_PACKAGE = "org.mobileasr.trainer"
_ASK_TIMEOUT_S = 30.0

Preset = Literal["strict", "lab", "off"]


class Gates(BaseModel):
    """What is demanded; None demands nothing. The defaults are the preset ``lab``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    booted: bool = True
    trainer: bool = True
    """The trainer is installed."""
    trainer_version: str | None = None
    """And of this version (``*`` and ``?``)."""
    idle: bool = True
    """No other trainer runs."""
    battery_percent_min: float | None = Field(30.0, ge=0, le=100)
    battery_measured: bool = True
    """Nobody fakes the battery (``dumpsys battery set`` or ``unplug``)."""
    charging: bool | None = None
    """True: plugged in; False: on battery."""
    battery_c_max: float | None = Field(42.0, ge=0, le=80)
    thermal_status_max: int | None = Field(1, ge=0, le=6)
    """0 none, 1 light, 2 moderate: from there on Android slows the phone down."""
    free_storage_mb_min: float | None = Field(512.0, ge=0)
    available_mb_min: float | None = Field(None, ge=0)
    available_percent_of_idle_min: float | None = Field(None, ge=0, le=100)
    """MemAvailable as a share of the profile's idle figure: has somebody left apps open?"""
    power_save: bool | None = False
    """False: battery saver is off."""
    screen_on: bool | None = None
    mode: Literal["wait", "skip", "fail"] = "wait"
    """wait: until it is so or time is over; skip: note it and go on; fail: at once."""
    poll_s: float = Field(5.0, gt=0, le=600)


PRESETS: dict[str, Gates] = {
    "lab": Gates(),
    "strict": Gates(
        battery_percent_min=80.0,
        battery_c_max=35.0,
        thermal_status_max=0,
        free_storage_mb_min=1024.0,
        available_percent_of_idle_min=85.0,
    ),
    "off": Gates(
        trainer=False,
        idle=False,
        battery_percent_min=None,
        battery_measured=False,
        battery_c_max=None,
        thermal_status_max=None,
        free_storage_mb_min=None,
        power_save=None,
    ),
}


class GateTimedOut(HarnessError):  # noqa: N818 - the design's name
    """The phone did not come into the state that was demanded.

    Args:
        message: Which gates, and what the phone was like.
        records: All gates of it.
    """

    def __init__(self, message: str, records: tuple[GateRecord, ...]) -> None:
        self.records = records
        super().__init__(message)


@dataclass(frozen=True)
class Verdict:
    """One gate at one moment.

    Attributes:
        name: Field of `Gates`.
        open: Whether it lets pass; None: the phone does not tell.
        detail: What was wanted and what it is.
        can_change: Whether waiting may help.
    """

    name: str
    open: bool | None
    detail: str
    can_change: bool = True


def parse_gates(data: str | Mapping[str, Any], where: str = "gates") -> Gates:
    """Read the ``gates:`` of a scenario.

    Args:
        data: Name of a preset, or fields (``preset`` says over which; ``lab`` if none).
        where: How to call it in messages.

    Raises:
        InputError: An unknown preset, key or value.
    """
    fields: dict[str, Any] = {"preset": data} if isinstance(data, str) else dict(data)
    preset = fields.pop("preset", "lab")
    if preset not in PRESETS:
        raise InputError(
            f"no preset {preset!r}", where=where, hint=f"There are: {', '.join(PRESETS)}."
        )
    try:
        return Gates.model_validate({**PRESETS[preset].model_dump(), **fields})
    except ValidationError as error:
        raise explain(error, fields, LineIndex(where), Gates) from error


def judge(gates: Gates, state: PhoneState, idle_available_mb: float | None = None) -> list[Verdict]:
    """Return the verdict of every gate that is demanded (pure)."""
    battery = state.battery or Battery()
    found: list[Verdict] = []

    def least(name: str, wanted: float | None, has: float | None, unit: str) -> None:
        if wanted is not None:
            found.append(_bound(name, wanted, has, unit, least=True))

    def most(name: str, wanted: float | None, has: float | None, unit: str) -> None:
        if wanted is not None:
            found.append(_bound(name, wanted, has, unit, least=False))

    def is_so(name: str, wanted: bool | None, has: bool | None, words: tuple[str, str]) -> None:
        if wanted is not None:
            opened = None if has is None else has == wanted
            shown = "not told by the phone" if has is None else words[not has]
            found.append(Verdict(name, opened, f"wanted {words[not wanted]}, is {shown}"))

    if gates.booted:
        is_so("booted", True, state.booted, ("started up", "still starting"))
    if gates.trainer or gates.trainer_version is not None:
        found.append(_trainer(gates, state.trainer_version))
    if gates.idle:
        pids = " ".join(map(str, state.trainer_pids))
        detail = f"a trainer runs already (pid {pids})" if pids else "no other trainer runs"
        found.append(Verdict("idle", not pids, detail))
    least("battery_percent_min", gates.battery_percent_min, battery.percent, "%")
    if gates.battery_measured and state.battery is not None:
        faked = battery.updates_stopped
        detail = "faked values (dumpsys battery reset ends it)" if faked else "measured values"
        found.append(Verdict("battery_measured", not faked, detail, can_change=False))
    is_so("charging", gates.charging, battery.plugged, ("plugged in", "on battery"))
    most("battery_c_max", gates.battery_c_max, battery.temperature_c, "°C")
    status = state.thermal.status if state.thermal else None
    most("thermal_status_max", gates.thermal_status_max, status, "")
    least("free_storage_mb_min", gates.free_storage_mb_min, state.free_storage_mb, " MiB")
    least("available_mb_min", gates.available_mb_min, state.available_mb, " MiB")
    share = gates.available_percent_of_idle_min
    if share is not None and idle_available_mb is not None:
        has = None
        if state.available_mb is not None:
            has = 100.0 * state.available_mb / idle_available_mb
        least("available_percent_of_idle_min", share, has, "% of idle")
    is_so(
        "power_save", gates.power_save, state.power_save, ("battery saver on", "battery saver off")
    )
    is_so("screen_on", gates.screen_on, state.screen_on, ("screen on", "screen off"))
    return found


def _bound(name: str, wanted: float, has: float | None, unit: str, *, least: bool) -> Verdict:
    word = "at least" if least else "at most"
    if has is None:
        return Verdict(name, None, f"wanted {word} {wanted:g}{unit}, the phone does not tell")
    opened = has >= wanted if least else has <= wanted
    shown = f"{has:.0f}" if abs(has) >= 100 else f"{has:.3g}"
    return Verdict(name, opened, f"wanted {word} {wanted:g}{unit}, is {shown}{unit}")


def _trainer(gates: Gates, version: str | None) -> Verdict:
    if version is None:
        return Verdict(
            "trainer",
            False,
            f"{TRAINER_PACKAGE} is not installed; install its APK (see: harness apk)",
            can_change=False,
        )
    pattern = gates.trainer_version
    if pattern is not None and not fnmatch.fnmatchcase(version, pattern):
        detail = f"wanted version {pattern}, is {version}"
        return Verdict("trainer_version", False, detail, can_change=False)
    return Verdict("trainer", True, f"version {version}")


def read_state(phone: Phone, info: PhoneInfo) -> PhoneState:
    """Ask a phone for its state.

    Raises:
        DeviceLost: It is gone.
    """
    command = state_command(TRAINER_PACKAGE, info.work_dir, info.proc_dir)
    return parse_state(phone.query(command, _ASK_TIMEOUT_S))


def pass_gates(
    phone: Phone,
    info: PhoneInfo,
    gates: Gates,
    *,
    limit_s: float = 900.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    stop: threading.Event | None = None,
    waiting: Callable[[str], None] | None = None,
) -> tuple[GateRecord, ...]:
    """Wait until a phone may be measured.

    Args:
        phone: The phone.
        info: What it is.
        gates: What is demanded.
        limit_s: How long to wait for all of them together.
        clock: Monotonic clock, s.
        sleep: How to wait, s.
        stop: Set when the wait shall end early.
        waiting: Told what is waited for, each time it is looked.

    Returns:
        A record of every gate. What the phone does not tell is ``skipped``, and says so.

    Raises:
        GateTimedOut: A gate stayed shut, or waiting can't help.
        DeviceLost: The phone is gone.
    """
    began = clock()
    waited: dict[str, float] = {}
    while True:
        verdicts = judge(gates, read_state(phone, info), info.idle_available_mb)
        elapsed = clock() - began
        shut = [one for one in verdicts if one.open is False]
        for one in shut:
            waited[one.name] = elapsed
        hopeless = gates.mode == "fail" or any(not one.can_change for one in shut)
        over = elapsed >= limit_s or (stop is not None and stop.is_set())
        if not shut or gates.mode == "skip" or hopeless or over:
            break
        if waiting is not None:
            waiting("; ".join(one.detail for one in shut))
        sleep(min(gates.poll_s, max(0.0, limit_s - elapsed)))
    records = tuple(_record(one, gates, waited) for one in verdicts)
    if shut and gates.mode != "skip":
        why = "; ".join(f"{one.name}: {one.detail}" for one in shut)
        after = "" if hopeless else f" after {clock() - began:.0f} s"
        raise GateTimedOut(f"{info.serial}: not fit to be measured{after}: {why}", records)
    return records


def _record(verdict: Verdict, gates: Gates, waited: Mapping[str, float]) -> GateRecord:
    outcome: Literal["passed", "waited", "skipped", "failed"] = "passed"
    if verdict.open is None or (verdict.open is False and gates.mode == "skip"):
        outcome = "skipped"
    elif verdict.open is False:
        outcome = "failed"
    elif verdict.name in waited:
        outcome = "waited"
    return GateRecord(
        name=verdict.name,
        outcome=outcome,
        waited_s=waited.get(verdict.name, 0.0),
        detail=verdict.detail,
    )
