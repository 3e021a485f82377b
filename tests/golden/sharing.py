"""Golden vectors of federated jobs: what they ask, what is logged, and the numbers that go back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.contract import Job, parse_event
from harness.contract.share import Share
from harness.trainer.checkpoints import write_weights
from harness.trainer.npz import opened_weights
from harness.trainer.share import pulled_back, write_update

_SHA256 = "0123456789abcdef" * 4
_VALID = [{}, {"form": "delta"}, {"steps": 1, "hypotheses": True}, {"proximal": 0.5, "steps": 12}]
_VALID += [
    {"wire": {"format": "S1E3M7"}},
    {"form": "delta", "wire": {"format": "int8", "per": "row"}},
]
_INVALID = [{"form": "gradient"}, {"steps": 0}, {"proximal": -1}, {"surprise": 1}, {"steps": 1.5}]
_INVALID += [{"wire": {}}, {"wire": {"format": "S1E3"}}, {"wire": "S1E3M7"}]
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
_WRITTEN = {
    "coding": "S1E3M7/fn",
    "variables": 2,
    "changed": 0.75,
    "error": 0.0023,
    "float32_bytes": 4321,
}
_STOPPED = {"type": "stopped", "seq": 10, "t_boot_ms": 11, "reason": "steps_done", "epoch": 1}


def sharing(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vectors, made from a whole job."""
    small = {**_UPDATE, "written": _WRITTEN}
    still = {**_UPDATE, "written": {**_WRITTEN, "variables": 0, "changed": None, "error": 0}}
    events = [_UPDATE, small, still, _COUNTED, _STOPPED]
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
        "written": [_written(seed, share) for seed, share in enumerate(_SMALL)],
    }


_NEAREST = {"format": "S1E3M7", "rounding": "nearest_even", "exponent": "conventional"}
_SMALL: list[dict[str, Any]] = [
    {"form": "delta", "wire": {"format": "S1E2M3", "draw": "1:2:a"}},
    {"form": "weights", "wire": {"format": "S1E3M7", "draw": "1:2:a"}},
    {"form": "weights", "wire": _NEAREST},
    {"form": "delta", "wire": {"format": "int8", "per": "column", "variables": "all"}},
    {"form": "weights", "wire": {"format": "int4", "share": 0.5, "draw": "1:2:e"}},
    {"form": "delta", "wire": {"format": "S1E3M7", "share": 0.1}},
    {"form": "delta"},
]


def _written(seed: int, share: dict[str, Any]) -> dict[str, Any]:
    """Return what a job shares of small weights, most of which moved by a small step."""
    rng = np.random.default_rng(seed)
    start = {
        "matrix": rng.normal(0, 0.05, (4, 5)).astype(np.float32),
        "other": rng.normal(0, 0.05, (3, 2)).astype(np.float32),
        "bias": rng.normal(0, 0.05, 3).astype(np.float32),
    }
    steps = {name: rng.choice([0, 1e-4, -2e-3], value.shape) for name, value in start.items()}
    after = {name: (value + steps[name]).astype(np.float32) for name, value in start.items()}
    names = ["matrix", "bias"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_weights(folder / "start.npz", start.items())
        write_weights(folder / "kept.npz", after.items())
        saved = write_update(
            folder / "u.npz",
            folder / "kept.npz",
            folder / "start.npz",
            names,
            Share.model_validate(share),
        )
        with opened_weights(saved.path) as stored:
            packed = {name: stored.packed(name) for name in names}
            values = {name: _hex(stored.read(name)) for name in names}
    return {
        "share": share,
        "names": names,
        "shapes": {name: list(value.shape) for name, value in start.items()},
        "start": {name: _hex(value) for name, value in start.items()},
        "after": {name: _hex(value) for name, value in after.items()},
        "packed": {name: each.data.hex() for name, each in packed.items() if each is not None},
        "values": values,
        "written": None if saved.written is None else saved.written.model_dump(mode="json"),
    }


def _hex(value: Any) -> str:
    return str(value.astype("<f4").tobytes().hex())


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
