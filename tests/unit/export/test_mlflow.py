"""The export to MLflow; skipped where the extra is not installed."""

import importlib.util
from pathlib import Path

import pytest

import harness
from harness.errors import InputError
from harness.export.mlflow import export
from tests.fixtures.report_run import Failing, make_run, small

HERE = importlib.util.find_spec("mlflow") is not None


@pytest.mark.skipif(HERE, reason="MLflow is installed")
def test_without_mlflow_it_says_what_to_install(tmp_path: Path) -> None:
    run = harness.open_run(make_run(tmp_path, small()))
    with pytest.raises(InputError, match="not installed") as caught:
        export(run, f"sqlite:///{tmp_path}/m.db")
    assert "mobileasr-lab[mlflow]" in str(caught.value)


@pytest.mark.skipif(not HERE, reason="needs the extra mlflow")
def test_attempts_become_runs_once(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    shape = small(failing=(Failing(0, "TrainerKilled"),))
    run = harness.open_run(make_run(tmp_path, shape))
    store = f"sqlite:///{tmp_path}/m.db"
    assert export(run, store) == (2, 0)
    assert export(run, store) == (0, 2)
    client = MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("quickstart")
    found = client.search_runs([experiment.experiment_id])
    assert sorted(one.info.status for one in found) == ["FAILED", "FINISHED"]
    (done,) = [one for one in found if one.info.status == "FINISHED"]
    assert done.data.params["sub_model"] == "S1"
    history = client.get_metric_history(done.info.run_id, "wer_percent")
    assert [one.step for one in history] == [0, 1, 2]


@pytest.mark.skipif(not HERE, reason="needs the extra mlflow")
def test_a_store_that_mlflow_refuses_is_bad_input(tmp_path: Path) -> None:
    run = harness.open_run(make_run(tmp_path, small()))
    with pytest.raises(InputError):
        export(run, "nonsense://x")
