"""`harness paper` with several items: a clash is known first, a failure costs one item only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import paper as command
from harness.errors import HarnessError, InputError, NoPhoneError
from tests.fixtures.report_run import make_run, small

TINY = ("--set", "model=ds2-mini", "--set", "data.train=4", "--set", "data.validation=2")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def invoke(*items: str) -> Any:
        return CliRunner().invoke(command.app, ["--only", ",".join(items), *TINY, "--json"])

    return invoke


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, HarnessError | None]:
    """What each experiment's run does: end well (None) or fail. Filled by the test."""
    outcomes: dict[str, HarnessError | None] = {}

    def run(_system: Any, experiment: Any, loaded: Any, folder: Path, *_: object) -> Any:
        error = outcomes.pop(experiment.key)
        if error is not None:
            raise error
        made = make_run(folder.parent, small())
        made.rename(folder)
        record = json.loads((folder / "run.json").read_text())
        record["scenario_sha256"] = loaded.sha256
        record["scenario"] = loaded.scenario.model_dump(mode="json")
        (folder / "run.json").write_text(json.dumps(record))
        return SimpleNamespace(finished=1, failed=0, interrupted=False)

    monkeypatch.setattr(command, "_run", run)
    return outcomes


def test_what_fails_costs_no_other_item(call: Any, runs: dict[str, HarnessError | None]) -> None:
    runs.update(figure2=None, table2=NoPhoneError("no phone fits"))
    result = call("table2", "figure2", "table4")
    assert result.exit_code == 1, result.output
    page = json.loads(result.stdout)
    assert "no phone fits" in page["items"]["table2"]["missing"]
    assert page["items"]["figure2"]["missing"] is None
    assert page["items"]["table4"]["missing"] is None
    assert Path(page["page"]).is_file()


def test_where_all_fail_the_exit_code_is_the_first_ones(
    call: Any, runs: dict[str, HarnessError | None]
) -> None:
    runs.update(figure2=NoPhoneError("no phone fits"))
    assert call("figure2").exit_code == NoPhoneError.exit_code


def test_a_clash_is_known_before_anything_starts(
    call: Any, runs: dict[str, HarnessError | None]
) -> None:
    runs.update(figure2=None)
    assert call("figure2").exit_code == 0
    record = Path("paper/runs/figure2-quick/run.json")
    made = json.loads(record.read_text())
    made["scenario_sha256"] = "0"
    made["scenario"]["trainer"]["seed"] = 7
    record.write_text(json.dumps(made))
    runs.update(table2=None, figure2=None)
    result = call("table2", "figure2")
    assert isinstance(result.exception, InputError)
    assert "Nothing was started" in str(result.exception)
    assert "figure2-quick" in str(result.exception)
    assert set(runs) == {"table2", "figure2"}, "nothing was started"


def test_a_run_of_an_older_version_is_no_clash(
    call: Any, runs: dict[str, HarnessError | None]
) -> None:
    runs.update(figure2=None)
    assert call("figure2").exit_code == 0
    record = Path("paper/runs/figure2-quick/run.json")
    made = json.loads(record.read_text())
    del made["scenario"]["repeats"]  # as if the field had come since
    made["scenario_sha256"] = "0"
    record.write_text(json.dumps(made))
    assert call("figure2").exit_code == 0


@pytest.mark.parametrize("name", ["run.json", "samples.parquet"])
def test_a_run_that_cannot_be_read_costs_no_other_item(
    call: Any, runs: dict[str, HarnessError | None], name: str
) -> None:
    runs.update(figure2=None)
    assert call("figure2").exit_code == 0
    for path in Path("paper/runs/figure2-quick").rglob(name):
        path.write_bytes(b"{broken")
    runs.update(table2=None)
    result = call("table2", "figure2", "table4")
    assert result.exit_code == 1, result.output
    items = json.loads(result.stdout)["items"]
    assert name in items["figure2"]["missing"]
    assert items["table2"]["missing"] is None
    assert items["table4"]["missing"] is None
    assert runs == {}


def test_a_job_that_failed_is_not_forgotten_by_the_next_call(
    call: Any, runs: dict[str, HarnessError | None]
) -> None:
    runs.update(figure2=None)
    assert call("figure2").exit_code == 0
    for path in Path("paper/runs/figure2-quick").rglob("result.json"):
        path.unlink()
    again = call("figure2")
    assert again.exit_code == 1, again.output
    assert "No job of its run finished" in json.loads(again.stdout)["items"]["figure2"]["missing"]


def test_an_interruption_is_no_failure_of_an_item(
    call: Any, runs: dict[str, HarnessError | None]
) -> None:
    class StoppedError(HarnessError):
        exit_code = 130

    runs.update(table2=StoppedError("stopped"), figure2=None)
    assert isinstance(call("table2", "figure2").exception, StoppedError)
    assert set(runs) == {"figure2"}


@pytest.fixture
def of_early_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Any:
        return CliRunner().invoke(command.app, ["--system", "early-exit", *words, "--json"])

    return invoke


def test_another_system_has_a_folder_of_its_own(
    of_early_exit: Callable[..., Any], tmp_path: Path
) -> None:
    done = of_early_exit("--only", "parameters,to_run")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "paper-early-exit" / "index.html").is_file()
    assert not (tmp_path / "paper").exists()


def test_items_are_those_of_the_system(of_early_exit: Callable[..., Any]) -> None:
    done = of_early_exit("--only", "table1")
    assert isinstance(done.exception, InputError)
    assert "parameters" in str(done.exception.hint)
