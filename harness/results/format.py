"""How files of a run folder may change, and how they are read all the same (docs: Result format).

A format has one number, its major version. Within it a file only grows: fields and columns are
added, never taken away, and keep name, type and meaning. So an older file lacks some, which are
then absent, and a newer one has some that are unknown here, which are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from harness.results.files import StoreError

SAMPLES_VERSION = 1
"""Major version of ``samples.parquet``; a file that does not say one is of version 1."""
_VERSION_KEY = b"mobileasr_lab.samples_version"

M = TypeVar("M", bound=BaseModel)


def read_json(model: type[M], data: bytes, path: Path, what: str) -> M:
    """Read a JSON file that carries a ``version``.

    Args:
        model: What it is read into; the default of its field ``version`` is the newest known here.
        data: The file's bytes.
        path: Where it lies, for messages.
        what: What it is, for messages ("a result").

    Raises:
        StoreError: It is of a newer major version, or is not what it should be.
    """
    newest = int(model.model_fields["version"].default)
    try:
        raw = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{path}: not {what} of version {newest}: {error}") from error
    check_version(raw.get("version") if isinstance(raw, dict) else None, newest, path)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(f"{path}: not {what} of version {newest}: {error}") from error


def check_version(version: Any, newest: int, path: Path) -> None:
    """Refuse a file of a newer major version.

    Raises:
        StoreError: It is of one.
    """
    if isinstance(version, int) and version > newest:
        raise StoreError(
            f"{path}: format version {version}, written by a newer harness; this one reads up to "
            f"{newest}.\n  Update it: pip install --upgrade mobileasr-lab"
        )


def with_version(table: pa.Table) -> pa.Table:
    """Return samples that say which version of the format they have."""
    metadata = {**(table.schema.metadata or {}), _VERSION_KEY: str(SAMPLES_VERSION).encode()}
    return table.replace_schema_metadata(metadata)


def check_samples_version(schema: pa.Schema, path: Path) -> None:
    """Refuse samples of a newer major version.

    Raises:
        StoreError: They are of one, or what they say of their version is no number.
    """
    text = (schema.metadata or {}).get(_VERSION_KEY, b"1")
    if not text.isdigit():
        raise StoreError(f"{path}: {text!r} is no format version")
    check_version(int(text), SAMPLES_VERSION, path)


def conform(
    table: pa.Table, schema: pa.Schema, path: Path, names: Sequence[str] | None = None
) -> pa.Table:
    """Return samples with all columns of a schema, then those that it does not know.

    Args:
        table: As read, or as it is to be written.
        schema: What is known here; what the table lacks of it becomes null.
        path: Where it lies, for messages.
        names: Return these columns only, in this order; None = all.

    Raises:
        StoreError: A known column holds something of another type.
    """
    known = {field.name: _column(table, field, path) for field in schema}
    fields = {field.name: field.with_type(known[field.name].type) for field in schema}
    for field in table.schema:
        known.setdefault(field.name, table.column(field.name))
        fields.setdefault(field.name, field)
    wanted = list(fields) if names is None else list(names)
    whole = pa.schema([fields[name] for name in wanted], metadata=table.schema.metadata)
    return pa.table([known[name] for name in wanted], schema=whole)


def _column(table: pa.Table, field: pa.Field, path: Path) -> pa.ChunkedArray:
    if field.name not in table.schema.names:
        return pa.chunked_array([pa.nulls(table.num_rows, field.type)])
    column = table.column(field.name)
    if column.type == field.type or pa.types.is_null(field.type):
        return column
    numbers = all(
        pa.types.is_integer(kind) or pa.types.is_floating(kind)
        for kind in (column.type, field.type)
    )
    if not numbers and not pa.types.is_null(column.type):
        raise StoreError(f"{path}: column {field.name} is {column.type}, not {field.type}")
    try:
        return column.cast(field.type, safe=not pa.types.is_floating(field.type))
    except pa.ArrowException as error:
        raise StoreError(f"{path}: column {field.name} is no {field.type}: {error}") from error
