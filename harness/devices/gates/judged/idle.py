"""Another trainer takes RAM and processor."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Question, Verdict


def _pids(text: str) -> tuple[int, ...]:
    return tuple(int(pid) for pid in text.split() if pid.isdigit())


PIDS: Question[tuple[int, ...]] = Question("pids", "pidof {package}", _pids)


def _judge(_wanted: bool, phone: Answers) -> Verdict:
    found = phone.of(PIDS)
    pids = " ".join(map(str, found)) if found else ""
    detail = f"a trainer runs already (pid {pids})" if pids else "no other trainer runs"
    return Verdict("idle", not pids, detail)


GATE = Gate(
    name="idle",
    type=bool,
    meaning="No other trainer runs.",
    lab=True,
    strict=True,
    off=False,
    nothing=False,
    asks=(PIDS,),
    judge=_judge,
    place=40,
)
