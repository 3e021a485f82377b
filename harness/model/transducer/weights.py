"""Weights of a transducer's layers (no tensorflow).

As in a Conformer a layer has its matrices one by one, and all its vectors in one variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.conformer.weights import Parts
from harness.model.initial import before_output
from harness.model.layer import Weight

if TYPE_CHECKING:
    from harness.model.transducer.configuration import Transducer


def front(config: Transducer) -> dict[str, Weight]:
    """Return the weights of the product that each frame of features goes through."""
    return {"kernel": Weight((1, config.features.mels, config.reduced), before_output)}


def block(config: Transducer) -> Parts:
    """Return the parts of an Emformer layer, in the order of computation."""
    d, inner = config.width, config.feed_forward
    matrices = {
        "key_value": (1, d, 2 * d),
        "query": (1, d, d),
        "attention_out": (1, d, d),
        "inner_in": (1, d, inner),
        "inner_out": (1, inner, d),
    }
    vectors = {
        **_norm("attention", d),
        "key_value_bias": 2 * d,
        "query_bias": d,
        "attention_out_bias": d,
        **_norm("inner", d),
        "inner_in_bias": inner,
        "inner_out_bias": d,
        **_norm("end", d),
    }
    return Parts(matrices, vectors)


def encoded(config: Transducer) -> Parts:
    """Return the parts of what leaves the encoder."""
    d, out = config.width, config.encoding
    return Parts({"kernel": (1, d, out)}, {"bias": out, **_norm("end", out)})


def predictor(config: Transducer) -> Parts:
    """Return the parts of the predictor: embedding, LSTM layers, what leaves it."""
    cells, out = config.cells, config.encoding
    matrices: dict[str, tuple[int, ...]] = {"embedding": (1, config.outputs, config.embedding)}
    vectors = _norm("embedding", config.embedding)
    for n in range(config.lstm_layers):
        inputs = config.embedding if n == 0 else cells
        matrices |= {f"input{n}": (1, inputs, 4 * cells), f"recurrent{n}": (cells, 4 * cells)}
        vectors |= {**_norm(f"gates{n}", 4 * cells), **_norm(f"cells{n}", cells)}
    matrices["kernel"] = (1, cells, out)
    return Parts(matrices, {**vectors, "bias": out, **_norm("end", out)})


def joint(config: Transducer) -> Parts:
    """Return the parts of the joint network."""
    return Parts({"kernel": (1, config.encoding, config.outputs)}, {"bias": config.outputs})


def _norm(name: str, width: int) -> dict[str, int]:
    return {f"{name}_gain": width, f"{name}_shift": width}
