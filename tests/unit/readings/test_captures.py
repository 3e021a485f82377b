"""Every capture of a real phone, and what it says: ``pytest -s`` prints what was read."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.readings import KINDS

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
FOLDERS = {
    "dumpsys_activity_exit_info": "exit_info",
    "dumpsys_activity_lmk": "lmk",
    "dumpsys_battery": "battery",
    "dumpsys_batterystats_checkin": "batterystats",
    "dumpsys_cpuinfo": "cpuinfo",
    "dumpsys_meminfo_a": "meminfo",
    "dumpsys_meminfo_checkin": "meminfo",
    "dumpsys_meminfo_pkg": "meminfo",
    "dumpsys_meminfo_system": "meminfo",
    "dumpsys_thermalservice": "thermal",
    "getprop": "getprop",
    "logcat_lmkd": "lmk",
    "proc_meminfo": "proc_meminfo",
    "proc_pid_stat": "proc_pid_stat",
    "proc_pressure": "pressure",
    "proc_stat": "proc_stat",
}
"""The other folders hold what no KIND reads (ps, top, smaps, procstats and the like)."""

# What a person reads in the file: path within the reading -> value; "#" is a length.
WANTED: dict[str, dict[str, Any]] = {
    "dumpsys_activity_exit_info/android_crash_and_anr.txt": {
        "records.#": 2,
        "records.0.pid": 3421,
        "records.0.reason": 4,
        "records.0.reason_name": "APP CRASH(EXCEPTION)",
        "records.0.pss_kb": None,  # 0.00: AOSP never took it
        "records.1.reason": 6,
        "records.1.description": "bg anr: executing service",
        "records.1.trace": "/data/system/procexitstore/anr_x.gz",
    },
    "dumpsys_activity_exit_info/android_locale_comma_fragments.txt": {
        "records.#": 2,
        "records.0.reason": 16,
        "records.0.pss_kb": None,
        "records.0.rss_kb": 557 * 1024,
        "records.1.reason": 10,
        "records.1.subreason_name": "REMOVE TASK",
        "records.1.pid": None,
        "records.1.rss_kb": None,
    },
    "dumpsys_activity_lmk/android11_miui_penrose.txt": {
        "total_kills": 71,
        "kills_at_or_below.999": 71,
        "kills_at_or_below.900": 0,
        "kills.#": 0,
    },
    "dumpsys_battery/android15plus_lineage_rackphone_unplugged.txt": {
        "plugged": False,
        "dock_powered": False,
        "percent": 100.0,
        "voltage_mv": 4318.0,
        "temperature_c": 27.0,
        "charge_counter_mah": 3140.0,
        "capacity_level": -1,
        "design_capacity_raw": 4250000,
        "max_charging_voltage_uv": 0,
        "current_now_raw": None,
    },
    "dumpsys_battery/android16_xiaomi_hyperos_unplugged_counter_mAh.txt": {
        "plugged": False,
        "percent": 14.0,
        "voltage_raw": 3678,
        "charge_counter_raw": 748,
        "charge_counter_mah": 748.0,
        "capacity_level": 2,
        "maximum_capacity_raw": None,
    },
    "dumpsys_battery/android8-11_aosp_usb_full.txt": {
        "usb_powered": True,
        "dock_powered": None,
        "status_name": "full",
        "max_charging_current_ua": 500000,
        "charge_counter_mah": 3270.0,
        "charging_state": None,
    },
    "dumpsys_battery/android8.1_smartron_tphoneE_bugreport.txt": {
        "percent": 74.0,
        "charge_counter_mah": 3007.502,
        "status_name": "charging",
        "temperature_c": 24.5,
        "capacity_level": None,
    },
    "dumpsys_battery/unknown_lipoly_counter_small.txt": {
        "ac_powered": True,
        "percent": 15.0,
        "charge_counter_mah": 220.0,
        "technology": "Li-poly",
    },
    "dumpsys_batterystats_checkin/android8.1_smartron_tphoneE_bugreport.txt": {
        "checkin_version": 27,
        "parcel_version": 167,
        "history.#": 5,
        "history.0.level_percent": 85,
        "history.0.charge_raw": 3489,
        "history.2.status": "d",
        "history.2.voltage_mv": None,
        "discharge_mah": None,  # the capture ends before
    },
    "dumpsys_cpuinfo/android16_emulator_adbjson_excerpt.txt": {
        "load": None,
        "window_to_ms_ago": 711,
        "processes.#": 7,
        "processes.6.name": "jbd2/dm-5-8",
        "total_percent": None,
    },
    "dumpsys_cpuinfo/android16_emulator_stale_excerpt.txt": {
        "load.0": 6.15,
        "window_from_ms_ago": 221640,
        "window_to_ms_ago": 186792,
        "processes.1.kernel_percent": None,
    },
    "dumpsys_cpuinfo/android6_droid-monitor.txt": {
        "dates": None,
        "processes.2.name": "kworker/3:0",
        "total_percent": 0.3,
        "total_parts.softirq": 0.0,
    },
    "dumpsys_cpuinfo/android8-9_huawei_tplink_partial.txt": {
        "load.2": 29.3,
        "window_to_ms_ago": 483010,
        "processes.0.percent": 99.0,
        "processes.0.user_percent": 91.0,
    },
    "dumpsys_cpuinfo/android8.1_smartron_tphoneE_bugreport.txt": {
        "load.1": 3.6,
        "processes.0.name": "system_server",
        "processes.0.kernel_percent": 6.9,
        "processes.4.name": "android.hardware.graphics.composer@2.1-service",
    },
    "dumpsys_meminfo_a/android12_launcher3_mem-a-d.txt": {
        "processes.0.total_pss_kb": 105529,
        "processes.0.total_rss_kb": 187052,
        "processes.0.total_swap_pss_kb": None,
        "processes.0.total_swap_kb": 0,
        "processes.0.rows.Native Heap.Shared Dirty": 2692,
        "processes.0.summary.Unknown.pss_kb": None,
    },
    "dumpsys_meminfo_a/android8.1_smartron_tphoneE_bugreport.txt": {
        "processes.#": 2,
        "processes.1.name": "com.google.android.gms.persistent",
        "processes.1.total_pss_kb": 36097,
        "processes.1.total_rss_kb": None,
        "processes.0.rows.Native Heap.Heap Free": 3958,
    },
    "dumpsys_meminfo_checkin/android8.1_smartron_tphoneE_bugreport_section.txt": {
        "checkin_version": 4,
        "processes.#": 4,
        "processes.0.total_pss_kb": 20184,
        "processes.1.name": "com.android.settings",
    },
    "dumpsys_meminfo_pkg/android12_pixel3_aosp_systemui.txt": {
        "uptime_ms": 152713,
        "processes.0.pid": 2084,
        "processes.0.total_pss_kb": 96932,
        "processes.0.summary.Code.rss_kb": 79940,
        "processes.0.rows..apk mmap.Private Clean": 11368,
    },
    "dumpsys_meminfo_pkg/android16_memorylab_pkg.txt": {
        "processes.0.total_pss_kb": 337790,
        "processes.0.total_swap_pss_kb": 162,
        "processes.0.rows.Native Heap.SwapPss Dirty": 25,
    },
    "dumpsys_meminfo_pkg/android6_chrome_excerpt.txt": {
        "processes.0.name": "com.android.chrome",
        "processes.0.total_pss_kb": None,  # an excerpt without its totals
        "processes.0.rows.Dalvik Heap.Heap Alloc": 19914,
    },
    "dumpsys_meminfo_system/android11_8gb_ION_partial.txt": {
        "rss_by_process.0.kb": 524336,
        "pss_by_process.1.name": "system",
        "total_ram_kb": 7791836,
        "lost_ram_kb": 372330,
        "zram_physical_kb": 12,
        "zram_in_swap_kb": 0,
    },
    "dumpsys_meminfo_system/android11_blueline_partial.txt": {
        "rss_by_process.0.activities": True,
        "pss_by_process.#": 0,
        "free_ram_kb": 1757975,
        "lost_ram_kb": None,
        "zram_total_swap_kb": None,
    },
    "dumpsys_meminfo_system/android8.1_smartron_full.txt": {
        "uptime_ms": None,
        "pss_by_process.#": 6,
        "pss_by_process.0.kb": 108277,
        "kernel_kb": 251052,
        "tuning_oom_kb": 322560,
    },
    "dumpsys_thermalservice/android10_pixel_hal2.0_memfault.txt": {
        "hal": "ThermalHAL 2.0",
        "cached.#": 13,
        "current.0.name": "cpu0-gold-usr",
        "current.0.value": 31.7,
    },
    "dumpsys_thermalservice/android12_throttled_status2_memfault_trunc.txt": {
        "status": 2,
        "current.1.status": 2,
        "current.1.value": 44.637,
    },
    "dumpsys_thermalservice/android14_samsung_aidl1_memfault.txt": {
        "hal": "ThermalHAL AIDL 1",
        "current.#": 6,
        "current.4.name": "SUBBAT",
        "current.4.value": None,  # a zero that no sensor measured
    },
    "dumpsys_thermalservice/android16_xiaomi13tpro_dthub.txt": {
        "cached.0.value": 84.208,
        "current.#": 2,
        "current.0.value": 57.9,
    },
    "dumpsys_thermalservice/android8.1_smartron_tphoneE_bugreport_EMPTY.txt": {
        "status": None,
        "current.#": 0,
    },
    "dumpsys_thermalservice/hal_not_ready_excerpt.txt": {"status": 0, "hal_ready": False},
    "getprop/IDENTITY_redmi_note10_pro_max_and_note7_pro.txt": {
        "properties.ro.product.model": "M2101K6I"
    },
    "getprop/android10_oneplus7t_oxygenosOB1_EXCERPT.txt": {
        "properties.#": 31,  # entries without a line end between them
        "properties.ro.product.model": "HD1905",
        "properties.ro.build.version.sdk": "29",
    },
    "getprop/android10_redmi_note7_miui12.5.3.txt": {
        "properties.#": 46,
        "properties.ro.product.model": "Redmi Note 7",
    },
    "getprop/android11_oneplus6_h2os11.txt": {
        "properties.#": 49,
        "properties.ro.build.version.sdk": "30",
    },
    "getprop/android12_redmi_note10_miui14.txt": {
        "properties.#": 61,
        "properties.ro.product.model": "M2101K7AG",
    },
    "getprop/android13_oneplus8_coloros13.1.txt": {
        "properties.#": 17,
        "properties.ro.build.version.sdk": "33",
    },
    "getprop/android15_oneplus12_coloros15.txt": {
        "properties.#": 14,
        "properties.ro.build.version.sdk": None,  # not in this dump
    },
    "getprop/android8.1_smartron_tphoneE_bugreport.txt": {
        "properties.#": 26,
        "properties.ro.product.model": "T5911",
    },
    "getprop/android9_oneplus5t_oxygenos9.0.4.txt": {
        "properties.#": 32,
        "properties.ro.product.model": "ONEPLUS A5010",
    },
    "logcat_lmkd/android8.1_smartron_am_kill_events.txt": {
        "kills.#": 12,
        "kills.4.oom_score_adj": 900,
        "kills.4.reason": "remove task",
    },
    "logcat_lmkd/android8.1_smartron_am_proc_died_events.txt": {
        "kills.#": 12,
        "kills.0.pid": 22763,
        "kills.0.oom_score_adj": 906,
    },
    "logcat_lmkd/android8.1_smartron_am_pss_events.txt": {"kills.#": 0},
    "logcat_lmkd/lmkd_kill_lines_android11_to_16.txt": {
        "kills.#": 7,
        "kills.1.reason": "stop com.myhbcfo.hive.development due to clear data",
        "kills.3.freed_kb": 266188,
        "kills.3.anon_rss_kb": None,
        "kills.5.anon_rss_kb": 3990164,
        "kills.5.swap_kb": 2413008,
        "kills.5.uid": 1010174,
        "kills.6.source": "zygote",
    },
    "proc_meminfo/android10_3.6GB_under_pressure_xcrash53.txt": {
        "available_kb": 372516,
        "swap_free_kb": 12320,
    },
    "proc_meminfo/android12_pixel3_aosp.txt": {"available_kb": 2208220, "anon_kb": 564744},
    "proc_meminfo/android8.1_smartron_tphoneE_bugreport.txt": {
        "total_kb": 3669728,
        "swap_total_kb": 0,
    },
    "proc_pid_stat/android_various.txt": {
        "#": 5,
        "0.comm": "ndroid.systemui",
        "0.nice": -10,
        "2.utime": 30090,
        "4.rss_pages": 0,
    },
    "proc_pressure/android11_penrose_memory_root.txt": {
        "some.total_us": 1588043,
        "full.total_us": 495184,
    },
    "proc_stat/nonocast_issue52_first_line.txt": {"all.idle": 944496, "cores.#": 0},
    "proc_stat/rackphone_trimmed.txt": {
        "all.softirq": 210,
        "cores.1.system": 1687,
        "boot_time_s": None,
    },
}


def at(reading: Any, path: str) -> Any:
    """What lies at a path; names of properties and rows hold dots themselves."""
    if path == "":
        return reading
    if path == "#":
        return len(reading)
    if isinstance(reading, dict):
        for name in sorted(reading, key=len, reverse=True):
            if path == name or path.startswith(f"{name}."):
                return at(reading[name], path[len(name) + 1 :])
        return None
    name, _, rest = path.partition(".")
    return at(reading[int(name)], rest)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_what_a_capture_says(name: str) -> None:
    file = CAPTURES / name
    reading = KINDS[FOLDERS[name.partition("/")[0]]](file.read_bytes())
    plain = TypeAdapter(Any).dump_python(reading, mode="json")
    print(f"\n{name}: {TypeAdapter(Any).dump_json(reading).decode()[:600]}")
    assert {path: at(plain, path) for path in WANTED[name]} == WANTED[name]
    crlf = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    again = KINDS[FOLDERS[name.partition("/")[0]]](crlf)
    assert TypeAdapter(Any).dump_python(again, mode="json") == plain


def test_no_capture_is_forgotten() -> None:
    found = {
        f"{folder}/{file.name}" for folder in FOLDERS for file in (CAPTURES / folder).iterdir()
    }
    assert found == WANTED.keys()
