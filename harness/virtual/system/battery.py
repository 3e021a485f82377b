"""Battery of a virtual phone (pure): charge, voltage and temperature from load and time.

A model, not a measurement; what it says is marked ``virtual`` through the whole report. Figures are
of a common 4 Ah phone: some 45 mA idle with the screen off, some 280 mA for each core kept busy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.virtual.system.proto import proto_number, proto_text

Power = Literal["none", "usb", "ac"]

IDLE_MA = 45.0
MA_PER_BUSY_CORE = 280.0
CHARGE_MA: Mapping[Power, float] = {"none": 0.0, "usb": 500.0, "ac": 1800.0}
AMBIENT_C = 25.0
_RESISTANCE_OHM = 0.09
_C_PER_WATT = 4.5  # battery's rise over ambient for each watt turned to heat, in the long run
_TAU_S = 420.0
_FULL_MV, _EMPTY_MV = 4380.0, 3450.0

CHARGING, DISCHARGING, NOT_CHARGING, FULL = 2, 3, 4, 5
"""``BatteryManager.BATTERY_STATUS_*``."""


@dataclass(frozen=True)
class BatteryState:
    """The battery itself, whatever ``dumpsys battery set`` pretends.

    Args:
        charge_mah: Charge left.
        capacity_mah: Charge when full.
        temperature_c: Its temperature.
        power: What it's plugged into.
        current_ma: Current into the battery (negative: out of it).
    """

    charge_mah: float
    capacity_mah: float
    temperature_c: float = AMBIENT_C + 2.0
    power: Power = "none"
    current_ma: float = -IDLE_MA

    @staticmethod
    def at(percent: float, capacity_mah: float, power: Power = "none") -> BatteryState:
        """Return a battery charged to this level."""
        return BatteryState(capacity_mah * percent / 100.0, capacity_mah, power=power)

    def step(self, seconds: float, busy_cores: float) -> BatteryState:
        """Return the battery after ``seconds`` with so many cores kept busy."""
        load = IDLE_MA + MA_PER_BUSY_CORE * max(0.0, busy_cores)
        full = self.charge_mah >= self.capacity_mah
        # a full battery is held there: the charger then carries the load alone, as far as it can
        supply = min(CHARGE_MA[self.power], load) if full else CHARGE_MA[self.power]
        current = supply - load
        charge = self.charge_mah + current * seconds / 3600.0
        watts = load * self.voltage_mv / 1e6 + abs(current) ** 2 * _RESISTANCE_OHM / 1e6
        target = AMBIENT_C + _C_PER_WATT * watts
        share = 1.0 - math.exp(-max(0.0, seconds) / _TAU_S)
        return replace(
            self,
            charge_mah=min(self.capacity_mah, max(0.0, charge)),
            temperature_c=self.temperature_c + (target - self.temperature_c) * share,
            current_ma=current,
        )

    @property
    def level(self) -> int:
        """Percent as Android shows it; a phone that answers isn't at 0."""
        return max(1, min(100, int(100.0 * self.charge_mah / self.capacity_mah + 0.5)))

    @property
    def voltage_mv(self) -> int:
        """Terminal voltage: the rest voltage of a Li-ion cell at this charge, less I times R."""
        share = self.charge_mah / self.capacity_mah
        # steep near empty, flatter above
        rest = _EMPTY_MV + (_FULL_MV - _EMPTY_MV) * (0.4 * share + 0.6 * math.sqrt(share))
        return round(rest + self.current_ma * _RESISTANCE_OHM)

    @property
    def charge_counter_uah(self) -> int:
        """Charge left in µAh."""
        return round(self.charge_mah * 1000.0)

    @property
    def status(self) -> int:
        """``BATTERY_STATUS_*`` as a charger would report it."""
        if self.power == "none":
            return DISCHARGING
        if self.charge_mah >= self.capacity_mah:
            return FULL
        return CHARGING if self.current_ma > 0 else NOT_CHARGING


_PLUGS = {"ac": 1, "usb": 2, "wireless": 4, "dock": 8}
"""``BATTERY_PLUGGED_*``, in the order in which the first one that is on is named."""

