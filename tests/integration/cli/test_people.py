"""People personalise a baseline, others are listened to: the shipped scenario, small."""

from __future__ import annotations

import json

import harness as package

SMALL = (
    *("--set", "trainer.epochs=1", "--set", "data.train=5", "--set", "data.validation=2"),
    *("--set", "also_evaluate.validation=2", "--set", "gates=off", "--set", "trainer.keep=last"),
    *("--only", "data.speaker=kathleen"),
)


def test_the_owner_and_others_before_and_after(harness, tmp_path):
    done = harness("run", "people", *SMALL, "--farm", "virtual", "--name", "small", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["failed"]) == (1, 0)
    run = package.open_run(tmp_path / "runs" / "small")
    assert run.attempts.speaker.tolist() == ["kathleen"]
    heard = run.others[["epoch", "speaker", "utterances"]].to_numpy().tolist()
    others = ["librispeech-1688", "librispeech-2033", "cv01"]
    assert heard == [[epoch, who, 2] for epoch in (0, 1) for who in others]
    assert run.others.wer_percent.between(1, 200).all()
    (folder,) = run.folder.attempts()
    assert len(folder.others()) == 2 * 3 * 2
    # of somebody whom it has heard it knows more than of those whom it has not
    assert run.attempts.wer_before_percent[0] < run.others.wer_percent.max()
    page = (tmp_path / told["report"]).read_text()
    assert 'id="forgetting"' in page
    again = harness("export", "csv", "runs/small")
    assert "others.csv" in again.stdout + again.stderr
