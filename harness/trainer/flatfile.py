"""What can be known of a flatbuffer without running it: signatures, and what ``info`` would say.

LiteRT checks a file when it loads it, but some damage gets past it and ends the process. Here a
file is only read, so a wrong one is always an error that names it.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.contract.network import NetworkError
from harness.errors import InputError
from harness.trainer.checkpoints import misfit
from harness.trainer.info import ModelInfo, check_signatures, model_info
from harness.trainer.npz import opened_weights

_BROKEN = (
    *(struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError),
    *(OverflowError, MemoryError, RecursionError),
)
"""What reading offsets that point nowhere ends in."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a damaged file leads to into one clear error.

    Raises:
        InputError: The file is damaged.
    """
    try:
        yield
    except _BROKEN as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> InputError:
    """Return the error for a file that is a flatbuffer no more."""
    return InputError(
        f"the flatbuffer is damaged: {why}",
        where=str(path),
        hint="Copy it again, or make it anew with 'harness model build'.",
    )


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Give a flatbuffer's root (``tflite.Model``), read from the disk as it is asked.

    Raises:
        InputError: It cannot be read, is not a flatbuffer, or turns out to be damaged.
    """
    from ai_edge_litert import schema_py_generated as schema  # 0.4 s

    try:
        with path.open("rb") as file:
            if file.read(8)[4:] != b"TFL3":
                raise InputError(
                    "not a TensorFlow Lite flatbuffer", where=str(path), hint="Give a .tflite file."
                )
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    # not closed here: numpy's views of it, wherever they went, keep it open
    with reading(path):
        yield schema.Model.GetRootAs(content, 0)


def signature_names(model: Any) -> dict[str, int]:
    """Return signature -> its number in the file."""
    return {
        model.SignatureDefs(n).SignatureKey().decode(): n
        for n in range(model.SignatureDefsLength())
    }


def signatures_of(path: Path) -> frozenset[str]:
    """Return the names of a file's signatures.

    Raises:
        InputError: As ``opened``.
    """
    with opened(path) as model:
        return frozenset(signature_names(model))


def constants(model: Any, signature: int) -> dict[str, Any]:
    """Return the outputs of a signature that are constants in the file: int32 or uint8 arrays."""
    from ai_edge_litert import schema_py_generated as schema

    definition = model.SignatureDefs(signature)
    graph = model.Subgraphs(definition.SubgraphIndex())
    values = {}
    for n in range(definition.OutputsLength()):
        output = definition.Outputs(n)
        tensor = graph.Tensors(output.TensorIndex())
        data = model.Buffers(tensor.Buffer()).DataAsNumpy()
        shape = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
        kind = "u1" if tensor.Type() == schema.TensorType.UINT8 else "<i4"
        values[output.Name().decode()] = (
            np.frombuffer(bytes(data), kind).reshape(shape) if isinstance(data, np.ndarray) else 0
        )
    return values


def info_of(model: Any, path: Path) -> ModelInfo:
    """Return the sizes of an opened model.

    Raises:
        InputError: It lacks signatures, or is of another format.
    """
    names = signature_names(model)
    check_signatures(set(names), path)
    with reading(path):
        return model_info(constants(model, names["info"]), set(names), path)


def read_info(path: Path) -> ModelInfo:
    """Return a model file's sizes, as ``FlatbufferModel.info`` has them.

    Raises:
        InputError: Not a flatbuffer, damaged, without the signatures of this version.
    """
    with opened(path) as model:
        return info_of(model, path)


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight that a model takes, by name.

    Raises:
        InputError: As ``read_info``.
    """
    with opened(path) as model:
        names = signature_names(model)
        check_signatures(set(names), path)
        definition = model.SignatureDefs(names["set_weights"])
        graph = model.Subgraphs(definition.SubgraphIndex())
        shapes = {}
        for n in range(definition.InputsLength()):
            entry = definition.Inputs(n)
            tensor = graph.Tensors(entry.TensorIndex())
            shape = tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))
            shapes[entry.Name().decode()] = shape
        return shapes


def check_sub_models(path: Path, names: Iterable[str]) -> None:
    """Check that a model can train sub-models, without loading it.

    Raises:
        InputError: It lacks one, or as ``read_info``.
    """
    network = read_info(path).network
    try:
        for name in names:
            network.sub_model(name)
    except NetworkError as error:
        raise InputError(
            str(error), where="trainer.candidates", hint=f"The model is {path}."
        ) from error


def check_checkpoint(path: Path, checkpoint: Path) -> None:
    """Check that a checkpoint is of a model and can be loaded, without running the model.

    Raises:
        InputError: It is of another, one of the two is damaged, or a weight is not finite.
    """
    with opened_weights(checkpoint) as stored:
        differs = misfit(weight_shapes(path), stored.shapes)
        if differs:
            hint = f"The model is {path}; give weights made with it."
            raise InputError(differs, where=str(checkpoint), hint=hint)
        for name in stored.shapes:
            stored.read(name)
