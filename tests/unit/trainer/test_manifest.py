import json
from pathlib import Path

import pytest

from harness.contract import mobileasr
from harness.contract.network import Layer, Network, SubModel
from harness.errors import InputError
from harness.memory.measured import MemoryModel
from harness.paths import data_root
from harness.trainer.manifest import (
    ModelManifest,
    Provenance,
    check_files,
    describe_file,
    load_manifest,
    save_manifest,
    whole_lineage,
)

SHIPPED = sorted(p.parent for p in (data_root() / "models").glob("*/manifest.json"))


def manifest(**changes):
    entry = {"file": "a.tflite", "sha256": "0" * 64, "bytes": 3}
    values = {
        "name": "m",
        "arch": "3 CONV",
        "files": {5: entry},
        "sample_rate": 16_000,
        "max_audio_s": 5.1,
        "alphabet": " ab",
        "parameters": {"S1": 10},
        "need_mb": {5: {"S1": 100.0}},
        "provenance": Provenance(command="c", date="2026-01-01", versions={}),
    }
    return ModelManifest.model_validate(values | changes)


def test_round_trip(tmp_path):
    original = manifest()
    save_manifest(original, tmp_path)
    assert load_manifest(tmp_path) == original
    assert json.loads((tmp_path / "manifest.json").read_text())["need_mb"] == {"5": {"S1": 100.0}}


def test_no_manifest_says_where(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: no model manifest"):
        load_manifest(tmp_path)


def test_an_older_manifest_is_deepspeech2s():
    counts = {"S1": 10, "S5": 6, "S8": 2}
    network = manifest(parameters=counts).network
    assert network.family == "deepspeech2"
    assert network.sub_model_names == mobileasr.SUB_MODELS
    assert {n: network.trained_parameters(n) for n in counts} == counts


def test_the_shipped_ones_train_what_their_layers_have():
    assert SHIPPED
    for folder in SHIPPED:
        shipped = load_manifest(folder)
        names = shipped.network.sub_model_names
        trained = {name: shipped.network.trained_parameters(name) for name in names}
        assert trained == shipped.parameters


def test_a_manifest_names_its_own_network(tmp_path):
    own = Network(
        family="tiny",
        layers=(Layer(name="Front", parameters=4), Layer(name="Head", parameters=2)),
        sub_models=(SubModel(name="All", layers=("Front", "Head")),),
        alphabet=" ab",
    )
    named = manifest(network=own, parameters={"All": 6}, need_mb={2: {"All": 3.0}})
    save_manifest(named, tmp_path)
    assert load_manifest(tmp_path).network == own


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"T1": 3}}, "parameters has T1, the network has S1, S2"),
        ({"parameters": {"S1": 1, "S2": 2}}, "parameters"),
        ({"need_mb": {5: {"All": 1.0}}}, "need_mb has All, the network has S1"),
        ({"sizes": {"layers": [{"name": "A", "trainable": 1, "activations": 1}]}}, "sizes"),
        ({"network": {"family": "x"}}, r"network\.layers"),
    ],
)
def test_names_that_contradict_each_other_are_refused(tmp_path, changes, message):
    text = json.loads(manifest().model_dump_json(exclude={"network"})) | changes
    (tmp_path / "manifest.json").write_text(json.dumps(text))
    with pytest.raises(InputError, match=message):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "the file"),
        ('{"name": 3}', "name"),
        ('{"nome": "x"}', "name: Field required"),
    ],
)
def test_bad_manifest_names_the_field(tmp_path, text, field):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=field):
        load_manifest(tmp_path)


def test_file_names_stay_in_the_folder():
    entry = {"file": "../../etc/passwd", "sha256": "0" * 64, "bytes": 3}
    with pytest.raises(ValueError, match="file"):
        manifest(files={5: entry})


def test_changed_file_is_found(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"abc")
    good = manifest(files={5: describe_file(tmp_path / "a.tflite")})
    check_files(good, tmp_path)
    (tmp_path / "a.tflite").write_bytes(b"abd")
    with pytest.raises(InputError, match="not the one"):
        check_files(good, tmp_path)
    (tmp_path / "a.tflite").unlink()
    with pytest.raises(InputError, match="missing"):
        check_files(good, tmp_path)


def sharing(tmp_path, model="owner", **entry):
    """A model without files of its own beside the one that has them."""
    (tmp_path / "owner").mkdir()
    (tmp_path / "heir").mkdir()
    (tmp_path / "owner" / "a.tflite").write_bytes(b"abc")
    shared = describe_file(tmp_path / "owner" / "a.tflite").model_dump() | {"model": model} | entry
    heir = manifest(files={5: shared})
    save_manifest(heir, tmp_path / "heir")
    return heir


