"""What the phone can say about a trainer that ended too soon: killed, crashed, or unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.adb.logcat import log_problem
from harness.lab.attempt.trainer_control import PACKAGE
from harness.lab.failures import StepFailed
from harness.lab.ports import LabPhone, Tools
from harness.readings import (
    ExitRecord,
    KillLine,
    ReadingError,
    parse_exit_info,
    parse_lmk,
)
from harness.readings.crashes import FATAL_SIGNALS, parse_crashes
from harness.readings.exit_info import KILL_REASONS, OWN_REASONS, REASON_SIGNALED
from harness.results.model import KillRecord

LOG_TIMEOUT_S = 60.0
_SIGKILL = 9
_KILL_SOURCES = ("lmkd", "killinfo", "am_kill", "am_killing")
_OWN_ERROR = re.compile(r"(?:crash|(?:bg )?anr|user request after error)\b", re.IGNORECASE)
"""Reasons for which ActivityManager ends a process that has an error of its own."""
_STARTED = re.compile(rf"\bam_proc_start\s*: \[[0-9]+,([0-9]+),[0-9]+,{re.escape(PACKAGE)},")


@dataclass(frozen=True)
class Evidence:
    """The phone's own records, as text and as readings."""

    logcat: str
    kills: tuple[KillLine, ...]
    exits: tuple[ExitRecord, ...]
    exit_info: str
    log_problem: str = ""
    """Why the log could not be read; empty if it could."""


def gather(tools: Tools, phone: LabPhone) -> Evidence:
    """Read the phone's log and exit records; what it does not offer is empty."""
    logcat = tools.shell(
        phone,
        ["logcat", "-d", "-v", "threadtime", "-b", "main,system,crash,events"],
        LOG_TIMEOUT_S,
    )
    exit_info = tools.shell(phone, ["dumpsys", "activity", "exit-info", PACKAGE], LOG_TIMEOUT_S)
    try:
        exits = parse_exit_info(exit_info.stdout).records
    except ReadingError:
        exits = ()  # before Android 11 there is no such service
    kills = parse_lmk(logcat.stdout).kills
    return Evidence(logcat.stdout, kills, exits, exit_info.stdout, log_problem(logcat))


def clear_log(tools: Tools, phone: LabPhone) -> tuple[str, ...]:
    """Empty the phone's log, so that what it holds afterwards belongs to the attempt.

    Returns:
        A note for the result if the phone does not do it; nothing if it does.
    """
    command = ["logcat", "-b", "main,system,crash,events", "-c"]
    problem = log_problem(tools.shell(phone, command, LOG_TIMEOUT_S))
    if not problem:
        return ()
    return (f"the phone's log could not be cleared, earlier lines are in it: {problem}",)


