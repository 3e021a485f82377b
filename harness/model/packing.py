"""An unpacked flatbuffer as the bytes of a file (no tensorflow).

A file of the format is a graph of tables and vectors that refer to each other by place, and any two
may refer to the same one. Here what is equal is written once: most tensors of a network have one of
a few shapes and types, and most operators one of a few sets of options.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from harness.model.alignment import DATA_ALIGNMENT

_FIRST_BYTES = 1 << 20
_VECTORS = ("shape", "shapeSignature", "inputs", "outputs", "intermediates")
"""Fields of tensors, operators and subgraphs: vectors of int32."""


def packed(model: Any) -> bytes:
    """Return the file of a model (``schema.ModelT``), its data aligned as the schema demands."""
    builder = _SharingBuilder(_FIRST_BYTES)
    shared = copy.copy(model)
    shared.subgraphs = _sharing(model.subgraphs or ())
    builder.Finish(shared.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def plain(part: Any) -> Any:
    """Return a part of an unpacked flatbuffer as values that can be compared and hashed."""
    if part is None or isinstance(part, (int, float, str, bytes, bool)):
        return part
    if isinstance(part, np.ndarray):
        return part.dtype.str, part.shape, part.tobytes()
    if isinstance(part, (list, tuple)):
        return tuple(plain(value) for value in part)
    return type(part).__name__, tuple(sorted((k, plain(v)) for k, v in vars(part).items()))


class _Once:
    """A table that is written where it is first met."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._place: int | None = None

    def Pack(self, builder: _SharingBuilder) -> int:  # noqa: N802 - the schema's name
        if self._place is None:
            self._place = int(self._table.Pack(builder))
        return self._place


def _sharing(graphs: Iterable[Any]) -> list[Any]:
    """Return copies of subgraphs whose equal tensors and equal options are one object."""
    tables: dict[Any, _Once] = {}
    copies = []
    for graph in graphs:
        whole = _with_arrays(graph)
        whole.tensors = [_once(_with_arrays(tensor), tables) for tensor in graph.tensors]
        whole.operators = []
        for operator in map(_with_arrays, graph.operators):
            for name in ("builtinOptions", "builtinOptions2"):
                options = getattr(operator, name)
                if options is not None:
                    setattr(operator, name, _once(options, tables))
            whole.operators.append(operator)
        copies.append(whole)
    return copies


def _once(table: Any, tables: dict[Any, _Once]) -> _Once:
    return tables.setdefault(plain(table), _Once(table))


def _with_arrays(part: Any) -> Any:
    """Return a copy whose vectors are arrays, as the builder shares them."""
    part = copy.copy(part)
    for name in _VECTORS:
        values = getattr(part, name, None)
        if values is not None:
            setattr(part, name, np.asarray(values, np.int32))
    return part


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc] # it has no types
    """Aligns vectors of bytes, which the object API's ``Pack`` does not; writes equal ones once."""

    def __init__(self, first_bytes: int) -> None:
        super().__init__(first_bytes)
        self._vectors: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: npt.NDArray[Any]) -> int:  # noqa: N802 - flatbuffers' name
        key = x.dtype.str, x.tobytes()
        if key not in self._vectors:
            if x.dtype == np.uint8:
                self.Prep(DATA_ALIGNMENT, x.size)
            self._vectors[key] = int(super().CreateNumpyVector(x))
        return self._vectors[key]
