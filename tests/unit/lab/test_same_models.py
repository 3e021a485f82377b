"""Whether a run that is gone on with still has the models that it began with."""

import json
from types import SimpleNamespace

import pytest

from harness.errors import InputError
from harness.lab import runner
from harness.paths import data_root
from harness.trainer.manifest import load_manifest

MODEL = load_manifest(data_root() / "models" / "ds2-mini-people")


def check(change):
    """Go on with a run whose record says of its model what ``change`` makes of today's words."""
    before = json.loads(MODEL.model_dump_json())
    change(before)
    needs = SimpleNamespace(model=SimpleNamespace(folder="m", manifest=MODEL))
    runner._same_models(SimpleNamespace(models={MODEL.name: before}), [needs])


def test_a_file_is_known_by_its_digest_wherever_it_lies():
    """The flatbuffers of this model lay in its own folder, under its own name, once."""

    def lay_elsewhere(manifest):
        for batch_size, entry in manifest["files"].items():
            entry["file"] = f"ds2-mini-people-b{batch_size}.tflite"
            del entry["model"]

    check(lay_elsewhere)


def test_what_a_later_version_says_more_is_no_other_model():
    check(lambda manifest: manifest["provenance"].pop("lineage"))


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["checkpoint"].update(sha256="0" * 64),
        lambda manifest: manifest["files"]["5"].update(sha256="0" * 64),
        lambda manifest: manifest["need_mb"]["5"].update(S1=1.0),
    ],
)
def test_another_model_is_refused(change):
    with pytest.raises(InputError, match="not the one that the run began with"):
        check(change)
