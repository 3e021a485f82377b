"""What a plan says of federated training before a phone is touched."""

from __future__ import annotations

from pathlib import Path

from harness.cli.federated_plan import facts, training_plans
from harness.lab import Materials, check_scenario
from harness.lab.planning.plan import make_plan
from tests.fixtures.federated import write_scenario


def test_rounds_tasks_and_bytes_are_counted(tmp_path: Path) -> None:
    loaded = write_scenario(
        tmp_path,
        """\
        federated: {rounds: 5, clients_per_round: 2, evaluate_every: 2}
        matrix: {federated.strategy: [fedavg, fedadam]}
        """,
    )
    plan = make_plan(check_scenario(loaded, Materials(tmp_path)), [])
    first, second = training_plans(plan)
    assert (first.strategy, second.strategy) == ("fedavg", "fedadam")
    assert (first.clients, first.rounds, first.clients_per_round) == (3, 5, 2)
    # evaluations: the start, and rounds 2, 4 and 5
    assert (first.training_jobs, first.evaluation_jobs, first.host_tasks) == (10, 12, 6)
    assert first.up_bytes == 10 * first.model_bytes > 0
    assert first.down_bytes == 6 * first.model_bytes
    assert first.seconds > 0
    assert [each["federation"] for each in facts([first, second])] == [
        first.federation,
        second.federation,
    ]
