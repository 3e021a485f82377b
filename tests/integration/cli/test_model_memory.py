"""``harness model memory``: both models, and measured processes in a manifest."""

import json
import shutil

import pytest

from harness.memory.measured import Measured, MemoryRecord
from harness.memory.sizes import LayerSizes, NetworkSizes
from harness.paths import data_root
from harness.trainer.manifest import describe_file, load_manifest, save_manifest
from tests.fixtures.networks import three

TINY = data_root() / "models" / "ds2-tiny"
SUB_MODELS = three().sub_model_names
CELLS = ("--sub-model", "S1", "--sub-model", "S8")


@pytest.fixture
def folder(tmp_path, tiny_model_path):
    """A model folder for two batch sizes, both the same file: an utterance seems to add nothing."""
    made = tmp_path / "tiny"
    made.mkdir()
    shutil.copy(tiny_model_path, made / "a.tflite")
    entry = describe_file(made / "a.tflite")
    manifest = load_manifest(TINY).model_copy(
        update={"files": {2: entry, 4: entry}, "need_mb": {}, "sizes": None, "memory": None}
    )
    save_manifest(manifest, made)
    return made


@pytest.fixture
def other_network(folder):
    """A folder whose manifest is of a network that is not MobileASR's; its files do not matter."""
    network = three()
    sizes = [
        LayerSizes(name=layer.name, trainable=layer.parameters, activations=10.0)
        for layer in network.layers
    ]
    points = [
        Measured(sub_model=name, batch_size=size, need_mb=need * size, selected_mb=50)
        for name, need in (("whole", 30), ("B_2", 10))
        for size in (1, 10)
    ]
    record = load_manifest(data_root() / "models" / "ds2-mini").memory
    manifest = load_manifest(folder).model_copy(
        update={
            "network": network,
            "alphabet": network.alphabet,
            "parameters": {name: network.trained_parameters(name) for name in SUB_MODELS},
            "sizes": NetworkSizes(layers=tuple(sizes)),
            "memory": record.model_copy(update={"calibrating": tuple(points), "held_out": ()}),
        }
    )
    save_manifest(manifest, folder)
    return folder


def test_names_and_their_order_are_the_folders(harness_here, other_network):
    done = harness_here("model", "memory", str(other_network), "--batch-size", "2", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert tuple(said["measured"]) == tuple(said["as_printed"]["once"]) == SUB_MODELS
    assert said["measured"]["whole"]["2"]["need_mb"] == pytest.approx(60)
    assert 20 < said["measured"]["Ends.of-it"]["2"]["need_mb"] < 60
    answer = harness_here(
        *("model", "memory", str(other_network), "--sub-model", "B_2", "--sub-model", "whole")
    )
    assert answer.stdout.index("whole") < answer.stdout.index("B_2")
    assert "Ends.of-it" not in answer.stdout


@pytest.mark.parametrize("command", ["memory", "bench"])
def test_a_wrong_name_is_told_with_those_of_the_folder(harness_here, other_network, command):
    done = harness_here("model", command, str(other_network), "--sub-model", "b_2")
    assert done.returncode == 2
    assert "no sub-model 'b_2'" in done.stderr
    assert "Did you mean B_2? There are whole, Ends.of-it, B_2." in done.stderr


def test_the_papers_arithmetic(harness_here):
    done = harness_here("model", "memory", "--arch", "ds2-mini", "--as-printed", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said["as_printed"]["once"]["S1"]) == {"1", "2", "5", "10"}
    assert "published" not in said
    assert "measured" not in said


def test_measure_predict_and_compare(harness_here, folder, tmp_path):
    record = tmp_path / "data" / "memory.json"
    done = harness_here(
        *("model", "memory", str(folder), "--calibrate", "--check", *CELLS),
        *("--export", str(record), "--within", "60"),
    )
    assert done.returncode == 0, done.stderr
    assert "4 of 4: S8 at batch size 4" in done.stderr
    assert "largest error" in done.stdout
    manifest = load_manifest(folder)
    assert manifest.memory == MemoryRecord.model_validate_json(record.read_bytes())
    assert manifest.memory.files == {n: entry.sha256 for n, entry in manifest.files.items()}
    assert manifest.sizes is not None
    assert 5 < manifest.trainer_base_mb < 200

    # what was measured is kept: nothing is started now
    again = harness_here("model", "memory", str(folder), "--check", *CELLS, "--json")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("(kept)") == 4
    cells = json.loads(again.stdout)["check"]
    assert {cell["calibrating"] for cell in cells} == {True}
    assert max(abs(cell["error_percent"]) for cell in cells) < 1

    shown = harness_here("model", "memory", str(folder), "--batch-size", "3", "--json")
    need = json.loads(shown.stdout)["measured"]
    assert need["S1"]["3"]["need_mb"] >= need["S5"]["3"]["need_mb"] >= need["S8"]["3"]["need_mb"]
    assert need["S5"]["3"]["interpolated"]


def test_a_prediction_that_is_too_far_off_is_a_failure(harness_here, folder):
    done = harness_here("model", "memory", str(folder), "--calibrate", *CELLS)
    assert done.returncode == 0, done.stderr
    manifest = load_manifest(folder)
    points = tuple(
        point.model_copy(update={"need_mb": 2 * point.need_mb})
        for point in manifest.memory.calibrating
    )
    wrong = manifest.memory.model_copy(update={"calibrating": points})
    save_manifest(manifest.model_copy(update={"memory": wrong}), folder)
    done = harness_here("model", "memory", str(folder), "--check", *CELLS)
    assert done.returncode == 1
    assert "% off, more than 10 %" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arch", "ds2-tiny", "--calibrate"), "--calibrate: measuring needs a model folder"),
        (("{folder}", "--arch", "ds2-tiny"), "not both"),
        (("{folder}", "--sub-model", "S9"), "no sub-model 'S9'"),
        (("{folder}", "--check"), "nothing was measured yet"),
        (("{folder}", "--calibrate", "--check", "--batch-size", "7"), "no file for batch size 7"),
        (("{folder}", "--export", "x.json"), "--export: goes with --calibrate"),
        ((str(TINY), "--calibrate"), "one batch size does not tell"),
        (("nowhere",), "no model manifest"),
    ],
)
def test_bad_input_names_what_is_wrong(harness_here, folder, arguments, said):
    done = harness_here(
        "model", "memory", *(word.replace("{folder}", str(folder)) for word in arguments)
    )
    assert done.returncode == 2
    assert said in done.stderr
