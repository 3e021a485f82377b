"""``logcat -B``: entries with their heads, as clients take them apart."""

import re
import struct

import pytest

from harness.virtual.system.log_binary import pack_entry
from harness.virtual.system.logs import Entry, LogStore
from tests.unit.virtual_system.conftest import Ask


def _entries(data: bytes) -> list[tuple[dict[str, int], bytes]]:
    """Read entries as AOSP's ``struct logger_entry`` says."""
    found = []
    while data:
        names = ("len", "hdr_size", "pid", "tid", "sec", "nsec", "lid", "uid")
        head = dict(zip(names, struct.unpack_from("<HHiIIIII", data), strict=True))
        start = head["hdr_size"]
        found.append((head, data[start : start + head["len"]]))
        data = data[start + head["len"] :]
    return found


def test_a_line_of_text() -> None:
    entry = Entry(0, 1700000000.25, "system", "W", "Tag", "grün\nzwei", 12, 34, 1000)
    ((head, payload),) = _entries(pack_entry(entry))
    assert (head["pid"], head["tid"], head["uid"], head["lid"]) == (12, 34, 1000, 3)
    assert (head["sec"], head["nsec"]) == (1700000000, 250000000)
    assert payload == b"\x05Tag\0" + "grün\nzwei".encode() + b"\0"


@pytest.mark.parametrize("size", [0, 4060, 9000])
def test_a_payload_is_never_longer_than_a_phones(size: int) -> None:
    entry = Entry(0, 1.0, "main", "I", "Tag", "x" * size, 1, 1, 1)
    ((head, payload),) = _entries(pack_entry(entry))
    assert head["len"] == len(payload) <= 4068
    assert payload.endswith(b"\0")


def test_an_event_is_a_list_of_numbers_and_texts() -> None:
    store = LogStore(lambda: 5.0)
    store.event("am_kill", [0, 1234, "org.example", 900, "a reason", 5_000_000_000], pid=1021)
    ((head, payload),) = _entries(pack_entry(store.entries(["events"])[0]))
    assert head["lid"] == 2
    tag, kind, count = struct.unpack_from("<IBB", payload)
    assert (tag, kind, count) == (30023, 3, 6)
    rest = payload[6:]
    values: list[object] = []
    while rest:
        if rest[0] == 0:
            values.append(struct.unpack_from("<i", rest, 1)[0])
            rest = rest[5:]
        elif rest[0] == 1:
            values.append(struct.unpack_from("<q", rest, 1)[0])
            rest = rest[9:]
        else:
            (length,) = struct.unpack_from("<I", rest, 1)
            values.append(rest[5 : 5 + length].decode())
            rest = rest[5 + length :]
    assert values == [0, 1234, "org.example", 900, "a reason", 5_000_000_000]


def test_the_log_has_no_dividers_in_binary(ask: Ask) -> None:
    ask("log -t One first")
    ask("log -t Two second")
    output = ask("logcat -B -d -b main").output.encode("utf-8", "surrogateescape")
    assert b"---------" not in output
    assert [payload.split(b"\0")[0][1:] for _, payload in _entries(output)] == [b"One", b"Two"]
    again = ask("logcat --binary -d -b main").output
    assert output == again.encode("utf-8", "surrogateescape")


def test_sizes_prune_rules_and_help(ask: Ask) -> None:
    assert ask("logcat -G 1M -b main").code == 0
    assert ask("logcat -g -b main").output.startswith("main: ring buffer is 1 MiB (0 B consumed)")
    assert ask("logcat --buffer-size=2M -b main").code == 0
    assert "2 MiB" in ask("logcat --buffer-size -b main").output
    for wrong in ("9999G", "0", "x", "1K"):
        assert ask(f"logcat -G {wrong}").code == 1
    ask("logcat -P '~1000'")
    assert ask("logcat -p").output == "~1000\n"
    for word in ("--help", "-h"):
        assert ask(f"logcat {word}").output.startswith("Usage: logcat [options]")


def test_a_file_is_written_where_the_shell_may(ask: Ask) -> None:
    ask("log -t One first")
    assert ask("logcat -d -f /sdcard/log.txt").code == 0
    refused = ask("logcat -d -f /system/log.txt")
    assert refused.code == 1
    assert "Read-only file system" in refused.errors


def test_modifiers_of_the_format(ask: Ask) -> None:
    ask("log -t One first")
    for modifier, expected in (
        ("color", r"^\x1b\[38;5;40m\d\d-.*\x1b\[0m$"),
        ("usec", r"^\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} "),
        ("nsec", r"\.\d{9} "),
        ("epoch,usec", r"^\d{10}\.\d{6} "),
        ("zone,UTC", r"\.\d{3} \+0000 "),
    ):
        assert re.search(expected, ask(f"logcat -d -v {modifier}").output, re.MULTILINE), modifier
