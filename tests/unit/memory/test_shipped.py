"""Measured processes of networks that ship without flatbuffers: ``models/<arch>/memory.json``."""

from harness.memory.measured import MemoryModel, MemoryRecord
from harness.model.configuration import CONFIGS
from harness.model.sizes import network_sizes
from harness.paths import data_root

FILES = sorted((data_root() / "models").glob("*/memory.json"))


def test_needs_are_predicted_within_a_tenth():
    for path in FILES:
        check(path)


def check(path):
    record = MemoryRecord.model_validate_json(path.read_bytes())
    model = MemoryModel(record, network_sizes(CONFIGS[path.parent.name]))
    checked = model.check()
    assert len(checked) == len(record.calibrating) + len(record.held_out)
    assert sum(not one.calibrating for one in checked) >= 4
    for one in checked:
        assert abs(one.error_percent) < 10, one
        assert abs(one.peak_error_percent) < 10, one
    # every sub-model has a need, also those between the measured ones
    assert all(model.predict(f"S{n}", 5) for n in range(1, 9))
