"""Checkpoints: whole or not there, and the ones that are not needed go."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import numpy as np
import pytest

from harness.errors import InputError
from harness.trainer import checkpoints
from harness.trainer.checkpoints import (
    check_sha256,
    checkpoint_path,
    misfit,
    prune,
    save_checkpoint,
)
from harness.trainer.npz import checkpoint_shapes, opened_weights
from tests.golden.checkpoints import checkpoints as cases_of_both_trainers

WEIGHTS = {"fc/w": np.arange(6, dtype=np.float32).reshape(2, 3), "fc/b": np.zeros(0, np.float32)}


def test_what_is_saved_is_what_is_read(tmp_path):
    saved = save_checkpoint(tmp_path / "new", 3, WEIGHTS.items())
    content = saved.path.read_bytes()
    assert (saved.sha256, saved.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    with np.load(saved.path, allow_pickle=False) as stored:
        assert set(stored.files) == set(WEIGHTS)
        for name, value in WEIGHTS.items():
            np.testing.assert_array_equal(stored[name], value)
    check_sha256(saved.path, saved.sha256)


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(tmp_path, monkeypatch):
    old = save_checkpoint(tmp_path, 1, WEIGHTS.items())

    def full(entry, _value, **_how):
        entry.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, 2, WEIGHTS.items())
    assert [path.name for path in tmp_path.iterdir()] == [old.path.name]


def test_a_value_may_be_gone_when_the_next_one_comes(tmp_path):
    def weights():
        for name, value in WEIGHTS.items():
            passing = value.copy()
            yield name, passing
            passing.fill(np.nan)

    saved = save_checkpoint(tmp_path, 1, weights())
    assert saved.sha256 == save_checkpoint(tmp_path, 2, WEIGHTS.items()).sha256


def test_another_or_no_file_is_said(tmp_path):
    saved = save_checkpoint(tmp_path, 1, WEIGHTS.items())
    with pytest.raises(InputError, match=r"epoch-0001\.npz.*SHA-256"):
        check_sha256(saved.path, "0" * 64)
    with pytest.raises(InputError, match="No such file"):
        check_sha256(tmp_path / "nothing", "0" * 64)


def test_pruning_keeps_the_named_epochs_and_foreign_files(tmp_path):
    for epoch in range(5):
        checkpoint_path(tmp_path, epoch).touch()
    (tmp_path / "notes.txt").touch()
    prune(tmp_path, {0, 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-0000.npz",
        "epoch-0003.npz",
        "notes.txt",
    ]


def test_shapes_are_read_without_the_weights(tmp_path):
    weights = {"a": np.zeros((2, 3), np.float32), "b": np.float32(1), "c": np.zeros(0, np.float32)}
    saved = save_checkpoint(tmp_path, 1, weights.items())
    assert checkpoint_shapes(saved.path) == {"a": (2, 3), "b": (), "c": (0,)}
    np.savez_compressed(tmp_path / "small.npz", **weights)
    assert checkpoint_shapes(tmp_path / "small.npz") == {"a": (2, 3), "b": (), "c": (0,)}


def test_what_is_no_checkpoint_is_named(tmp_path):
    good = save_checkpoint(tmp_path, 1, {"a": np.ones(500, np.float32)}.items()).path.read_bytes()
    for name, content in (("text", b"hello"), ("cut", good[:900]), ("empty", b"")):
        (tmp_path / f"{name}.npz").write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}\.npz: not a checkpoint"):
            checkpoint_shapes(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match=r"none\.npz: cannot be read"):
        checkpoint_shapes(tmp_path / "none.npz")


def read_all(path):
    with opened_weights(path) as stored:
        return [stored.read(name) for name in stored.shapes]


@pytest.mark.parametrize("case", cases_of_both_trainers()["taken"], ids=lambda c: c["case"])
def test_a_checkpoint_is_taken(case, tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(base64.b64decode(case["content"]))
    with opened_weights(path) as stored:
        assert stored.shapes == {"w": tuple(case["shape"])}
        weights = stored.read("w")
    assert weights.dtype == np.float32
    assert weights.tolist() == np.reshape(case["weights"], case["shape"]).tolist()


@pytest.mark.parametrize("case", cases_of_both_trainers()["refused"], ids=lambda c: c["case"])
def test_a_checkpoint_is_refused(case, tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(base64.b64decode(case["content"]))
    with pytest.raises(InputError, match=r"w\.npz: not a checkpoint") as refused:
        read_all(path)
    assert refused.value.hint


def test_a_checkpoint_that_is_damaged_anywhere_is_refused_or_the_same(tmp_path):
    path = save_checkpoint(tmp_path, 1, WEIGHTS.items()).path
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        with contextlib.suppress(InputError):
            assert all(np.isfinite(weight).all() for weight in read_all(path))


def test_a_misfit_in_words():
    wanted = dict.fromkeys("abcde", (1,))
    assert misfit(wanted, dict(wanted)) == ""
    assert misfit(wanted, wanted | {"a": (2,)}).endswith("another model: a differ")
    assert misfit(wanted, {"x": (1,)}).endswith("a, b, c and 3 more differ")
