"""What a client sent, as the model that the server would have if it had been sent float32.

A phone begins with what it was sent, which was rounded; the way that it went from there counts, and
the server's own model goes the same way. So what rounding did on the way down is not averaged in as
if it were learning, and any strategy sees whole float32 variables.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.contract.share import Form
from harness.trainer.npz import StoredWeights, opened_weights

Weights = npt.NDArray[np.float32]


class Held(Protocol):
    """Variables that are read one by one."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of every variable, by name."""

    def read(self, name: str) -> Weights:
        """Return a variable."""


@dataclass(frozen=True)
class Answer:
    """What a client sent.

    Args:
        client: Who.
        path: Its trained weights (.npz).
        utterances: Its training utterances.
        form: As they are, or as differences from what it was sent.
        sent: What it was sent, where that is not the server's own model.
    """

    client: str
    path: Path
    utterances: int
    form: Form = "weights"
    sent: Path | None = None


class _Moved:
    def __init__(
        self, stored: StoredWeights, form: Form, sent: StoredWeights | None, server: Held
    ) -> None:
        self._stored = stored
        self._form = form
        self._sent = sent
        self._server = server

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self._stored.shapes

    def read(self, name: str) -> Weights:
        value = self._stored.read(name)
        start = self._server.read(name)
        if self._form == "weights":
            began = start if self._sent is None else self._sent.read(name)
            value = value - began
        return start + value


@contextlib.contextmanager
def arrived(answer: Answer, server: Held) -> Iterator[Held]:
    """Give what a client sent, moved to the server's model.

    Args:
        answer: The client's.
        server: The server's own model.

    Raises:
        InputError: A file is damaged.
    """
    with ExitStack() as stack:
        stored = stack.enter_context(opened_weights(answer.path))
        if answer.sent is None and answer.form == "weights":
            yield stored
            return
        sent = None if answer.sent is None else stack.enter_context(opened_weights(answer.sent))
        yield _Moved(stored, answer.form, sent, server)
