"""Killed, crashed, or unknown? What each kind of phone says of a trainer that is gone."""

from dataclasses import replace

import pytest

from harness.lab.attempt.evidence import Evidence, ended_too_soon, kill_records
from harness.lab.attempt.trainer_control import PACKAGE
from harness.readings import parse_exit_info, parse_lmk

PID = 4711
SAMPLES = ("sample at 9.0 s after boot: trainer 300 MiB, available 55 MiB",)
LMKD = f"""\
01-02 03:00:00.500 1 1 I lowmemorykiller: Kill '{PACKAGE}' ({PID}), uid 10123, oom_score_adj 200 \
to free 95000kB rss, 0kB swap; reason: low watermark is breached
"""
KILLINFO = f"01-02 03:00:00.500 1 1 I killinfo: [{PID},10123,200,200,95000,3]\n"
DIED = f"01-02 03:00:00.520 1 1 I am_proc_died: [0,{PID},{PACKAGE},200,4]\n"
CACHED = f"01-02 03:00:00.510 1 1 I am_kill : [0,{PID},{PACKAGE},900,empty for 1800s]\n"
ZYGOTE = "01-02 03:00:00.520 1 1 I Zygote  : Process {} exited due to signal {}\n"
STARTED = f"01-02 02:59:00.000 1 1 I am_proc_start: [0,{PID},10123,{PACKAGE},service,x]\n"
ZYGOTE_CLEANLY = f"01-02 03:00:00.520 1 1 I Zygote  : Process {PID} exited cleanly (10)\n"
SIGNAL = f"""\
01-02 03:00:00.400 {PID} 4799 F libc    : Fatal signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault \
addr 0x0 in tid 4799 (Thread-2), pid {PID} (asr.trainer)
"""
SIGNAL_8 = f"""\
01-02 03:00:00.400 {PID} 4799 F libc    : Fatal signal 6 (SIGABRT), code -6 in tid 4799 (Thread-2)
"""
TOMBSTONE = f"""\
01-02 03:00:00.450 812 812 F DEBUG   : pid: {PID}, tid: 4799, name: Thread-2  >>> {PACKAGE} <<<
"""
EXCEPTION = f"""\
01-02 03:00:00.400 {PID} {PID} E AndroidRuntime: FATAL EXCEPTION: main
01-02 03:00:00.400 {PID} {PID} E AndroidRuntime: Process: {PACKAGE}, PID: {PID}
01-02 03:00:00.400 {PID} {PID} E AndroidRuntime: java.lang.OutOfMemoryError: Failed to allocate
"""
AM_CRASH = f"""\
01-02 03:00:00.400 1 1 I am_crash: [{PID},0,{PACKAGE},952680006,java.lang.Error,x,Training.java,7]
"""
CRASH_KILL = f"01-02 03:00:00.510 1 1 I am_kill : [0,{PID},{PACKAGE},0,crash]\n"
OF_ANOTHER = "".join(
    text.replace(str(PID), "77").replace(PACKAGE, "com.game")
    for text in (SIGNAL, TOMBSTONE, EXCEPTION, AM_CRASH)
)
OTHER = LMKD.replace(f"({PID})", "(12)").replace(PACKAGE, "com.game")
BALLAST = LMKD.replace(f"'{PACKAGE}'", f"'{PACKAGE}:ballast1'").replace(f"({PID})", "(13)")


def exits(reason: int, name: str, status: int, pid: int = PID, when: str = "03:00:00") -> str:
    return f"""ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
  package: {PACKAGE}
        ApplicationExitInfo #0:
          timestamp=2026-01-02 {when}.500 pid={pid} realUid=1 packageUid=1 definingUid=1 user=0
          process={PACKAGE} reason={reason} ({name}) subreason=0 (UNKNOWN) status={status}
          importance=125 pss=0 rss=95MB description=null state=empty trace=null
"""


def evidence(log: str, exit_info: str = "") -> Evidence:
    records = parse_exit_info(exit_info).records if exit_info else ()
    return Evidence(log, parse_lmk(log).kills, records, exit_info)


@pytest.mark.parametrize(
    ("log", "exit_info", "reason"),
    [
        (LMKD + DIED, "", "low watermark is breached"),
        (KILLINFO + DIED, "", "lmkd reason 3"),
        (CACHED + DIED, "", "empty for 1800s"),
        ("", exits(3, "LOW_MEMORY", 9), "LOW_MEMORY"),
        (DIED, exits(13, "OTHER KILLS BY SYSTEM", 0), "OTHER KILLS BY SYSTEM"),
        (DIED, exits(2, "SIGNALED", 9), "SIGNALED"),
        (ZYGOTE.format(PID, 9) + DIED, "", "signal 9, and no killer in the log"),
    ],
)
def test_killed(log: str, exit_info: str, reason: str) -> None:
    failed = ended_too_soon(evidence(log, exit_info), PID, SAMPLES)
    assert failed.kind == "TrainerKilled"
    assert f"(pid {PID}): " in failed.message
    assert reason in failed.message
    assert failed.evidence[-1] == SAMPLES[0], "what was available at that time"
    if exit_info:
        assert any(line.startswith(f"exit-info: pid {PID}") for line in failed.evidence)


