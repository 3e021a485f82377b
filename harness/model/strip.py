"""Make a converted flatbuffer small (no tensorflow).

What the converter leaves in: start values of variables that are set at run time (Adam's moments, or
the weights where a checkpoint brings them), a copy of a block of time steps for every use of it,
and a name, an empty buffer and empty quantisation details for every tensor.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from harness.model.packing import packed, plain

_SUBGRAPH_FIELDS = (
    "condSubgraphIndex",
    "bodySubgraphIndex",
    "initSubgraphIndex",
    "thenSubgraphIndex",
    "elseSubgraphIndex",
)


def strip(
    content: bytes, drop_variables: Sequence[str], facts: Mapping[str, int] | None = None
) -> bytes:
    """Return the same model, smaller.

    Args:
        content: A flatbuffer as the converter wrote it.
        drop_variables: Beginnings of names of variables whose start value is left out. Such a
            variable holds arbitrary memory until something assigned it.
        facts: Numbers that the signature ``info`` is to return besides its own.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    _drop_start_values(model, tuple(drop_variables))
    _drop_unused(model)
    _share_subgraphs(model)
    _part_outputs(model)
    for name, value in (facts or {}).items():
        _add_fact(model, name, value)
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = None
            tensor.quantization = None
    return packed(model)


def operator_code(model: Any, operator: Any) -> int:
    """Return the builtin code of an operator of an unpacked model."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(v) for v in values]


def _drop_start_values(model: Any, prefixes: tuple[str, ...]) -> None:
    codes = schema.BuiltinOperator
    for graph in model.subgraphs:
        names = {
            int(o.outputs[0]): _text(o.builtinOptions.sharedName)
            for o in graph.operators
            if operator_code(model, o) == codes.VAR_HANDLE
        }
        buffers = [model.buffers[t.buffer].data for t in graph.tensors]
        dropped = {
            int(o.inputs[0])
            for o in graph.operators
            if operator_code(model, o) == codes.ASSIGN_VARIABLE
            and buffers[int(o.inputs[1])] is not None
            and names[int(o.inputs[0])].startswith(prefixes)
        }
        graph.operators = [
            o
            for o in graph.operators
            if not (
                operator_code(model, o) == codes.ASSIGN_VARIABLE and int(o.inputs[0]) in dropped
            )
            and not (operator_code(model, o) == codes.VAR_HANDLE and int(o.outputs[0]) in dropped)
        ]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _drop_unused(model: Any) -> None:
    """Remove tensors that no operator touches, then buffers that hold nothing or the same."""
    contents = [_digest(b.data) for b in model.buffers]
    first: dict[str, int] = {}
    for n, content in enumerate(contents):
        first.setdefault(content, n)  # buffer 0 is empty by definition of the format
    used = {0} | {m.buffer for m in model.metadata or []}
    for graph in model.subgraphs:
        live = set(_numbers(graph.inputs)) | set(_numbers(graph.outputs))
        for operator in graph.operators:
            live |= set(_numbers(operator.inputs)) | set(_numbers(operator.outputs))
        place = {old: new for new, old in enumerate(sorted(live - {-1}))}
        for owner in (graph, *graph.operators):
            owner.inputs = [place.get(n, -1) for n in _numbers(owner.inputs)]
            owner.outputs = [place.get(n, -1) for n in _numbers(owner.outputs)]
        index = model.subgraphs.index(graph)
        for definition in model.signatureDefs or []:
            if definition.subgraphIndex == index:
                for tensor_map in (definition.inputs or []) + (definition.outputs or []):
                    tensor_map.tensorIndex = place[tensor_map.tensorIndex]
        graph.tensors = [graph.tensors[old] for old in sorted(place)]
        for tensor in graph.tensors:
            tensor.buffer = first[contents[tensor.buffer]]
        used |= {t.buffer for t in graph.tensors}
    place = {old: new for new, old in enumerate(sorted(used))}
    model.buffers = [model.buffers[old] for old in sorted(used)]
    for metadata in model.metadata or []:
        metadata.buffer = place[metadata.buffer]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = place[tensor.buffer]


def _share_subgraphs(model: Any) -> None:
    """Keep one of equal subgraphs: the time loops of all layers and signatures share theirs."""
    entry = _entries(model)
    contents = [_digest(b.data) for b in model.buffers]
    while True:
        seen: dict[str, int] = {}
        target = list(range(len(model.subgraphs)))
        for n, graph in enumerate(model.subgraphs):
            if n not in entry:
                target[n] = seen.setdefault(_fingerprint(graph, contents), n)
        remaining = sorted(set(target))
        if len(remaining) == len(model.subgraphs):
            return
        place = {old: new for new, old in enumerate(remaining)}
        for graph in model.subgraphs:
            for operator in graph.operators:
                for name in _SUBGRAPH_FIELDS:
                    index = getattr(operator.builtinOptions, name, None)
                    if index is not None:
                        setattr(operator.builtinOptions, name, place[target[index]])
        for definition in model.signatureDefs or []:
            definition.subgraphIndex = place[definition.subgraphIndex]
        entry = {place[n] for n in entry}
        model.subgraphs = [model.subgraphs[n] for n in remaining]


def _entries(model: Any) -> set[int]:
    """Return the subgraphs that a signature, or a caller without one, begins with."""
    return {d.subgraphIndex for d in model.signatureDefs or []} | {0}


def _part_outputs(model: Any) -> None:
    """Let no branch return one tensor twice.

    The converter makes one of equal operators, such as two that fill zeros; LiteRT's IF then hands
    on only one of the outputs, and the other holds what lay in memory.
    """
    entry = _entries(model)
    for n, graph in enumerate(model.subgraphs):
        if n in entry:
            continue
        outputs = _numbers(graph.outputs)
        for place, tensor in enumerate(outputs):
            maker = next((o for o in graph.operators if tensor in _numbers(o.outputs)), None)
            if tensor not in outputs[:place] or maker is None:
                continue
            outputs_of_maker, first = _numbers(maker.outputs), len(graph.tensors)
            again = copy.copy(maker)
            again.outputs = [first + k for k in range(len(outputs_of_maker))]
            graph.tensors += [copy.copy(graph.tensors[t]) for t in outputs_of_maker]
            graph.operators.append(again)
            outputs[place] = first + outputs_of_maker.index(tensor)
        graph.outputs = outputs


def _add_fact(model: Any, name: str, value: int) -> None:
    """Let the signature ``info`` return one more scalar (or another value of it)."""
    definition = next(d for d in model.signatureDefs if _text(d.signatureKey) == "info")
    graph = model.subgraphs[definition.subgraphIndex]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.array(value, "<i4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    known = [m for m in definition.outputs if _text(m.name) == name]
    if known:
        graph.tensors[known[0].tensorIndex].buffer = len(model.buffers) - 1
        return
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = [], schema.TensorType.INT32, len(model.buffers) - 1
    graph.tensors.append(tensor)
    graph.outputs = [*_numbers(graph.outputs), len(graph.tensors) - 1]
    output = schema.TensorMapT()
    output.name, output.tensorIndex = name, len(graph.tensors) - 1
    definition.outputs.append(output)


def _digest(data: Any) -> str:
    if data is None:
        return ""
    return hashlib.sha256(np.asarray(data, np.uint8).tobytes()).hexdigest()


def _fingerprint(graph: Any, contents: list[str]) -> str:
    """Describe what a subgraph computes, names left out."""
    tensors = [
        (_numbers(t.shape), t.type, contents[t.buffer], t.isVariable, _numbers(t.shapeSignature))
        for t in graph.tensors
    ]
    operators = [
        (
            o.opcodeIndex,
            _numbers(o.inputs),
            _numbers(o.outputs),
            plain(o.builtinOptions),
            plain(getattr(o, "builtinOptions2", None)),
        )
        for o in graph.operators
    ]
    whole = (tensors, operators, _numbers(graph.inputs), _numbers(graph.outputs))
    return hashlib.sha256(repr(whole).encode()).hexdigest()
