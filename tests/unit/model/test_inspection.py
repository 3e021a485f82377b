"""A flatbuffer is looked into without running it, also a damaged one."""

from __future__ import annotations

import random
import subprocess
import sys

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from harness.errors import InputError
from harness.model.configuration import layer_parameters, sub_model_parameters
from harness.model.families import CONFIGS
from harness.model.inspection import inspect
from harness.model.packing import packed
from harness.paths import data_root
from harness.trainer.flatfile import read_info, signature_names
from harness.trainer.runtime import FlatbufferModel


@pytest.fixture(scope="module")
def tiny():
    return data_root() / "models" / "ds2-tiny" / "ds2-tiny-b2.tflite"


def patched(source, out, place, number):
    """Write a copy of a flatbuffer with another int32 where ``place(root)`` says."""
    content = bytearray(source.read_bytes())
    at = place(schema.Model.GetRootAs(content, 0))
    content[at : at + 4] = number.to_bytes(4, "little")
    out.write_bytes(content)
    return out


def vector(table, field):
    """Return where the vector of a table's n-th field begins."""
    return table._tab.Vector(table._tab.Offset(4 + 2 * field))


def test_what_is_in_a_model(tiny):
    found = inspect(tiny)
    config = CONFIGS["ds2-tiny"]
    assert found.info == read_info(tiny) == FlatbufferModel(tiny, 1).info
    assert found.info.layer_parameters == layer_parameters(config)
    assert found.info.sub_model_parameters == sub_model_parameters(config)
    statistics = sum(spec.statistics for spec in config.layer_specs())
    assert found.weights == found.info.sub_model_parameters["S1"] + statistics
    assert found.sub_models["S1"][0] == "CONV1"
    assert found.sub_models["S5"] == ("BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2")
    assert list(found.sub_models) == [f"S{n}" for n in range(1, 9)]
    assert found.weights_included is True
    assert found.custom_operators == ()
    assert found.min_runtime.startswith("2.")
    assert set(found.operator_versions) == set(found.operators)
    assert found.signatures["infer"].inputs["x"] == "float32[2, 320, 80]"
    assert found.not_trainable == ""


def test_weights_left_to_a_checkpoint_are_told():
    found = inspect(data_root() / "models" / "ds2-mini" / "ds2-mini-b5.tflite")
    assert found.weights_included is False


def test_a_missing_signature_is_named(tiny, tmp_path):
    path = tmp_path / "other.tflite"
    path.write_bytes(tiny.read_bytes().replace(b"set_weights", b"lost_weight"))
    found = inspect(path)
    assert found.info is None
    assert found.not_trainable == "the model lacks the signatures set_weights"
    for read in (read_info, FlatbufferModel):
        with pytest.raises(
            InputError, match=r"other\.tflite: .*the signatures set_weights"
        ) as said:
            read(path)
        assert "harness model build" in said.value.hint


def test_flex_and_custom_operators_are_told(tmp_path):
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], []
    model.subgraphs, model.operatorCodes = [graph], []
    for number, name in enumerate(("FlexSave", "Mine", None)):
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = schema.BuiltinOperator.CUSTOM if name else schema.BuiltinOperator.ADD
        code.customCode, code.version, operator.opcodeIndex = name, number + 1, number
        model.operatorCodes.append(code)
        graph.operators.append(operator)
    (tmp_path / "x.tflite").write_bytes(packed(model))
    found = inspect(tmp_path / "x.tflite")
    assert found.custom_operators == ("FlexSave", "Mine")
    assert found.operator_versions == {"ADD": 3}
    assert found.signatures == {}


