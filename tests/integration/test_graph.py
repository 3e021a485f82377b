"""Runs whose tasks come later, with work on the host between them; and a run of version 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from harness.lab import RunSettings, resume_run, run_scenario, status
from harness.lab.feed import TaskFeed
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.paths import data_root
from harness.results.store import AttemptFolder, RunFolder
from harness.results.tasks import TaskFolder
from harness.scenario import HostCall, LoadedScenario, Task, expand_jobs
from tests.fixtures.lab import FarmLab, Watcher

Scenarios = Callable[..., LoadedScenario]


@host_task("test-keep-best")
def keep_best(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Copy what the first parent kept, if it kept something; tell all word error rates."""
    results = [AttemptFolder(one.folder, one.task_id, one.attempt) for one in context.parents]
    if results[0].checkpoint_path.is_file():
        shutil.copy(results[0].checkpoint_path, context.out / "kept.npz")
    (context.out / "note.txt").write_text(str(arguments["note"]))
    return {one.job_id: one.result().wer_after_percent for one in results}


def test_a_program_adds_tasks_on_the_host_and_on_phones(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    loaded = tiny_scenario("matrix: {trainer.epochs: [1, 2]}\n")
    first, second = expand_jobs(loaded)
    later = first.model_copy(update={"job_id": "later", "identity": "1" * 64})
    each = first.model_copy(update={"job_id": "each", "identity": "2" * 64})
    refused: list[str] = []

    def program(feed: TaskFeed) -> None:
        begun = feed.outcomes([first.job_id, second.job_id])
        assert {outcome.state for outcome in begun.values()} == {"finished"}
        mean = Task("mean", HostCall("test-keep-best", {"note": "x"}), tuple(begun))
        beside = Task("later", later, ("mean", first.job_id), "same-as-parent", first.job_id)
        feed.add([mean, beside])
        assert feed.outcomes(["mean", "later"])["later"].state == "finished"
        spread = feed.add([Task("each", each, place="each")])
        assert len(spread) == 2
        feed.outcomes([task.task_id for task in spread])
        for wrong in (
            Task("bad", HostCall("nothing-like-it")),
            Task("mean", HostCall("test-keep-best")),
        ):
            with pytest.raises(InputError) as error:
                feed.add([wrong])
            refused.append(error.value.what)

    watcher = Watcher()
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=RunSettings(progress=watcher, feed=program),
    )
    assert refused == [
        "there is no host task 'nothing-like-it'",
        "there is a task of this name already",
    ]
    assert (summary.exit_code, summary.finished) == (0, 6)
    run = RunFolder.open(summary.folder)
    mean = TaskFolder(run.path, "mean")
    assert set(mean.result().value) == {first.job_id, second.job_id}
    assert (mean.path / "note.txt").read_text() == "x"
    phones = {result.job_id: result.phone.serial for result in watcher.results}
    assert phones["later"] == phones[first.job_id]
    assert {job.job_id for job in run.record().plan} == set(phones)
    assert run.record().plan[2].parents == ("mean", first.job_id)
    assert status(summary.folder).leases == ()


def test_what_a_program_raises_ends_the_run_with_it(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    loaded = tiny_scenario("", "trainer.epochs=1")

    def program(feed: TaskFeed) -> None:
        raise InputError("no such strategy")

    with pytest.raises(InputError, match="no such strategy"):
        run_scenario(
            loaded,
            bench,
            run_root=tmp_path / "runs",
            settings=RunSettings(run_id="r", feed=program),
        )
    again = resume_run(tmp_path / "runs/r", bench, settings=RunSettings(feed=lambda feed: None))
    assert (again.exit_code, again.finished) == (0, 1)
    assert status(tmp_path / "runs/r").leases == ()


def test_a_run_of_version_1_is_gone_on_with(farm: FarmLab, run_v1: Path, tmp_path: Path) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    watcher = Watcher()
    # as if the model that we ship had stayed what it was: of another one a run is not gone on with
    path = run_v1 / "interrupted" / "run.json"
    record = json.loads(path.read_text())
    manifest = json.loads((data_root() / "models" / "ds2-tiny" / "manifest.json").read_text())
    record["models"]["ds2-tiny"] = {
        key: value for key, value in manifest.items() if key in record["models"]["ds2-tiny"]
    }
    path.write_text(json.dumps(record))
    summary = resume_run(run_v1 / "interrupted", bench, settings=RunSettings(progress=watcher))
    assert (summary.exit_code, summary.finished) == (0, 4)
    before = status(run_v1 / "interrupted")
    assert [row.state for row in before.tasks] == ["finished"] * 4
    assert [(row.attempt, row.state) for row in before.attempts] == [
        (1, "finished"),
        (1, "lost"),
        (2, "finished"),
        (1, "finished"),
        (1, "finished"),
    ]
    assert len(watcher.results) == 3, "the finished job runs no more"
    assert before.leases == ()
