"""Federated Pruning over a virtual phone: it trains a smaller dense network, made on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lab import run_scenario
from harness.results.federated import models_of
from harness.results.store import RunFolder
from tests.fixtures.federated import SPEAKERS, settings, write_scenario
from tests.fixtures.lab import FarmLab, Watcher

ROUND = "federated: {rounds: 1, local_steps: 2, pruning: 0.5}\n"


@pytest.mark.tensorflow
def test_a_phone_trains_and_evaluates_the_smaller_network(farm: FarmLab, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    watcher = Watcher()
    summary = run_scenario(
        write_scenario(tmp_path, ROUND, speakers=SPEAKERS[:1]),
        farm.bench(tmp_path / "leases"),
        run_root=tmp_path / "runs",
        settings=settings(tmp_path, progress=watcher),
    )
    # start, a round and an evaluation; two models, what goes out, its network, what is heard
    assert (summary.exit_code, summary.finished) == (0, 8), watcher.notes
    record = models_of(summary.folder)[1].pruning
    assert record is not None
    assert record.units["FC1"] == (16, 32)
    assert record.peak_mb is not None
    assert record.step_seconds is not None
    by_role = {r.client.role: r for r in RunFolder.open(summary.folder).last_results() if r.client}
    assert by_role["train"].model_sha256 == by_role["evaluate"].model_sha256
    assert by_role["train"].model_sha256 != by_role["start"].model_sha256
    assert by_role["train"].update is not None
    assert by_role["start"].transfer is not None
    assert record.sent_bytes < 0.5 * record.whole_bytes
