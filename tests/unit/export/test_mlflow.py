"""The export to MLflow against a store of its own kind; the real client is not a dependency."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import harness
from harness.errors import InputError
from harness.export.mlflow import ORIGIN_TAG, export
from harness.results.model import AttemptResult, StreamingRecord
from tests.fixtures.exits_run import make_exits_run
from tests.fixtures.report_run import Failing, make_run, small


class RefusedError(Exception):
    """Stands for MlflowException."""


class Store:
    """What MlflowClient offers of what we use; two runs a page, as a large store has many."""

    runs: list[Any]

    def __init__(self, tracking_uri: str) -> None:
        if tracking_uri.startswith("nonsense"):
            raise RefusedError("no such store")

    def get_experiment_by_name(self, name: str) -> Any:
        return next((one for one in STORE if one.name == name), None)

    def create_experiment(self, name: str) -> str:
        STORE.append(SimpleNamespace(name=name, experiment_id=str(len(STORE)), runs=[]))
        return STORE[-1].experiment_id

    def search_runs(self, ids: list[str], max_results: int, page_token: str | None) -> Any:
        first = int(page_token or 0)

        class Page(list[Any]):
            token = str(first + 2) if first + 2 < len(STORE[int(ids[0])].runs) else None

        return Page(STORE[int(ids[0])].runs[first : first + 2])

    def create_run(self, experiment: str, start_time: int, run_name: str, tags: Any) -> Any:
        run = SimpleNamespace(
            info=SimpleNamespace(run_id=run_name, start_time=start_time),
            data=SimpleNamespace(tags=tags),
            params={},
            metrics=[],
            artifacts=[],
        )
        STORE[int(experiment)].runs.append(run)
        RUNS[run_name] = run
        return run

    def log_param(self, run: str, key: str, value: Any) -> None:
        assert key not in RUNS[run].params
        RUNS[run].params[key] = value

    def log_metric(self, run: str, key: str, value: float, step: int | None = None) -> None:
        RUNS[run].metrics.append((key, value, step))

    def log_artifact(self, run: str, path: str) -> None:
        RUNS[run].artifacts.append(Path(path).name)

    def set_terminated(self, run: str, status: str, end_time: int) -> None:
        RUNS[run].ended = (status, end_time)


STORE: list[Any] = []
RUNS: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> None:
    STORE.clear()
    RUNS.clear()
    exceptions, tracking = ModuleType("mlflow.exceptions"), ModuleType("mlflow.tracking")
    exceptions.MlflowException = RefusedError  # type: ignore[attr-defined]
    tracking.MlflowClient = Store  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", exceptions)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", tracking)


def test_attempts_become_runs_once(tmp_path: Path) -> None:
    shape = small(batch_sizes=(5, 10), failing=(Failing(0, "TrainerKilled"),))
    run = harness.open_run(make_run(tmp_path, shape))
    assert export(run, "sqlite:///m.db") == (3, 0)
    assert export(run, "sqlite:///m.db") == (0, 3)
    (experiment,) = STORE
    assert experiment.name == "quickstart"
    assert len({run.data.tags[ORIGIN_TAG] for run in experiment.runs}) == 3
    (failed,) = [run for run in experiment.runs if run.ended[0] == "FAILED"]
    done = next(run for run in experiment.runs if run.params["trainer.batch_size"] == 5)
    done = next(run for run in experiment.runs if run is not failed and run.params == done.params)
    assert failed.data.tags["mobileasr.status"] == "TrainerKilled"
    assert done.ended[0] == "FINISHED"
    assert done.ended[1] > done.info.start_time
    assert done.params["sub_model"] == "S1"
    assert done.params["data.speaker"] == "us-male"
    assert [step for key, _, step in done.metrics if key == "wer_percent"] == [0, 1, 2]
    assert "peak_rss_mb" in {key for key, _, _ in done.metrics}
    assert done.params["epochs"] == 2
    assert done.params["phone"] == "oneplus-7t"
    assert done.params["pressure"].startswith(("fits", "available_mb", "none"))
    assert {"result.json", "samples.parquet"} <= set(done.artifacts)


def test_rare_words_and_characters_are_metrics_where_they_are_asked_for(tmp_path: Path) -> None:
    path = make_run(tmp_path, small())
    words = tmp_path / "words.txt"
    words.write_text("the\nboat\n")
    rare = {"vocabulary_rank": 1, "words": str(words)}
    run = harness.open_run(path).scored({"rare_words": rare, "characters": True})
    export(run, "sqlite:///m.db")
    names = {key for key, _, _ in STORE[0].runs[0].metrics}
    assert {"rare_wer_percent", "common_wer_percent", "cer_percent"} <= names


def test_what_was_heard_while_it_went_on_has_its_figures(tmp_path: Path) -> None:
    record = StreamingRecord(
        epoch=1, beam=4, utterances=5, audio_s=15.0, real_time_factor=0.125, step_ms=31.5
    )
    shape = replace(small(), spoil=lambda result: result.model_copy(update={"streaming": record}))
    export(harness.open_run(make_run(tmp_path, shape)), "sqlite:///m.db")
    run = STORE[0].runs[0]
    told = {key: value for key, value, _ in run.metrics}
    assert run.params["beam"] == 4
    assert (told["real_time_factor"], told["step_ms"]) == (0.125, 31.5)
    assert "last_word_ms_median" not in told  # nothing was heard


def test_what_left_early_has_its_figures(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, {"made-up": (0.5, 0.25, 0.05)}, leave_at=(1,))
    export(harness.open_run(path), "sqlite:///m.db")
    run = STORE[0].runs[0]
    told = {key: value for key, value, _ in run.metrics}
    assert run.params["exits"] == "fixed exit2"
    assert (told["exits_mean_depth"], told["exits_mean_seconds"]) == (3, 0.2)
    assert [told[f"exit{n}_share_percent"] for n in (1, 2, 3)] == [0, 100, 0]
    assert told["exit2_wer_percent"] == told["exits_wer_percent"] > 0
    assert "exit3_wer_percent" not in told  # never computed: nothing is known
    assert "exits.jsonl" in run.artifacts


def test_figures_alone(tmp_path: Path) -> None:
    export(harness.open_run(make_run(tmp_path, small())), "sqlite:///m.db", artifacts=False)
    assert [run.artifacts for run in STORE[0].runs] == [[]]


def test_no_param_or_tag_is_a_formula(tmp_path: Path) -> None:
    def spoil(result: AttemptResult) -> AttemptResult:
        phone = result.phone.model_copy(update={"profile": "=1+1"})
        return result.model_copy(update={"speaker": "@SUM(1)", "phone": phone})

    export(harness.open_run(make_run(tmp_path, small(spoil=spoil))), "sqlite:///m.db")
    (run,) = STORE[0].runs
    assert run.params["speaker"] == "'@SUM(1)"
    assert run.params["learning_rate"] == 1e-4
    assert run.data.tags["mobileasr.phone"].startswith("'=1+1 ")


def test_without_mlflow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    run = harness.open_run(make_run(tmp_path, small()))
    with pytest.raises(InputError, match="not installed") as caught:
        export(run, "sqlite:///m.db")
    assert "the extra [mlflow]" in str(caught.value)


def test_a_store_that_mlflow_refuses_is_bad_input(tmp_path: Path) -> None:
    run = harness.open_run(make_run(tmp_path, small()))
    with pytest.raises(InputError, match="no such store"):
        export(run, "nonsense://x")
