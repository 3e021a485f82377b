"""Asking a phone all questions of the gates in one command, and judging what it says (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.adb.shell import quote
from harness.devices.gates.declared import Answers, Gate, Question, Verdict
from harness.devices.gates.judged import declared_gates
from harness.devices.gates.rules import Gates

_MARK = "#mobileasr-gate "


def demanded(gates: Gates) -> list[Gate]:
    """Return the gates that are demanded, in the order in which they are judged."""
    return [
        gate for gate in declared_gates() if getattr(gates, gate.name, gate.nothing) != gate.nothing
    ]


def questions_of(gates: Gates) -> list[Question[Any]]:
    """Return what a phone is asked for the gates that are demanded; each question once."""
    return list(
        {question.name: question for gate in demanded(gates) for question in gate.asks}.values()
    )


def state_command(
    package: str, work_dir: str, proc_dir: str, questions: Iterable[Question[Any]]
) -> str:
    """Return the one command that asks all of it."""
    places = {"{package}": package, "{work_dir}": work_dir, "{proc_dir}": proc_dir}
    parts: list[str] = []
    for question in questions:
        command = question.command
        for place, value in places.items():
            command = command.replace(place, quote(value))
        parts.append(f"echo; echo '{_MARK}{question.name}'; {command}")
    return f"{{ {'; '.join(parts) or ':'}; }} 2>/dev/null; true"


def parse_state(
    text: str, asked: tuple[float, float] | None = None, idle_available_mb: float | None = None
) -> Answers:
    """Take apart what `state_command` printed.

    Args:
        text: What it printed.
        asked: The host's clock before it was asked and after it answered, s since 1970.
        idle_available_mb: MemAvailable of such a phone when it idles, by its profile.
    """
    texts: dict[str, str] = {}
    for block in text.replace("\r\n", "\n").split(f"\n{_MARK}")[1:]:
        name, _, body = block.partition("\n")
        texts[name.strip()] = body
    return Answers(texts, asked, idle_available_mb)


def judge(gates: Gates, phone: Answers) -> list[Verdict]:
    """Return the verdict of every gate that is demanded."""
    return [_judged(gate, getattr(gates, gate.name), phone) for gate in demanded(gates)]


def _judged(gate: Gate, wanted: Any, phone: Answers) -> Verdict:
    try:
        return gate.judge(wanted, phone)
    except Exception as error:  # noqa: BLE001 - a plug-in's; it is recorded as not told
        return Verdict(gate.name, None, f"the gate itself failed: {error!r}", can_change=False)
