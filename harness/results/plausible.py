"""Samples of older files, in which a phone's sentinels stand as values: absent when they are read.

A harness that knew no bounds wrote what a driver left in a register (INT_MIN degrees), and 0 % and
0 °C for a phone without a battery. The file stays as it is; who reads it gets nulls, and a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from harness.readings.declared import Column

_LEVEL: Final = "battery_percent"
_NO_BATTERY: Final = (_LEVEL, "battery_temperature_c", "battery_voltage_mv")
"""All of them 0: what Android says of a battery that is not there (``present: false``)."""


def needed(names: Sequence[str], there: Sequence[str]) -> list[str]:
    """Return which columns of a file must be read so that some can be judged.

    Args:
        names: Those that are wanted.
        there: Those that the file has.
    """
    besides = _NO_BATTERY if any(name.startswith("battery_") for name in names) else ()
    return [name for name in there if name in names or name in besides]


def plausible(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return samples in which a value outside of its column's bounds is null.

    Args:
        table: As read, in the types of the columns.
        columns: What is known of them here.
    """
    import pyarrow.compute as pc  # slow to import; a command that reads no samples does not need it

    absent = _without_battery(table)
    for column in columns:
        place = table.schema.get_field_index(column.name)
        if place < 0 or not _is_number(table.field(place).type):
            continue
        values = table.column(place)
        refused = pa.scalar(False)
        if column.bounds is not None:
            within = pc.and_(
                pc.greater_equal(values, column.bounds.least),
                pc.less_equal(values, column.bounds.most),
            )
            refused = pc.invert(within)
        elif pa.types.is_floating(values.type):
            refused = pc.invert(pc.is_finite(values))
        if absent is not None and column.name.startswith("battery_"):
            refused = pc.or_(refused, absent)
        kept = pc.if_else(refused, pa.scalar(None, values.type), values)
        table = table.set_column(place, table.field(place), kept)
    return table


def doubts(file: pq.ParquetFile, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return what of a file is read as absent, in words; only its footer is looked at.

    Args:
        file: Of samples.
        columns: What is known of them here.
    """
    ranges = _ranges(file)
    found = []
    for column in columns:
        if column.bounds is None or column.name not in ranges:
            continue
        for value in ranges[column.name]:
            if not column.bounds.hold(value):
                found.append(f"{column.name}: {column.bounds.refusal(value)}; read as absent")
                break
    if all(ranges.get(name, (1, 1))[0] == 0 for name in _NO_BATTERY):
        found.append("the phone has no battery in some samples: its figures there are absent")
    return tuple(found)


def _without_battery(table: pa.Table) -> Any:
    """Return which rows are of a phone without a battery; None where that cannot be told."""
    if not set(_NO_BATTERY) <= set(table.column_names):
        return None
    import pyarrow.compute as pc

    zeros = [pc.fill_null(pc.equal(table.column(name), 0), False) for name in _NO_BATTERY]
    return pc.and_(pc.and_(zeros[0], zeros[1]), zeros[2])


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _ranges(file: pq.ParquetFile) -> Mapping[str, tuple[float, float]]:
    """Return the least and the largest value of each column that has statistics."""
    found: dict[str, tuple[float, float]] = {}
    footer = file.metadata
    for group in range(footer.num_row_groups):
        for number in range(footer.num_columns):
            column = footer.row_group(group).column(number)
            seen = column.statistics
            if seen is None or not seen.has_min_max or isinstance(seen.min, bool | str | bytes):
                continue
            low, high = found.get(column.path_in_schema, (seen.min, seen.max))
            found[column.path_in_schema] = (min(low, seen.min), max(high, seen.max))
    return found
