"""A model folder of a network whose weights stay in few bits: its options and its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.model import folder as model_folder
from harness.model.deepspeech2.configuration import PAPER, TINY
from harness.model.initial import initial_weights
from harness.trainer.manifest import load_manifest
from tests.fixtures.command import Command

BUILD = ["model", "build", "--arch", "ds2-tiny", "--no-measure"]


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Take the converter's place; return what it was asked for."""
    asked: list[object] = []

    def convert(config: object, out: Path, **_: object) -> Path:
        asked.append(config)
        out.write_bytes(b"a flatbuffer")
        return out

    monkeypatch.setattr(model_folder, "convert", convert)
    return asked


def test_few_bits_go_with_updates_by_layers_and_recomputing() -> None:
    held = PAPER.held_as("int8", "nearest", "sgd")
    assert (held.resident, held.rounding, held.optimiser) == ("int8", "nearest", "sgd")
    assert (held.clip, held.recompute) == ("layer", True)
    assert not list(held.problems())
    assert PAPER.held_as("float32", "stochastic", "adam") == PAPER


def test_a_folder_says_how_weights_are_held_and_that_it_is_run_in_order(
    tmp_path: Path, converted: list[object], harness_here: Command
) -> None:
    weights, out = tmp_path / "start.npz", tmp_path / "model"
    start = {name: value + 1 for name, value in initial_weights(TINY, 3).items()}
    np.savez(weights, **start)
    options = ["--resident", "f16", "--optimiser", "sgd", "--checkpoint", str(weights)]
    done = harness_here(*BUILD, *options, "--out", str(out))
    assert done.returncode == 0, done.stderr
    manifest = load_manifest(out)
    assert (manifest.resident, manifest.rounding, manifest.optimiser) == (
        *("f16", "stochastic", "sgd"),
    )
    assert manifest.ordered == tuple(manifest.files)
    assert converted == [TINY.held_as("f16", "stochastic", "sgd")]
    with np.load(out / "baseline.npz") as stored:
        assert np.array_equal(stored["fc1_kernel"], start["fc1_kernel"])


def test_other_folders_are_as_they_were(
    tmp_path: Path, converted: list[object], harness_here: Command
) -> None:
    out = tmp_path / "model"
    done = harness_here(*BUILD, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert load_manifest(out).ordered == ()
    assert converted == [TINY]
    written = json.loads((out / "manifest.json").read_text())
    assert written["resident"] == "float32"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--checkpoint", "{npz}"], "of another model"),
        (["--checkpoint", "{npz}", "--embed"], "beside the files of a folder"),
        (["--resident", "int3"], "int3"),
        (["--optimiser", "lion"], "lion"),
    ],
)
def test_bad_options_are_told_and_nothing_is_made(
    tmp_path: Path,
    converted: list[object],
    harness_here: Command,
    options: list[str],
    words: str,
) -> None:
    np.savez(tmp_path / "w.npz", fc1_kernel=np.zeros((2, 2), np.float32))
    given = [option.format(npz=tmp_path / "w.npz") for option in options]
    done = harness_here(*BUILD, *given, "--out", str(tmp_path / "model"))
    assert done.returncode == 2
    assert words in done.stderr
    assert not converted
    assert not (tmp_path / "model").exists()
