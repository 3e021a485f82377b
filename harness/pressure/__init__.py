"""Background RAM pressure on one phone as a closed loop; for the lab.

``resolve_goal`` (what to hold), ``PressureSettings`` (by which means), ``Pressure`` (setup, start,
stop), ``control`` and ``goal`` (pure).
"""

from harness.pressure.errors import PressureError, PressureUnreachable
from harness.pressure.goal import Goal, resolve_goal
from harness.pressure.pressure import Pressure
from harness.pressure.settings import TRAINER_PACKAGE, PressureSettings
from harness.pressure.watch import Kill, KillWatch

__all__ = [
    "TRAINER_PACKAGE",
    "Goal",
    "Kill",
    "KillWatch",
    "Pressure",
    "PressureError",
    "PressureSettings",
    "PressureUnreachable",
    "resolve_goal",
]
