"""Counts of a trainer that keeps to itself what it heard: whether they are of what was said."""

from __future__ import annotations

import json

import pytest

from harness.contract import parse_event
from harness.lab.attempt.outcome import epoch_records
from harness.lab.attempt.score import check_counts
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


def test_counts_of_no_word_are_no_epoch():
    """Neither 0 nor 100 %."""
    assert epoch_records([epoch(0)], {}) == ()
