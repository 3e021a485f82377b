"""How many bytes a step holds at once, counted in made-up graphs and in shipped files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from harness.model.live import live_peak, training_peak
from harness.paths import data_root

MINI = data_root() / "models" / "conformer-mini" / "conformer-mini-b1.tflite"


def written(path: Path, graphs: list[Any]) -> Path:
    """Write a file whose first graph is the signature ``go``."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    kinds = ("EXP", "ADD", "IF", "GREATER")
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = []
    for kind in kinds:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        model.operatorCodes.append(code)
    model.buffers = [schema.BufferT()]
    zero = schema.BufferT()
    zero.data = list((0).to_bytes(4, "little"))
    model.buffers.append(zero)
    model.subgraphs = []
    for tensors, operators, inputs, outputs in graphs:
        graph = schema.SubGraphT()
        graph.inputs, graph.outputs = inputs, outputs
        graph.tensors, graph.operators = [], []
        for size in tensors:
            tensor = schema.TensorT()
            tensor.shape, tensor.type = [abs(size)], schema.TensorType.FLOAT32
            if size <= 0:  # a constant 0
                tensor.shape, tensor.type, tensor.buffer = [], schema.TensorType.INT32, 1
            graph.tensors.append(tensor)
        for kind, takes, gives, branches in operators:
            operator = schema.OperatorT()
            operator.opcodeIndex = kinds.index(kind)
            operator.inputs, operator.outputs = takes, gives
            if branches:
                operator.builtinOptionsType = schema.BuiltinOptions.IfOptions
                operator.builtinOptions = schema.IfOptionsT()
                operator.builtinOptions.thenSubgraphIndex = branches[0]
                operator.builtinOptions.elseSubgraphIndex = branches[1]
            graph.operators.append(operator)
        model.subgraphs.append(graph)
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = "x", graphs[0][2][0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "go", 0
    signature.inputs, signature.outputs = [entry], []
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_what_is_made_lives_to_its_last_use(tmp_path: Path):
    # x (10) -> a (30) -> b (20) -> c (5); a is needed again by the last one
    operators = [
        ("EXP", [0], [1], None),
        ("EXP", [1], [2], None),
        ("EXP", [2], [3], None),
        ("ADD", [3, 1], [4], None),
    ]
    path = written(tmp_path / "m.tflite", [([10, 30, 20, 5, 5], operators, [0], [4])])
    peak = live_peak(path, "go")
    assert (peak.bytes, peak.operator, peak.operators) == (4 * (30 + 20 + 5), "EXP", 4)


def test_branches_are_followed_where_numbers_say_which(tmp_path: Path):
    # go: if x > 0, then 100 numbers of scratch, else 7
    go = (
        [1, 0, 1, 2],
        [("GREATER", [0, 1], [2], None), ("IF", [2, 0], [3], (1, 2))],
        [0],
        [3],
    )
    then = ([1, 100, 2], [("EXP", [0], [1], None), ("EXP", [1], [2], None)], [0], [2])
    other = ([1, 7, 2], [("EXP", [0], [1], None), ("EXP", [1], [2], None)], [0], [2])
    path = written(tmp_path / "m.tflite", [go, then, other])
    outside = 4 * (1 + 1 + 2)  # x, what is asked, what comes of it
    large, small = outside + 4 * (100 + 2), outside + 4 * (7 + 2)
    assert live_peak(path, "go").bytes == large
    assert live_peak(path, "go", {"x": 1}).bytes == large
    assert live_peak(path, "go", {"x": 0}).bytes == small


def test_spans_of_a_switched_file_are_told_apart():
    peaks = {name: training_peak(MINI, name) for name in ("all", "upto1", "from3", "heads")}
    operators = {name: peak.operators for name, peak in peaks.items()}
    assert operators["all"] > max(operators["upto1"], operators["from3"]) > operators["heads"]
    # a block's way back at a time: a span of six layers holds as much as one of two
    assert peaks["all"].bytes == peaks["upto1"].bytes > peaks["heads"].bytes > 2**20


def test_what_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="no signature 'train_all'"):
        live_peak(MINI, "train_all")
    with pytest.raises(InputError, match="no sub-model 'S9'"):
        training_peak(MINI, "S9")
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(MINI.read_bytes()[:5000])
    with pytest.raises(InputError, match="damaged"):
        training_peak(damaged, "all")
