"""Federated jobs, as the ledger keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import federated as command
from harness.errors import InputError
from harness.scenario import Task, expand_jobs, parse_scenario
from harness.scenario.task import work_of
from harness.yamlio import LineIndex

STRATEGIES = (
    "fedavg", {"name": "fedadam"}, {"flower": "FedAvg", "arguments": {"fraction_train": 0.5}},
    {"path": "mine.py:make"}, {"app": "mine", "replace_start": True},
)  # fmt: skip


def jobs(**federated):
    raw = {"name": "t", "model": "ds2-tiny", "federated": federated}
    return expand_jobs(parse_scenario(raw, LineIndex("s.yaml"), folder=Path()))


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a_job_is_read_again_as_it_was_written(strategy) -> None:
    for job in jobs(strategy=strategy, hypotheses=True):
        task = Task.of_job(job)
        assert work_of("phone", task.payload()) == job


@pytest.mark.parametrize(
    ("field", "value"),
    [("weighting", "equal"), ("missing", "unchanged"), ("stop_patience", 2),
     ("server_learning_rate", 0.5), ("privacy", {"clip": 1.0, "noise": 1.0})],
)  # fmt: skip
def test_what_flower_does_not_know_is_refused(field, value) -> None:
    with pytest.raises(InputError, match=f"{field} is for the harness's own strategies"):
        jobs(strategy={"flower": "FedAvg"}, **{field: value})


def test_an_apps_strategy_may_be_set_further(monkeypatch, tmp_path) -> None:
    asked = {}
    monkeypatch.setattr(command, "run_scenario", lambda **more: asked.update(more))
    words = ["run", str(tmp_path), "s.yaml", "--replace-start"]
    done = CliRunner().invoke(command.app, [*words, "--set", "federated.strategy.arguments={a: 1}"])
    assert done.exit_code == 0, done.output
    first, second = asked["set_"]
    assert first.startswith("federated.strategy={")
    assert '"replace_start": true' in first
    assert second == "federated.strategy.arguments={a: 1}"