@pytest.mark.parametrize("missing", range(16))
def test_data_lie_where_the_schema_demands(missing, tmp_path):
    """Whatever comes before them, and also in files that another program wrote otherwise."""
    path = tmp_path / "x.tflite"
    model = schema.ModelT()
    model.description = "x" * missing
    model.buffers = []
    for size in (0, 1, 5, 16, 16, 23):
        buffer = schema.BufferT()
        buffer.data = np.full(size, 7, np.uint8)
        model.buffers.append(buffer)
    path.write_bytes(packed(model))
    assert inspect(path).misaligned_buffers == 0
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    root = schema.Model.GetRootAs(bytes(builder.Output()), 0)
    data = [root.Buffers(n)._tab for n in range(1, root.BuffersLength())]
    starts = [table.Vector(table.Offset(4)) for table in data]
    assert inspect(path).misaligned_buffers == sum(start % 16 != 0 for start in starts) > 0


def test_another_version_of_the_signatures(tiny, tmp_path):
    def format_of(root):
        info = root.SignatureDefs(signature_names(root)["info"])
        (output,) = (
            info.Outputs(n)
            for n in range(info.OutputsLength())
            if info.Outputs(n).Name() == b"format"
        )
        tensor = root.Subgraphs(info.SubgraphIndex()).Tensors(output.TensorIndex())
        return vector(root.Buffers(tensor.Buffer()), 0)

    path = patched(tiny, tmp_path / "newer.tflite", format_of, 99)
    for read in (read_info, FlatbufferModel):
        with pytest.raises(InputError, match=r"newer\.tflite: signatures of format 99"):
            read(path)
    assert "format 99" in inspect(path).not_trainable


def test_a_number_that_points_nowhere(tiny, tmp_path):
    def first_input(root):
        infer = root.SignatureDefs(signature_names(root)["infer"])
        graph = root.Subgraphs(infer.SubgraphIndex())
        operators = (graph.Operators(n) for n in range(graph.OperatorsLength()))
        return vector(next(o for o in operators if o.InputsLength()), 1)

    path = patched(tiny, tmp_path / "x.tflite", first_input, 100_000)
    with pytest.raises(InputError, match=r"x\.tflite: .*damaged: it points to tensor 100000 of"):
        inspect(path)


def test_a_damaged_file_is_one_clear_error(tiny, tmp_path):
    """Cut anywhere it is refused; with a page overwritten it is refused or (weights) still one."""
    good = tiny.read_bytes()
    path = tmp_path / "bad.tflite"
    dice = random.Random(5)
    for _ in range(4):
        path.write_bytes(good[: dice.randrange(9, len(good))])
        with pytest.raises(InputError, match=r"bad\.tflite: the flatbuffer is damaged") as refused:
            inspect(path)
        assert "harness model build" in refused.value.hint
    refused = 0
    for _ in range(4):
        place = dice.randrange(8, 8000)
        path.write_bytes(good[:place] + dice.randbytes(512) + good[place + 512 :])
        try:
            inspect(path)
        except InputError:
            refused += 1
    assert refused


def test_the_trainer_survives_a_truncated_file(tiny, tmp_path):
    """In a process of its own: LiteRT is C++, and might end it."""
    good = tiny.read_bytes()
    cuts = [8, 20, 1000, len(good) // 2, len(good) - 4096, len(good) - 1]
    for n, cut in enumerate(cuts):
        (tmp_path / f"{n}.tflite").write_bytes(good[:cut])
    code = (
        "import sys, pathlib\n"
        "from harness.errors import InputError\n"
        "from harness.trainer.runtime import FlatbufferModel\n"
        "for path in map(pathlib.Path, sys.argv[1:]):\n"
        "    try:\n"
        "        FlatbufferModel(path, 1)\n"
        "    except InputError as error:\n"
        "        print(path.name, str(error).startswith(str(path)))\n"
    )
    paths = [str(tmp_path / f"{n}.tflite") for n in range(len(cuts))]
    out = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert out.stdout.split("\n")[:-1] == [f"{n}.tflite True" for n in range(len(cuts))]


def test_looking_needs_no_tensorflow():
    code = "import harness.model.inspection, sys; print('tensorflow' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
