"""All gates, one file each: each module's ``GATE``, and plug-ins'.

A new file here is all that a new gate takes, with its reason in docs/gates.md (docs: Extending
the lab).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from harness import plugins
from harness.devices.gates.declared import Gate

_TAKEN = ("preset", "mode", "poll_s", "limits_s")
"""What else stands in a scenario's ``gates:``."""


@cache
def own_gates() -> tuple[Gate, ...]:
    """Return the gates of this package, in the order in which they are judged."""
    gates: list[Gate] = plugins.own_objects(__name__, __path__, "GATE")
    return tuple(sorted(gates, key=lambda gate: gate.place))


@cache
def declared_gates() -> tuple[Gate, ...]:
    """Return all gates in the order in which they are judged, with those of plug-ins."""
    gates = plugins.extended(plugins.GATES, own_gates(), _problem)
    return tuple(sorted(gates, key=lambda gate: gate.place))


def _problem(gate: Any, gates: Sequence[Gate]) -> str:
    """Return why an object cannot be one more gate; empty if it can."""
    if not isinstance(gate, Gate):
        return f"{gate!r} is no Gate"
    if gate.name in (*_TAKEN, *(known.name for known in gates)):
        return f"there is {gate.name!r} already"
    asked = {question.name: question for known in gates for question in known.asks}
    for question in gate.asks:
        if asked.get(question.name, question) is not question:
            return f"there is another question {question.name!r} already"
    # mistakes in its type or its presets are told here, not by each scenario
    value: TypeAdapter[Any] = TypeAdapter(Annotated[gate.type, Field(**gate.limits)])
    for demand in (gate.lab, gate.strict, gate.off):
        value.validate_python(demand, strict=True)
    return ""
