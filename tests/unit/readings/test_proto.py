"""``--proto`` and text say the same; no damage makes a message say something else."""

import contextlib
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.readings import (
    PROTO_KINDS,
    Battery,
    MeminfoPackage,
    MeminfoSystem,
    ReadingError,
    parse_battery,
    parse_battery_proto,
    parse_meminfo_package,
    parse_meminfo_proto,
    parse_meminfo_system,
)
from harness.readings.base import Reading
from harness.readings.wire import Message
from tests.unit.readings.messages import battery_message, field, message, package_message, varint
from tests.unit.readings.texts import EXAMPLES

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
NOT_IN_THE_MESSAGE = {
    "charging_state",
    "charging_policy",
    "capacity_level",
    "maximum_capacity_raw",
    "design_capacity_raw",
    "current_now_raw",
}


def captured(folder: str) -> list[str]:
    found = sorted((CAPTURES / folder).glob("*"))
    return [file.read_text("utf-8", "replace") for file in found]


def same_battery(text: Battery, proto: Battery) -> None:
    for name in Battery.model_fields.keys() - NOT_IN_THE_MESSAGE:
        said = getattr(proto, name)
        if said is None and name.endswith("_powered"):
            continue  # one source is named, the others are not spoken of
        assert said == getattr(text, name), name


BATTERIES = [parse_battery(text) for text in (*EXAMPLES["battery"], *captured("dumpsys_battery"))]
WHOLE = [
    battery for battery in BATTERIES if None not in (battery.scale, battery.level, battery.present)
]


@pytest.mark.parametrize("reading", WHOLE)
def test_a_battery_is_the_same_either_way(reading: Battery) -> None:
    same_battery(reading, parse_battery_proto(battery_message(reading)))


figures = st.integers(-(1 << 31), (1 << 31) - 1)


@settings(max_examples=200)
@given(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    st.booleans(),
    st.lists(st.one_of(st.just(0), figures), min_size=9, max_size=9),
)
def test_any_battery_is_the_same_either_way(
    powered: tuple[bool, ...], stopped: bool, values: list[int]
) -> None:
    ac, usb, wireless, present = (str(value).lower() for value in powered)
    current, voltage_max, charge, status, health, level, voltage, temperature, _ = values
    plugged = next((bit for bit, on in zip((1, 2, 4), powered[:3], strict=True) if on), 0)
    stop = "\n  (UPDATES STOPPED -- use 'reset' to restart)" if stopped else ""
    text = f"""Current Battery Service state:{stop}
  AC powered: {ac}
  USB powered: {usb}
  Wireless powered: {wireless}
  Max charging current: {current}
  Max charging voltage: {voltage_max}
  Charge counter: {charge}
  status: {status}
  health: {health}
  present: {present}
  level: {level}
  scale: 100
  voltage: {voltage}
  temperature: {temperature}
  technology: Li-ion
"""
    numbers = (int(stopped), plugged, current, voltage_max, charge, status, health, int(powered[3]))
    printed: dict[int, int | str | bytes | None] = dict(
        enumerate((*numbers, level, 100, voltage, temperature), 1)
    )
    same_battery(parse_battery(text), parse_battery_proto(message({**printed, 13: "Li-ion"})))


def leaves(reading: object, path: str = "") -> dict[str, object]:
    if isinstance(reading, Reading):
        reading = {name: getattr(reading, name) for name in type(reading).model_fields}
    if isinstance(reading, dict):
        found: dict[str, object] = {}
        for name, value in reading.items():
            found |= leaves(value, f"{path}/{name}")
        return found
    if isinstance(reading, tuple):
        return leaves(dict(enumerate(reading)), path)
    return {path: reading}


PACKAGE = """Applications Memory Usage (in Kilobytes):
Uptime: 5000 Realtime: 6000

** MEMINFO in pid 777 [org.example.one] **
                   Pss  Private  Private  SwapPss      Rss     Heap     Heap     Heap
                 Total    Dirty    Clean    Dirty    Total     Size    Alloc     Free
                ------   ------   ------   ------   ------   ------   ------   ------
  Native Heap    20000    19900        0       11    21000    30000    25000     5000
  Dalvik Heap        0        0        0        0        0    10000        0    10000
    .so mmap     1000       10      600        0     9000
      Unknown      500      490        0        0      600
        TOTAL    21511    20400      600       11    30600    40000    25000    15000

 App Summary
                       Pss(KB)                        Rss(KB)
                        ------                         ------
           Java Heap:        0                              0
         Native Heap:    19900                          21000
                Code:      610                           9000
               Stack:        0                              0
            Graphics:        0                              0
       Private Other:      490
              System:      511
             Unknown:                                     600

           TOTAL PSS:    21511            TOTAL RSS:    30600       TOTAL SWAP PSS:       11
"""


def with_summaries(texts: list[str]) -> list[MeminfoPackage]:
    """Readings whose processes all have a whole summary (excerpts do not)."""
    read = [parse_meminfo_package(text) for text in texts if "** MEMINFO in pid" in text]
    return [package for package in read if all(len(p.summary) > 6 for p in package.processes)]


PACKAGES = with_summaries(
    [PACKAGE, *captured("dumpsys_meminfo_pkg"), *captured("dumpsys_meminfo_a")]
)


@pytest.mark.parametrize("summary_only", [True, False])
@pytest.mark.parametrize("reading", PACKAGES)
def test_a_package_is_the_same_either_way(reading: MeminfoPackage, summary_only: bool) -> None:
    found = parse_meminfo_proto(package_message(reading, summary_only=summary_only))
    assert isinstance(found, MeminfoPackage)
    by_text = leaves(reading)
    said = leaves(found)
    totals = ("total_pss_kb", "total_rss_kb", "pid", "name")
    assert {path for path in by_text if path.endswith(totals)} <= said.keys()
    for path, value in said.items():
        if value is not None and by_text.get(path) is not None:
            assert value == by_text[path], path
    if not summary_only:
        wanted = {path for path in by_text if "/rows/" in path and by_text[path] != 0}
        assert wanted <= said.keys()


