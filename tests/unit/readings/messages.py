"""Messages as ``dumpsys ... --proto`` prints them: zeros and empty texts are left out."""

from harness.readings import Battery, MeminfoPackage, MeminfoProcess


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = []
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def field(number: int, value: int | str | bytes | None) -> bytes:
    """One field; a message is bytes and is never left out."""
    if value is None or value in (0, ""):
        return b""
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number * 8 + 2) + varint(len(content)) + content


def message(values: dict[int, int | str | bytes | None]) -> bytes:
    return b"".join(field(number, value) for number, value in values.items())


def battery_message(battery: Battery) -> bytes:
    """What the phone would print for a battery whose text was read."""
    powered = [battery.ac_powered, battery.usb_powered, battery.wireless_powered]
    plugged = next((bit for bit, on in zip((1, 2, 4), powered, strict=True) if on), 0)
    return message(
        {
            1: int(battery.updates_stopped),
            2: 8 if battery.dock_powered and not plugged else plugged,
            3: battery.max_charging_current_ua,
            4: battery.max_charging_voltage_uv,
            5: battery.charge_counter_raw,
            6: battery.status,
            7: battery.health,
            8: int(bool(battery.present)),
            9: battery.level,
            10: battery.scale,
            11: battery.voltage_raw,
            12: battery.temperature_raw,
            13: battery.technology,
        }
    )


COLUMNS = {
    2: "Pss Total",
    3: "Pss Clean",
    4: "Shared Dirty",
    5: "Private Dirty",
    6: "Shared Clean",
    7: "Private Clean",
    8: "Swap Dirty",
    9: "SwapPss Dirty",
    10: "Rss Total",
}
SUMMARY = ("Java Heap", "Native Heap", "Code", "Stack", "Graphics", "Private Other", "System")
SUMMARY_RSS = (*SUMMARY[:5], "Unknown")


def _memory(name: str, row: dict[str, int]) -> bytes:
    return message({1: name, **{number: row.get(column) for number, column in COLUMNS.items()}})


def _heap(name: str, row: dict[str, int]) -> bytes:
    sizes = {2: row.get("Heap Size"), 3: row.get("Heap Alloc"), 4: row.get("Heap Free")}
    return message({1: _memory(name, row), **sizes})


def process_message(process: MeminfoProcess, *, summary_only: bool) -> bytes:
    content = message({1: process.pid, 2: process.name})
    if not summary_only:
        for name, row in process.rows.items():
            number = {"Native Heap": 3, "Dalvik Heap": 4, "Unknown": 6, "TOTAL": 7}.get(name, 5)
            make = _heap if number in (3, 4, 7) else _memory
            content += field(number, make(name, row))
    rows = process.summary
    summary = message({i: rows[name].pss_kb for i, name in enumerate(SUMMARY, 1)})
    summary += message({8: process.total_swap_pss_kb, 9: process.total_swap_kb})
    if "Unknown" in rows:
        summary += message({i: rows[name].rss_kb for i, name in enumerate(SUMMARY_RSS, 10)})
    return content + field(9, summary)


def package_message(package: MeminfoPackage, *, summary_only: bool) -> bytes:
    """What the phone would print for a package whose text was read."""
    content = message({1: package.uptime_ms, 2: package.realtime_ms})
    for process in package.processes:
        content += field(4, field(1, process_message(process, summary_only=summary_only)))
    return content
