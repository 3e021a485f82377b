"""/proc files, getprop and kill lines."""

import pytest

from harness.readings import (
    ReadingError,
    parse_getprop,
    parse_lmk,
    parse_pressure,
    parse_proc_meminfo,
    parse_proc_pid_stat,
    parse_proc_pid_statm,
    parse_proc_pid_stats,
    parse_proc_pid_status,
    parse_proc_stat,
)
from tests.unit.readings import texts


def test_proc_meminfo() -> None:
    reading = parse_proc_meminfo(texts.PROC_MEMINFO)
    assert (reading.total_kb, reading.available_kb, reading.free_kb) == (5802100, 2301000, 201000)
    assert (reading.swap_total_kb, reading.swap_free_kb) == (2097148, 1500000)
    assert reading.values_kb["Active(anon)"] == 600000


def test_a_kernel_without_mem_available_has_none() -> None:
    text = texts.PROC_MEMINFO.replace("MemAvailable:    2301000 kB\n", "")
    assert parse_proc_meminfo(text).available_kb is None


def test_proc_stat() -> None:
    reading = parse_proc_stat(texts.PROC_STAT)
    assert reading.all is not None
    assert reading.all.total == 1000 + 20 + 300 + 5000 + 60 + 7 + 8
    assert reading.all.busy == 1000 + 20 + 300 + 7 + 8
    assert sorted(reading.cores) == [0, 3]
    assert reading.cores[3].steal is None
    assert (reading.boot_time_s, reading.context_switches) == (1700000000, 123456)


def test_proc_stat_of_one_line() -> None:
    reading = parse_proc_stat("cpu  1 2 3 4")
    assert reading.all is not None
    assert (reading.all.total, reading.all.iowait) == (10, None)


def test_pid_stat_splits_at_the_last_parenthesis() -> None:
    reading = parse_proc_pid_stat(texts.PID_STAT)
    assert (reading.pid, reading.comm, reading.state, reading.ppid) == (
        4242,
        "weird) name (x)",
        "S",
        1,
    )
    assert (reading.cpu_ticks, reading.cpu_ticks_with_children) == (300, 310)
    assert (reading.nice, reading.threads, reading.starttime) == (-4, 12, 98765)
    assert reading.rss_pages == 47360


def test_several_pid_stats() -> None:
    both = parse_proc_pid_stats(texts.PID_STAT + "\n" + texts.PID_STAT.replace("4242", "7"))
    assert [reading.pid for reading in both] == [4242, 7]


def test_pid_statm() -> None:
    reading = parse_proc_pid_statm("3488 2049 1358 691 0 1223 0\n")
    assert (reading.size, reading.resident, reading.shared) == (3488, 2049, 1358)


def test_pid_status() -> None:
    reading = parse_proc_pid_status(texts.PID_STATUS)
    assert (reading.name, reading.pid, reading.ppid, reading.uid) == (
        "mobileasr.train",
        4242,
        612,
        10123,
    )
    assert (reading.vm_rss_kb, reading.vm_hwm_kb, reading.rss_anon_kb) == (140000, 150000, 100000)
    assert (reading.vm_swap_kb, reading.threads) == (512, 14)


def test_a_kernel_thread_has_no_memory_lines() -> None:
    assert parse_proc_pid_status("Name:\tkswapd0\nPid:\t40\n").vm_rss_kb is None


def test_pressure() -> None:
    reading = parse_pressure(texts.PRESSURE)
    assert reading.some is not None
    assert reading.full is not None
    assert (reading.some.avg10_percent, reading.full.total_us) == (1.25, 65432)
    assert parse_pressure(texts.PRESSURE.splitlines()[0]).full is None


def test_getprop_survives_lines_brackets_and_missing_line_ends() -> None:
    reading = parse_getprop(texts.GETPROP)
    assert reading.sdk == 33
    assert reading.properties["joined"] == "yes"
    assert reading.properties["lines"] == "one\ntwo"
    assert reading.properties["brackets"] == "a]b[c]"
    assert reading.properties["nospace"] == "true"
    assert reading.get("empty") is None
    assert "cut" not in reading.properties


def test_kill_lines_of_all_kinds() -> None:
    kills = parse_lmk(texts.LOGCAT).kills
    assert [(k.source, k.pid) for k in kills] == [
        ("lmkd", 777),
        ("am_proc_died", 777),
        ("am_kill", 880),
        ("am_kill", 881),
        ("lmkd", 990),
        ("killinfo", 1234),
        ("am_killing", 1300),
        ("am_died", 1400),
        ("zygote", 777),
        ("am_low_memory", None),
    ]
    first = kills[0]
    assert first.process == "org.example.app:ballast2"
    assert (first.uid, first.oom_score_adj) == (10123, 700)
    assert (first.freed_kb, first.anon_rss_kb, first.swap_kb) == (95000, 90000, 1200)
    assert first.reason == "low watermark is breached and thrashing (12%)"
    assert first.time == "01-02 03:00:01.000"
    assert kills[2].reason == "empty for 1899s"
    assert kills[3].reason == "stop com.example.chat due to clear data, now"
    assert (kills[4].process, kills[4].oom_score_adj, kills[4].freed_kb) == (
        "com.example.old",
        900,
        None,
    )
    assert kills[5].oom_score_adj == 200
    assert kills[6].process == "com.example.x"
    assert "lowmemorykiller" in first.line


def test_lmk_counters() -> None:
    reading = parse_lmk(texts.LMK_COUNTS)
    assert reading.total_kills == 9
    assert reading.kills_at_or_below == {999: 9, 900: 4, 0: 0}


def test_a_log_without_kills_is_an_empty_reading() -> None:
    reading = parse_lmk("nothing happened\n")
    assert reading.kills == ()
    assert reading.total_kills is None


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_proc_meminfo, "cat: /proc/meminfo: Permission denied"),
        (parse_proc_stat, "intr 1 2 3"),
        (parse_proc_pid_stat, "4242 (cut) S 1 2 3"),
        (parse_proc_pid_stat, "4242 cut S 1 2 3"),
        (parse_proc_pid_stats, "\n\n"),
        (parse_proc_pid_statm, "1 2"),
        (parse_proc_pid_status, "nothing here"),
        (parse_pressure, "some avg10=x"),
        (parse_getprop, "getprop: not found"),
    ],
)
def test_another_text_is_an_error(parse: object, text: str) -> None:
    with pytest.raises(ReadingError):
        parse(text)  # type: ignore[operator]
