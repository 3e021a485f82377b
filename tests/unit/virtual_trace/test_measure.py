"""A cost model is made of runs that were trained, and of no other."""

from pathlib import Path

import pytest

from harness.contract.events import Epoch, Finished, PhaseChange, Selected, Started, Step, Stopped
from harness.errors import InputError
from harness.trainer.events import EventLog
from harness.virtual.trace.measure import main, measure
from harness.virtual.trace.table import read_table
from tests.unit.virtual_trace.test_replay import _job


def _run(folder: Path, trainer: str) -> Path:
    attempt = folder / "attempts/S1-1/1"
    attempt.mkdir(parents=True)
    (attempt / "job.json").write_text(_job(attempt).model_dump_json())
    epoch = {"train_loss": 2.0, "train_seconds": 6.0, "evaluate_seconds": 1.0, "best": True,
             "battery_percent": 90, "available_mb": 900, "hypotheses": ()}  # fmt: skip
    with EventLog(attempt / "events.jsonl") as log:
        log.write(Started, trainer=trainer, trainer_version="1", runtime="r", pid=1, threads=1)
        log.write(Selected, sub_model="S1", policy="first_fit", forced=False, available_mb=900,
                  need_mb={"S1": 200})  # fmt: skip
        log.write(PhaseChange, phase="load", state="begin")
        log.write(PhaseChange, phase="load", state="end")
        log.write(Epoch, epoch=0, wer_percent=30, **epoch)
        for step, seconds in enumerate((2.0, 3.0, 1.0)):
            log.write(Step, epoch=1, step=step, loss=2.0, seconds=seconds, utterances=4)
        log.write(Epoch, epoch=1, wer_percent=20, **epoch)
        log.write(Stopped, reason="epochs_done", epoch=1)
        log.write(Finished, epochs=1, kept_epoch=1, kept_checkpoint=None, wer_before_percent=30,
                  wer_after_percent=20, peak_rss_mb=222)  # fmt: skip
    return folder


def test_means_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = _run(tmp_path / "run", "python-reference")
    assert main([str(run), "--name", "made", "--base-mb", "26"]) == 0
    path = tmp_path / "made.yaml"
    path.write_text(capsys.readouterr().out)
    table = read_table(path)
    cost = table.sub_models["S1"]
    assert cost.train_utterance_s == 0.5
    assert cost.wer_percent == (30, 20)
    assert cost.peak_rss_mb == 222
    assert table.evaluate_utterance_s == 0.1
    (tmp_path / "other.yaml").write_text(path.read_text())
    with pytest.raises(InputError, match="its name is 'made'"):
        read_table(tmp_path / "other.yaml")


def test_a_trace_is_no_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="traces"):
        measure(_run(tmp_path / "run", "trace"), "x", 26)
    assert main([str(tmp_path / "nothing"), "--name", "x", "--base-mb", "26"]) == 2
    assert "no finished attempt" in capsys.readouterr().err