def ended_too_soon(evidence: Evidence, pid: int | None, last_samples: Sequence[str]) -> StepFailed:
    """Say whether a trainer that is gone was killed or crashed, or that nobody knows.

    Killed: lmkd, ActivityManager or a vendor's cleaner named it, its exit record says that it was
    ended from outside, or Zygote saw it end by SIGKILL (the kernel's own killer, before lmkd, names
    nobody).
    Crashed: the log has a trace of it (a fatal signal, a tombstone, an uncaught exception, an exit
    code), or its exit record says so. A killer's name goes before a trace; a trace before a SIGKILL
    that nobody signed, since an uncaught exception ends its process by one.
    Neither: ``TrainerEnded``. The absence of the process alone proves nothing, nor does a log that
    cannot be read, or has been overwritten.

    Args:
        evidence: What the phone says.
        pid: The trainer's pid by its own first event; None if it never wrote one.
        last_samples: The last seconds before, as lines.
    """
    known = pid is not None
    pid = pid if known else _started_pid(evidence.logcat)
    ours = [line for line in evidence.kills if _is_ours(line, pid)]
    kills = [line for line in ours if line.source in _KILL_SOURCES and not _is_own_error(line)]
    exits = [record for record in evidence.exits if record.process == PACKAGE]
    # the phone keeps records of earlier attempts too: without a pid none of them is this one's
    record = next((exit_ for exit_ in exits if exit_.pid == pid), None)
    traces = _crash_traces(evidence.logcat, pid)
    unnamed = any(_is_sigkill(line) for line in ours)
    recorded = record is not None and _says_killed(record)
    crashed = bool(traces) or (record is not None and _says_crashed(record))
    crashed = crashed or any(_is_own_error(line) for line in ours)

    lines = [line.line for line in ours]
    if evidence.log_problem:
        lines.insert(0, f"the phone's log could not be read: {evidence.log_problem}")
    if record is not None:
        lines.append(_told(record))
    lines += [line for line in traces if line not in lines]
    lines += [line for line in _crash_lines(evidence.logcat) if line not in lines]
    lines += last_samples
    who = f"pid {pid}" if known else "which never wrote an event"
    if kills or recorded or (unnamed and not crashed):
        reason = next((line.reason for line in kills if line.reason), None)
        reason = reason or (record.description or record.reason_name if record else None)
        if reason is None and unnamed:
            reason = "signal 9, and no killer in the log, as the kernel's own does it"
        return StepFailed(
            "TrainerKilled",
            f"the phone killed the trainer ({who}): {reason or 'no reason given'}",
            lines,
        )
    if crashed:
        return StepFailed("TrainerCrashed", f"the trainer ({who}) ended without saying why", lines)
    if evidence.log_problem:
        why = "the phone's log cannot be read, and it has no exit record of it"
    else:
        why = "the phone's log names no killer and has no trace of a crash"
    return StepFailed(
        "TrainerEnded", f"the trainer ({who}) ended; killed or crashed is unknown: {why}", lines
    )


def _crash_traces(logcat: str, pid: int | None) -> list[str]:
    """Return the lines by which the log says that the trainer crashed."""
    return [
        crash.line
        for crash in parse_crashes(logcat)
        if crash.process in (None, PACKAGE)
        and (crash.pid == pid if pid is not None else crash.process == PACKAGE)
    ]


def _started_pid(logcat: str) -> int | None:
    """Return the pid under which Android last started the trainer's process."""
    started = _STARTED.findall(logcat)
    return int(started[-1]) if started else None


def _is_sigkill(line: KillLine) -> bool:
    return line.source == "zygote" and line.reason == f"signal {_SIGKILL}"


def _is_ours(line: KillLine, pid: int | None) -> bool:
    if line.process is not None and line.process != PACKAGE:
        return False
    return line.process == PACKAGE if pid is None else line.pid == pid


def _is_own_error(line: KillLine) -> bool:
    """Whether ActivityManager ended it because it had crashed or stood still."""
    return line.source in ("am_kill", "am_killing") and bool(_OWN_ERROR.match(line.reason or ""))


def _says_killed(record: ExitRecord) -> bool:
    if record.reason == REASON_SIGNALED:
        return record.status not in FATAL_SIGNALS
    return record.reason in KILL_REASONS


def _says_crashed(record: ExitRecord) -> bool:
    if record.reason == REASON_SIGNALED:
        return record.status in FATAL_SIGNALS
    return record.reason in OWN_REASONS


def _told(record: ExitRecord) -> str:
    return (
        f"exit-info: pid {record.pid} reason {record.reason} ({record.reason_name}) "
        f"status {record.status} rss {record.rss_kb} kB at {record.timestamp}: "
        f"{record.description or ''}"
    )


def _crash_lines(logcat: str) -> list[str]:
    marks = ("FATAL EXCEPTION", "Fatal signal", "AndroidRuntime", f"{PACKAGE}", "DEBUG   :")
    lines = [line for line in logcat.splitlines() if any(mark in line for mark in marks)]
    return lines[-12:]


def kill_records(evidence: Evidence, pid: int | None, t_s: float) -> list[KillRecord]:
    """Return the trainer's own death as a kill record, if the phone killed it.

    Args:
        evidence: What the phone says.
        pid: The trainer's pid.
        t_s: When it was last seen: log lines carry the time of day, not the attempt's.
    """
    return [
        KillRecord(
            t_s=t_s,
            process=line.process or PACKAGE,
            pid=line.pid,
            role="trainer",
            reason=line.reason or "",
            evidence=line.line,
        )
        for line in evidence.kills
        if line.source == "lmkd" and _is_ours(line, pid)
    ]
