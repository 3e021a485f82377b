"""Gates: the state that a phone must be in before it is measured.

``declared`` (what a gate says of itself), ``judged`` (all gates, one file each), ``questions``
(that several share), ``rules`` (a scenario's ``gates:``), ``state`` (asking and judging).
"""

from harness.devices.gates.declared import Answers, Gate, Question, Verdict
from harness.devices.gates.names import TRAINER_PACKAGE
from harness.devices.gates.rules import (
    GATE_NAMES,
    PRESETS,
    Gates,
    gates_model,
    parse_gates,
    preset,
)

__all__ = [
    "GATE_NAMES",
    "PRESETS",
    "TRAINER_PACKAGE",
    "Answers",
    "Gate",
    "Gates",
    "Question",
    "Verdict",
    "gates_model",
    "parse_gates",
    "preset",
]