SETTABLE = ("present", "ac", "usb", "wireless", "dock", "status", "level", "counter", "temp")
"""Keys of ``dumpsys battery set``. Source: AOSP ``BatteryService.Shell``."""


@dataclass(frozen=True)
class BatteryService:
    """What ``dumpsys battery`` shows: the battery, unless somebody made it lie.

    Args:
        state: The battery.
        faked: Values set by ``set`` or ``unplug``; updates are stopped while there are any.
        frozen: The battery when updates were stopped.
    """

    state: BatteryState
    faked: Mapping[str, int] = field(default_factory=dict)
    frozen: BatteryState | None = None

    def with_state(self, state: BatteryState) -> BatteryService:
        """Return the service with the battery as it is now."""
        return replace(self, state=state)

    def set(self, key: str, value: int) -> BatteryService:
        """Return the service after ``dumpsys battery set KEY VALUE``."""
        return replace(self, faked={**self.faked, key: value}, frozen=self.frozen or self.state)

    def unplug(self) -> BatteryService:
        """Return the service after ``dumpsys battery unplug``: status stays, as in AOSP."""
        service = self
        for key in ("ac", "usb", "wireless"):
            service = service.set(key, 0)
        return service

    def reset(self) -> BatteryService:
        """Return the service after ``dumpsys battery reset``."""
        return BatteryService(self.state)

    def _values(self) -> dict[str, int]:
        state = self.frozen or self.state
        return {
            "present": 1,
            "ac": int(state.power == "ac"),
            "usb": int(state.power == "usb"),
            "wireless": 0,
            "dock": 0,
            "status": state.status,
            "level": state.level,
            "counter": state.charge_counter_uah,
            "temp": round(state.temperature_c * 10),
            "charging_ua": int(CHARGE_MA[state.power] * 1000),
            **self.faked,
        }

    def dump_proto(self) -> bytes:
        """Return ``dumpsys battery --proto``. Source: AOSP ``battery.proto``, ``dumpProto``."""
        values = self._values()
        plugged = next((n for key, n in _PLUGS.items() if values[key]), 0)
        charging_ua = values["charging_ua"]
        figures = [
            int(self.frozen is not None),
            plugged,
            charging_ua,
            5_000_000 if charging_ua else 0,
            values["counter"],
            values["status"],
            2,
            values["present"],
            values["level"],
            100,
            (self.frozen or self.state).voltage_mv,
            values["temp"],
        ]
        fields = (proto_number(field, value) for field, value in enumerate(figures, 1))
        return b"".join(fields) + proto_text(13, "Li-ion")

    def dump(self, sdk: int) -> str:
        """Return the text of ``dumpsys battery``. Source: AOSP ``BatteryService``."""
        state = self.frozen or self.state
        values = self._values()
        charging_ua = values["charging_ua"]
        lines = ["Current Battery Service state:"]
        if self.frozen is not None:
            lines.append("  (UPDATES STOPPED -- use 'reset' to restart)")
        lines += [
            f"  AC powered: {_truth(values['ac'])}",
            f"  USB powered: {_truth(values['usb'])}",
            f"  Wireless powered: {_truth(values['wireless'])}",
        ]
        if sdk >= 33:
            lines.append(f"  Dock powered: {_truth(values['dock'])}")
        lines += [
            f"  Max charging current: {charging_ua}",
            f"  Max charging voltage: {5_000_000 if charging_ua else 0}",
            f"  Charge counter: {values['counter']}",
            f"  status: {values['status']}",
            "  health: 2",
            f"  present: {_truth(values['present'])}",
            f"  level: {values['level']}",
            "  scale: 100",
            f"  voltage: {state.voltage_mv}",
        ]
        if sdk >= 35:
            lines.append(
                " Time when the latest updated value of the voltage was sent via battery changed "
                "broadcast: +0ms"
            )
            lines.append(
                " The last voltage value sent via the battery changed broadcast: "
                f"{state.voltage_mv}"
            )
        lines += [f"  temperature: {values['temp']}", "  technology: Li-ion"]
        if sdk >= 34:
            lines += ["  Charging state: 0", "  Charging policy: 0"]
        if sdk >= 35:
            lines.append("  Capacity level: -1")
        return "\n".join(lines) + "\n"


def _truth(value: int) -> str:
    return "true" if value else "false"
