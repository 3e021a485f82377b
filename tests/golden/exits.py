"""Golden vectors of networks with exits: what jobs ask, and what is logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from harness.contract import Job, parse_event
from harness.contract.exits import EntropyUnit
from harness.trainer.beam import n_best, posterior
from harness.trainer.exit_rules import mean_entropy

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
    return {
        "jobs": {"valid": valid, "invalid": invalid},
        "events": list(_EVENTS),
        "entropies": _entropies(),
        "beams": _beams(),
    }


def _logits(seed: int, frames: int, outputs: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((frames, outputs)) * 3).round(3).astype(np.float32)


def _listed(logits: np.ndarray[Any, np.dtype[np.float32]]) -> list[list[float]]:
    return [[round(float(value), 3) for value in frame] for frame in logits]


def _entropies() -> list[dict[str, Any]]:
    """Return mean entropies by unit and frames."""
    found = []
    for seed, frames, blank in ((1, 5, 0), (2, 1, 3), (3, 0, 0)):
        logits = _logits(seed, frames, 4)
        for unit in get_args(EntropyUnit):
            for counted in ("all", "non_blank"):
                value = mean_entropy(logits, blank, unit, counted)
                found.append(
                    {
                        "logits": _listed(logits), "blank": blank, "unit": unit,
                        "frames": counted, "entropy": value,
                    }
                )  # fmt: skip
    return found


def _beams() -> list[dict[str, Any]]:
    """Return N-best lists and the share of the best."""
    found = []
    for seed, frames, outputs, blank, beam, count in (
        (1, 4, 3, 0, 100, 100),
        (2, 12, 6, 0, 10, 10),
        (3, 20, 6, 5, 8, 3),
        (4, 0, 3, 0, 5, 5),
        (5, 30, 10, 0, 50, 20),
    ):
        logits = _logits(seed, frames, outputs)
        best = n_best(logits, blank, beam=beam, count=count)
        found.append(
            {
                "logits": _listed(logits), "blank": blank, "beam": beam, "n_best": count,
                "labels": [list(labels) for labels, _ in best],
                "scores": [score for _, score in best],
                "posterior": posterior([score for _, score in best]),
            }
        )  # fmt: skip
    return found
