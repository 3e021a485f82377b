"""What each gate says of a phone's state (pure)."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from harness.devices.gate_state import PhoneState
from harness.devices.gates import TRAINER_PACKAGE, Gates
from harness.readings import Battery


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
    if gates.doze is not None:
        found.append(_doze(gates.doze, state.dozing))
    if gates.clock_off_s_max is not None:
        found.append(_clock(gates.clock_off_s_max, state.clock_off_s))
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


def _doze(wanted: bool, has: str | None) -> Verdict:
    words = {True: "dozing", False: "not dozing"}
    if has is None:
        return Verdict("doze", None, f"wanted {words[wanted]}, is not told by the phone")
    shown = (
        f"dozing ({has}); wake it: adb shell input keyevent KEYCODE_WAKEUP" if has else words[False]
    )
    return Verdict("doze", bool(has) == wanted, f"wanted {words[wanted]}, is {shown}")


def _clock(most: float, off: float | None) -> Verdict:
    wanted = f"wanted a clock within {most:g} s of this computer's"
    if off is None:
        return Verdict("clock_off_s_max", None, f"{wanted}, the phone does not tell")
    if abs(off) <= most:
        return Verdict("clock_off_s_max", True, f"{wanted}, is")
    side = "ahead" if off > 0 else "behind"
    return Verdict(
        "clock_off_s_max",
        False,
        f"{wanted}, is {_span(abs(off))} {side}; let the phone take its time from the network",
    )


def _span(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"
