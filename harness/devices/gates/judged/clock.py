"""The phone's log and files carry its own time. Both clocks count in UTC."""

from __future__ import annotations

import re

from harness.devices.gates.declared import Answers, Gate, Question, Verdict

NAME = "clock_off_s_max"


def _seconds(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,12}\s*", text) else None


CLOCK: Question[int] = Question("clock", "date +%s", _seconds)
"""s since 1970 by the phone."""


def clock_off_s(phone: Answers) -> float | None:
    """Return the phone's clock minus the host's, 0 where they agree as far as can be told."""
    seconds = phone.of(CLOCK)
    if phone.asked is None or seconds is None:
        return None
    # the phone tells whole seconds, at some moment between the host's two
    earliest, latest = seconds - phone.asked[1], seconds + 1 - phone.asked[0]
    return earliest if earliest > 0 else min(latest, 0.0)


def _judge(most: float, phone: Answers) -> Verdict:
    off = clock_off_s(phone)
    wanted = f"wanted a clock within {most:g} s of this computer's"
    if off is None:
        return Verdict(NAME, None, f"{wanted}, the phone does not tell")
    if abs(off) <= most:
        return Verdict(NAME, True, f"{wanted}, is")
    side = "ahead" if off > 0 else "behind"
    advice = "let the phone take its time from the network"
    return Verdict(NAME, False, f"{wanted}, is {_span(abs(off))} {side}; {advice}")


def _span(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


GATE = Gate(
    name=NAME,
    type=float | None,
    limits={"ge": 0},
    meaning="How far the phone's clock may be from the host's: its log and its files carry its"
    " time.",
    lab=300.0,
    strict=10.0,
    asks=(CLOCK,),
    judge=_judge,
    place=160,
)
