"""What a family brings to be timed against: its network written in another way (no tensorflow)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Reference(Protocol):
    """A network that computes the same as a flatbuffer's signatures."""

    def signature(self, name: str, rate: float) -> Callable[[Sequence[Any]], Any]:
        """Return what computes a signature of the signature's inputs as tensors.

        Args:
            name: ``features``, ``infer``, ``loss``, or one that begins with ``train_``.
            rate: Learning rate.
        """
