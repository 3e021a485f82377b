"""What is in a flatbuffer: signatures, operators, sizes, layers (no tensorflow, nothing is run)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.model.alignment import misaligned
from harness.trainer.flatfile import constants, damaged, info_of, opened, signature_names
from harness.trainer.info import ModelInfo

_SUBGRAPH_CALLS = {
    "WhileOptions": ("CondSubgraphIndex", "BodySubgraphIndex"),
    "IfOptions": ("ThenSubgraphIndex", "ElseSubgraphIndex"),
    "CallOnceOptions": ("InitSubgraphIndex",),
}


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
    operator_versions: dict[str, int]
    """Kind of builtin operator in use -> its newest version here."""
    custom_operators: tuple[str, ...]
    """Anything but builtin operators (Flex among them); empty in a good file."""
    misaligned_buffers: int
    """Data that do not begin at a multiple of 16 bytes, as the schema demands; 0 in a good file."""
    min_runtime: str
    """Oldest TFLite runtime that has all these operator versions, as the converter noted it."""
    info: ModelInfo | None
    """Sizes, if it is a trainable model of this project."""
    not_trainable: str
    """Why it is none; empty if it is one."""
    weights_included: bool | None
    """False: a checkpoint must be loaded first. None: not a trainable model."""

    @property
    def operators(self) -> tuple[str, ...]:
        """Kinds of operators in use."""
        return tuple(sorted({n for s in self.signatures.values() for n in s.operators}))

    @property
    def weights(self) -> int:
        """Numbers in a checkpoint: trainable parameters and statistics; 0 if it has none."""
        getter = self.signatures.get("get_weights")
        shapes = (
            [] if getter is None else [text.partition("[")[2] for text in getter.outputs.values()]
        )
        return sum(math.prod(int(n) for n in shape.rstrip("]").split(",") if n) for shape in shapes)

    @property
    def sub_models(self) -> dict[str, tuple[str, ...]]:
        """Sub-model -> the layers that it trains, of those that the file has a signature for."""
        if self.info is None:
            return {}
        return {sub_model.name: sub_model.layers for sub_model in self.info.network.sub_models}


def inspect(path: Path) -> Inspection:
    """Read what is in a flatbuffer.

    Raises:
        InputError: It cannot be read, is not one, or is damaged.
    """
    with opened(path) as model:
        return _Reader(path, model).inspection()


class _Reader:
    """Reads one file; every number that points somewhere is checked."""

    def __init__(self, path: Path, model: Any) -> None:
        self._path = path
        self._model = model
        codes = range(model.OperatorCodesLength())
        self._codes = [operator_of(model.OperatorCodes(n)) for n in codes]
        self._graphs = [model.Subgraphs(n) for n in range(model.SubgraphsLength())]
        self._buffers = model.BuffersLength()
        self._counts = [Counter[str]() for _ in self._graphs]
        self._calls: list[set[int]] = [set() for _ in self._graphs]
        for number in range(len(self._graphs)):
            self._read_graph(number)

    def inspection(self) -> Inspection:
        model = self._model
        names = signature_names(model)
        try:
            info, why = info_of(model, self._path), ""
            included = bool(constants(model, names["info"])["weights_included"])
        except InputError as error:
            info, why, included = None, error.what, None
        used = {kind for counts in self._counts for kind in counts}
        return Inspection(
            bytes=self._path.stat().st_size,
            constant_bytes=sum(model.Buffers(n).DataLength() for n in range(self._buffers)),
            subgraphs=len(self._graphs),
            signatures={name: self._signature(names[name]) for name in sorted(names)},
            operator_versions={
                kind: max(v for k, v, _ in self._codes if k == kind)
                for kind in sorted({k for k, _, custom in self._codes if not custom} & used)
            },
            custom_operators=tuple(sorted({k for k, _, custom in self._codes if custom} & used)),
            misaligned_buffers=misaligned(model),
            min_runtime=self._metadata("min_runtime_version"),
            info=info,
            not_trainable=why,
            weights_included=included,
        )

    def _check(self, index: int, count: int, kind: str) -> None:
        if not 0 <= index < count:
            raise damaged(self._path, f"it points to {kind} {index} of {count}")

    def _read_graph(self, number: int) -> None:
        graph = self._graphs[number]
        tensors = graph.TensorsLength()
        for n in range(tensors):
            self._check(graph.Tensors(n).Buffer(), self._buffers, "buffer")
        for n in (*numbers_of(graph, "Inputs"), *numbers_of(graph, "Outputs")):
            self._check(n, tensors, "tensor")
        for n in range(graph.OperatorsLength()):
            operator = graph.Operators(n)
            self._check(operator.OpcodeIndex(), len(self._codes), "operator")
            for tensor in (*numbers_of(operator, "Inputs"), *numbers_of(operator, "Outputs")):
                if tensor != -1:  # an optional one that is left out
                    self._check(tensor, tensors, "tensor")
            self._counts[number][self._codes[operator.OpcodeIndex()][0]] += 1
            for called in called_subgraphs(operator):
                self._check(called, len(self._graphs), "subgraph")
                self._calls[number].add(called)

    def _signature(self, number: int) -> SignatureListing:
        definition = self._model.SignatureDefs(number)
        first = definition.SubgraphIndex()
        self._check(first, len(self._graphs), "subgraph")
        counts: Counter[str] = Counter()
        waiting, seen = [first], set()
        while waiting:
            index = waiting.pop()
            if index not in seen:
                seen.add(index)
                counts += self._counts[index]
                waiting.extend(self._calls[index])
        return SignatureListing(
            self._described(definition, "Inputs"),
            self._described(definition, "Outputs"),
            dict(sorted(counts.items())),
        )

    def _described(self, definition: Any, kind: str) -> dict[str, str]:
        graph = self._graphs[definition.SubgraphIndex()]
        tensors = {}
        for n in range(getattr(definition, f"{kind}Length")()):
            entry = getattr(definition, kind)(n)
            self._check(entry.TensorIndex(), graph.TensorsLength(), "tensor")
            tensor = graph.Tensors(entry.TensorIndex())
            shape = numbers_of(tensor, "ShapeSignature") or numbers_of(tensor, "Shape")
            tensors[entry.Name().decode()] = (
                f"{names_of('TensorType')[tensor.Type()].lower()}{shape}"
            )
        return tensors

    def _metadata(self, name: str) -> str:
        for n in range(self._model.MetadataLength()):
            entry = self._model.Metadata(n)
            if entry.Name() == name.encode():
                self._check(entry.Buffer(), self._buffers, "buffer")
                data = self._model.Buffers(entry.Buffer()).DataAsNumpy()
                return bytes(data).rstrip(b"\0").decode()
        return ""


def numbers_of(owner: Any, name: str) -> list[int]:
    """Return a vector of numbers of one of the format's tables."""
    return [int(getattr(owner, name)(n)) for n in range(getattr(owner, f"{name}Length")())]


def operator_of(code: Any) -> tuple[str, int, bool]:
    """Return name, version, and whether it is a custom one."""
    if code.CustomCode():
        return code.CustomCode().decode(), int(code.Version()), True
    builtin = max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))
    return names_of("BuiltinOperator")[builtin], int(code.Version()), False


def called_subgraphs(operator: Any) -> list[int]:
    """Return the subgraphs that an operator runs."""
    from ai_edge_litert import schema_py_generated as schema

    kind = names_of("BuiltinOptions")[operator.BuiltinOptionsType()]
    if kind not in _SUBGRAPH_CALLS:
        return []
    options = getattr(schema, kind)()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return [int(getattr(options, field)()) for field in _SUBGRAPH_CALLS[kind]]


@cache
def names_of(enum: str) -> dict[int, str]:
    """Return number -> name of one of the format's enumerations."""
    from ai_edge_litert import schema_py_generated as schema

    return {v: k for k, v in vars(getattr(schema, enum)).items() if isinstance(v, int)}
