"""Counts of a trainer that keeps to itself what it heard: whether they are of what was said."""

from __future__ import annotations

import json

import pytest

from harness.contract import parse_event
from harness.lab.attempt.outcome import epoch_records, stored_record
from harness.lab.attempt.score import check_counts, host_scorer, score_read_back
from harness.lab.failures import StepFailed

SAID = {"v1": "the boy", "v2": "saw the dog"}


def epoch(words):
    counts = {"substitutions": 1, "deletions": 0, "insertions": 0, "reference_words": words}
    return parse_event(
        json.dumps(
            {
                "seq": 0, "t_boot_ms": 0, "type": "epoch", "epoch": 0, "wer_percent": 20.0,
                "train_loss": None, "train_seconds": 0.0, "evaluate_seconds": 1.0,
                "battery_percent": None, "available_mb": None, "best": True, "hypotheses": [],
                "errors": counts,
            }
        )
    )  # fmt: skip


def test_counts_of_what_was_said():
    check_counts([epoch(5)], SAID)
    (record,) = epoch_records([epoch(5)], {})
    assert record.wer_percent == 20


@pytest.mark.parametrize("words", [0, 4, 6])
def test_counts_of_other_words(words):
    with pytest.raises(StepFailed, match="other words than the 5 that were said") as raised:
        check_counts([epoch(words)], SAID)
    assert list(raised.value.evidence) == [f"epoch 0: {words} words"]


def step(number):
    fields = {"epoch": 0, "step": number, "loss": 2.0, "seconds": 1.0, "utterances": 2}
    return parse_event(json.dumps({"seq": 1, "t_boot_ms": 1, "type": "step", **fields}))


def test_steps_are_counted_once_though_a_log_repeats_them():
    (record,) = epoch_records([step(1), step(2), step(2), epoch(5)], {})
    assert record.steps == 2


def test_counts_of_no_word_are_no_epoch():
    """Neither 0 nor 100 %."""
    assert epoch_records([epoch(0)], {}) == ()


def checkpoint(number, written):
    fields = {"epoch": number, "path": "/c", "sha256": "0" * 64, "size_bytes": 90, "best": True}
    told = {"coding": "int8/column", "variables": 3, "error": 0.01, "float32_bytes": 400}
    more = {"written": {**told, "changed": None}} if written else {}
    event = {"seq": 1, "t_boot_ms": 1, "type": "checkpoint", **fields, **more}
    return parse_event(json.dumps(event))


def read_back(wer, said):
    heard = [{"id": name, "text": text} for name, text in said.items()]
    event = {"epoch": 2, "wer_percent": wer, "evaluate_seconds": 1, "hypotheses": heard}
    return parse_event(json.dumps({"seq": 2, "t_boot_ms": 2, "type": "read_back", **event}))


def test_what_was_stored_has_the_hosts_own_score():
    events = [checkpoint(1, True), checkpoint(2, True), read_back(20.0, {**SAID, "v1": "the dog"})]
    rows = score_read_back(events, SAID, host_scorer)
    record = stored_record(events, rows, 2)
    assert (record.epoch, record.size_bytes, record.wer_percent) == (2, 90, 20.0)
    assert (record.coding, record.variables, record.float32_bytes) == ("int8/column", 3, 400)
    assert stored_record(events, rows, 1).wer_percent is None  # not heard with that one
    assert stored_record(events, rows, 0) is None
    assert stored_record([checkpoint(2, False)], (), 2) is None
    assert score_read_back([], SAID, host_scorer) == ()


@pytest.mark.parametrize(
    ("wer", "said", "what"),
    [(0.0, {**SAID, "v1": "the dog"}, "disagree on the WER"), (0.0, {"v1": "the boy"}, "1 of 2")],
)
def test_what_was_read_back_and_scored_otherwise(wer, said, what):
    with pytest.raises(StepFailed, match=what):
        score_read_back([read_back(wer, said)], SAID, host_scorer)
