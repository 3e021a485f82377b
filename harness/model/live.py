"""How many bytes a step holds at once, by a flatbuffer alone: nothing is run (no tensorflow).

Operators are gone through in the order of the file, as a runtime does that joins none of them:
what an operator makes lives until the last one that takes it. A branch, or the body of a loop,
lives while its caller waits. Which branch is taken is followed as far as numbers that are given say
it, so that spans of a switched file are told apart. Weights, moments and constants are not counted:
they are there all the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.contract.network import NetworkError
from harness.errors import InputError
from harness.model.inspection import called_subgraphs, names_of, numbers_of, operator_of
from harness.trainer.flatfile import info_of, opened, signature_names
from harness.trainer.info import SWITCHED, train_signature

_SCALARS: Final[dict[str, Callable[..., Any]]] = {
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LOGICAL_AND": lambda a, b: bool(a) and bool(b),
    "LOGICAL_OR": lambda a, b: bool(a) or bool(b),
    "LOGICAL_NOT": lambda a: not a,
}
"""Operators that are followed where all that they take is known."""
_TYPES: Final = {
    "FLOAT32": 4,
    "INT32": 4,
    "UINT32": 4,
    "INT64": 8,
    "FLOAT64": 8,
    "FLOAT16": 2,
    "INT16": 2,
}
_RESOURCE = "RESOURCE"


@dataclass(frozen=True)
class LivePeak:
    """The most that lives at once."""

    bytes: int
    operator: str
    """The kind of operator at which it does."""
    operators: int
    """That run, those of branches that are taken and of loops counted once."""


def live_peak(path: Path, signature: str, given: Mapping[str, int] | None = None) -> LivePeak:
    """Return the most bytes that live at once while a signature runs.

    Args:
        path: Of the flatbuffer.
        signature: Its name.
        given: Values of scalar inputs, by which branches are followed; what is not given may be
            anything.

    Raises:
        InputError: It cannot be read, is damaged, or has no such signature.
    """
    with opened(path) as model:
        names = signature_names(model)
        if signature not in names:
            raise InputError(
                f"there is no signature {signature!r}",
                where=str(path),
                hint=f"There are {', '.join(sorted(names))}.",
            )
        definition = model.SignatureDefs(names[signature])
        inputs = [definition.Inputs(n) for n in range(definition.InputsLength())]
        tensors = {entry.Name().decode(): entry.TensorIndex() for entry in inputs}
        known = {tensors[name]: value for name, value in (given or {}).items()}
        return _Reader(model).peak(definition.SubgraphIndex(), known)


def training_peak(path: Path, sub_model: str) -> LivePeak:
    """Return the most bytes that live at once while a step of a sub-model runs.

    Raises:
        InputError: As `live_peak`, or the file cannot train it.
    """
    with opened(path) as model:
        network = info_of(model, path).network
    try:
        switch = network.sub_model(sub_model).switch
    except NetworkError as error:
        raise InputError(str(error), where=str(path)) from error
    if switch is None:
        return live_peak(path, train_signature(sub_model))
    given = {"first": switch.first, "last": switch.last, "heads_only": int(switch.heads_only)}
    return live_peak(path, SWITCHED, given)


class _Reader:
    def __init__(self, model: Any) -> None:
        self._model = model
        codes = range(model.OperatorCodesLength())
        self._codes = [operator_of(model.OperatorCodes(n))[0] for n in codes]
        self._peaks: dict[tuple[int, frozenset[tuple[int, Any]]], LivePeak] = {}

    def peak(self, number: int, given: Mapping[int, Any]) -> LivePeak:
        """Return the peak of a subgraph, of whose inputs some are known."""
        key = number, frozenset(given.items())
        if key not in self._peaks:
            self._peaks[key] = self._peak(number, given)
        return self._peaks[key]

    def _peak(self, number: int, given: Mapping[int, Any]) -> LivePeak:
        graph = self._model.Subgraphs(number)
        count = graph.OperatorsLength()
        inputs, outputs = numbers_of(graph, "Inputs"), numbers_of(graph, "Outputs")
        made, last = dict.fromkeys(inputs, 0), dict.fromkeys(inputs, 0)
        inner: list[LivePeak] = []
        kinds: list[str] = []
        known = dict(given)
        for n in range(count):
            operator = graph.Operators(n)
            kind = self._codes[operator.OpcodeIndex()]
            taken, gives = numbers_of(operator, "Inputs"), numbers_of(operator, "Outputs")
            last |= dict.fromkeys(taken, n)
            made |= {tensor: n for tensor in gives if tensor not in made}
            self._follow(graph, kind, taken, gives, known)
            inner.append(self._called(graph, operator, kind, taken, known))
            kinds.append(kind)
        last |= dict.fromkeys(outputs, count)
        change = [0] * (count + 2)
        for tensor, begin in made.items():
            size = self._size(graph.Tensors(tensor))
            change[begin] += size
            change[max(last.get(tensor, begin), begin) + 1] -= size
        alive = np.cumsum(change)[: max(count, 1)]
        if not count:
            return LivePeak(int(alive[0]), "", 0)
        whole = alive + np.array([each.bytes for each in inner])
        at = int(np.argmax(whole))
        operators = count + sum(each.operators for each in inner)
        return LivePeak(int(whole[at]), inner[at].operator or kinds[at], operators)

    def _called(
        self, graph: Any, operator: Any, kind: str, taken: list[int], known: Mapping[int, Any]
    ) -> LivePeak:
        """Return the peak of what an operator runs; of two branches that of the larger one."""
        called = called_subgraphs(operator)
        if not called:
            return LivePeak(0, "", 0)
        arguments = taken
        if kind == "IF":
            condition, *arguments = taken
            decided = self._value(graph, condition, known)
            if decided is not None:
                called = [called[0] if decided else called[1]]
        peaks = []
        for number in called:
            own = numbers_of(self._model.Subgraphs(number), "Inputs")
            values = {
                inside: value
                for inside, outside in zip(own, arguments, strict=False)
                if (value := self._value(graph, outside, known)) is not None
            }
            peaks.append(self.peak(number, values if kind == "IF" else {}))
        return max(peaks, key=lambda each: each.bytes)

    def _follow(
        self, graph: Any, kind: str, taken: list[int], gives: list[int], known: dict[int, Any]
    ) -> None:
        """Add what an operator gives, if it follows from what is known."""
        if kind not in _SCALARS or len(gives) != 1:
            return
        values = [self._value(graph, tensor, known) for tensor in taken]
        if None not in values:
            known[gives[0]] = _SCALARS[kind](*values)

    def _value(self, graph: Any, tensor: int, known: Mapping[int, Any]) -> Any:
        """Return a number that is known, or a constant of the file; None: it is neither."""
        if tensor in known:
            return known[tensor]
        table = graph.Tensors(tensor)
        data = self._model.Buffers(table.Buffer())
        if not 1 <= data.DataLength() <= 8:
            return None
        kind = names_of("TensorType")[table.Type()]
        formats = {"INT32": "<i4", "BOOL": "?", "FLOAT32": "<f4", "INT64": "<i8"}
        raw = bytes(data.DataAsNumpy())
        if kind not in formats or len(raw) != np.dtype(formats[kind]).itemsize:
            return None
        return np.frombuffer(raw, formats[kind])[0].item()

    def _size(self, tensor: Any) -> int:
        """Return the bytes of a tensor that is no constant."""
        kind = names_of("TensorType")[tensor.Type()]
        if kind == _RESOURCE or self._model.Buffers(tensor.Buffer()).DataLength():
            return 0
        return math.prod(max(n, 1) for n in numbers_of(tensor, "Shape")) * _TYPES.get(kind, 1)
