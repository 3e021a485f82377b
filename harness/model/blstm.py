"""Bidirectional LSTM, forward and backward, in builtin operators.

Both directions are one batch axis (0 = forward in time, 1 = backward): one product a layer for
each of inputs, weight gradients and input gradients, one WHILE loop for both directions. The
backward direction reads its utterances reversed within their own lengths, so that padding comes
last for both and needs no mask. The forward loop keeps only c and h; the backward pass computes
all gates again with one product and takes out of its loop what does not depend on the loop.

Gate order along 4H: input, forget, output, candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from harness.model.loops import loop_array, runtime_zero, steps_per_iteration
from harness.model.tensors import Tensor

_CACHE_BYTES = 2**20
"""What a recurrent matrix may take before it is read in parts: half of a usual L2 cache."""


@dataclass(frozen=True)
class BlstmWeights:
    """``input`` [2, I, 4H], ``recurrent`` [2, H, 4H], ``bias`` [2, 1, 4H]."""

    input: Tensor
    recurrent: Tensor
    bias: Tensor


@dataclass(frozen=True)
class BlstmCache:
    """What the backward pass needs: all in the order in which each direction reads."""

    inputs: Tensor
    """[2, T*B, I]"""
    pre_activations: Tensor
    """[2, T*B, 4H], without the recurrent part"""
    hidden: Tensor
    """[2, T, B, H]"""
    cells: Tensor
    """[2, T, B, H]"""


@dataclass(frozen=True)
class _Loop:
    """Sizes of one layer's time loop."""

    steps: int
    batch: int
    hidden: int
    unroll: int
    columns: bool
    needed: Tensor
    """Iterations up to the longest utterance of this batch."""

    @property
    def iterations(self) -> int:
        return self.steps // self.unroll

    def blocks(self, a: Tensor, width: int) -> Tensor:
        """[2, T*B, width] or [2, T, B, width] -> [2, iterations, everything of one iteration]."""
        return tf.reshape(a, [2, self.iterations, self.unroll * self.batch * width])

    @property
    def features(self) -> int:
        """The axis of the features in one time step: [2, B, width], or [2, width, B] by columns."""
        return 1 if self.columns else 2

    def block(self, blocks: Tensor, n: Tensor, width: int) -> list[Tensor]:
        """Return iteration ``n`` of ``blocks`` as ``unroll`` time steps."""
        one = tf.reshape(tf.gather(blocks, n, axis=1), [2, self.unroll, self.batch, width])
        return list(tf.unstack(self._turned(one), axis=1))

    def stacked(self, steps: list[Tensor]) -> Tensor:
        """Return time steps as one element of a loop array."""
        return self._turned(tf.stack(steps, 1))

    def _turned(self, a: Tensor) -> Tensor:
        return tf.transpose(a, [0, 1, 3, 2]) if self.columns else a

    def start(self) -> Tensor:
        """Return the zeros before the first time step."""
        return tf.zeros([2, *([self.hidden, self.batch][:: 1 if self.columns else -1])])

    @property
    def by_gate(self) -> bool:
        """Whether the recurrent product is made gate by gate.

        BATCH_MATMUL packs its right-hand matrix anew at each call, as it is no constant. A gate's
        matrix is still in the core's cache when it is read again, the matrix of all is not.
        """
        both_directions = 2 * self.hidden * 4 * self.hidden * tf.float32.size
        return self.batch > 1 and not self.columns and both_directions > _CACHE_BYTES

    def gates(self, recurrent: Tensor) -> Callable[[Tensor, Tensor], list[Tensor]]:
        """Return what makes the sums of a time step's four gates, of z and of h before it.

        Args:
            recurrent: The layer's weights, [2, H, 4H].
        """
        turned = tf.transpose(recurrent, [0, 2, 1])
        if not self.by_gate:
            product = self._product(turned)
            return lambda z, h: tf.split(z + product(h), 4, self.features)
        matrices = tf.split(turned, 4, 1)

        def gate_by_gate(z: Tensor, h: Tensor) -> list[Tensor]:
            parts = zip(tf.split(z, 4, 2), matrices, strict=True)
            return [part + tf.matmul(h, w, transpose_b=True) for part, w in parts]

        return gate_by_gate

    def into_hidden(self, recurrent: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what carries the gradient of the gates' sums back to h of the step before.

        Args:
            recurrent: The layer's weights, [2, H, 4H].
        """
        if not self.by_gate:
            return self._product(recurrent)
        matrices = tf.split(recurrent, 4, 2)

        def gate_by_gate(dz: Tensor) -> Tensor:
            parts = zip(tf.split(dz, 4, 2), matrices, strict=True)
            i, f, o, g = (tf.matmul(part, w, transpose_b=True) for part, w in parts)
            return (i + f) + (o + g)

        return gate_by_gate

    def _product(self, turned: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the product of a time step of width A with a matrix, given as [2, C, A].

        Given transposed, XNNPACK packs the matrix with vector instructions. Old runtimes pack
        slowly: there the utterances are ``columns``, and the large matrix on the left is read as it
        is. For one utterance FULLY_CONNECTED is a matrix-vector product without packing.
        """
        if self.columns:
            return lambda h: tf.matmul(turned, h)
        if self.batch > 1:
            return lambda h: tf.matmul(h, turned, transpose_b=True)
        both = tf.unstack(turned)

        def apart(h: Tensor) -> Tensor:
            pairs = zip(tf.unstack(h), both, strict=True)
            return tf.stack([tf.matmul(a, w, transpose_b=True) for a, w in pairs])

        return apart

    def array(self, width: int, zero: Tensor) -> Tensor:
        """Return a loop array with one element [2, unroll, B, width] an iteration."""
        return loop_array(self.iterations, [2, self.unroll, self.batch, width], zero)

    def joined(self, array: Tensor, width: int) -> Tensor:
        """Return a loop array's content as [2, T, B, width]."""
        turned = tf.transpose(array.stack(), [1, 0, 2, 3, 4])
        return tf.reshape(turned, [2, self.steps, self.batch, width])


def _loop(
    steps: int, batch: int, hidden: int, lengths: Tensor, unroll: int, columns: bool
) -> _Loop:
    k = steps_per_iteration(steps, unroll)
    needed = (tf.reduce_max(lengths) + k - 1) // k
    return _Loop(steps, batch, hidden, k, columns and batch > 1, needed)


def blstm_forward(
    x: Tensor,
    weights: BlstmWeights,
    lengths: Tensor,
    *,
    unroll: int,
    keep: bool,
    columns: bool = False,
) -> tuple[Tensor, BlstmCache | None]:
    """Run the layer.

    Args:
        x: [T, B, I].
        weights: Of this layer.
        lengths: [B] int32, 1 .. T.
        unroll: Most time steps in one loop iteration.
        keep: Whether a backward pass will follow.
        columns: Utterances as columns in the time loop, for old runtimes.

    Returns:
        [T, B, 2H] (arbitrary past an utterance's length) and the cache if ``keep``.
    """
    steps, batch, width = x.shape
    hidden = weights.recurrent.shape[1]
    loop = _loop(steps, batch, hidden, lengths, unroll, columns)
    turned = tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)
    inputs = tf.reshape(tf.stack([x, turned]), [2, steps * batch, width])
    z = tf.matmul(inputs, weights.input) + weights.bias
    blocks = loop.blocks(z, 4 * hidden)
    gates = loop.gates(weights.recurrent)
    zero = runtime_zero(lengths)
    arrays = [loop.array(hidden, zero) for _ in range(2 if keep else 1)]

    def body(n: Tensor, h: Tensor, c: Tensor, *arrays: Tensor) -> tuple[Tensor, ...]:
        hs, cs = [], []
        for z_t in loop.block(blocks, n, 4 * hidden):
            i, f, o, g = gates(z_t, h)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            hs.append(h)
            cs.append(c)
        new = [a.write(n, loop.stacked(v)) for a, v in zip(arrays, (hs, cs), strict=False)]
        return (n + 1, h, c, *new)

    start = loop.start()
    _, _, _, *arrays = tf.while_loop(
        lambda n, *_: n < loop.needed,
        body,
        [tf.constant(0), start, start, *arrays],
        parallel_iterations=1,
    )
    hs = loop.joined(arrays[0], hidden)
    ahead, back = tf.unstack(hs)
    back = tf.reverse_sequence(back, lengths, seq_axis=0, batch_axis=1)
    y = tf.concat([ahead, back], 2)
    if not keep:
        return y, None
    return y, BlstmCache(inputs, z, hs, loop.joined(arrays[1], hidden))


