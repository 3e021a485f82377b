"""What can go wrong with RAM pressure."""

# ruff: noqa: N818 - the name is that of the design: what happened, not that it is an error

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import HarnessError


class PressureError(HarnessError):
    """Pressure could not be applied or released."""


class PressureUnreachable(PressureError):
    """The goal cannot be reached on this phone; the pressure has been released.

    Args:
        why: What stands in the way, with the figures.
        evidence: The last readings and kill lines.
    """

    def __init__(self, why: str, evidence: Sequence[str] = ()) -> None:
        self.why = why
        self.evidence = tuple(evidence)
        super().__init__(why)
