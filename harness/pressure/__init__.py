"""Background RAM pressure on one phone as a closed loop; for the lab.

``resolve_goal`` (what to hold), ``Pressure`` (setup, start, stop), ``control`` and ``goal`` (pure).
"""

from harness.pressure.errors import PressureError, PressureUnreachable
from harness.pressure.goal import Goal, resolve_goal
from harness.pressure.pressure import TRAINER_PACKAGE, Pressure
from harness.pressure.watch import Kill, KillWatch

__all__ = [
    "TRAINER_PACKAGE",
    "Goal",
    "Kill",
    "KillWatch",
    "Pressure",
    "PressureError",
    "PressureUnreachable",
    "resolve_goal",
]
