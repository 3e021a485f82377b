"""battery, meminfo, cpuinfo, thermalservice, exit-info, batterystats."""

import pytest

from harness.readings import (
    KINDS,
    ReadingError,
    parse_battery,
    parse_batterystats,
    parse_cpuinfo,
    parse_exit_info,
    parse_meminfo,
    parse_meminfo_checkin,
    parse_meminfo_package,
    parse_meminfo_system,
    parse_thermal,
)
from tests.unit.readings import texts


def test_battery_of_android_8() -> None:
    battery = parse_battery(texts.BATTERY_8)
    assert (battery.level, battery.scale, battery.percent) == (41, 50, 82.0)
    assert battery.plugged is True
    assert battery.dock_powered is None
    assert battery.charge_counter_raw == 2811000
    assert (battery.voltage_mv, battery.temperature_c) == (3987.0, 26.3)
    assert battery.status_name == "charging"
    assert battery.current_now_raw is None
    assert not battery.updates_stopped


def test_sentences_of_android_16_do_not_change_the_voltage() -> None:
    battery = parse_battery(texts.BATTERY_16)
    assert battery.voltage_raw == 3701
    assert battery.max_charging_current_ua == 0
    assert battery.temperature_c == -3.5
    assert battery.plugged is False
    assert battery.capacity_level == -1


def test_the_first_value_wins_and_the_history_is_not_read() -> None:
    battery = parse_battery(texts.BATTERY_SAMSUNG)
    assert (battery.level, battery.temperature_c) == (88, 31.1)
    assert battery.charge_counter_raw == 3555000
    assert battery.current_now_raw == 1203
    assert battery.updates_stopped


def test_a_battery_says_nothing_of_what_it_did_not_print() -> None:
    battery = parse_battery("  level: 7\n")
    assert battery.level == 7
    assert battery.percent is None
    assert battery.plugged is None
    assert battery.voltage_mv is None
    assert battery.present is None


def test_a_tv_box_prints_volts() -> None:
    assert parse_battery(texts.BATTERY_TV_BOX).voltage_mv == 12000.0


def test_crlf_of_an_old_adb_shell() -> None:
    for text in (texts.BATTERY_8, texts.MEMINFO_9, texts.THERMAL_12):
        kind = "meminfo" if "MEMINFO" in text else "battery"
        kind = "thermal" if "Thermal" in text else kind
        assert KINDS[kind](text.replace("\n", "\r\n").encode()) == KINDS[kind](text)


def test_meminfo_columns_come_from_the_header() -> None:
    nine = parse_meminfo_package(texts.MEMINFO_9).processes[0]
    assert nine.rows["Native Heap"]["Heap Size"] == 9216
    assert "Rss Total" not in nine.rows["Native Heap"]
    assert nine.rows[".art mmap"] == {
        "Pss Total": 333,
        "Private Dirty": 300,
        "Private Clean": 12,
        "SwapPss Dirty": 0,
    }
    assert (nine.total_pss_kb, nine.total_swap_pss_kb, nine.total_rss_kb) == (3001, 8, None)
    fourteen = parse_meminfo_package(texts.MEMINFO_14_TWO).processes[0]
    assert fourteen.rows["Native Heap"]["Rss Total"] == 31000
    assert fourteen.rows["Native Heap"]["Heap Size"] == 70000
    assert (fourteen.total_pss_kb, fourteen.total_rss_kb) == (51101, 40000)
    assert fourteen.total_swap_pss_kb == 20000


def test_meminfo_of_a_package_with_two_processes() -> None:
    reading = parse_meminfo_package(texts.MEMINFO_14_TWO)
    assert [p.name for p in reading.processes] == ["org.example.app", "org.example.app:ballast1"]
    second = reading.processes[1]
    assert (second.total_pss_kb, second.total_swap_kb, second.total_swap_pss_kb) == (77777, 3, None)
    assert second.summary["Native Heap"].rss_kb == 78000
    unknown = reading.processes[0].summary["Unknown"]
    assert (unknown.pss_kb, unknown.rss_kb) == (None, 8732)


def test_meminfo_of_a_process_that_is_not_there() -> None:
    reading = parse_meminfo_package("No process found for: org.example.app\n")
    assert reading.not_found == "org.example.app"
    assert reading.processes == ()


def test_meminfo_of_the_whole_phone() -> None:
    reading = parse_meminfo_system(texts.MEMINFO_SYSTEM_13)
    assert reading.total_ram_kb == 5802100
    assert reading.status == "moderate"
    assert reading.lost_ram_kb == -12345
    assert (reading.cached_pss_kb, reading.free_kb, reading.kernel_kb) == (300000, 200000, 500000)
    assert (reading.zram_physical_kb, reading.zram_in_swap_kb) == (200000, 800000)
    assert reading.tuning_oom_kb == 322560
    assert [(p.pid, p.kb, p.activities) for p in reading.rss_by_process] == [
        (1203, 412345, False),
        (4321, 101000, True),
    ]
    assert [(p.pid, p.kb, p.activities) for p in reading.pss_by_process] == [
        (1203, 301000, False),
        (4321, 90111, True),
    ]


