"""The rule for exits in a job, and what a trainer says of each utterance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.contract.events import EventError, parse_event
from harness.contract.exits import ExitRule

_HEARD = {
    "type": "utterance",
    "seq": 7,
    "t_boot_ms": 1,
    "epoch": 0,
    "id": "u1",
    "exit": "exit1",
    "seconds": 0.1,
    "rule_seconds": 0.01,
    "rows": 1,
    "answers": [{"exit": "exit1", "text": "a b", "seconds": 0.1}],
}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"rule": "fixed", "exit": "exit2"},
        {"rule": "agreement"},
        {"rule": "entropy", "threshold": 0.2},
        {"rule": "entropy", "threshold": -0.002, "entropy": "as_code"},
        {"rule": "posterior", "threshold": 0.9, "n_best": 300, "beam": 300},
        {"answers": "all"},
    ],
)
def test_rules(rule: dict[str, Any]) -> None:
    assert ExitRule.model_validate(ExitRule.model_validate(rule).model_dump()).rule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"rule": "fixed"}, "go together"),
        ({"exit": "exit1"}, "go together"),
        ({"rule": "entropy"}, "threshold"),
        ({"rule": "agreement", "threshold": 0.5}, "threshold"),
        ({"rule": "posterior", "threshold": 1.1}, "between 0 and 1"),
        ({"rule": "entropy", "threshold": -0.1}, "0 or more"),
        ({"rule": "entropy", "threshold": 0.1, "entropy": "as_code"}, "0 or less"),
        ({"rule": "entropy", "threshold": 1.5, "entropy": "normalised"}, "at most 1"),
        ({"rule": "posterior", "threshold": 0.5, "n_best": 20}, "beam"),
        ({"rule": "sometimes"}, "rule"),
    ],
)
def test_what_makes_no_rule(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ExitRule.model_validate(rule)


def test_an_utterance_says_where_it_left() -> None:
    event = parse_event(json.dumps(_HEARD))
    assert (event.exit, event.answers[0].text) == ("exit1", "a b")


@pytest.mark.parametrize("changes", [{"answers": []}, {"seconds": -1}, {"rows": 0}])
def test_an_utterance_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        parse_event(json.dumps({**_HEARD, **changes}))


def test_who_writes_is_said_only_if_it_is_not_the_head() -> None:
    """Earlier trainers refuse fields that they do not know."""
    assert "decoder" not in ExitRule().model_dump()
    assert "decoder" not in ExitRule().model_dump_json()
    rule = ExitRule.model_validate({"rule": "agreement", "decoder": "attention"})
    assert ExitRule.model_validate_json(rule.model_dump_json()) == rule
    assert rule.label == "agreement by attention"
