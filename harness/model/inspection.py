"""What is in a flatbuffer: signatures, operators, sizes (no tensorflow)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from harness.errors import InputError
from harness.model.strip import operator_code

_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_CALLED = ("condSubgraphIndex", "bodySubgraphIndex", "initSubgraphIndex")
_TYPES = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}


@dataclass(frozen=True)
class SignatureListing:
    """One signature: tensors as ``float32[5, 320, 80]``, operators with those of its loops."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    operators: dict[str, int]
    """How often each operator occurs in the graphs that it reaches; a shared loop counts once."""


@dataclass(frozen=True)
class Inspection:
    """Content of a ``.tflite`` file."""

    bytes: int
    constant_bytes: int
    subgraphs: int
    signatures: dict[str, SignatureListing]
    custom_operators: tuple[str, ...]
    """Anything but builtin operators (Flex among them); empty in a good file."""

    @property
    def operators(self) -> tuple[str, ...]:
        """Kinds of builtin operators in use."""
        return tuple(sorted({n for s in self.signatures.values() for n in s.operators}))


def inspect(path: Path) -> Inspection:
    """Read what is in a flatbuffer.

    Raises:
        InputError: It cannot be read, or is not one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if content[4:8] != b"TFL3":
        raise InputError("not a TensorFlow Lite flatbuffer", where=str(path))
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    return Inspection(
        bytes=len(content),
        constant_bytes=sum(len(b.data) for b in model.buffers if b.data is not None),
        subgraphs=len(model.subgraphs),
        signatures={
            _text(d.signatureKey): _signature(model, d)
            for d in sorted(model.signatureDefs or [], key=lambda d: _text(d.signatureKey))
        },
        custom_operators=tuple(
            sorted(_text(c.customCode) for c in model.operatorCodes if c.customCode)
        ),
    )


def _signature(model: Any, definition: Any) -> SignatureListing:
    tensors = model.subgraphs[definition.subgraphIndex].tensors

    def described(maps: Any) -> dict[str, str]:
        return {_text(m.name): _tensor(tensors[m.tensorIndex]) for m in maps or []}

    counts: Counter[str] = Counter()
    waiting, seen = [definition.subgraphIndex], set()
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        for operator in model.subgraphs[index].operators:
            counts[_NAMES[operator_code(model, operator)]] += 1
            called = (getattr(operator.builtinOptions, name, None) for name in _CALLED)
            waiting.extend(n for n in called if n is not None)
    return SignatureListing(
        described(definition.inputs), described(definition.outputs), dict(sorted(counts.items()))
    )


def _tensor(tensor: Any) -> str:
    shape = [] if tensor.shape is None else [int(n) for n in tensor.shape]
    return f"{_TYPES[tensor.type]}{shape}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
