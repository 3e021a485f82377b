"""No phone vanishes from a list, whatever adb writes into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adb.listing import NO_SERIAL, STATES, UNREADABLE, parse_devices

NAME = st.from_regex(r"[!-~][!-~ ]{0,30}[!-~]", fullmatch=True).filter(
    lambda name: not set(name.split()) & {*STATES, "no"}
)


@pytest.mark.parametrize(
    ("line", "name", "state"),
    [
        (
            "bd9d00cc               device 3-1 product:m model:X device:m transport_id:2",
            "bd9d00cc",
            "device",
        ),
        ("bd9d00cc               device 3-1.4 product:m transport_id:2", "bd9d00cc", "device"),
        (
            "bd9d00cc               device usb:3-1 new_word:1 strange transport_id:2",
            "bd9d00cc",
            "device",
        ),
        ("X1                     detached 3-1 transport_id:9", "X1", "detached"),
        ("X1                     rescue usb:3-1 transport_id:9", "X1", "rescue"),
        ("X1                     host transport_id:9", "X1", "host"),
        (
            "X1                     no permissions (user in plugdev group); see [x] usb:3-1",
            "X1",
            "no permissions",
        ),
        ("X1                     somethingnew usb:3-1 transport_id:9", "X1", "somethingnew"),
        ("                       device usb:3-1 transport_id:9", NO_SERIAL, "device"),
        ("  no permissions 3-1 transport_id:9", NO_SERIAL, "no permissions"),
        ("  X1   device usb:3-1", "X1", "device"),
        ("device device usb:3-1", "device", "device"),
        ("[fe80::1%eth0]:5555    device product:x transport_id:1", "[fe80::1%eth0]:5555", "device"),
    ],
)
def test_lines_of_all_kinds(line: str, name: str, state: str) -> None:
    (listed,) = parse_devices(line)
    assert (listed.serial, listed.state) == (name, state)


def test_a_line_without_a_state_is_said() -> None:
    (listed,) = parse_devices("what is THIS? 17\n\n")
    assert listed.state == UNREADABLE
    assert listed.detail == "what is THIS? 17"


@given(NAME, st.sampled_from(STATES), st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_any_name_and_any_words_after_a_state(name: str, state: str, rest: str) -> None:
    (listed,) = parse_devices(f"{name:<22} {state} {rest}")
    assert (listed.serial, listed.state) == (name, state)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60)))
def test_as_many_phones_as_lines(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    assert len(parse_devices(text)) == len([line for line in text.splitlines() if line.strip()])


def test_twins_are_asked_for_by_their_usb_path() -> None:
    twins = parse_devices(
        "0123456789ABCDEF       device usb:1-2 product:A7 transport_id:4\n"
        "0123456789ABCDEF       device 1-1 product:A7 transport_id:3\n"
        "OTHER                  device usb:1-3 transport_id:5\n"
        "(no serial number)     device usb:1-4 transport_id:6\n"
    )
    assert [line.adb_serial for line in twins] == ["usb:1-2", "1-1", "OTHER", "usb:1-4"]
    assert [line.tags["usb"] for line in twins] == ["1-2", "1-1", "1-3", "1-4"]
