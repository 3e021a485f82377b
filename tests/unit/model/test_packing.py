"""Equal parts of a flatbuffer are written once, and it says the same (no tensorflow)."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from harness.model.packing import packed, plain
from harness.paths import data_root

TINY = data_root() / "models" / "ds2-tiny" / "ds2-tiny-b2.tflite"


def unpacked(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def as_generated(model):
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.fixture(scope="module")
def some():
    """The smaller graphs of a real file; all of them take seconds."""
    model = unpacked(TINY.read_bytes())
    model.subgraphs = [graph for graph in model.subgraphs if len(graph.operators) < 150]
    return model


def test_it_says_the_same(some):
    before = plain(some)
    assert plain(unpacked(packed(some))) == before
    assert plain(some) == before  # and what was packed is left as it was


def test_it_is_smaller(some):
    data = sum(0 if buffer.data is None else len(buffer.data) for buffer in some.buffers)
    assert len(packed(some)) - data < 2 / 3 * (len(as_generated(some)) - data)


def test_equal_parts_are_one_and_others_are_not():
    model = schema.ModelT()
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.inputs, graph.outputs, graph.operators = [0], [3], []
    graph.tensors = []
    for shape, kind in (((2, 3), 0), ((2, 3), 0), ((3, 2), 0), ((2, 3), 2)):
        tensor = schema.TensorT()
        tensor.shape, tensor.type = list(shape), kind
        graph.tensors.append(tensor)
    for keep in (True, True, False):
        operator = schema.OperatorT()
        operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
        operator.builtinOptions = schema.AddOptionsT()
        operator.builtinOptions.potScaleInt16 = keep
        operator.inputs, operator.outputs = [0, 1], [2]
        graph.operators.append(operator)
    model.subgraphs = [graph]
    written = schema.Model.GetRootAs(packed(model), 0).Subgraphs(0)
    tensors = [written.Tensors(n) for n in range(4)]
    assert [t.ShapeAsNumpy().tolist() for t in tensors] == [[2, 3], [2, 3], [3, 2], [2, 3]]
    assert [t.Type() for t in tensors] == [0, 0, 0, 2]
    places = [t._tab.Pos for t in tensors]
    assert places[0] == places[1]
    assert len(set(places)) == 3
    options = [written.Operators(n).BuiltinOptions() for n in range(3)]
    assert options[0].Pos == options[1].Pos != options[2].Pos
    np.testing.assert_array_equal(written.InputsAsNumpy(), [0])