def blstm_backward(
    dy: Tensor,
    cache: BlstmCache,
    weights: BlstmWeights,
    lengths: Tensor,
    *,
    unroll: int,
    input_gradient: bool,
    columns: bool = False,
) -> tuple[Tensor | None, dict[str, Tensor]]:
    """Return the gradient of the input ([T, B, I], or None) and of the weights by name.

    Args:
        dy: [T, B, 2H], zero past each utterance's length.
        cache: From ``blstm_forward``.
        weights: As in the forward pass.
        lengths: As in the forward pass.
        unroll: Most time steps in one loop iteration.
        input_gradient: Whether a layer below is trained.
        columns: As in the forward pass.
    """
    _, steps, batch, hidden = cache.hidden.shape
    loop = _loop(steps, batch, hidden, lengths, unroll, columns)
    rows = steps * batch
    ahead, back = tf.split(dy, 2, axis=2)
    back = tf.reverse_sequence(back, lengths, seq_axis=0, batch_axis=1)
    dh_blocks = loop.blocks(tf.stack([ahead, back]), hidden)

    h_before = tf.reshape(_one_later(cache.hidden), [2, rows, hidden])
    c_before = tf.reshape(_one_later(cache.cells), [2, rows, hidden])
    z = cache.pre_activations + tf.matmul(h_before, weights.recurrent)
    i, f, o, g = tf.split(z, 4, axis=2)
    i, f, o, g = tf.sigmoid(i), tf.sigmoid(f), tf.sigmoid(o), tf.tanh(g)
    tanh_c = tf.tanh(tf.reshape(cache.cells, [2, rows, hidden]))
    # d(pre-activation) = slope * (dc, dc, dh, dc); d(c) gains dh * o * (1 - tanh(c)^2).
    slope = tf.concat(
        [g * i * (1 - i), c_before * f * (1 - f), tanh_c * o * (1 - o), i * (1 - g * g)], 2
    )
    slope_blocks = loop.blocks(slope, 4 * hidden)
    into_c_blocks = loop.blocks(o * (1 - tanh_c * tanh_c), hidden)
    forget_blocks = loop.blocks(f, hidden)
    into_hidden = loop.into_hidden(weights.recurrent)
    array = loop.array(4 * hidden, runtime_zero(lengths))

    def body(k: Tensor, dh: Tensor, dc: Tensor, array: Tensor) -> tuple[Tensor, ...]:
        n = loop.needed - 1 - k
        slope_t = loop.block(slope_blocks, n, 4 * hidden)
        into_c = loop.block(into_c_blocks, n, hidden)
        forget = loop.block(forget_blocks, n, hidden)
        dh_t = loop.block(dh_blocks, n, hidden)
        out: list[Tensor] = [None] * loop.unroll
        for t in reversed(range(loop.unroll)):
            dh = dh + dh_t[t]
            dc = dc + dh * into_c[t]
            out[t] = slope_t[t] * tf.concat([dc, dc, dh, dc], loop.features)
            dh = into_hidden(out[t])
            dc = dc * forget[t]
        return k + 1, dh, dc, array.write(n, loop.stacked(out))

    start = loop.start()
    _, _, _, array = tf.while_loop(
        lambda k, *_: k < loop.needed,
        body,
        [tf.constant(0), start, start, array],
        parallel_iterations=1,
    )
    dz = tf.reshape(loop.joined(array, 4 * hidden), [2, rows, 4 * hidden])
    gradients = {
        "input": tf.matmul(cache.inputs, dz, transpose_a=True),
        "recurrent": tf.matmul(h_before, dz, transpose_a=True),
        "bias": tf.reduce_sum(dz, 1, keepdims=True),
    }
    if not input_gradient:
        return None, gradients
    width = cache.inputs.shape[2]
    both = tf.matmul(dz, weights.input, transpose_b=True)
    ahead, back = tf.unstack(tf.reshape(both, [2, steps, batch, width]))
    return ahead + tf.reverse_sequence(back, lengths, seq_axis=0, batch_axis=1), gradients


def _one_later(a: Tensor) -> Tensor:
    """Shift [2, T, B, H] by one step: zeros first, the last step falls off."""
    directions, steps, batch, hidden = a.shape
    kept = tf.slice(a, [0, 0, 0, 0], [directions, steps - 1, batch, hidden])
    return tf.concat([tf.zeros([directions, 1, batch, hidden]), kept], 1)
