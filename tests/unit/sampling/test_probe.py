"""What a phone lets the sampler read."""

from harness.sampling.probe import parse_probe, probe_command
from tests.unit.readings.messages import message


def test_a_phone_that_gives_all() -> None:
    found = parse_probe(
        "meminfo=1\nstat_bytes=9000\nother_stat=1\nclock_ticks=100\npage=16384\npidof=1\n"
        "battery=1\r\nthermal=1\n"
    )
    assert found.absent == ()
    assert found.stat_mode == "line"  # thousands of interrupts: only the first line is wanted
    assert (found.clock_ticks, found.page_kb) == (100, 16)
    assert found.commands["battery"] == ("dumpsys battery", False)
    assert found.commands["pss"] == ("dumpsys meminfo -s", False)


def test_what_may_not_be_read_is_named() -> None:
    found = parse_probe("stat_bytes=\nclock_ticks=\npage=\n")
    assert not found.meminfo
    assert found.stat_mode == "none"
    assert (found.command("battery"), found.command("thermal"), found.pidof) == ("", "", "true")
    assert (found.clock_ticks, found.page_kb) == (100, 4)
    assert len(found.absent) == 5


def test_a_small_stat_is_read_at_once() -> None:
    assert parse_probe("stat_bytes=900").stat_mode == "cat"


def test_the_folder_is_quoted() -> None:
    assert "'/a b; rm x'/meminfo" in probe_command("/a b; rm x")


def test_protobuf_is_taken_where_it_is_a_message() -> None:
    battery = message({2: 2, 9: 64, 10: 100, 13: "Li-ion"}).hex()
    own = message({3: message({1: 7, 2: "sh", 9: message({2: 300})})}).hex()
    complaint = b"No process found for: system".hex()
    found = parse_probe(f"battery_proto={battery}\npss_proto={complaint}\nown_pss_proto={own}\n")
    assert found.commands["battery"] == ("dumpsys battery --proto", True)
    assert found.commands["pss"] == ("dumpsys meminfo -s --proto", True)
    assert not any("battery" in name for name in found.absent)


def test_text_and_odd_digits_are_no_message() -> None:
    text = b"Current Battery Service state:\n  level: 64\n  scale: 100\n".hex()
    for digits in (text, "", "0", "zz", "08" * 50):
        found = parse_probe(f"battery=1\nbattery_proto={digits}\npss_proto={digits}\n")
        assert found.commands["battery"] == ("dumpsys battery", False)
        assert not found.commands["pss"].proto
