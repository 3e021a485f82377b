"""Bidirectional LSTM, forward and backward, in builtin operators.

Both directions are one batch axis (0 = forward in time, 1 = backward): one product a layer for
each of inputs, weight gradients and input gradients, one time loop for both directions. The
backward direction reads its utterances reversed within their own lengths, so that padding comes
last for both and needs no mask. Rows are [T*B, width], times outermost. The forward loop keeps c, h
and the sums that go into the gates; the backward pass takes out of its loop, block by block and so
within the cache, what does not depend on it.

Gate order along 4H: input, forget, output, candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import tensorflow as tf

from harness.model.blocks import Block, Blocks
from harness.model.configuration import steps_per_block
from harness.model.grid import Grid
from harness.model.operators import rows_of
from harness.model.recurrent import RecurrentProduct
from harness.model.resident.product import Stack, times, times_turned
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class BlstmWeights:
    """``input`` [2, I, 4H], ``recurrent`` [2, H, 4H], ``bias`` [2, 1, 4H]."""

    input: Tensor | Stack
    recurrent: Tensor
    bias: Tensor


@dataclass(frozen=True)
class _Steps:
    """A block of time steps."""

    count: int
    batch: int
    hidden: int
    product: RecurrentProduct
    grid: Grid | None = None
    """On which h is rounded before each product."""

    def rounded(self, h: Tensor) -> Tensor:
        """Return h as a product takes it."""
        return h if self.grid is None else self.grid.bounded(h)

    @property
    def rows(self) -> int:
        """Rows of the block in one direction."""
        return self.count * self.batch

    @property
    def state(self) -> list[int]:
        """Shape of h or c of one time step."""
        return [2, *self._step(self.hidden)]

    @property
    def features(self) -> int:
        """The axis of the features in one time step; in a block it is the next."""
        return 1 if self.product.columns else 2

    def shape(self, width: int) -> list[int]:
        """Shape of the block, each time step as the loop has it."""
        return [2, self.count, *self._step(width)]

    def apart(self, block: Tensor) -> list[Tensor]:
        """[2, rows, width] -> its time steps."""
        step = tf.reshape(block, [2, self.count, self.batch, block.shape[2]])
        return list(tf.unstack(self._turned(step), axis=1))

    def shifted(self, first: Tensor, block: Tensor) -> Tensor:
        """Return ``first`` and all time steps of a block but its last."""
        rest = tf.slice(block, [0, 0, 0, 0], [2, self.count - 1, *self.state[1:]])
        return tf.concat([tf.reshape(first, [2, 1, *self.state[1:]]), rest], 1)

    def last(self, block: Tensor) -> Tensor:
        """Return the last time step of a block."""
        step = tf.slice(block, [0, self.count - 1, 0, 0], [2, 1, *self.state[1:]])
        return tf.reshape(step, self.state)

    def together(self, steps: list[Tensor]) -> Tensor:
        """Undo ``apart``."""
        stacked = self._turned(tf.stack(steps, 1))
        return tf.reshape(stacked, [2, self.rows, stacked.shape[3]])

    def run(
        self,
        block: Block,
        sources: Sequence[Sequence[Tensor]],
        matrices: Sequence[Tensor],
        lengths: Tensor,
        *,
        backward: bool = False,
    ) -> list[list[Tensor]]:
        """Run the blocks up to the longest utterance from zeros; return outputs by block."""
        in_tensorflow = self.product.in_tensorflow
        blocks = Blocks(block, sources, matrices, lengths, self.count, backward, in_tensorflow)
        start = tf.zeros(self.state)
        return blocks.run([start, start])

    def _step(self, width: int) -> list[int]:
        return [width, self.batch] if self.product.columns else [self.batch, width]

    def _turned(self, a: Tensor) -> Tensor:
        return tf.transpose(a, [0, 1, 3, 2]) if self.product.columns else a


@dataclass(frozen=True)
class BlstmCache:
    """What the backward pass needs: all in the order in which each direction reads."""

    steps: _Steps
    inputs: Tensor
    """[2, T*B, I]"""
    sums: list[Tensor]
    """What goes into the gates, by block, [2, steps, 4H and B as the product has them]"""
    hidden_before: Tensor
    """[2, T*B, H]: h before each time step, as the product took it"""
    cells: list[Tensor]
    """c after each time step, likewise with H"""


_Shapes = tuple[tuple[int, ...], ...]


def _shapes(tensors: Sequence[Tensor]) -> _Shapes:
    return tuple(tuple(t.shape) for t in tensors)


@lru_cache(maxsize=64)
def _forward_block(steps: _Steps, matrices: _Shapes, keep: bool) -> Block:
    """Return h, c, and of all time steps h [2, rows, H] (and c and the gates' sums, not turned)."""
    shapes = [[2, steps.rows, 4 * steps.hidden], steps.state, steps.state, *matrices]

    def run(z: Tensor, h: Tensor, c: Tensor, *matrices: Tensor) -> list[Tensor]:
        hs, cs, all_sums = [], [], []
        for z_t in steps.apart(z):
            sums = z_t + steps.product.times(steps.rounded(h), matrices)
            i, f, o, g = tf.split(sums, 4, steps.features)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            hs.append(h)
            cs.append(c)
            all_sums.append(sums)
        return [h, c, steps.together(hs), *(tf.stack(k, 1) for k in (cs, all_sums) if keep)]

    return Block.of(run, shapes)


@lru_cache(maxsize=64)
def _backward_block(steps: _Steps, matrices: _Shapes) -> Block:
    """Return dh, dc, and the gradient of the gates' sums [2, rows, 4H]."""
    shapes = [
        steps.shape(4 * steps.hidden),
        steps.shape(steps.hidden),
        steps.state,
        [2, steps.rows, steps.hidden],
        steps.state,
        steps.state,
        *matrices,
    ]
    gates = steps.features + 1

    def run(
        sums: Tensor,
        cells: Tensor,
        c_first: Tensor,
        dhs: Tensor,
        dh: Tensor,
        dc: Tensor,
        *matrices: Tensor,
    ) -> list[Tensor]:
        i, f, o, g = tf.split(sums, 4, gates)
        i, f, o, g = tf.sigmoid(i), tf.sigmoid(f), tf.sigmoid(o), tf.tanh(g)
        c_before = steps.shifted(c_first, cells)
        tanh_c = tf.tanh(cells)
        # d(sums) = slopes * (dc, dc, dh, dc); d(c) gains dh * o * (1 - tanh(c)^2).
        slopes = [g * i * (1 - i), c_before * f * (1 - f), tanh_c * o * (1 - o), i * (1 - g * g)]
        slope = tf.unstack(tf.concat(slopes, gates), axis=1)
        into_c, forget = tf.unstack(o * (1 - tanh_c * tanh_c), axis=1), tf.unstack(f, axis=1)
        dh_t = steps.apart(dhs)
        out: list[Tensor] = [None] * steps.count
        for t in reversed(range(steps.count)):
            dh = dh + dh_t[t]
            dc = dc + dh * into_c[t]
            out[t] = slope[t] * tf.concat([dc, dc, dh, dc], steps.features)
            dh = steps.product.times(out[t], matrices)
            dc = dc * forget[t]
        return [dh, dc, steps.together(out)]

    return Block.of(run, shapes)


def _turned_rows(steps: int, lengths: Tensor) -> Tensor:
    """Return for each row [T*B] that of the same utterance read from its end; padding stays."""
    batch = lengths.shape[0]
    times = tf.range(steps)[:, None]
    turned = tf.where(times < lengths[None], lengths[None] - 1 - times, times)
    return tf.reshape(turned * batch + tf.range(batch)[None], [steps * batch])


def blstm_forward(
    x: Tensor,
    weights: BlstmWeights,
    lengths: Tensor,
    *,
    unroll: int,
    keep: bool,
    product: RecurrentProduct,
    grid: Grid | None = None,
) -> tuple[Tensor, BlstmCache | None]:
    """Run the layer.

    Args:
        x: [T*B, I].
        weights: Of this layer.
        lengths: [B] int32, 1 .. T.
        unroll: Most time steps in one block.
        keep: Whether a backward pass will follow.
        product: How to take the product of a time step.
        grid: On which h is rounded before it; None: it is not.

    Returns:
        [T*B, 2H] (arbitrary past an utterance's length) and the cache if ``keep``.
    """
    rows, batch, hidden = x.shape[0], lengths.shape[0], weights.recurrent.shape[1]
    steps = _Steps(steps_per_block(rows // batch, unroll), batch, hidden, product, grid)
    turned = _turned_rows(rows // batch, lengths)
    inputs = tf.gather(x, tf.stack([tf.range(rows), turned]))
    z = times(inputs, weights.input) + weights.bias
    parts = tf.split(z, rows // steps.rows, 1)
    matrices = product.ahead(weights.recurrent)
    hs, *caches = steps.run(
        _forward_block(steps, _shapes(matrices), keep), [parts], matrices, lengths
    )
    ahead, back = tf.unstack(tf.concat(hs, 1))
    y = tf.concat([ahead, tf.gather(back, turned)], 1)
    if not keep:
        return y, None
    last = rows_of(hs[-1], 0, steps.rows - batch)
    before = steps.rounded(tf.concat([tf.zeros([2, batch, hidden]), *hs[:-1], last], 1))
    cells, sums = caches
    return y, BlstmCache(steps, inputs, sums, before, cells)


def blstm_backward(
    dy: Tensor,
    cache: BlstmCache,
    weights: BlstmWeights,
    lengths: Tensor,
    *,
    input_gradient: bool,
) -> tuple[Tensor | None, dict[str, Tensor]]:
    """Return the gradient of the input ([T*B, I], or None) and of the weights by name.

    Args:
        dy: [T*B, 2H], zero past each utterance's length.
        cache: From ``blstm_forward``.
        weights: As in the forward pass.
        lengths: As in the forward pass.
        input_gradient: Whether a layer below is trained.
    """
    steps, rows = cache.steps, dy.shape[0]
    turned = _turned_rows(rows // steps.batch, lengths)
    blocks = rows // steps.rows
    ahead, back = tf.split(dy, 2, axis=1)
    dhs = tf.split(tf.stack([ahead, tf.gather(back, turned)]), blocks, 1)
    c_first = [tf.zeros(steps.state), *(steps.last(c) for c in cache.cells[:-1])]
    sources = (cache.sums, cache.cells, c_first, dhs)
    matrices = steps.product.back(weights.recurrent)
    (dzs,) = steps.run(
        _backward_block(steps, _shapes(matrices)), sources, matrices, lengths, backward=True
    )
    dz = tf.concat(dzs, 1)
    gradients = {
        "input": tf.matmul(cache.inputs, dz, transpose_a=True),
        "recurrent": tf.matmul(cache.hidden_before, dz, transpose_a=True),
        "bias": tf.reduce_sum(dz, 1, keepdims=True),
    }
    if not input_gradient:
        return None, gradients
    ahead, back = tf.unstack(times_turned(dz, weights.input))
    return ahead + tf.gather(back, turned), gradients
