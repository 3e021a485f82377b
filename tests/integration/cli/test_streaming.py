"""The shipped scenario that hears speech while it goes on, small, with an encoder in training."""

from __future__ import annotations

import json

import harness as package

SMALL = (
    *("--set", "data.validation=2", "--set", "data.train=2", "--set", "gates=off"),
    *("--only", "data.speaker=us-male", "--only", "trainer.streaming.beam=2"),
    *("--farm", "virtual", "--name", "small", "--json"),
)
TRAINING = (
    "mode=train",
    "sub_model=encoder",
    "batch_size=1",
    "epochs=1",
    "stop.available_below_mb=0",
)


def test_what_hearing_on_costs(harness, tmp_path):
    """The encoder trains by its own loss over the whole lattice, and each epoch is heard on."""
    changes = [word for change in TRAINING for word in ("--set", f"trainer.{change}")]
    done = harness("run", "streaming", *SMALL, *changes)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["failed"]) == (1, 0)
    run = package.open_run(tmp_path / "runs" / "small")
    (folder,) = run.folder.attempts()
    result = folder.result()
    assert (result.streaming.beam, result.streaming.utterances) == (2, 2)
    assert result.streaming.real_time_factor > 0
    assert result.streaming.last_word_ms_median is not None
    assert result.wer_before_percent < 40
    assert result.selection.sub_model == "encoder"
    assert [epoch.epoch for epoch in result.epochs] == [0, 1]
    assert set(run.steps["loss"] > 0) == {True}
    heard = {(row.epoch, row.id) for row in folder.hypotheses()}
    assert set(zip(run.streamed["epoch"], run.streamed["id"], strict=True)) == heard
    page = (tmp_path / told["report"]).read_text()
    assert "us-male on generic: a beam of 2" in page
