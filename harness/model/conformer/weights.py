"""Weights of a Conformer's layers (no tensorflow).

A layer has its matrices one by one and all its vectors in one variable: an optimiser needs a dozen
operators a variable, and a block has 21 vectors. Matrices have rank 3, [1, inputs, outputs], as
a product takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.model.initial import Initial, before_output, before_relu
from harness.model.layer import Weight

if TYPE_CHECKING:
    from harness.model.conformer.configuration import Conformer

VECTORS = "vectors"
"""Name of the variable that holds a layer's vectors."""


@dataclass(frozen=True)
class Parts:
    """What a layer computes with: matrices by name, and sizes of its vectors by name."""

    matrices: Mapping[str, tuple[int, ...]]
    vectors: Mapping[str, int]
    """Those whose name ends in ``gain`` begin at 1, the others at 0."""
    before_relu: bool = False

    def stored(self, prefix: str = "") -> dict[str, Weight]:
        """Return the variables that hold them, by name within the layer."""
        first = before_relu if self.before_relu else before_output
        weights = {f"{prefix}{name}": Weight(s, first) for name, s in self.matrices.items()}
        total = sum(self.vectors.values())
        weights[prefix + VECTORS] = Weight((total,), self._first_vectors())
        return weights

    def _first_vectors(self) -> Initial:
        values = np.concatenate(
            [np.full(size, float(name.endswith("gain"))) for name, size in self.vectors.items()]
        )

        def first(_: np.random.Generator, shape: tuple[int, ...]) -> Any:
            assert shape == values.shape
            return values

        return first


def front(config: Conformer) -> Parts:
    """Return the parts of the two convolutions over time, each of kernel 3."""
    mels, width = config.features.mels, config.width
    return Parts(
        {"first": (1, 3 * mels, width), "second": (1, 3 * width, width)},
        {"first_bias": width, "second_bias": width},
        before_relu=True,
    )


def block(config: Conformer, number: int) -> Parts:
    """Return the parts of a Conformer layer, in the order of computation.

    Args:
        config: Of the network.
        number: Of the layer, from 1.
    """
    d, inner = config.width, config.inner_widths[number - 1]

    def norm(name: str) -> dict[str, int]:
        return {f"{name}_gain": d, f"{name}_shift": d}

    def feed_forward(name: str) -> dict[str, int]:
        return {**norm(name), f"{name}_in_bias": inner, f"{name}_out_bias": d}

    matrices = {
        "before_in": (1, d, inner),
        "before_out": (1, inner, d),
        "attention_in": (1, d, 3 * d),
        "attention_out": (1, d, d),
        "convolution_in": (1, d, 2 * d),
        "convolution_taps": (config.kernel, d),
        "convolution_out": (1, d, d),
        "after_in": (1, d, inner),
        "after_out": (1, inner, d),
    }
    vectors = {
        **feed_forward("before"),
        **norm("attention"),
        "attention_in_bias": 3 * d,
        "attention_out_bias": d,
        **norm("convolution"),
        "convolution_in_bias": 2 * d,
        "convolution_taps_bias": d,
        **norm("convolved"),
        "convolution_out_bias": d,
        **feed_forward("after"),
        **norm("end"),
    }
    return Parts(matrices, vectors)


def decoder(config: Conformer) -> Parts:
    """Return the parts of an attention decoder, in the order of computation."""
    d, inner = config.width, config.decoder_inner
    matrices: dict[str, tuple[int, ...]] = {}
    vectors: dict[str, int] = {}
    for n in range(1, config.decoder_layers + 1):
        sizes = {
            "self_in": (d, 3 * d),
            "self_out": (d, d),
            "cross_query": (d, d),
            "cross_memory": (d, 2 * d),
            "cross_out": (d, d),
            "inner_in": (d, inner),
            "inner_out": (inner, d),
        }
        matrices |= {f"l{n}_{name}": (1, *size) for name, size in sizes.items()}
        for name in ("self", "cross", "inner"):
            vectors |= {f"l{n}_{name}_gain": d, f"l{n}_{name}_shift": d}
        vectors |= {f"l{n}_{name}_bias": outputs for name, (_, outputs) in sizes.items()}
    matrices["output"] = (1, d, config.outputs)
    vectors |= {"end_gain": d, "end_shift": d, "output_bias": config.outputs}
    return Parts(matrices, vectors)


def head(config: Conformer) -> Parts:
    """Return the parts of an exit's head."""
    return Parts({"kernel": (1, config.width, config.outputs)}, {"bias": config.outputs})
