"""Golden vectors of networks with exits: what jobs ask, and what is logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.contract import Job, parse_event

_RULES = (
    {},
    {"rule": "fixed", "exit": "Early"},
    {"rule": "agreement", "answers": "all"},
    {"rule": "entropy", "threshold": 0.25, "frames": "non_blank"},
    {"rule": "entropy", "threshold": -0.01, "entropy": "as_code"},
    {"rule": "posterior", "threshold": 0.9, "n_best": 300, "beam": 300},
)
_NO_RULES = (
    {"rule": "sometimes"},
    {"rule": "fixed"},
    {"exit": "Early"},
    {"rule": "entropy"},
    {"rule": "agreement", "threshold": 0.5},
    {"rule": "posterior", "threshold": 1.5},
    {"rule": "entropy", "threshold": -1},
    {"rule": "entropy", "threshold": 1, "entropy": "as_code"},
    {"rule": "entropy", "threshold": 2, "entropy": "normalised"},
    {"rule": "posterior", "threshold": 0.5, "n_best": 20},
    {"rule": "posterior", "threshold": 0.5, "n_best": 1},
    {"answers": "some"},
    {"surprise": 1},
)
_EVENTS: tuple[dict[str, Any], ...] = (
    {
        "type": "utterance",
        "seq": 5,
        "t_boot_ms": 6,
        "epoch": 0,
        "id": "u-1",
        "exit": "Early",
        "seconds": 0.02,
        "rule_seconds": 0.001,
        "rows": 1,
        "answers": [
            {
                "exit": "Early",
                "text": "turn left",
                "seconds": 0.02,
                "entropy": 0.1,
                "posterior": 0.97,
            },
            {"exit": "Late", "text": None, "seconds": 0, "entropy": None, "posterior": None},
        ],
    },
    {"type": "stopped", "seq": 7, "t_boot_ms": 8, "reason": "evaluated", "epoch": 0},
)


def exits(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vectors, made from a whole job."""
    for event in _EVENTS:
        parse_event(json.dumps(event))
    valid = [{**job, "exits": rule} for rule in _RULES]
    valid += [{**job, "mode": "evaluate", "exits": _RULES[2]}, {**job, "ordered": True}]
    for case in valid:
        Job.model_validate(case)
    invalid = [{**job, "exits": rule} for rule in _NO_RULES]
    invalid += [{**job, "mode": "rest"}, {**job, "mode": "evaluate", "share": {}}]
    return {"jobs": {"valid": valid, "invalid": invalid}, "events": list(_EVENTS)}
