"""Values that are no values: sentinels, units, odd lines and dumps that were cut, as kinds."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.gates import Answers, Verdict, preset
from harness.devices.gates.state import judge
from harness.readings import (
    KINDS,
    MeminfoMixed,
    MeminfoPackage,
    MeminfoSystem,
    ReadingError,
    parse_battery,
    parse_cpuinfo,
    parse_meminfo,
    parse_meminfo_system,
    parse_proc_meminfo,
    parse_thermal,
)
from harness.readings.base import Reading
from harness.readings.battery import battery_celsius, charge_mah
from harness.readings.bounds import BATTERY_C, CHARGE_MAH, CHARGE_RAW
from harness.readings.declared import Answer, Command
from harness.readings.sampled import readings
from tests.unit.readings.texts import EXAMPLES

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
SENTINELS = [INT_MIN, INT_MIN + 1, INT_MAX, INT_MAX - 1, -(1 << 63), (1 << 63) - 1, 0, 999_999_999]


def battery_text(**fields: object) -> str:
    values = {"present": "true", "level": 80, "scale": 100, "voltage": 3900, "temperature": 251}
    names = {"charge": "Charge counter"}
    lines = [f"  {names.get(key, key)}: {value}" for key, value in {**values, **fields}.items()]
    return "Current Battery Service state:\n" + "\n".join(lines) + "\n"


def sampled(text: str) -> dict[str, Any]:
    command = next(r for r in readings() if isinstance(r, Command) and r.name == "battery")
    return dict(command.checked(command.take, Answer(text.encode(), False, None)).values)


def judged(question: str, text: str) -> dict[str, Verdict]:
    verdicts = judge(preset("lab"), Answers({question: text}))
    return {verdict.name: verdict for verdict in verdicts}


NO_BATTERY = battery_text(present="false", level=0, voltage=0, temperature=0, charge=0)


def test_a_phone_without_a_battery_has_no_battery_values() -> None:
    battery = parse_battery(NO_BATTERY)
    assert (battery.percent, battery.temperature_c, battery.voltage_mv) == (None, None, None)
    assert (battery.charge_counter_mah, battery.health) == (None, None)
    assert "no battery is present" in battery.why_absent("percent")
    values = sampled(NO_BATTERY)
    assert {name for name in values if "updates" not in name} == set()
    gates = judged("battery", NO_BATTERY)
    for name in ("battery_percent_min", "battery_c_max"):
        assert gates[name].open is None, name
        assert "no battery is present" in gates[name].detail


@pytest.mark.parametrize("sentinel", SENTINELS)
@pytest.mark.parametrize("field", ["temperature", "voltage", "charge", "level", "status", "health"])
def test_a_sentinel_is_absent_everywhere(field: str, sentinel: int) -> None:
    if (field, sentinel) == ("level", 0):
        return  # an empty battery is one
    text = battery_text(**{field: sentinel})
    battery = parse_battery(text)
    name = {
        "temperature": "temperature_c",
        "voltage": "voltage_mv",
        "charge": "charge_counter_mah",
        "level": "percent",
    }.get(field, field)
    assert getattr(battery, name) is None
    assert battery.why_absent(name), battery.notes
    column = f"battery_{name}".replace("counter_mah", "counter")
    assert column not in sampled(text)
    gates = judged("battery", text)
    if field == "temperature":
        assert gates["battery_c_max"].open is None
    if field == "level":
        assert gates["battery_percent_min"].open is None


@given(st.integers(-(1 << 40), 1 << 40))
def test_a_temperature_is_plausible_or_absent(raw: int) -> None:
    value = parse_battery(battery_text(temperature=raw)).temperature_c
    assert value is None or BATTERY_C.hold(value)


@given(st.floats(10, 60), st.sampled_from([1, 10, 1000]))
def test_whole_degrees_tenths_and_thousandths_come_out_alike(celsius: float, unit: int) -> None:
    read = battery_celsius(round(celsius * unit))
    assert read is not None
    assert math.isclose(read, celsius, abs_tol=0.51 / unit)


@given(st.integers(-(1 << 33), 1 << 33))
def test_a_charge_is_plausible_or_absent(raw: int) -> None:
    charge = charge_mah(raw)
    assert charge is None or CHARGE_MAH.hold(charge)
    if charge is not None:
        assert CHARGE_RAW.hold(raw)


def test_a_hot_gate_is_not_passed_by_a_sentinel_of_the_thermal_service() -> None:
    text = "Thermal Status: 99\n"
    gates = judged("thermal", text)
    assert gates["thermal_status_max"].open is None
    assert "0 to 6" in gates["thermal_status_max"].detail


THERMAL = """Thermal Status: 0
Current temperatures from HAL:
	Temperature{mValue=NaN, mType=0, mName=CPU0, mStatus=0}
	Temperature{mValue=1.0E-4, mType=0, mName=CPU1, mStatus=0}
	Temperature{mValue=-273.15, mType=3, mName=skin, mStatus=0}
	Temperature{mValue=45123.0, mType=0, mName=milli, mStatus=0}
	Temperature{mValue=41.25, mType=0, mName=cpu, big, mStatus=2}
	Temperature{mValue=5.1E1, mType=0, mName=odd
"""


def test_a_sensor_that_measures_nothing_is_absent_and_named() -> None:
    thermal = parse_thermal(THERMAL)
    assert [sensor.value for sensor in thermal.current] == [None, None, None, None, 41.25]
    assert thermal.hottest_c() == 41.25
    assert "CPU0, CPU1, skin, milli" in " ".join(thermal.notes)
    assert "1 line was not understood" in " ".join(thermal.notes)


USERS = """Total PSS by process:
    312,345K: system (pid 1402)                                        (   12,345K in swap)
    198,765K: com.example.launcher (pid 2233)                          (user 10) (    8,765K in swap / activities)
     80,000K: com.example.two (pid 2234 / activities)             (user 10)
     70,000K: com.nvidia.shield (pid 3703 state 0 oom -900)
     60,000K: com.example.cut (pid 1

Total RAM: 5,824,512K (status normal)
"""  # noqa: E501 - as it is printed


def test_no_process_of_a_list_is_dropped_silently() -> None:
    system = parse_meminfo_system(USERS)
    processes = [(p.pid, p.kb, p.user, p.activities) for p in system.pss_by_process]
    assert processes == [
        (1402, 312345, None, False),
        (2233, 198765, 10, True),
        (2234, 80000, 10, True),
        (3703, 70000, None, False),
    ]
    assert system.pss_by_process[3].name == "com.nvidia.shield"
    assert "1 line was not understood, the first '60,000K: com.example.cut" in system.notes[0]


def test_a_package_and_the_whole_phone_in_one_text_are_both_read() -> None:
    package = next(text for text in EXAMPLES["meminfo"] if "** MEMINFO in pid" in text)
    for text in (package + "\n" + USERS, USERS + "\n" + package):
        mixed = parse_meminfo(text)
        assert isinstance(mixed, MeminfoMixed)
        alone = parse_meminfo(package)
        assert isinstance(alone, MeminfoPackage)
        assert mixed.package.processes == alone.processes
        assert mixed.system.pss_by_process == parse_meminfo_system(USERS).pss_by_process


TIMEOUT = "\n*** SERVICE 'meminfo' DUMP TIMEOUT (10000ms) EXPIRED ***\n"


@pytest.mark.parametrize("kind", ["battery", "thermal", "cpuinfo", "meminfo", "exit_info"])
def test_a_dump_that_timed_out_says_so(kind: str) -> None:
    with pytest.raises(ReadingError, match=r"DUMP TIMEOUT \(10000ms\)"):
        KINDS[kind](TIMEOUT)
    for text in EXAMPLES[kind]:
        if kind == "meminfo" and "** MEMINFO" not in text and "Total RAM" not in text:
            continue
        if not text.strip():
            continue
        reading = KINDS[kind](text + TIMEOUT)
        if isinstance(reading, MeminfoMixed):
            reading = reading.system
        assert "DUMP TIMEOUT" in " ".join(reading.notes)


def test_a_process_whose_dump_was_cut_is_named() -> None:
    text = "** MEMINFO in pid 4455 [org.mobileasr.trainer] **\n" + TIMEOUT
    package = parse_meminfo(text)
    assert isinstance(package, MeminfoPackage)
    assert package.processes[0].total_pss_kb is None
    assert "pid 4455 has no total" in package.why_absent("total_pss_kb")
    with pytest.raises(ReadingError, match="DeadObjectException"):
        parse_meminfo("Uptime: 1 Realtime: 1\nError:android.os.DeadObjectException\n")


def leaves(reading: object, path: str = "") -> dict[str, object]:
    if isinstance(reading, Reading):
        reading = {name: getattr(reading, name) for name in type(reading).model_fields}
        reading.pop("notes", None)
    if isinstance(reading, tuple):
        reading = dict(enumerate(reading))
    if isinstance(reading, dict):
        parts = (leaves(value, f"{path}/{name}") for name, value in reading.items())
        return {name: value for part in parts for name, value in part.items()}
    return {path: reading}


@pytest.mark.parametrize("kind", ["battery", "thermal", "proc_meminfo", "proc_stat", "pressure"])
def test_a_text_cut_after_any_line_says_nothing_else(kind: str) -> None:
    for text in EXAMPLES[kind]:
        whole = leaves(KINDS[kind](text))
        lines = text.split("\n")
        for count in range(len(lines)):
            try:
                cut = leaves(KINDS[kind]("\n".join(lines[:count])))
            except ReadingError:
                continue
            for path, value in cut.items():
                assert value in (None, False, whole.get(path)), (count, path)


def test_odd_processes_of_cpuinfo_are_read_or_counted() -> None:
    text = (
        "Load: 12,34 / 11,02 / 10,9\n"
        "  NaN% 1234/org.mobileasr.trainer: NaN% user + NaN% kernel\n"
        "  1.2% 77/irq/100-foo:bar: 0% user + 1.2% kernel\n"
        "  5% 88/com.foo:bar 50%: 1% user + 4% kernel\n"
    )
    cpuinfo = parse_cpuinfo(text)
    assert [(p.pid, p.name, p.percent) for p in cpuinfo.processes] == [
        (77, "irq/100-foo:bar", 1.2),
        (88, "com.foo:bar 50%", 5.0),
    ]
    assert "1 line was not understood" in cpuinfo.notes[0]


def test_memory_that_no_phone_has_is_absent() -> None:
    text = "MemTotal: 4000000 kB\nMemAvailable: 9007199254740991 kB\nSwapFree: -12 kB\n"
    memory = parse_proc_meminfo(text)
    assert (memory.total_kb, memory.available_kb, memory.swap_free_kb) == (4000000, None, None)
    assert memory.why_absent("available_kb")
    assert "not understood" in " ".join(memory.notes)
    system = parse_meminfo("Total RAM: 99,999,999,999,999K\n Free RAM: 5K\n")
    assert isinstance(system, MeminfoSystem)
    assert (system.total_ram_kb, system.free_ram_kb) == (None, 5)