def test_a_model_names_files_of_another(tmp_path, monkeypatch):
    heir = sharing(tmp_path)
    assert load_manifest(tmp_path / "heir") == heir
    check_files(heir, tmp_path / "heir")
    monkeypatch.chdir(tmp_path / "heir")
    for folder in (Path(), Path("../heir"), Path("..") / "owner" / ".." / "heir"):
        assert heir.files[5].path(folder).read_bytes() == b"abc"
    (tmp_path / "owner" / "a.tflite").write_bytes(b"abd")
    with pytest.raises(InputError, match=r"owner/a\.tflite: the file is not the one"):
        check_files(heir, tmp_path / "heir")


def test_files_of_another_model_must_lie_beside_it(tmp_path):
    heir = sharing(tmp_path)
    (tmp_path / "owner").rename(tmp_path / "gone")
    with pytest.raises(InputError, match="a file of the model m is missing") as missing:
        check_files(heir, tmp_path / "heir")
    assert "one of the model owner, whose folder must lie beside" in missing.value.hint


@pytest.mark.parametrize("name", ["..", ".", "/etc", "../owner", "a/b", "", ".hidden"])
def test_no_manifest_leads_out_of_the_models_folder(tmp_path, name):
    with pytest.raises(ValueError, match="model"):
        sharing(tmp_path, model=name)


def test_a_manifest_of_own_files_says_nothing_new(tmp_path):
    """A version that knows no shared files reads it."""
    save_manifest(manifest(), tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert set(written["files"]["5"]) == {"file", "sha256", "bytes"}


def test_there_are_shipped_models():
    assert {"ds2-tiny"} <= {p.name for p in SHIPPED}


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda p: p.name)
def test_shipped_manifest_fits_its_files(folder):
    manifest = load_manifest(folder)
    assert manifest.name == folder.name
    check_files(manifest, folder)
    named = {f.file for f in manifest.all_files if f.model is None} | {"manifest.json"}
    assert {p.name for p in folder.iterdir()} == named
    for batch, needs in manifest.need_mb.items():
        assert batch in manifest.files
        names = manifest.network.sub_model_names
        assert list(needs) == list(names)
        values = list(needs.values())
        assert values[0] == max(values)
        assert min(values) > 0
        assert len({*values}) > 1 or len(values) == 1
    assert manifest.trainer_base_mb > 5
    assert manifest.provenance.command.startswith("harness model ")


def test_shipped_needs_are_predicted_within_a_tenth():
    manifest = load_manifest(data_root() / "models" / "ds2-mini")
    assert manifest.memory is not None
    assert manifest.memory.files == {size: entry.sha256 for size, entry in manifest.files.items()}
    checked = MemoryModel(manifest.memory, manifest.network, manifest.sizes).check()
    assert sum(not check.calibrating for check in checked) >= 4
    for check in checked:
        assert abs(check.error_percent) < 10, check
        assert abs(check.peak_error_percent) < 10, check


def test_no_file_is_shipped_twice():
    files = [p for folder in SHIPPED for p in folder.iterdir()]
    digests = [describe_file(path).sha256 for path in files]
    assert sorted(set(digests)) == sorted(digests)


def test_shipped_models_are_small():
    files = [p for folder in SHIPPED for p in folder.iterdir()]
    assert sum(p.stat().st_size for p in files) < 31_000_000


# -- lineage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_model_says_where_its_weights_come_from(folder):
    """To the first training from random weights; by a command each."""
    shipped = load_manifest(folder)
    stages = whole_lineage(shipped, folder)
    assert bool(stages) == (shipped.checkpoint is not None)
    known = set()
    for stage in stages:
        assert {begun.sha256 for begun in stage.begun_from} <= known
        assert stage.command.startswith("harness model pretrain ")
        known.add(stage.weights_sha256)
    assert not stages or stages[-1].weights_sha256 == shipped.checkpoint.sha256


def test_an_older_manifest_names_only_the_weights_that_it_began_from():
    folder = data_root() / "models" / "ds2-mini-ee"
    first, second = whole_lineage(load_manifest(folder), folder)
    assert (first.network, second.network) == ("ds2-mini", "ds2-mini-ee")
    assert [begun.sha256 for begun in second.begun_from] == [first.weights_sha256]


def test_a_lineage_that_leads_back_to_itself_ends(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "w.npz").write_bytes(b"abc")
    entry = describe_file(folder / "w.npz")
    provenance = {"command": "c", "date": "2026-01-01", "versions": {}}
    provenance["training"] = {"begun_from": entry.sha256, "epochs": 1}
    save_manifest(manifest(checkpoint=entry, provenance=provenance), folder)
    assert len(whole_lineage(load_manifest(folder), folder)) == 2
