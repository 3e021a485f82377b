"""Energy of an epoch, from a counter whose fall is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from harness.report.energy import energy_of, energy_rows
from harness.report.load import Attempt, load_run
from tests.fixtures.report_run import RunShape, make_run, small


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    run = make_run(tmp_path_factory.mktemp("energy"), small(epochs=4, seconds=400))
    return load_run(run).attempts[0]


def changed(table: pa.Table, **columns: Any) -> pa.Table:
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.array(values, type=field.type, from_pandas=True))
    return table


def test_charge_and_energy_of_an_epoch(attempt: Attempt) -> None:
    samples = attempt.read_samples(None)
    t_s = samples.column("t_s").to_numpy()
    # 3 mAh a second, in microampere hours, at 4 V
    table = changed(
        samples,
        battery_charge_counter=3e6 - 3000 * t_s,
        battery_voltage_mv=np.full(len(t_s), 4000.0),
    )
    found = energy_of(attempt.result, table)
    spans = [p for p in attempt.result.phases if p.epoch]
    seconds = spans[-1].end_s - spans[0].begin_s
    assert found.epochs == 4
    assert found.mah == pytest.approx(3 * seconds / 4, rel=0.03)
    assert found.mah is not None
    assert found.mwh == pytest.approx(4 * found.mah)


def test_a_counter_in_mah_means_the_same(attempt: Attempt) -> None:
    samples = attempt.read_samples(None)
    t_s = samples.column("t_s").to_numpy()
    micro = changed(samples, battery_charge_counter=3e6 - 3000 * t_s)
    milli = changed(samples, battery_charge_counter=np.round(3000 - 3 * t_s))
    first, second = energy_of(attempt.result, micro).mah, energy_of(attempt.result, milli).mah
    assert first == pytest.approx(second, rel=0.02)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"battery_plugged": True}, "on power"),
        ({"battery_updates_stopped": True}, "another battery"),
        ({"battery_charge_counter": None}, "no counter"),
        ({"battery_charge_counter": 3e6}, "did not fall"),
    ],
)
def test_where_nothing_can_be_said_it_is_said_why(
    attempt: Attempt, columns: dict[str, Any], why: str
) -> None:
    samples = attempt.read_samples(None)
    table = changed(samples, **{k: [v] * samples.num_rows for k, v in columns.items()})
    found = energy_of(attempt.result, table)
    assert found.mah is None
    assert why in found.unsaid


def test_an_attempt_that_was_cut_off_is_not_called_a_phone_without_counter(
    attempt: Attempt,
) -> None:
    found = energy_of(attempt.result, attempt.read_samples(None).slice(0, 40))
    assert "too few" in found.unsaid


def test_rows_by_sub_model_count_those_that_say_nothing(tmp_path: Path) -> None:
    attempts = load_run(make_run(tmp_path, RunShape(speakers=("us-male",), seconds=300))).attempts
    found = [
        (attempt, energy_of(attempt.result, attempt.read_samples(None))) for attempt in attempts
    ]
    plugged = [
        (attempt, energy_of(attempt.result, attempt.no_samples())) for attempt in attempts[:1]
    ]
    rows = energy_rows([*found, *plugged])
    assert [row.sub_model.name for row in rows] == ["S1", "S5", "S8"]
    assert rows[0].mah is not None
    assert rows[0].mah.n == 2
    assert rows[0].unsaid == (("no epoch was trained and sampled", 1),)
    assert energy_rows(plugged) == ()
