"""What a look at the host or at a phone found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "info", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        scope: ``host``, or the serial of a phone.
        name: Short name.
        outcome: ok, info (worth knowing), warning (some things will not work), problem.
        detail: What was found.
        advice: What to do; empty if nothing.
    """

    scope: str
    name: str
    outcome: Outcome
    detail: str
    advice: str = ""
