"""A model folder of a network whose weights stay in few bits: its options and its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.model import folder as model_folder
from harness.model.deepspeech2.configuration import PAPER, TINY
from harness.model.initial import initial_weights
from harness.paths import data_root
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


def test_a_client_of_whole_numbers_shares_weights_and_trains_a_part(
    tmp_path: Path, converted: list[object], harness_here: Command
) -> None:
    owner, out = tmp_path / "owner", tmp_path / "client"
    assert harness_here(*BUILD, "--out", str(owner)).returncode == 0
    options = ["--name", "client", "--forward", "int8", "--optimiser", "sgd", "--sub-model", "S8"]
    done = harness_here(*BUILD, *options, "--weights-of", str(owner), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "products of the forward pass: int8, a column" in done.stderr
    manifest, theirs = load_manifest(out), load_manifest(owner)
    assert (manifest.name, manifest.forward, manifest.forward_per) == ("client", "int8", "column")
    assert list(manifest.parameters) == ["S8"]
    assert manifest.network is not None
    assert manifest.network.sub_model_names == ("S8",)
    assert manifest.checkpoint is not None
    assert theirs.checkpoint is not None
    assert manifest.checkpoint.path(out).resolve() == (owner / "baseline.npz").resolve()
    assert not list(out.glob("*.npz"))
    assert manifest.checkpoint.sha256 == theirs.checkpoint.sha256
    # of a model that shares them itself, the owner is named
    third = tmp_path / "third"
    again = harness_here(*BUILD, "--weights-of", str(out), "--out", str(third))
    assert again.returncode == 0, again.stderr
    checkpoint = load_manifest(third).checkpoint
    assert checkpoint is not None
    assert checkpoint.model == "owner"


def test_weights_of_another_network_are_told(
    tmp_path: Path, converted: list[object], harness_here: Command
) -> None:
    owner, out = tmp_path / "owner", tmp_path / "client"
    assert harness_here(*BUILD, "--out", str(owner)).returncode == 0
    other = ["model", "build", "--arch", "ds2-mini", "--no-measure"]
    done = harness_here(*other, "--weights-of", str(owner), "--out", str(out))
    assert done.returncode == 2
    assert "of another model" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--checkpoint", "{npz}"], "of another model"),
        (["--checkpoint", "{npz}", "--embed"], "beside the files of a folder"),
        (["--resident", "int3"], "int3"),
        (["--optimiser", "lion"], "lion"),
        (["--forward", "int3"], "int3"),
        (["--forward", "int4", "--resident", "int8"], "int4 does not go with weights"),
        (
            ["--forward", "int8", "--resident", "int8", "--forward-per", "tensor"],
            "a scale a column",
        ),
        (["--name", "no name"], "is no name for files"),
        (["--sub-model", "S12"], "there is no sub-model 'S12'"),
        (["--weights-of", "{elsewhere}"], "does not lie beside"),
        (["--weights-of", "{embedded}"], "hold their own weights"),
        (["--weights-of", "{npz}"], "w.npz"),
        (["--weights-of", "{elsewhere}", "--checkpoint", "{npz}"], "weights from one place"),
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
    models = data_root() / "models"
    places = {
        "npz": tmp_path / "w.npz",
        "embedded": models / "ds2-tiny",
        "elsewhere": models / "ds2-mini",
    }
    given = [option.format(**places) for option in options]
    done = harness_here(*BUILD, *given, "--out", str(tmp_path / "model"))
    assert done.returncode == 2
    assert words in done.stderr
    assert not converted
    assert not (tmp_path / "model").exists()
