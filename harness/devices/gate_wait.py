"""Asking a phone for its state, and waiting until its gates are open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from harness.adb.phone import Phone
from harness.devices.gates import TRAINER_PACKAGE, Answers, Gates, Question, Verdict
from harness.devices.gates.state import judge, parse_state, questions_of, state_command
from harness.devices.inventory import PhoneInfo
from harness.errors import HarnessError
from harness.results.model import GateRecord

_ASK_TIMEOUT_S = 30.0


class GateTimedOut(HarnessError):  # noqa: N818 - the design's name
    """The phone did not come into the state that was demanded.

    Args:
        message: Which gates, and what the phone was like.
        records: All gates of it.
    """

    def __init__(self, message: str, records: tuple[GateRecord, ...]) -> None:
        self.records = records
        super().__init__(message)


def read_state(
    phone: Phone,
    info: PhoneInfo,
    questions: Iterable[Question[Any]],
    wall: Callable[[], float] = time.time,
) -> Answers:
    """Ask a phone for its state.

    Args:
        phone: The phone.
        info: What it is.
        questions: What it is asked.
        wall: This host's clock, s since 1970.

    Raises:
        DeviceLost: It is gone.
    """
    command = state_command(TRAINER_PACKAGE, info.work_dir, info.proc_dir, questions)
    before = wall()
    text = phone.query(command, _ASK_TIMEOUT_S)
    return parse_state(text, (before, wall()), info.idle_available_mb)


def pass_gates(
    phone: Phone,
    info: PhoneInfo,
    gates: Gates,
    *,
    limit_s: float = 900.0,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    stop: threading.Event | None = None,
    waiting: Callable[[str, float], None] | None = None,
) -> tuple[GateRecord, ...]:
    """Wait until a phone may be measured.

    Args:
        phone: The phone.
        info: What it is.
        gates: What is demanded.
        limit_s: How long to wait for a gate that has no limit of its own.
        clock: Monotonic clock, s.
        wall: This host's clock, s since 1970.
        sleep: How to wait, s.
        stop: Set when the wait shall end early.
        waiting: Told what is waited for, and for how many more seconds, each time it is looked.

    Returns:
        A record of every gate. What the phone does not tell is ``skipped``, and says so.

    Raises:
        GateTimedOut: A gate stayed shut, or waiting can't help.
        DeviceLost: The phone is gone.
    """

    def limits(name: str) -> float:
        return gates.limits_s.get(name, limit_s)

    questions = questions_of(gates)
    began = clock()
    waited: dict[str, float] = {}
    while True:
        verdicts = judge(gates, read_state(phone, info, questions, wall))
        elapsed = clock() - began
        shut = [verdict for verdict in verdicts if verdict.open is False]
        for verdict in shut:
            waited[verdict.name] = elapsed
        hopeless = gates.mode in ("fail", "skip") or any(not verdict.can_change for verdict in shut)
        left = min((limits(verdict.name) - elapsed for verdict in shut), default=0.0)
        over = left <= 0 or (stop is not None and stop.is_set())
        if not shut or gates.mode == "note" or hopeless or over:
            break
        if waiting is not None:
            waiting("; ".join(f"{verdict.name}: {verdict.detail}" for verdict in shut), left)
        sleep(min(gates.poll_s, left))
    records = tuple(_record(verdict, gates, waited, limits(verdict.name)) for verdict in verdicts)
    if shut and gates.mode != "note":
        why = "; ".join(f"{verdict.name}: {verdict.detail}" for verdict in shut)
        after = "" if hopeless else f" after {clock() - began:.0f} s"
        raise GateTimedOut(f"{info.serial}: not fit to be measured{after}: {why}", records)
    return records


def _record(
    verdict: Verdict, gates: Gates, waited: Mapping[str, float], limit_s: float
) -> GateRecord:
    outcome: Literal["passed", "waited", "skipped", "failed"] = "passed"
    if verdict.open is None or (verdict.open is False and gates.mode == "note"):
        outcome = "skipped"
    elif verdict.open is False:
        outcome = "failed"
    elif verdict.name in waited:
        outcome = "waited"
    return GateRecord(
        name=verdict.name,
        outcome=outcome,
        waited_s=waited.get(verdict.name, 0.0),
        limit_s=limit_s if gates.mode == "wait" and verdict.can_change else 0.0,
        detail=verdict.detail,
    )
