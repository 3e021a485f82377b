"""What a client of federated training sends back is not believed before it was looked at."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.contract.events import Update
from harness.lab.attempt.collect import fetch_update
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.failures import StepFailed
from harness.trainer.flatfile import weight_shapes

LAYOUT = PhoneLayout("/w", "job", 1)


def fetch(tmp_path: Path, model: Path, content: bytes, **told: Any):
    class Tools:
        def pull(self, _phone: object, path: str, local: Path, _limit_s: float) -> None:
            assert path == LAYOUT.update
            local.write_bytes(content)

    event = {
        "seq": 5, "t_boot_ms": 1, "epoch": 1, "path": LAYOUT.update, "form": "weights",
        "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content),
        "layers": ("FC1",), "utterances": 4, "steps": 2, **told,
    }  # fmt: skip
    events = [Update(**event)]
    phone: Any = SimpleNamespace()
    tools: Any = Tools()
    return fetch_update(tools, phone, LAYOUT, events, tmp_path / "update.npz", 9.0, model)


def stored(tmp_path: Path, **values: np.ndarray) -> bytes:
    path = tmp_path / "made.npz"
    np.savez(path, **values)
    return path.read_bytes()


@pytest.fixture
def weight(tiny_model_path: Path) -> tuple[str, np.ndarray]:
    name, shape = next(iter(weight_shapes(tiny_model_path).items()))
    return name, np.ones(shape, np.float32)


def test_what_was_sent_is_described(tmp_path, tiny_model_path, weight):
    name, value = weight
    record = fetch(tmp_path, tiny_model_path, stored(tmp_path, **{name: value}))
    assert (record.layers, record.utterances, record.steps) == (("FC1",), 4, 2)
    assert record.size_bytes == (tmp_path / "update.npz").stat().st_size


def test_a_client_that_trained_nothing_sends_nothing(tmp_path, tiny_model_path):
    nothing: Any = None
    assert fetch_update(nothing, nothing, LAYOUT, [], tmp_path / "u", 9.0, tiny_model_path) is None


@pytest.mark.parametrize("odd", ["another name", "another shape", "no number", "no file", "empty"])
def test_what_no_server_can_use_is_the_attempts_failure(tmp_path, tiny_model_path, weight, odd):
    name, value = weight
    content = {
        "another name": lambda: stored(tmp_path, other=value),
        "another shape": lambda: stored(tmp_path, **{name: value[..., :1][..., 0]}),
        "no number": lambda: stored(tmp_path, **{name: value * np.nan}),
        "no file": lambda: b"PK nothing",
        "empty": lambda: stored(tmp_path),
    }[odd]()
    with pytest.raises(StepFailed) as failed:
        fetch(tmp_path, tiny_model_path, content)
    assert failed.value.kind == "TrainerCrashed"


def test_a_file_from_elsewhere_or_another_is_refused(tmp_path, tiny_model_path, weight):
    name, value = weight
    content = stored(tmp_path, **{name: value})
    with pytest.raises(StepFailed, match="lies where none was asked"):
        fetch(tmp_path, tiny_model_path, content, path="/data/secret.npz")
    with pytest.raises(StepFailed, match="not the one that was written"):
        fetch(tmp_path, tiny_model_path, content, sha256="0" * 64)