@pytest.mark.parametrize(
    ("log", "exit_info"),
    [
        (ZYGOTE.format(PID, 11) + DIED, ""),
        (SIGNAL + DIED, ""),
        (SIGNAL_8 + DIED, ""),
        (TOMBSTONE + DIED, ""),
        (EXCEPTION + ZYGOTE.format(PID, 9) + DIED, ""),  # Android ends it by SIGKILL itself
        (AM_CRASH + CRASH_KILL + DIED, ""),
        (CRASH_KILL + ZYGOTE.format(PID, 9), ""),
        (ZYGOTE_CLEANLY + DIED, ""),
        (DIED, exits(2, "SIGNALED", 11)),
        (DIED, exits(4, "CRASH", 0)),
        (ZYGOTE.format(PID, 9), exits(4, "CRASH", 0)),
        (DIED, exits(5, "NATIVE CRASH", 6)),
        (DIED, exits(1, "EXIT_SELF", 1)),
    ],
)
def test_crashed(log: str, exit_info: str) -> None:
    failed = ended_too_soon(evidence(log, exit_info), PID, SAMPLES)
    assert failed.kind == "TrainerCrashed"
    assert failed.evidence[:-1]


@pytest.mark.parametrize(
    ("log", "exit_info"),
    [
        ("", ""),
        (DIED, ""),
        (ZYGOTE.format(99, 9) + DIED, ""),
        (ZYGOTE.format(99, 11) + DIED, ""),
        (OTHER + BALLAST + DIED, ""),
        (OF_ANOTHER + DIED, ""),
        (DIED, exits(3, "LOW_MEMORY", 9, pid=12)),
        (DIED, exits(4, "CRASH", 0, pid=12)),
        (DIED, exits(0, "UNKNOWN", 0)),
    ],
)
def test_neither_a_killer_nor_a_trace_is_unknown(log: str, exit_info: str) -> None:
    failed = ended_too_soon(evidence(log, exit_info), PID, SAMPLES)
    assert failed.kind == "TrainerEnded"
    assert "killed or crashed is unknown" in failed.message
    assert "names no killer" in failed.message


def test_a_killer_that_is_named_goes_before_a_trace() -> None:
    """A process that lmkd takes may still write the signal that its last thread saw."""
    assert ended_too_soon(evidence(SIGNAL + LMKD), PID, ()).kind == "TrainerKilled"


@pytest.mark.parametrize("reason", [8, 9, 10, 11, 12, 13, 14, 15, 16])
def test_ended_from_outside(reason: int) -> None:
    assert ended_too_soon(evidence("", exits(reason, "X", 0)), PID, ()).kind == "TrainerKilled"


@pytest.mark.parametrize(
    ("log", "exit_info", "kind"),
    [
        ("", "", "TrainerEnded"),
        ("", "Bad activity command, or no activities match: exit-info\n", "TrainerEnded"),
        ("", exits(4, "CRASH", 0), "TrainerCrashed"),
        ("", exits(3, "LOW_MEMORY", 9), "TrainerKilled"),
        (LMKD, "", "TrainerKilled"),
    ],
)
def test_without_a_log_and_a_record_nobody_knows(log: str, exit_info: str, kind: str) -> None:
    broken = evidence(log, exit_info if "package:" in exit_info else "")
    broken = replace(broken, log_problem="logcat: Unexpected EOF!")
    failed = ended_too_soon(broken, PID, SAMPLES)
    assert failed.kind == kind
    assert ("unknown" in failed.message) is (kind == "TrainerEnded")
    assert "could not be read: logcat: Unexpected EOF!" in failed.evidence[0]


def test_a_trainer_that_wrote_nothing_is_known_by_its_start() -> None:
    failed = ended_too_soon(evidence(STARTED + LMKD), None, ())
    assert (failed.kind, "never wrote an event" in failed.message) == ("TrainerKilled", True)
    # an earlier attempt's record says nothing of this one
    old = exits(3, "LOW_MEMORY", 9, pid=12, when="01:00:00")
    assert ended_too_soon(evidence(STARTED, old), None, ()).kind == "TrainerEnded"
    assert ended_too_soon(evidence("", old), None, ()).kind == "TrainerEnded"
    assert ended_too_soon(evidence(TOMBSTONE, old), None, ()).kind == "TrainerCrashed"
    assert ended_too_soon(evidence(LMKD), None, ()).kind == "TrainerKilled"


def test_the_trainers_death_among_the_kills() -> None:
    (kill,) = kill_records(evidence(LMKD + KILLINFO + OTHER + DIED), PID, 12.5)
    assert (kill.t_s, kill.pid, kill.role) == (12.5, PID, "trainer")
