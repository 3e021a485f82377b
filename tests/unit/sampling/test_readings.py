"""One declaration of a reading feeds all that shows it; what is out of bounds is absent."""

import math

import pytest

from harness.readings.bounds import PERCENT
from harness.readings.declared import Column, Command, KernelFile
from harness.readings.own_columns import OWN_COLUMNS
from harness.readings.sampled import columns, readings, sections_of
from harness.results.samples import SAMPLE_SCHEMA
from harness.sampling import collect, read_series
from tests.unit.sampling.frames import TOKEN, frame, header


def first_row(text: str) -> dict[str, object]:
    row: dict[str, object] = collect(read_series((header() + text).encode())).table.to_pylist()[0]
    return row


def test_every_column_is_declared_once_and_says_what_it_is() -> None:
    names = [column.name for column in (*OWN_COLUMNS, *columns())]
    assert len(names) == len(set(names))
    assert SAMPLE_SCHEMA.names == names
    for field in SAMPLE_SCHEMA:
        assert len(field.metadata[b"meaning"]) > 3, field.name
    sections = [name for reading in readings() for name in sections_of(reading)]
    assert len(sections) == len(set(sections))
    ticked = [
        reading
        for reading in readings()
        if isinstance(reading, Command) and reading.every_s is None
    ]
    assert [reading.name for reading in ticked] == ["battery"]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -0.001, 100.5, "80", -1, True])
def test_a_value_out_of_bounds_is_absent_never_zero(value: object) -> None:
    column = Column("x_percent", "float32", "%", "share", bounds=PERCENT)
    expected = 1.0 if value is True else None
    assert column.checked(value) == expected  # type: ignore[arg-type]
    assert column.checked(0) == 0
    assert column.checked(100) == 100


def test_bounds_hold_for_what_a_phone_says() -> None:
    battery = "\n  level: 80\n  scale: 100\n  temperature: 2510\n"
    row = first_row(frame(0, "100.00", extra=f"\n{TOKEN} battery 0{battery}"))
    assert (row["battery_percent"], row["battery_temperature_c"]) == (80, None)
    assert first_row(frame(0, "100.00", available_kb=1 << 40))["available_mb"] is None


def test_the_text_of_another_process_is_not_the_trainers() -> None:
    own = frame(0, "100.00", pid=9, ticks=5)
    assert first_row(own)["trainer_pid"] == 9
    # the pid was given to another process between the loop's look and its copy
    foreign = own.replace("9 (a trainer)", "8 (somebody)")
    row = first_row(foreign)
    for name in ("trainer_pid", "trainer_rss_mb", "trainer_swap_mb", "trainer_anon_mb"):
        assert row[name] is None, name
    unasked = own.replace("frame 0 100.00 9", "frame 0 100.00 ")
    assert first_row(unasked)["trainer_pid"] is None


def test_a_reading_that_breaks_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> dict[str, float]:
        return {"x_c": 1 / int(text)}

    reading = KernelFile(
        name="x", paths=("/x",), take=broken, columns=(Column("x_c", "float32", "°C", "warmth"),)
    )
    assert reading.checked(reading.take, "4") == ({"x_c": 0.25}, {})
    values, notes = reading.checked(reading.take, "0")
    assert values == {}
    assert "its reading failed: ZeroDivisionError" in notes["x_c"]
    assert "x_c failed: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("name", ["", "Gpu", "self", "a b", "x" * 20, "a;b"])
def test_a_name_that_the_loop_cannot_carry_is_refused(name: str) -> None:
    column = Column("x_c", "float32", "°C", "warmth")
    with pytest.raises(ValueError, match="no name of a section"):
        KernelFile(name=name, paths=("/x",), take=lambda text: {}, columns=(column,))
    with pytest.raises(ValueError, match="no path"):
        KernelFile(name="x", paths=("/x $(y)",), take=lambda text: {}, columns=(column,))
