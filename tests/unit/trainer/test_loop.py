"""The trainer as a process, training the tiny model for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from harness.contract import parse_event
from harness.trainer.npz import opened_weights
from tests.fixtures.jobs import tiny_job


def run(job, tmp_path: Path, available_mb: float | None = 1000, **env: str):
    path = tmp_path / "job.json"
    path.write_text(job.model_dump_json())
    proc = tmp_path / "proc"
    proc.mkdir(exist_ok=True)
    if available_mb is not None:
        (proc / "meminfo").write_text(
            f"MemTotal: 9 kB\nMemAvailable: {int(available_mb * 1024)} kB\n"
        )
    return subprocess.Popen(
        [sys.executable, "-m", "harness.trainer", "--job", str(path)],
        env={**os.environ, "MOBILEASR_PROC_DIR": str(proc), **env},
        stderr=subprocess.PIPE,
        text=True,
    )


def events_of(job) -> list:
    lines = Path(job.outputs.events).read_bytes().splitlines()
    return [parse_event(line) for line in lines]


def of_type(events, name):
    return [event for event in events if event.type == name]


def test_a_whole_job(make_job, tmp_path):
    job = make_job(training={"epochs": 3})
    process = run(job, tmp_path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    events = events_of(job)
    assert [event.seq for event in events] == list(range(len(events)))
    assert events[0].type == "started"
    assert events[0].pid == process.pid
    assert events[1].type == "selected"
    assert (events[1].sub_model, events[1].available_mb, events[1].forced) == ("S1", 1000, False)
    phases = [(e.phase, e.epoch) for e in of_type(events, "phase") if e.state == "begin"]
    assert phases[:3] == [("load", None), ("preprocess", None), ("evaluate", 0)]
    assert phases[3:6] == [("train", 1), ("evaluate", 1), ("save", 1)]
    assert [e.epoch for e in of_type(events, "epoch")] == [0, 1, 2, 3]
    losses = [e.train_loss for e in of_type(events, "epoch")[1:]]
    assert losses[-1] < losses[0]
    assert [(e.reason, e.epoch) for e in of_type(events, "stopped")] == [("epochs_done", 3)]
    finished = events[-1]
    wers = {e.epoch: e.wer_percent for e in of_type(events, "epoch")}
    assert finished.wer_after_percent == min(wers.values()) == wers[finished.kept_epoch]
    names = {f"epoch-{epoch:04d}.npz" for epoch in {finished.kept_epoch, 3} if epoch}
    assert {path.name for path in Path(job.outputs.checkpoints).iterdir()} == names


@pytest.mark.parametrize(
    ("available_mb", "sub_model"), [(10, "S1"), (9, "S5"), (4.5, "S8"), (0.5, None)]
)
def test_the_phone_chooses_by_available_memory(make_job, tmp_path, available_mb, sub_model):
    job = make_job(training={"epochs": 0})
    process = run(job, tmp_path, available_mb)
    assert process.wait(60) == 0
    events = events_of(job)
    assert of_type(events, "selected")[0].sub_model == sub_model
    reason = "epochs_done" if sub_model else "no_sub_model_fits"
    assert of_type(events, "stopped")[0].reason == reason
    assert events[-1].kept_checkpoint is None


def test_a_frozen_part_stays_as_it_was(make_job, tmp_path):
    job = make_job(training={"epochs": 1}, selection={"forced": "S8"})
    process = run(job, tmp_path)
    assert process.wait(60) == 0
    events = events_of(job)
    assert of_type(events, "selected")[0].forced
    path = of_type(events, "checkpoint")[0].path
    from harness.trainer.runtime import FlatbufferModel

    before = FlatbufferModel(Path(job.model.path)).get_weights()
    with np.load(path) as after:
        changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed
    assert all("fc" in name.lower() for name in changed), changed


@pytest.mark.parametrize(
    ("level", "available_mb", "reason"), [(20, 1000, "battery"), (80, 50, "memory")]
)
def test_scarce_resources_end_training(make_job, tmp_path, level, available_mb, reason):
    tools = tmp_path / "bin"
    tools.mkdir()
    shim = tools / "dumpsys"
    shim.write_text(f"#!/bin/sh\necho 'Current Battery Service state:'\necho '  level: {level}'\n")
    shim.chmod(0o755)
    job = make_job(stop={"battery_below_percent": 25, "available_below_mb": 100})
    process = run(job, tmp_path, available_mb, PATH=f"{tools}:{os.environ['PATH']}")
    assert process.wait(60) == 0
    events = events_of(job)
    assert [(e.reason, e.epoch) for e in of_type(events, "stopped")] == [(reason, 0)]
    assert of_type(events, "epoch")[0].battery_percent == level


@pytest.mark.parametrize("way", ["file", "signal"])
def test_stop_command_ends_at_the_next_step(make_job, tmp_path, way):
    job = make_job(training={"epochs": 10_000})
    process = run(job, tmp_path)
    wait_for(process, lambda: Path(job.outputs.events).exists() and "checkpoint" in read(job))
    if way == "file":
        Path(job.outputs.stop_file).touch()
    else:
        process.terminate()
    assert process.wait(30) == 0
    events = events_of(job)
    assert of_type(events, "stopped")[0].reason == "command"
    assert events[-1].type == "finished"


def test_a_killed_trainer_goes_on_after_its_last_checkpoint(make_job, tmp_path):
    job = make_job(training={"epochs": 10_000})
    process = run(job, tmp_path)
    wait_for(
        process, lambda: Path(job.outputs.events).exists() and read(job).count('"checkpoint"') >= 2
    )
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    with Path(job.outputs.events).open("ab") as log:
        log.write(b'{"seq": 999, "torn')
    saved = [e.epoch for e in events_before_tear(job) if e.type == "checkpoint"]
    again = run(make_job(training={"epochs": max(saved) + 2}), tmp_path, available_mb=0.1)
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    events = events_of(job)
    assert [event.seq for event in events] == list(range(len(events)))
    assert [e.epoch for e in of_type(events, "checkpoint")] == list(range(1, max(saved) + 3))
    assert len(of_type(events, "selected")) == 1
    assert events[-1].epochs == max(saved) + 2


def test_a_missing_recording_is_said(make_job, tmp_path):
    job = make_job()
    Path(job.data.train[1].path).unlink()
    process = run(job, tmp_path)
    assert process.wait(60) == 1
    last = events_of(job)[-1]
    assert (last.type, last.kind) == ("error", "BadInput")
    assert "1.wav" in last.message


@pytest.mark.parametrize(
    "selection",
    [{"forced": "Top"}, {"candidates": ["All", "S1"], "need_mb": {"All": 2000, "S1": 1}}],
)
def test_names_that_the_file_does_not_have_are_said(make_job, tmp_path, selection):
    job = make_job(selection=selection)
    process = run(job, tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    last = events_of(job)[-1]
    assert (last.type, last.kind) == ("error", "BadInput")
    assert "there are S1, S2, S3, S4, S5, S6, S7, S8" in last.message


@pytest.mark.parametrize(
    ("outputs", "log"),
    [
        ({"folder": "{out}", "events": "{out}/events.jsonl"}, "events.jsonl"),
        ({"folder": "{out}"}, "events.jsonl"),
        ({"events": "{out}/other.jsonl"}, "other.jsonl"),
        ({"folder": "relative", "events": 7}, None),
        ("text", None),
        (None, None),
    ],
)
def test_a_bad_job_is_refused_and_said_where_the_host_looks(tmp_path, outputs, log):
    path, out = tmp_path / "job.json", tmp_path / "out"
    text = json.dumps({"version": 1, "job_id": "x", "surprise": 1, "outputs": outputs})
    path.write_text(text.replace("{out}", str(out)))
    process = run_to_end(path)
    assert process.returncode == 2
    assert "job.json" in process.stderr
    assert "Traceback" not in process.stderr
    assert sorted(p.name for p in tmp_path.rglob("*.jsonl")) == ([log] if log else [])
    if log:
        (event,) = [parse_event(line) for line in (out / log).read_bytes().splitlines()]
        assert (event.type, event.kind) == ("error", "BadJob")


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe", b"[]"])
def test_what_is_no_job_at_all_is_refused(tmp_path, content):
    path = tmp_path / "job.json"
    if content is not None:
        path.write_bytes(content)
    process = run_to_end(path)
    assert process.returncode == 2
    assert process.stderr.startswith(str(path))
    assert "Traceback" not in process.stderr


def run_to_end(job_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.trainer", "--job", str(job_path)],
        capture_output=True,
        text=True,
        check=False,
    )


def events_before_tear(job) -> list:
    lines = Path(job.outputs.events).read_bytes().split(b"\n")[:-1]
    return [parse_event(line) for line in lines]


def read(job) -> str:
    return Path(job.outputs.events).read_text()


def wait_for(process, condition, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_checkpoint_in_fewer_bits_is_read_back_and_heard(make_job, tmp_path):
    stored = {"format": "S1E2M3", "exponent": "conventional", "rounding": "nearest_even"}
    training = {"epochs": 2, "learning_rate": 1e-4}
    others = [{"speaker": "own", "validation": make_job().model_dump()["data"]["validation"]}]
    job = make_job(stored=stored, training=training, keep="last", also_evaluate=others)
    process = run(job, tmp_path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    events = events_of(job)
    finished = events[-1]
    saved = of_type(events, "checkpoint")
    for event in saved:
        assert event.written.coding == "S1E2M3/fn"
        assert event.written.changed is None
        assert 0.01 < event.written.error < 1
        assert event.size_bytes < event.written.float32_bytes / 3
    with opened_weights(Path(saved[-1].path)) as weights:
        small = [name for name in weights.shapes if weights.packed(name) is not None]
    assert len(small) == saved[-1].written.variables > 2
    read_back = of_type(events, "read_back")
    assert [event.epoch for event in read_back] == [finished.kept_epoch] == [2]
    (tmp_path / "again").mkdir()
    kept = {"checkpoint": finished.kept_checkpoint}
    again = tiny_job(tmp_path / "again", training={"epochs": 0}, model=kept)
    process = run(again, tmp_path / "again")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    heard = of_type(events_of(again), "epoch")[0]
    assert read_back[0].hypotheses == heard.hypotheses
    assert read_back[0].wer_percent == heard.wer_percent
    assert read_back[0].hypotheses != of_type(events, "epoch")[-1].hypotheses
    # so are others heard, though the weights as they were trained had been in memory
    assert of_type(events, "other_speaker")[-1].hypotheses == heard.hypotheses
