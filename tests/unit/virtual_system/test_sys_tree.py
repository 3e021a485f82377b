from pathlib import Path

from harness.devices.profile import load_profile
from harness.virtual.system.battery import BatteryState
from harness.virtual.system.sys_tree import SysTree, policies_of
from harness.virtual.system.thermal import ThermalState

CPU = "devices/system/cpu"
BATTERY = BatteryState.at(42, 2800.0)


def test_the_slowest_cores_come_first() -> None:
    policies = policies_of(load_profile("pixel-4").cores)
    assert [(policy.first, policy.count, policy.max_khz) for policy in policies] == [
        (0, 4, 1_785_000),
        (4, 3, 2_419_000),
        (7, 1, 2_841_000),
    ]


def test_every_core_has_its_frequencies(tmp_path: Path) -> None:
    SysTree(tmp_path, load_profile("pixel-4").cores).update(0.0, ThermalState(), BATTERY)
    assert (tmp_path / CPU / "possible").read_text() == "0-7\n"
    for core, khz in ((0, 1_785_000), (3, 1_785_000), (6, 2_419_000), (7, 2_841_000)):
        folder = tmp_path / CPU / f"cpu{core}/cpufreq"
        assert (folder / "cpuinfo_max_freq").read_text() == f"{khz}\n"
        available = (folder / "scaling_available_frequencies").read_text().split()
        assert (folder / "scaling_cur_freq").read_text().strip() in available


def test_the_load_moves_the_fastest_core_first(tmp_path: Path) -> None:
    tree = SysTree(tmp_path, load_profile("pixel-4").cores)

    def khz(core: int) -> int:
        return int((tmp_path / CPU / f"cpu{core}/cpufreq/scaling_cur_freq").read_text())

    tree.update(0.0, ThermalState(), BATTERY)
    idle = [khz(0), khz(4), khz(7)]
    assert idle == [300_000] * 3
    tree.update(1.0, ThermalState(), BATTERY)
    assert [khz(0), khz(4), khz(7)] == [300_000, 300_000, 2_841_000]
    tree.update(8.0, ThermalState(), BATTERY)
    assert [khz(0), khz(4), khz(7)] == [1_785_000, 2_419_000, 2_841_000]


def test_zones_and_battery_say_what_the_model_says(tmp_path: Path) -> None:
    tree = SysTree(tmp_path, load_profile("pixel-4").cores)
    tree.update(0.0, ThermalState(cpu_c=51.26, skin_c=33.0), BATTERY)
    zones = {
        (zone / "type").read_text().strip(): int((zone / "temp").read_text())
        for zone in (tmp_path / "class/thermal").glob("thermal_zone*")
    }
    assert zones == {"cpu": 51_300, "battery": 27_000, "skin": 33_000}
    battery = tmp_path / "class/power_supply/battery"
    assert (battery / "capacity").read_text() == "42\n"
    assert (battery / "status").read_text() == "Discharging\n"
    assert int((battery / "current_now").read_text()) < 0
    uevent = (battery / "uevent").read_text().splitlines()
    assert "POWER_SUPPLY_CAPACITY=42" in uevent
    assert (tmp_path / "class/power_supply/usb/online").read_text() == "0\n"
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
