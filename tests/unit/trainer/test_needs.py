import pytest

from harness.contract.mobileasr import SUB_MODELS
from harness.errors import InputError
from harness.memory.measured import Conditions, Measured, MemoryRecord
from harness.model.deepspeech2.configuration import PAPER
from harness.model.sizes import network_sizes
from harness.trainer.manifest import ModelManifest, Provenance
from harness.trainer.needs import needs_of

ENTRY = {"file": "a.tflite", "sha256": "0" * 64, "bytes": 3}
RECORD = MemoryRecord(
    conditions=Conditions(
        date="2026-01-01", runtime="r 1", python="3.11", platform="p", threads=2, utterances=80
    ),
    files={1: "0" * 64, 10: "0" * 64},
    calibrating=tuple(
        Measured(sub_model=name, batch_size=size, need_mb=need * size, selected_mb=50)
        for name, need in (("S1", 100), ("S8", 40))
        for size in (1, 10)
    ),
)


def manifest(**changes):
    values = {
        "name": "m",
        "arch": "3 CONV",
        "files": {1: ENTRY, 5: ENTRY, 10: ENTRY},
        "sample_rate": 16_000,
        "max_audio_s": 5.1,
        "alphabet": " ab",
        "parameters": {"S1": 10},
        "provenance": Provenance(command="c", date="2026-01-01", versions={}),
    }
    return ModelManifest.model_validate(values | changes)


def test_what_was_measured_comes_first_the_rest_is_predicted():
    needs = needs_of(manifest(need_mb={5: {"S1": 444.0}}, memory=RECORD), 5)
    assert needs.mb == {"S1": 444.0, "S8": 200.0}
    assert needs.predicted == ("S8",)


def test_with_sizes_every_sub_model_has_a_need():
    needs = needs_of(manifest(memory=RECORD, sizes=network_sizes(PAPER)), 5)
    assert tuple(needs.mb) == SUB_MODELS
    assert list(needs.mb.values()) == sorted(needs.mb.values(), reverse=True)


def test_neither_measured_nor_predicted():
    assert needs_of(manifest(), 5).mb == {}


def test_as_printed_is_the_papers_lambda():
    needs = needs_of(manifest(sizes=network_sizes(PAPER), memory=RECORD), 5, "as_printed")
    assert needs.predicted == ()
    assert needs.mb["S1"] == pytest.approx(1.993 * 1024, abs=1)


def test_as_printed_needs_the_layers():
    with pytest.raises(InputError, match="as_printed: the manifest of m") as error:
        needs_of(manifest(), 5, "as_printed")
    assert error.value.exit_code == 2
