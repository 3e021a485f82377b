"""Scenario files: schema, matrix expansion, job identity (pure).

``cli`` and ``lab`` call it. `load_scenario` reads one file through ``harness.yamlio``; everything
else here is functions from mappings to frozen models.
"""

from harness.scenario.jobs import expand_jobs
from harness.scenario.load import LoadedScenario, load_scenario, parse_scenario
from harness.scenario.schema import JobContent, Scenario
from harness.scenario.schema_json import scenario_schema
from harness.scenario.spec import JobSpec
from harness.scenario.task import HostCall, Quorum, Task, tasks_of

__all__ = [
    "HostCall",
    "JobContent",
    "JobSpec",
    "LoadedScenario",
    "Quorum",
    "Scenario",
    "Task",
    "expand_jobs",
    "load_scenario",
    "parse_scenario",
    "scenario_schema",
    "tasks_of",
]
