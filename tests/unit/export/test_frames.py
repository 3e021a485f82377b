"""A run as data frames, and its samples in other people's readers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import InputError
from harness.export.frames import frames
from harness.results.model import StreamingRecord
from harness.results.store import RunFolder
from tests.fixtures.exits_run import make_exits_run
from tests.fixtures.report_run import Failing, RunShape, make_run, small

STEP = (
    '{"seq":0,"t_boot_ms":1000000,"type":"step","epoch":1,"step":1,"loss":2.5,"seconds":0.5,'
    '"utterances":5}\n'
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), epochs=2,
        failing=(Failing(1, "TrainerKilled"),),
    )  # fmt: skip
    run = make_run(tmp_path_factory.mktemp("runs"), shape)
    first = next(iter(RunFolder.open(run).attempts()))
    first.append_events(STEP.encode())
    return run


@pytest.fixture(scope="module")
def run(path: Path) -> Any:
    return harness.open_run(path)


def test_an_attempt_a_row_with_settings_and_parts(run: Any) -> None:
    frame = run.attempts
    assert len(frame) == 4
    assert frame["last"].sum() == 3
    assert set(frame["pressure.fits"]) == {"S1", "S5", "S8"}
    failed = frame[frame.status == "failed"].iloc[0]
    assert failed["failure.kind"] == "TrainerKilled"
    assert failed["wer_after_percent"] != failed["wer_after_percent"]
    assert not frame.duplicated(["job_id", "attempt"]).any()


def test_epochs_join_on_attempts(run: Any) -> None:
    joined = run.epochs.merge(run.attempts[["job_id", "attempt", "last"]], on=["job_id", "attempt"])
    assert len(joined) == len(run.epochs) == 3 * 3 + 2
    kept = run.epochs[run.epochs.kept]
    after = run.attempts.set_index(["job_id", "attempt"])["wer_after_percent"]
    for row in kept.itertuples():
        assert row.wer_percent == after[row.job_id, row.attempt]


def test_steps_and_events(run: Any) -> None:
    assert run.steps[["epoch", "step", "loss", "utterances"]].to_numpy().tolist() == [
        [1, 1, 2.5, 5]
    ]
    assert list(run.events["type"]) == ["step"]
    assert len(run.phases) > 10


def test_samples_of_some_columns_and_one_job(run: Any) -> None:
    job = run.attempts.job_id.iloc[0]
    some = run.samples(["t_s", "trainer_rss_mb"], job_id=job)
    assert list(some.columns) == ["job_id", "attempt", "t_s", "trainer_rss_mb"]
    assert set(some.job_id) == {job}
    assert len(run.samples(["t_s"])) == sum(
        folder.samples().num_rows for folder in RunFolder.open(run.folder.path).attempts()
    )


def test_a_run_that_has_not_begun_has_empty_frames(tmp_path: Path) -> None:
    run = harness.open_run(make_run(tmp_path, small(stop_after=0)))
    assert len(run.attempts) == len(run.epochs) == len(run.steps) == len(run.samples()) == 0
    assert "0 attempts" in repr(run)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json"):
        harness.open_run(tmp_path)


def test_pandas_duckdb_and_polars_read_the_samples_alike(run: Any) -> None:
    import duckdb
    import pandas as pd
    import polars

    file = run.sample_files()[0]
    expected = pd.read_parquet(file)
    peak = float(expected.trainer_rss_mb.max())
    (found,) = duckdb.sql(f"select max(trainer_rss_mb), count(*) from '{file}'").fetchall()
    assert found == (peak, len(expected))
    frame = polars.read_parquet(file)
    assert frame.shape == expected.shape
    assert frame["trainer_rss_mb"].drop_nans().max() == peak
    assert frame.columns == list(expected.columns)


def test_latest_is_the_newest_run(path: Path) -> None:
    newest = max(one.parent.name for one in path.parent.glob("*/run.json"))
    assert harness.open_run(path.parent / "latest").record.run_id == newest
    with pytest.raises(InputError, match="not a run folder"):
        harness.open_run(path / "latest")


def test_the_notebook_runs(path: Path) -> None:
    notebook = Path(__file__).parents[3] / "docs" / "notebooks" / "open_run.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 4
    there: dict[str, Any] = {}
    for source in code:
        exec(compile(source.replace("runs/latest", str(path)), str(notebook), "exec"), there)
    assert len(there["attempts"]) == 4
    assert set(there["samples"].phase) >= {"train", "load"}


def test_streamed_utterances_have_a_frame(tmp_path: Path) -> None:
    record = StreamingRecord(
        epoch=1, beam=4, utterances=1, audio_s=2.0, real_time_factor=0.1, step_ms=31.5
    )
    shape = replace(small(), spoil=lambda result: result.model_copy(update={"streaming": record}))
    path = make_run(tmp_path, shape)
    assert not len(harness.open_run(path).streamed)
    log = next(iter(path.glob("attempts/*/*/result.json"))).with_name("events.jsonl")
    event = {"type": "streamed", "t_boot_ms": 1, "epoch": 1, "id": "=u1", "steps": 8}
    lines = [
        {**event, "seq": n, "audio_s": 2.0, "compute_s": compute_s, "last_word_s": None}
        for n, compute_s in enumerate((9.0, 0.2))  # a trainer that went on says it again
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    streamed = harness.open_run(path).streamed
    assert list(streamed["real_time_factor"]) == [0.1]
    assert list(streamed["id"]) == ["=u1"]
    assert "streamed" in dict(frames(harness.open_run(path)))


def test_exits_stand_in_frames_and_a_damaged_line_is_told(tmp_path: Path) -> None:
    path = make_exits_run(tmp_path, {"made-up": (0.5, 0.25, 0.05)}, leave_at=(1,), utterances=5)
    file = next(iter(path.glob("attempts/*/*/exits.jsonl")))
    file.write_text(file.read_text().replace('"seconds":0.1', '"seconds":"=x"', 1))
    run = harness.open_run(path)
    assert list(run.attempts["exits.rule"]) == ["fixed exit2"] * 2
    assert list(run.attempts["exits.mean_depth"]) == [3.0] * 2
    assert len(run.exits) == 2 * (5 + 4)
    assert run.exits["left"].sum() == 5 + 4
    assert list(run.by_exit["exit"]) == ["exit1", "exit2", "exit3"] * 2
    assert list(run.by_exit["share_percent"]) == [0.0, 100.0, 0.0] * 2
    assert {"job_id", "rule", "depth", "wer_percent", "seconds"} <= set(run.by_exit.columns)
    (told,) = run.damaged
    assert told.startswith(f"{file}:1: this line is left out: answers.0.seconds")