def test_a_system_is_the_same_either_way() -> None:
    text = """Total PSS by process:
    300,000K: system (pid 1200)
    200,000K: org.example (pid 4321 / activities)

Total RAM: 7,600,000K (status normal)
 Free RAM: 3,100,000K (  100,000K cached pss + 2,000,000K cached kernel + 1,000,000K free)
 Used RAM: 4,200,000K (3,200,000K used pss + 1,000,000K kernel)
 Lost RAM:  -1,234K
     ZRAM:   120,000K physical used for   400,000K in swap (2,000,000K total swap)
   Tuning: 256 (large 512), oom   322,560K, restore limit   107,520K (high-end-gfx)
"""
    items = [
        message({1: "system", 2: "system (pid 1200)", 3: 1200, 4: 1, 6: 300000}),
        message({1: "x", 2: "org.example (pid 4321 / activities)", 3: 4321, 4: 1, 5: 1, 6: 200000}),
    ]
    ram = {8: 7600000, 9: 0, 10: 100000, 11: 2000000, 12: 1000000, 13: 3200000, 14: 1000000}
    rest = {15: -1234, 16: 120000, 17: 400000, 18: 2000000, 23: 256, 24: 512, 25: 322560}
    data = b"".join(field(5, item) for item in items) + message({**ram, **rest})
    assert parse_meminfo_proto(data) == parse_meminfo_system(text)


FULL = parse_battery(
    "  USB powered: false\n  Charge counter: 0\n  status: 3\n  level: 0\n  scale: 100\n"
    "  voltage: 3700\n  temperature: 0\n  technology: Li-ion\n"
)
MESSAGES = {
    "battery": [battery_message(FULL), battery_message(parse_battery(EXAMPLES["battery"][0]))],
    "meminfo": [
        package_message(PACKAGES[0], summary_only=False),
        message({1: 5, 8: 100, 10: 1, 14: 7, 15: -5}),
    ],
}


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_a_message_cut_short_never_says_something_else(kind: str) -> None:
    for data in MESSAGES[kind]:
        whole = leaves(PROTO_KINDS[kind](data))
        for cut in range(len(data)):
            try:
                found = leaves(PROTO_KINDS[kind](data[:cut]))
            except ReadingError:
                continue
            derived = ("plugged", "updates_stopped")
            for path, value in found.items():
                assert value in (None, whole.get(path)) or path.endswith(derived), (cut, path)


def test_zero_is_told_from_not_said() -> None:
    said = parse_battery_proto(battery_message(FULL))
    assert (said.level, said.temperature_raw, said.charge_counter_raw) == (0, 0, 0)
    assert said.plugged is False
    cut = parse_battery_proto(message({9: 50, 10: 100}))
    assert (cut.level, cut.voltage_raw, cut.temperature_raw) == (50, None, None)
    old = parse_meminfo_proto(message({4: field(1, message({1: 7, 2: "a", 9: field(1, 20)}))}))
    assert isinstance(old, MeminfoPackage)
    assert old.processes[0].total_pss_kb == 20
    assert old.processes[0].total_rss_kb is None  # before Android 11 it is never said
    system = parse_meminfo_proto(message({8: 100, 13: 5}))
    assert isinstance(system, MeminfoSystem)
    assert (system.cached_pss_kb, system.kernel_kb) == (0, None)


def try_to_read(kind: str, data: bytes) -> None:
    with contextlib.suppress(ReadingError):  # nothing else may be raised
        PROTO_KINDS[kind](data)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for kind in PROTO_KINDS:
        try_to_read(kind, data)


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_damaged_messages(kind: str) -> None:
    chance = random.Random(2)
    for data in MESSAGES[kind]:
        for _ in range(300):
            cut = bytearray(data)
            for _ in range(chance.randint(1, 5)):
                at = chance.randrange(len(cut))
                cut[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
            try_to_read(kind, bytes(cut))


@pytest.mark.parametrize("piece", [b"\x08\x01", b"\x0a\x00", b"\xff", b"\x22\x80", b"\x1a\x02\x08"])
@pytest.mark.parametrize("kind", sorted(PROTO_KINDS))
def test_a_megabyte_takes_no_time(kind: str, piece: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ReadingError):
        PROTO_KINDS[kind](piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 3


@settings(max_examples=60)
@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(1, 100), st.text(max_size=20))
def test_the_wire_is_that_of_the_protobuf_library(value: int, number: int, text: str) -> None:
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    pool_module = pytest.importorskip("google.protobuf.descriptor_pool")
    factory = pytest.importorskip("google.protobuf.message_factory")
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t")
    made = file.message_type.add(name="T")
    made.field.add(name="n", number=number, type=3, label=1)
    made.field.add(name="s", number=number + 1, type=9, label=1)
    made.field.add(name="m", number=number + 2, type=11, label=3, type_name=".t.T")
    pool = pool_module.DescriptorPool()
    pool.Add(file)
    kind = factory.GetMessageClass(pool.FindMessageTypeByName("t.T"))
    data = kind(n=value, s=text, m=[kind(n=1), kind(s="x")]).SerializeToString()
    found = Message("t", data)
    assert found.integer(number) == value
    assert found.text(number + 1) == (text or None)
    inner = found.messages(number + 2)
    assert (inner[0].integer(number), inner[1].text(number + 1)) == (1, "x")
    assert varint(value) in data
