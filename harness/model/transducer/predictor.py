"""The predictor: what was written so far, as a vector; a whole text at once, and label by label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from harness.model.conformer.operators import layer_norm
from harness.model.tensors import Tensor
from harness.model.transducer.lstm import Cell, Loop, outputs

W = Mapping[str, Tensor]


@dataclass(frozen=True)
class State:
    """What the LSTM layers remember, [layers, B, H] each."""

    h: Tensor
    c: Tensor


def cells_of(w: W) -> list[Cell]:
    """Return the LSTM layers."""
    cells: list[Cell] = []
    while f"recurrent{len(cells)}" in w:
        n = len(cells)
        kinds = ("gates{}_gain", "gates{}_shift", "cells{}_gain", "cells{}_shift")
        norms = tf.concat([w[kind.format(n)] for kind in kinds], 0)
        cells.append(Cell(w[f"recurrent{n}"], norms))
    return cells


def whole_text(written: Tensor, w: W, loop: Loop) -> Tensor:
    """Return the vectors [1, B*(U+1), encoding] after each label of texts.

    Args:
        written: [1, B*(U+1), V] one-hot: the blank, then the labels.
        w: Matrices and vectors.
        loop: Steps of each text, labels and one.
    """
    batch = loop.lengths.shape[0]
    steps = written.shape[1] // batch
    rows = _turned(_embedded(written, w), batch, steps)  # [1, steps*B, E]
    for n, cell in enumerate(cells_of(w)):
        gates = tf.matmul(rows, w[f"input{n}"])
        gates = tf.reshape(gates, [steps, batch, gates.shape[2]])
        out = outputs(gates, cell, loop)
        rows = tf.reshape(out, [1, steps * batch, out.shape[2]])
    return _turned(_answer(rows, w), steps, batch)


def next_label(written: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    """Return the vectors [1, B, encoding] after a label more, and the state.

    Args:
        written: [1, B, V] one-hot: the label; the blank at the start.
        state: Before it; zeros at the start.
        w: Matrices and vectors.
    """
    rows = _embedded(written, w)
    before = list(zip(tf.unstack(state.h), tf.unstack(state.c), strict=True))
    after = []
    for n, (cell, (h, c)) in enumerate(zip(cells_of(w), before, strict=True)):
        gates = tf.matmul(rows, w[f"input{n}"])
        h, c = cell.step(tf.reshape(gates, gates.shape[1:]), h, c)
        after.append((h, c))
        rows = tf.reshape(h, [1, *h.shape])
    state = State(tf.stack([h for h, _ in after]), tf.stack([c for _, c in after]))
    return _answer(rows, w), state


def _embedded(written: Tensor, w: W) -> Tensor:
    rows = tf.matmul(written, w["embedding"])
    return layer_norm(rows, w["embedding_gain"], w["embedding_shift"])


def _answer(rows: Tensor, w: W) -> Tensor:
    return layer_norm(tf.matmul(rows, w["kernel"]) + w["bias"], w["end_gain"], w["end_shift"])


def _turned(rows: Tensor, outer: int, inner: int) -> Tensor:
    """[1, outer*inner, W] -> [1, inner*outer, W]: the inner axis outermost."""
    width = rows.shape[2]
    turned = tf.transpose(tf.reshape(rows, [outer, inner, width]), [1, 0, 2])
    return tf.reshape(turned, [1, outer * inner, width])
