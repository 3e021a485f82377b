"""What a phone lets the sampler read."""

from harness.sampling.probe import parse_probe, probe_command


def test_a_phone_that_gives_all() -> None:
    found = parse_probe(
        "meminfo=1\nstat_bytes=9000\nother_stat=1\nclock_ticks=100\npage=16384\npidof=1\n"
        "battery=1\r\nthermal=1\n"
    )
    assert found.absent == ()
    assert found.stat_mode == "line"  # thousands of interrupts: only the first line is wanted
    assert (found.clock_ticks, found.page_kb) == (100, 16)
    assert found.battery == "dumpsys battery"


def test_what_may_not_be_read_is_named() -> None:
    found = parse_probe("stat_bytes=\nclock_ticks=\npage=\n")
    assert not found.meminfo
    assert found.stat_mode == "none"
    assert (found.battery, found.thermal, found.pidof) == ("", "", "true")
    assert (found.clock_ticks, found.page_kb) == (100, 4)
    assert len(found.absent) == 5


def test_a_small_stat_is_read_at_once() -> None:
    assert parse_probe("stat_bytes=900").stat_mode == "cat"


def test_the_folder_is_quoted() -> None:
    assert "'/a b; rm x'/meminfo" in probe_command("/a b; rm x")
