"""Golden vectors of networks with exits: what jobs ask, and what is logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from harness.contract import Job, parse_event
from harness.contract.exits import EntropyUnit, ExitRule
from harness.contract.network import Exit, Layer, Network, SubModel
from harness.trainer.beam import n_best, posterior
from harness.trainer.exit_rules import mean_entropy
from harness.trainer.info import ModelInfo
from harness.trainer.listening import Left, SegmentRun, heard_by_rule

_RULES = (
    {},
    {"rule": "fixed", "exit": "Early"},
    {"rule": "agreement", "answers": "all"},
    {"rule": "entropy", "threshold": 0.25, "frames": "non_blank"},
    {"rule": "entropy", "threshold": -0.01, "entropy": "as_code"},
    {"rule": "posterior", "threshold": 0.9, "n_best": 300, "beam": 300},
    {"rule": "agreement", "decoder": "attention"},
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
    {"decoder": "beam"},
    {"surprise": 1},
)
_SMALL_RULES: tuple[dict[str, Any], ...] = (
    {},
    {"rule": "fixed", "exit": "mid"},
    {"rule": "agreement"},
    {"rule": "entropy", "threshold": 0.6},
    {"rule": "entropy", "threshold": 0.3, "entropy": "normalised", "frames": "non_blank"},
    {"rule": "entropy", "threshold": -0.12, "entropy": "as_code"},
    {"rule": "posterior", "threshold": 0.58},
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
    {
        "type": "started",
        "seq": 0,
        "t_boot_ms": 8,
        "trainer": "java-android",
        "trainer_version": "0.1.0",
        "runtime": "tensorflow-lite 2.16.1",
        "pid": 4711,
        "threads": 2,
        "contract_version": 2,
        "ignored": ["ordered"],
    },
    {"type": "stopped", "seq": 7, "t_boot_ms": 8, "reason": "evaluated", "epoch": 0},
)


def exits(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vectors, made from a whole job."""
    for event in _EVENTS:
        parse_event(json.dumps(event))
    valid = [{**job, "exits": rule} for rule in _RULES]
    valid += [{**job, "mode": "evaluate", "exits": _RULES[2]}, {**job, "ordered": True}]
    whole = [json.loads(Job.model_validate(case).model_dump_json()) for case in valid]
    invalid = [{**job, "exits": rule} for rule in _NO_RULES]
    invalid += [{**job, "mode": "rest"}, {**job, "mode": "evaluate", "share": {}}]
    return {
        "jobs": {
            "valid": [
                {"job": case, "means": means} for case, means in zip(valid, whole, strict=True)
            ],
            "invalid": invalid,
        },
        "events": list(_EVENTS),
        "entropies": _entropies(),
        "beams": _beams(),
        "decisions": _decisions(),
    }


def _logits(seed: int, frames: int, outputs: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((frames, outputs)) * 3).round(3).astype(np.float32)


def _decisions() -> list[dict[str, Any]]:
    """Return where the rows of a batch leave, what is heard there and how many segments ran."""
    exits = ("low", "mid", "high")
    network = Network(
        family="three",
        layers=tuple(Layer(name=name, parameters=1) for name in exits),
        sub_models=(SubModel(name="All", layers=exits, exits=exits),),
        exits=tuple(Exit(name=name, depth=depth) for depth, name in enumerate(exits, 1)),
        alphabet="abc",
    )
    info = ModelInfo(3, 9, 9, "abc", 3, 16_000, 512, 256, 1, network)
    rules = (*_SMALL_RULES, *({**rule, "answers": "all"} for rule in _SMALL_RULES[2:4]))
    found = []
    for seeds in ((1,), (2, 3, 4)):
        # what is said grows clearer with the exit
        rows = [
            [
                _logits(seed, seed % 4 + 3, 4) * np.float32(depth)
                + _logits(seed + int(100 * depth), seed % 4 + 3, 4) * np.float32(0.6)
                for seed in seeds
            ]
            for depth in (0.3, 0.8, 2.0)
        ]
        logits = [[_listed(row) for row in segment] for segment in rows]
        segments = [[np.array(row, np.float32) for row in segment] for segment in logits]
        for rule in rules:
            runs = (SegmentRun(each, 1.0) for each in segments)
            every = heard_by_rule(runs, ExitRule.model_validate(rule), info)
            found.append(
                {
                    "exits": exits, "alphabet": "abc", "blank": 3, "rule": rule,
                    "logits": logits, "left": [_said(left) for left in every],
                    "segments": len(segments) - len(list(runs)),
                }
            )  # fmt: skip
    return found


def _said(left: Left) -> dict[str, Any]:
    """Return where an utterance left, but for what depends on the clock."""
    return {
        "exit": left.exit,
        "text": left.text,
        "seconds": left.seconds,
        "rows": left.rows,
        "answers": [answer.model_dump() for answer in left.answers],
    }


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
