"""Many jobs on many phones, surviving the night: for ``cli``. Never imports ``virtual``.

``runner`` (a whole run, and its continuation), ``run`` and ``scheduler`` (who decides),
``dispatch`` (the pure queue), ``ledger`` and ``holding`` (what must not be forgotten, and who holds
a phone), ``planning`` (before a phone is touched), ``plan_rules`` and ``assignments`` (what
scheduler and engine ask about it), ``threads`` and ``phone_work`` (the engine of this host, and
what any engine has done on a phone), ``attempt`` and its steps (one phone, one job), ``ports`` and
``tools`` (what an attempt needs of the world, and the real thing).
"""

from harness.lab.bench import Bench, open_bench
from harness.lab.clock import StopSignal
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, PlannedJob
from harness.lab.ports import PhoneStatus, Progress
from harness.lab.runner import plan_run, resume_run, run_scenario
from harness.lab.summary import RunStatus, RunSummary, status

__all__ = [
    "Bench",
    "Materials",
    "PhoneStatus",
    "Plan",
    "PlannedJob",
    "Progress",
    "RunStatus",
    "RunSummary",
    "StopSignal",
    "check_scenario",
    "open_bench",
    "plan_run",
    "resume_run",
    "run_scenario",
    "status",
]
