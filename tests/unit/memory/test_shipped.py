"""Measured processes of networks that ship without flatbuffers: ``models/<arch>/memory.json``."""

import pytest

from harness.memory.measured import MemoryModel, MemoryRecord
from harness.model.families import CONFIGS
from harness.model.sizes import network_sizes
from harness.paths import data_root

ARCHS = ["ds2"]


def test_all_of_them_are_checked():
    paths = (data_root() / "models").glob("*/memory.json")
    assert sorted(path.parent.name for path in paths) == ARCHS


@pytest.mark.parametrize("arch", ARCHS)
def test_needs_are_predicted_within_a_tenth(arch):
    path = data_root() / "models" / arch / "memory.json"
    record = MemoryRecord.model_validate_json(path.read_bytes())
    model = MemoryModel(record, CONFIGS[arch].describe(), network_sizes(CONFIGS[arch]))
    checked = model.check()
    assert len(checked) == len(record.calibrating) + len(record.held_out)
    assert sum(not check.calibrating for check in checked) >= 4
    for check in checked:
        assert abs(check.error_percent) < 10, check
        assert abs(check.peak_error_percent) < 10, check
    # every sub-model has a need, also those between the measured ones
    assert all(model.predict(f"S{n}", 5) for n in range(1, 9))
