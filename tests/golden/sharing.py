"""Golden vectors of federated jobs: what they ask, what is logged, and the numbers that go back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.contract import Job, parse_event
from harness.trainer.share import pulled_back

_SHA256 = "0123456789abcdef" * 4
_VALID = [{}, {"form": "delta"}, {"steps": 1, "hypotheses": True}, {"proximal": 0.5, "steps": 12}]
_INVALID = [{"form": "gradient"}, {"steps": 0}, {"proximal": -1}, {"surprise": 1}, {"steps": 1.5}]
_UPDATE = {
    "type": "update",
    "seq": 9,
    "t_boot_ms": 10,
    "epoch": 1,
    "path": "/data/local/tmp/mobileasr/attempts/a-1/checkpoints/update.npz",
    "sha256": _SHA256,
    "size_bytes": 1234,
    "form": "weights",
    "layers": ["FC1", "FC2"],
    "utterances": 20,
    "steps": 4,
}
_COUNTED = {
    "type": "epoch",
    "seq": 3,
    "t_boot_ms": 4,
    "epoch": 0,
    "wer_percent": 50.0,
    "train_loss": None,
    "train_seconds": 0,
    "evaluate_seconds": 1.5,
    "battery_percent": None,
    "available_mb": None,
    "best": False,
    "hypotheses": [],
    "errors": {"substitutions": 1, "deletions": 0, "insertions": 1, "reference_words": 4},
}
_STOPPED = {"type": "stopped", "seq": 10, "t_boot_ms": 11, "reason": "steps_done", "epoch": 1}


def sharing(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vectors, made from a whole job."""
    events = [_UPDATE, _COUNTED, _STOPPED]
    for event in events:
        parse_event(_text(event))
    without = {**job, "model": {**job["model"], "checkpoint": None, "checkpoint_sha256": None}}
    valid = [{**job, "share": share} for share in _VALID]
    for case in valid:
        Job.model_validate(case)
    invalid = [{**job, "share": share} for share in _INVALID]
    invalid += [{**without, "share": {"form": "delta"}}, {**without, "share": {"proximal": 1}}]
    return {
        "jobs": {"valid": valid, "invalid": invalid},
        "events": events,
        "updates": [_update(seed) for seed in range(4)],
    }


def _text(event: Mapping[str, Any]) -> str:
    return json.dumps(event)


def _update(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    start, after = rng.normal(size=(2, 5)).astype(np.float32)
    amount = 5e-4 * 10.0**seed
    return {
        "start": start.tolist(),
        "after": after.tolist(),
        "delta": (after - start).tolist(),
        "amount": amount,
        "pulled_back": pulled_back(after, start, amount).tolist(),
    }
