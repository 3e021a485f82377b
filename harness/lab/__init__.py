"""Many jobs on many phones, surviving the night: for ``cli``. Never imports ``virtual``.

``planning`` (before a phone is touched), ``runner`` and ``run`` (a whole run, and its
continuation), ``scheduling`` (what runs next, and where), ``ledger`` and ``holding`` (what must not
be forgotten, and who holds a phone), ``engines`` (who carries out orders), ``attempt`` (one try of
one job on one phone), ``ports`` (what an attempt needs of the world), ``feed`` (programs that add
tasks while a run goes on).
"""

from harness.lab.bench import Bench, open_bench
from harness.lab.clock import StopSignal
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, PlannedJob
from harness.lab.ports import PhoneStatus, Progress
from harness.lab.runner import plan_run, resume_run, run_scenario
from harness.lab.settings import RunSettings
from harness.lab.summary import RunStatus, RunSummary, status

__all__ = [
    "Bench",
    "Materials",
    "PhoneStatus",
    "Plan",
    "PlannedJob",
    "Progress",
    "RunSettings",
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
