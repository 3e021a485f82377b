"""The phone's /sys: its cores with their frequencies, its thermal zones, its battery (modelled).

Source: kernel Documentation/ABI, ``sysfs-devices-system-cpu``, ``sysfs-class-thermal``,
``sysfs-class-power``; the frequencies follow the load as a governor would let them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.devices.profile import Cluster
from harness.virtual.system.battery import CHARGING, FULL, NOT_CHARGING, BatteryState
from harness.virtual.system.thermal import ThermalState

_MIN_KHZ = 300_000
_STEPS = 16
_CPU = "devices/system/cpu"
_ZONES = "class/thermal"
_SUPPLIES = "class/power_supply"
_BATTERY = f"{_SUPPLIES}/battery"
_STATUS = {CHARGING: "Charging", FULL: "Full", NOT_CHARGING: "Not charging"}


@dataclass(frozen=True)
class Policy:
    """Cores that share a clock, ``policyN`` of cpufreq.

    Args:
        first: Number of its first core.
        count: Its cores.
        max_khz: Highest frequency.
    """

    first: int
    count: int
    max_khz: int

    @property
    def frequencies(self) -> list[int]:
        """All frequencies in kHz, lowest first."""
        step = (self.max_khz - _MIN_KHZ) / (_STEPS - 1)
        return [round(_MIN_KHZ + number * step) for number in range(_STEPS)]

    def frequency(self, busy_cores: float) -> int:
        """Return what the governor chooses while so many of its cores are busy."""
        share = min(1.0, 1.25 * busy_cores / self.count)
        return self.frequencies[round(share * (_STEPS - 1))]

    @property
    def folder(self) -> str:
        """Its folder below /sys."""
        return f"{_CPU}/cpufreq/policy{self.first}"


def policies_of(clusters: Sequence[Cluster]) -> list[Policy]:
    """Return the policies of a profile's cores; as on a phone the slowest cores come first."""
    policies: list[Policy] = []
    first = 0
    for cluster in sorted(clusters, key=lambda cluster: cluster.max_mhz):
        policies.append(Policy(first, cluster.count, int(cluster.max_mhz * 1000)))
        first += cluster.count
    return policies


class SysTree:
    """The files below a phone's /sys; each change shows whole or not at all.

    Args:
        folder: Host folder of the phone's /sys.
        clusters: Cores of its profile.
    """

    def __init__(self, folder: Path, clusters: Sequence[Cluster]) -> None:
        self._folder = folder
        self._policies = policies_of(clusters)
        self._content: dict[str, str] = {}
        for name, text in self._fixed():
            self._write(name, text)
        for policy in self._policies:
            for core in range(policy.first, policy.first + policy.count):
                link = folder / f"{_CPU}/cpu{core}/cpufreq"
                if not link.is_symlink():
                    link.symlink_to(f"../cpufreq/policy{policy.first}")

    def update(self, busy_cores: float, thermal: ThermalState, battery: BatteryState) -> None:
        """Write what has changed."""
        for name, text in self._moving(busy_cores, thermal, battery):
            self._write(name, text)

    def _fixed(self) -> Iterator[tuple[str, str]]:
        count = sum(policy.count for policy in self._policies)
        for name in ("possible", "present", "online"):
            yield f"{_CPU}/{name}", _range(0, count)
        yield f"{_CPU}/offline", ""
        yield f"{_CPU}/kernel_max", "31"
        for number, policy in enumerate(self._policies):
            cores = range(policy.first, policy.first + policy.count)
            listed = " ".join(map(str, cores))
            for core in cores:
                yield f"{_CPU}/cpu{core}/online", "1"
                yield f"{_CPU}/cpu{core}/topology/core_id", str(core - policy.first)
                yield f"{_CPU}/cpu{core}/topology/physical_package_id", str(number)
            for name, text in (
                ("affected_cpus", listed),
                ("related_cpus", listed),
                ("cpuinfo_max_freq", str(policy.max_khz)),
                ("cpuinfo_min_freq", str(_MIN_KHZ)),
                ("scaling_max_freq", str(policy.max_khz)),
                ("scaling_min_freq", str(_MIN_KHZ)),
                ("scaling_available_frequencies", " ".join(map(str, policy.frequencies))),
                ("scaling_available_governors", "performance schedutil"),
                ("scaling_driver", "cpufreq-vlab"),
                ("scaling_governor", "schedutil"),
            ):
                yield f"{policy.folder}/{name}", text
        for number, kind in enumerate(("cpu", "battery", "skin")):
            zone = f"{_ZONES}/thermal_zone{number}"
            yield f"{zone}/type", kind
            yield f"{zone}/mode", "enabled"
            yield f"{zone}/policy", "step_wise"
            yield f"{zone}/available_policies", "step_wise"
        for number, policy in enumerate(self._policies):
            device = f"{_ZONES}/cooling_device{number}"
            yield f"{device}/type", f"thermal-cpufreq-{policy.first}"
            yield f"{device}/cur_state", "0"
            yield f"{device}/max_state", str(_STEPS - 1)
        for name in ("usb", "ac"):
            yield f"{_SUPPLIES}/{name}/type", {"usb": "USB", "ac": "Mains"}[name]

    def _moving(
        self, busy_cores: float, thermal: ThermalState, battery: BatteryState
    ) -> Iterator[tuple[str, str]]:
        left = busy_cores
        for policy in reversed(self._policies):  # the fastest cores take the load first
            busy = min(left, float(policy.count))
            left -= busy
            khz = str(policy.frequency(busy))
            yield f"{policy.folder}/scaling_cur_freq", khz
            yield f"{policy.folder}/cpuinfo_cur_freq", khz
        celsius = (thermal.cpu_c, battery.temperature_c, thermal.skin_c)
        for number, value in enumerate(celsius):
            yield f"{_ZONES}/thermal_zone{number}/temp", str(round(value * 10) * 100)
        for name in ("usb", "ac"):
            yield f"{_SUPPLIES}/{name}/online", str(int(battery.power == name))
        values = _battery_values(battery)
        for name, text in values.items():
            yield f"{_BATTERY}/{name}", text
        lines = [f"POWER_SUPPLY_{name.upper()}={text}" for name, text in values.items()]
        yield f"{_BATTERY}/uevent", "\n".join(["POWER_SUPPLY_NAME=battery", *lines])

    def _write(self, name: str, text: str) -> None:
        if self._content.get(name) == text:
            return
        path = self._folder / name
        temporary = path.with_name(f".{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(f"{text}\n", encoding="ascii")
        os.replace(temporary, path)  # noqa: PTH105
        self._content[name] = text


def _battery_values(battery: BatteryState) -> dict[str, str]:
    """Return the files of the battery: name -> content, in the units of ``sysfs-class-power``."""
    return {
        "type": "Battery",
        "present": "1",
        "health": "Good",
        "technology": "Li-ion",
        "capacity": str(battery.level),
        "status": _STATUS.get(battery.status, "Discharging"),
        "temp": str(round(battery.temperature_c * 10)),
        "voltage_now": str(battery.voltage_mv * 1000),
        "current_now": str(round(battery.current_ma * 1000)),
        "charge_counter": str(battery.charge_counter_uah),
        "charge_full": str(round(battery.capacity_mah * 1000)),
        "charge_full_design": str(round(battery.capacity_mah * 1000)),
    }


def _range(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"
