"""``dumpsys batterystats``: the text for people, of what the battery's model knows.

``--checkin`` stays empty: nothing is known of what each app used.
"""

from __future__ import annotations

import time

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System

_SWITCHES = ("full-wake-history", "no-auto-reset", "pretend-screen-off")


class BatteryStats:
    """The dump.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._accountant = system.accountant
        self._since = time.time()
        self._charge_then = self._charge_mah
        self.answers = Answers(cmd={"batterystats": self.dump}, dumps={"batterystats": self.dump})

    @property
    def _charge_mah(self) -> float:
        return self._accountant.battery.state.charge_mah

    def dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys batterystats``. Source: AOSP ``BatteryStatsService.dump``."""
        if "--reset" in args or "--reset-all" in args:
            self._since, self._charge_then = time.time(), self._charge_mah
            call.print("Battery stats and history reset."
                       if "--reset-all" in args else "Battery stats reset.")  # fmt: skip
        elif "--write" in args:
            call.print("Battery stats written.")
        elif args[:1] in (["--enable"], ["enable"], ["--disable"], ["disable"]):
            if args[1:2] and args[1] in _SWITCHES:
                call.print(f"{'En' if 'enable' in args[0] else 'Dis'}abled: {args[1]}")
            else:
                call.print(f"Unknown enable/disable option: {' '.join(args[1:2])}")
        elif args and args[0] in ("-c", "--checkin", "--proto"):
            pass
        else:
            self._text(call)
        return 0

    def _text(self, call: Call) -> None:
        state = self._accountant.battery.state
        seconds = time.time() - self._since
        used = max(0.0, self._charge_then - state.charge_mah)
        plugged = state.power != "none"
        begun = time.strftime("%Y-%m-%d-%H-%M-%S", time.localtime(self._since))
        call.print(
            "Battery History (0% used, 0B used of 4096KB, 0 strings using 0B):\n"
            f"                    0 (14) RESET:TIME: {begun}\n"
            f"                    0 (2) {state.level:03d} status="
            f"{'charging' if plugged else 'discharging'} health=good "
            f"plug={state.power} temp={round(state.temperature_c * 10)} "
            f"volt={state.voltage_mv} charge={round(state.charge_mah)}\n\n"
            "Statistics since last charge:\n"
            f"  System starts: 0, currently on battery: {'false' if plugged else 'true'}\n"
            f"  Estimated battery capacity: {state.capacity_mah:.0f} mAh\n"
            f"  Time on battery: {_span(seconds)} (100%) realtime, {_span(seconds)} (100%) uptime\n"
            f"  Total run time: {_span(seconds)} realtime, {_span(seconds)} uptime\n"
            f"  Discharge: {used:.3g} mAh\n"
            f"  Start clock time: {begun}\n"
            f"  Discharge step durations:\n\n  Estimated power use (mAh):\n"
            f"    Capacity: {state.capacity_mah:.0f}, Computed drain: {used:.3g}, "
            f"actual drain: {used:.3g}"
        )


def _span(seconds: float) -> str:
    """Return a duration as ``TimeUtils.formatDuration`` writes it."""
    milliseconds = int(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    hours, minutes = divmod(whole // 60, 60)
    head = f"{hours}h " if hours else ""
    head += f"{minutes}m " if hours or minutes else ""
    return f"{head}{whole % 60}s {rest}ms"
