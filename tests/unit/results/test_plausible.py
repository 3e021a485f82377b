"""Old samples with a phone's sentinels in them: absent with a note, and the file stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.export.frames import _flat
from harness.readings.declared import Column
from harness.results.model import EpochRecord
from harness.results.samples import all_columns
from harness.results.store import AttemptFolder, RunFolder

OLD = Path(__file__).parents[2] / "fixtures" / "data" / "run_of_0_1"
"""A real run on a virtual phone by version 0.1.0."""
BOUNDED = [column for column in all_columns() if column.bounds is not None]
SENTINELS = (-(2**31), 2**31 - 1, -(2**63), float("inf"), float("nan"), -999_999.0)


def folder(path: Path, **columns: list[object]) -> AttemptFolder:
    """Return an attempt whose samples are as an older harness wrote them."""
    shutil.copytree(OLD, path / "run")
    there = next(iter(RunFolder.open(path / "run").attempts()))
    rows = len(next(iter(columns.values())))
    table = pa.table({"seq": pa.array(range(rows), pa.int32()), **columns})
    pq.write_table(table, there.samples_path)
    return there


@pytest.mark.parametrize("column", BOUNDED, ids=lambda column: column.name)
def test_a_sentinel_in_any_column_is_absent_with_a_note(column: Column, tmp_path: Path) -> None:
    assert column.bounds is not None
    usual = float((max(column.bounds.least, 0.0) + min(column.bounds.most, 1e5)) // 2)
    for number, sentinel in enumerate(SENTINELS):
        if column.bounds.hold(sentinel):
            continue
        path = tmp_path / str(number)
        path.mkdir()
        old = folder(path, **{column.name: pa.array([usual, float(sentinel), None], pa.float64())})
        before = old.samples_path.read_bytes()
        read = old.samples([column.name]).column(column.name).to_pylist()
        assert read[1:] == [None, None]
        assert read[0] is not None
        assert old.samples().column(column.name).to_pylist() == read
        if sentinel == sentinel:  # a NaN is in no footer
            assert any(column.name in note for note in old.result().notes)
            assert column.name in _flat(old.result())["notes"]
        assert old.samples_path.read_bytes() == before


def test_a_battery_that_is_not_there_has_no_figures(tmp_path: Path) -> None:
    old = folder(
        tmp_path,
        battery_percent=pa.array([0.0, 0.0, 55.0]),
        battery_temperature_c=pa.array([0.0, 0.0, 25.0]),
        battery_voltage_mv=pa.array([0.0, 0.0, 3900.0]),
        battery_plugged=pa.array([True, True, False]),
    )
    for wanted in (["battery_percent"], ["battery_temperature_c", "seq"], None):
        table = old.samples(wanted)
        assert table.column_names[: len(wanted or ())] == (wanted or [])
        for name in set(table.column_names) & {"battery_percent", "battery_temperature_c"}:
            values = table.column(name).to_pylist()
            assert [value is None for value in values] == [True, True, False]
    assert any("no battery" in note for note in old.result().notes)


def test_an_empty_battery_and_a_frozen_one_are_measured(tmp_path: Path) -> None:
    old = folder(
        tmp_path,
        battery_percent=pa.array([0.0, 1.0]),
        battery_temperature_c=pa.array([0.0, 0.0]),
        battery_voltage_mv=pa.array([3100.0, 3100.0]),
    )
    assert old.samples(["battery_percent"]).column(0).to_pylist() == [0.0, 1.0]
    assert old.samples(["battery_temperature_c"]).column(0).to_pylist() == [0.0, 0.0]
    assert not any("absent" in note for note in old.result().notes)


@pytest.mark.parametrize("value", [-(2**31), 2**31 - 1, 101.0, -1])
def test_an_epoch_of_an_old_result(value: float) -> None:
    fields = {
        name: 0 for name, field in EpochRecord.model_fields.items() if field.is_required()
    } | {"best": False, "battery_percent": value, "available_mb": 1e9}
    epoch = EpochRecord.model_validate(fields)
    assert epoch.battery_percent is None
    assert epoch.available_mb is None
    assert EpochRecord.model_validate(fields | {"battery_percent": 0}).battery_percent == 0
