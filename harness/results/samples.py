"""The columns of ``samples.parquet``: one row a second, nulls where the phone did not say.

The first are the sampler's own; the others are those of the readings (`harness.readings.sampled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from harness.readings.declared import Column
from harness.readings.own_columns import OWN_COLUMNS
from harness.readings.sampled import columns, own_readings

_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
}


def _schema(columns: Sequence[Column]) -> pa.Schema:
    """Return a schema whose fields carry what is said of them."""
    return pa.schema(
        [
            pa.field(
                column.name,
                _TYPES[column.type],
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in columns
        ]
    )


SAMPLE_SCHEMA = _schema(
    [*OWN_COLUMNS, *(column for reading in own_readings() for column in reading.columns)]
)
"""Schema of ``samples.parquet`` (version 1) without the columns of plug-ins."""


def all_columns() -> tuple[Column, ...]:
    """Return all columns that are known here, those of plug-ins last."""
    return (*OWN_COLUMNS, *columns())


@cache
def sample_schema() -> pa.Schema:
    """Return the schema that is written here: with the columns of plug-ins."""
    return _schema(all_columns())


def some_columns(names: Sequence[str]) -> pa.Schema:
    """Return the schema of some columns; one that is unknown here has the type null."""
    schema = sample_schema()
    known = set(schema.names)
    return pa.schema(
        [schema.field(name) if name in known else pa.field(name, pa.null()) for name in names]
    )
