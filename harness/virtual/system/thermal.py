"""Temperatures of a virtual phone (pure): first-order answers to its load, and their dump.

A model like the battery's. Source of the text: AOSP ``ThermalManagerService.dump``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.virtual.system.battery import AMBIENT_C

_CPU_C_PER_CORE, _CPU_TAU_S = 9.0, 8.0
_SKIN_C_PER_CORE, _SKIN_TAU_S = 2.6, 150.0
# Skin limits of a common phone for the states light, moderate, severe, critical, emergency.
SKIN_LIMITS_C = (39.0, 41.0, 43.0, 46.0, 50.0)
_CPU, _GPU, _BATTERY, _SKIN = 0, 1, 2, 3


@dataclass(frozen=True)
class ThermalState:
    """Temperatures in degrees Celsius.

    Args:
        cpu_c: Hottest CPU sensor.
        skin_c: The case.
        override: Status forced by ``cmd thermalservice override-status``.
    """

    cpu_c: float = AMBIENT_C + 6.0
    skin_c: float = AMBIENT_C + 2.0
    override: int | None = None

    def step(self, seconds: float, busy_cores: float) -> ThermalState:
        """Return the temperatures after ``seconds`` with so many cores kept busy."""
        busy = max(0.0, busy_cores)
        return replace(
            self,
            cpu_c=_toward(
                self.cpu_c, AMBIENT_C + 6.0 + _CPU_C_PER_CORE * busy, seconds, _CPU_TAU_S
            ),
            skin_c=_toward(
                self.skin_c, AMBIENT_C + 2.0 + _SKIN_C_PER_CORE * busy, seconds, _SKIN_TAU_S
            ),
        )

    @property
    def status(self) -> int:
        """``PowerManager.THERMAL_STATUS_*``."""
        if self.override is not None:
            return self.override
        return sum(self.skin_c >= limit for limit in SKIN_LIMITS_C)

    def dump(self, sdk: int, battery_c: float, cores: int) -> str:
        """Return the text of ``dumpsys thermalservice``; empty before Android 10, as it was."""
        if sdk < 29:
            return ""
        sensors = [
            # neighbouring cores differ a little, by a fixed pattern
            *((f"CPU{n}", _CPU, self.cpu_c - 0.3 * (n % 4)) for n in range(cores)),
            ("GPU", _GPU, AMBIENT_C + 0.4 * (self.cpu_c - AMBIENT_C)),
            ("battery", _BATTERY, battery_c),
            ("skin", _SKIN, self.skin_c),
        ]
        listed = [
            f"\tTemperature{{mValue={value:.1f}, mType={kind}, mName={name}, "
            f"mStatus={self.status if kind == _SKIN else 0}}}"
            for name, kind, value in sensors
        ]
        hal = "ThermalHAL AIDL 1  connected: yes" if sdk >= 34 else "ThermalHAL 2.0 connected: yes"
        lines = [
            f"IsStatusOverride: {'true' if self.override is not None else 'false'}",
            "ThermalEventListeners:",
            "\tcallbacks: 1",
            "\tkilled: false",
            "\tbroadcasts count: -1",
            "ThermalStatusListeners:",
            "\tcallbacks: 2",
            "\tkilled: false",
            "\tbroadcasts count: -1",
            f"Thermal Status: {self.status}",
            "Cached temperatures:",
            *listed,
            "HAL Ready: true",
            "HAL connection:",
            f"\t{hal}",
            "Current temperatures from HAL:",
            *listed,
            "Current cooling devices from HAL:",
        ]
        if sdk >= 30:
            limits = ", ".join(f"{limit}" for limit in (*SKIN_LIMITS_C, 55.0))
            lines += [
                "Temperature static thresholds from HAL:",
                f"\tTemperatureThreshold{{mType=3, mName=skin, mHotThrottlingThresholds=[NaN, "
                f"{limits}], mColdThrottlingThresholds=[NaN, NaN, NaN, NaN, NaN, NaN, NaN]}}",
            ]
        return "\n".join(lines) + "\n"


def _toward(value: float, target: float, seconds: float, tau_s: float) -> float:
    return value + (target - value) * (1.0 - math.exp(-max(0.0, seconds) / tau_s))
