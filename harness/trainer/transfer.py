"""What goes into an interpreter and comes out of it; weights without being held more than needed.

A signature's inputs stay allocated after it ran: for ``set_weights`` as much as the weights
themselves, on top of them. So values are handed over one by one, and afterwards the memory pages of
what was handed over go back to the system (they read as zeros until the signature runs again).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def run(interpreter: Any, signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run a signature; return copies of its outputs by name.

    As LiteRT's ``SignatureRunner`` does, but inputs keep the shapes that the file gives them.
    The runner sets each input's shape anew, and LiteRT's wheels for ARM64 end the process when an
    input without dimensions is set to no dimensions (docs/model.md, "On ARM64").

    Args:
        interpreter: Of ai-edge-litert or tensorflow.
        signature: Its key.
        inputs: Arrays by name, in the shapes and types of the file.

    Raises:
        ValueError: An input is missing, unknown, or of another shape or type.
    """
    inner, graph = interpreter._interpreter, _graph(interpreter, signature)
    tensors = interpreter._get_full_signature_list()[signature]
    if inputs.keys() != tensors["inputs"].keys():
        wanted = ", ".join(sorted(tensors["inputs"]))
        raise ValueError(f"{signature} takes {wanted or 'nothing'}, not {', '.join(inputs)}")
    inner.AllocateTensors(graph)
    for name, tensor in tensors["inputs"].items():
        inner.SetTensor(tensor, inputs[name], graph)
    inner.Invoke(graph)
    return {name: inner.GetTensor(tensor, graph) for name, tensor in tensors["outputs"].items()}


def put(interpreter: Any, signature: str, value: Callable[[str], Floats]) -> None:
    """Run a signature whose inputs are made one after another, and that reads no variable.

    What it computed on its way is given back, too: weights that are encoded are rounded there.

    Args:
        interpreter: Of ai-edge-litert or tensorflow.
        signature: Its key; its outputs are not looked at.
        value: Returns the value of an input by name, in the input's shape.
    """
    inner, graph = interpreter._interpreter, _graph(interpreter, signature)
    inputs = interpreter._get_full_signature_list()[signature]["inputs"]
    inner.AllocateTensors(graph)
    for name, tensor in inputs.items():
        inner.SetTensor(tensor, value(name), graph)
    inner.Invoke(graph)
    _give_back(interpreter, _beside(interpreter, inputs.values(), graph), graph)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc keeps what unpacking values took, else
        trim(ctypes.c_size_t(0))


def take(interpreter: Any, signature: str) -> Iterator[tuple[str, Floats]]:
    """Run a signature without inputs; yield its outputs by name.

    An output is a view into the interpreter, and gone when the next one is asked for.
    """
    inner, graph = interpreter._interpreter, _graph(interpreter, signature)
    outputs = interpreter._get_full_signature_list()[signature]["outputs"]
    inner.AllocateTensors(graph)
    inner.Invoke(graph)
    for name, tensor in outputs.items():
        yield name, inner.tensor(interpreter, tensor, graph)
        _give_back(interpreter, [tensor], graph)


def _graph(interpreter: Any, signature: str) -> int:
    return int(interpreter._interpreter.GetSubgraphIndexFromSignature(signature))


def _beside(interpreter: Any, tensors: Iterable[int], graph: int) -> list[int]:
    """Return some tensors of a graph, and all that lie in the same pieces of memory as they do.

    Its constants lie in the file's own piece.
    """
    inner = interpreter._interpreter
    pieces = list(_own_memory())

    def piece_of(tensor: int) -> range | None:
        if inner.TensorType(tensor, graph) is np.object_:  # a variable's handle: no numbers
            return None
        try:
            view = inner.tensor(interpreter, tensor, graph)
        except (ValueError, RuntimeError):  # nothing yet
            return None
        if not isinstance(view, np.ndarray):  # one number
            return None
        return next((piece for piece in pieces if view.ctypes.data in piece), None)

    given = list(tensors)
    held = {piece_of(tensor) for tensor in given} - {None}
    others = (n for n in range(inner.NumTensors(graph)) if n not in given)
    return [*given, *(n for n in others if piece_of(n) in held)]


def _own_memory() -> Iterator[range]:
    """Yield the pieces of this process's memory that are no file's; none where it cannot tell."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        ends, _, _, _, inode, *_ = line.split()
        if inode == "0":
            first, last = (int(end, 16) for end in ends.split("-"))
            yield range(first, last)


def _give_back(interpreter: Any, tensors: Iterable[int], graph: int) -> None:
    """Drop the whole pages within tensors whose content nobody needs any more."""
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is None:
        return
    madvise = ctypes.CDLL(None).madvise
    for tensor in tensors:
        view = interpreter._interpreter.tensor(interpreter, tensor, graph)
        first = -(-view.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (view.ctypes.data + view.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
        if end > first:  # advice only: nothing is lost if the system does not take it
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), advice)