def test_meminfo_checkin_counts_fields_from_zero() -> None:
    reading = parse_meminfo_checkin(texts.MEMINFO_CHECKIN)
    first, second = reading.processes
    assert (reading.uptime_ms, reading.checkin_version) == (7000, 4)
    assert first.total_pss_kb == 1000 + 18 - 3
    assert second.total_private_dirty_kb == 3000 + 34 - 3
    assert first.total_swap_pss_kb == 1000 + 46 - 3


def test_meminfo_knows_its_forms() -> None:
    assert parse_meminfo(texts.MEMINFO_9) == parse_meminfo_package(texts.MEMINFO_9)
    assert parse_meminfo(texts.MEMINFO_CHECKIN) == parse_meminfo_checkin(texts.MEMINFO_CHECKIN)
    assert parse_meminfo(texts.MEMINFO_SYSTEM_13) == parse_meminfo_system(texts.MEMINFO_SYSTEM_13)


def test_cpuinfo_keeps_its_own_window() -> None:
    reading = parse_cpuinfo(texts.CPUINFO_11)
    assert reading.load == (3.5, 2.25, 1.0)
    assert (reading.window_from_ms_ago, reading.window_to_ms_ago) == (190000, 1500)
    assert reading.processes[0].percent == 131.0
    assert reading.processes[1].name == "kworker/u16:1"
    assert [p.change for p in reading.processes] == ["", "", "+", "-"]
    assert reading.processes[2].name == "org.example.app:remote"
    assert reading.total_percent == 22.0
    assert reading.total_parts == {
        "user": 15.0,
        "kernel": 6.0,
        "iowait": 0.5,
        "irq": 0.3,
        "softirq": 0.2,
    }


def test_thermal_tells_now_from_cached_and_degrees_from_volts() -> None:
    reading = parse_thermal(texts.THERMAL_12)
    assert (reading.status, reading.hal_ready, reading.hal) == (2, True, "ThermalHAL AIDL 1")
    assert [t.name for t in reading.current] == ["CPU, one", "skin", "SUBBAT", "vbat", "odd"]
    assert reading.hottest_c() == 47.25
    assert reading.hottest_c(frozenset({2})) is None  # a fake zero
    assert reading.hottest_c(frozenset({6})) is None  # volts
    assert len(reading.cached) == 1


def test_thermal_of_android_8_is_empty() -> None:
    reading = parse_thermal("--------- 0.000s was the duration of dumpsys thermalservice\n")
    assert reading.status is None
    assert reading.hottest_c() is None


def test_exit_info_in_any_locale() -> None:
    first, second = parse_exit_info(texts.EXIT_INFO).records
    assert (first.package, first.pid, first.process) == (
        "org.example.app",
        777,
        "org.example.app:ballast2",
    )
    assert (first.reason, first.reason_name, first.status) == (3, "LOW_MEMORY", 9)
    assert (first.pss_kb, first.rss_kb) == (95, 1536)
    assert first.description == "status=5 in words"
    assert (first.state, first.trace) == (None, None)
    assert (second.reason, second.pss_kb, second.rss_kb) == (13, None, 1310720)  # 0: never taken
    assert second.trace == "/data/t.gz"


def test_exit_info_without_any_record() -> None:
    header = texts.EXIT_INFO.splitlines()[0]
    assert parse_exit_info(header).records == ()


def test_batterystats_history_discharge_and_power() -> None:
    reading = parse_batterystats(texts.BATTERYSTATS)
    assert (reading.checkin_version, reading.parcel_version) == (36, 214)
    assert reading.reset_time_ms == 1700000000000
    assert [(p.t_ms, p.level_percent, p.voltage_mv) for p in reading.history] == [
        (0, 90, 4100),
        (4000, 89, 4080),
    ]
    assert reading.history[1].temperature_raw is None
    assert reading.time_on_battery_ms == 3600000
    assert (reading.level_start, reading.level_now) == (90, 89)
    assert (reading.capacity_mah, reading.discharge_mah) == (3900.0, 35.5)
    assert [(p.uid, p.label, p.mah) for p in reading.power] == [(10123, "uid", 12.25)]


@pytest.mark.parametrize(
    "parse", [parse_battery, parse_meminfo, parse_cpuinfo, parse_thermal, parse_exit_info]
)
def test_another_text_is_an_error_that_shows_it(parse: object) -> None:
    with pytest.raises(ReadingError, match="Can't find service"):
        parse("Can't find service: nosuch\n")  # type: ignore[operator]
