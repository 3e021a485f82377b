"""How much each job of a plan warms its phone (pure): for ``order: fewest-cool-downs``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.contract.network import Network
from harness.lab.planning.estimate import PastTimes
from harness.lab.planning.plan import Plan, PlannedJob
from harness.lab.scheduling.job_queue import QueueOrder
from harness.scenario.schema import JobContent, Scenario
from harness.scenario.sub_models import largest_of

FORWARD_SHARE: Final = 1 / 3
"""Of a training step's work, what every sub-model does; the rest is for the layers it trains."""


def queue_order(scenario: Scenario) -> QueueOrder:
    """Return what decides which job a free phone gets."""
    if scenario.order == "fewest-cool-downs":
        return "heat"
    return "groups" if scenario.order == "fewest-pushes" else "plan"


def heated(plan: Plan, past: PastTimes) -> Plan:
    """Return ``plan`` with the heat of each job, on one scale for all of them.

    Degrees that past attempts of the same kind warmed the battery by, if every job has some; else
    a rule: predicted time, times threads, times the share of the model that is trained.
    """
    phones = {phone.serial: phone.record for phone in plan.phones}
    measured = {
        job.spec.job_id: past.rise_c(
            job.spec.content, [phones[serial] for serial in job.candidates]
        )
        for job in plan.placed
    }
    all_known = None not in measured.values()

    def heat(job: PlannedJob) -> float:
        known = measured.get(job.spec.job_id)
        if all_known and known is not None:
            return known
        return ruled(job.spec.content, job.estimate_s, job.needs.model.manifest.network)

    return replace(plan, jobs=tuple(replace(job, heat=heat(job)) for job in plan.jobs))


def ruled(content: JobContent, estimate_s: float, network: Network) -> float:
    """Return a job's heat where no past run tells, in seconds of one busy thread.

    Args:
        content: Of the job.
        estimate_s: How long it takes.
        network: Of its model.
    """
    if content.trainer.mode == "evaluate":
        return estimate_s * content.trainer.threads * FORWARD_SHARE
    largest = network.sub_model(largest_of(content, network))
    trained = len(largest.layers) / len(network.layers)
    share = FORWARD_SHARE + (1 - FORWARD_SHARE) * trained
    return estimate_s * content.trainer.threads * share
