"""A bidirectional LSTM in plain tensorflow, in three formulations.

``tape``: a loop a direction, differentiated by tensorflow; what the others are checked against.
``apart``: a loop a direction, with the gradient that one writes when it must be fast: the loop
backward yields only the gradient of the pre-activations, the rest is one product after it.
``joint``: the same with both directions in one loop.

Gate order along 4H: input, forget, output, candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from harness.model.tensors import Tensor

FORMULATIONS = ("tape", "apart", "joint")


def blstm(x: Tensor, weights: Sequence[Tensor], lengths: Tensor, formulation: str) -> Tensor:
    """Return [T, B, 2H] of a layer; arbitrary past an utterance's length.

    Args:
        x: [T, B, I].
        weights: For inputs [2, I, 4H] (direction 0 reads forward in time), recurrent
            [2, H, 4H], bias [2, 1, 4H].
        lengths: [B] int32.
        formulation: One of ``FORMULATIONS``.
    """
    inputs, recurrent, bias = weights
    steps, batch, width = x.shape
    turned = tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)
    rows = [
        tf.matmul(tf.reshape(sequence, [steps * batch, width]), w) + b
        for sequence, w, b in zip((x, turned), tf.unstack(inputs), tf.unstack(bias), strict=True)
    ]
    z = [tf.reshape(sequence, [steps, batch, sequence.shape[1]]) for sequence in rows]
    if formulation == "joint":
        ahead, back = tf.unstack(_fast(tf.stack(z, 1), recurrent), axis=1)
    else:
        scan = _plain if formulation == "tape" else _fast
        ahead, back = (scan(a, w) for a, w in zip(z, tf.unstack(recurrent), strict=True))
    back = tf.reverse_sequence(back, lengths, seq_axis=0, batch_axis=1)
    return tf.concat([ahead, back], 2)


def _cell(z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Pre-activations [..., 4H] and cells [..., H] -> new (hidden, cells)."""
    hidden = c.shape[-1]
    gates, candidate = tf.split(z, [3 * hidden, hidden], axis=-1)
    i, f, o = tf.split(tf.sigmoid(gates), 3, axis=-1)
    c = f * c + i * tf.tanh(candidate)
    return o * tf.tanh(c), c


def _plain(z: Tensor, recurrent: Tensor) -> Tensor:
    """[T, B, 4H], [H, 4H] -> [T, B, H]; the tape differentiates the loop."""
    (hs,) = _scan(z, recurrent, lambda h, _: (h,))
    return hs


def _scan(
    z: Tensor, recurrent: Tensor, cached: Callable[[Tensor, Tensor], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    """Run the time loop over [T, ..., B, 4H]; return what ``kept(h, c)`` picks, each step of it."""
    steps, *outer, _ = z.shape
    shape = [*outer, recurrent.shape[-2]]
    start = tf.zeros(shape)
    source = tf.TensorArray(tf.float32, steps, element_shape=z.shape[1:]).unstack(z)
    arrays = [tf.TensorArray(tf.float32, steps, element_shape=shape) for _ in cached(start, start)]

    def body(t: Tensor, h: Tensor, c: Tensor, *arrays: Tensor) -> tuple[Tensor, ...]:
        h, c = _cell(source.read(t) + tf.matmul(h, recurrent), c)
        return (
            t + 1,
            h,
            c,
            *(a.write(t, v) for a, v in zip(arrays, cached(h, c), strict=True)),
        )

    _, _, _, *arrays = tf.while_loop(
        lambda t, *_: t < steps, body, [tf.constant(0), start, start, *arrays]
    )
    return tuple(a.stack() for a in arrays)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _fast(z: Tensor, recurrent: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """As ``_plain``, also over a leading direction axis [T, 2, B, 4H] and [2, H, 4H]."""
    hs, cs = _scan(z, recurrent, lambda h, c: (h, c))

    def gradient(dhs: Tensor) -> tuple[Tensor, Tensor]:
        return _fast_gradient(z, recurrent, hs, cs, dhs)

    return hs, gradient


def _fast_gradient(
    z: Tensor, recurrent: Tensor, hs: Tensor, cs: Tensor, dhs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of ``z`` and ``recurrent``."""
    steps, *outer, hidden = hs.shape
    zeros = tf.zeros([1, *outer, hidden])
    h_before = _rows(tf.concat([zeros, hs[:-1]], 0))
    c_before = tf.concat([zeros, cs[:-1]], 0)
    # All gates again by one product: cheaper than carrying them out of the loop.
    gates = z + _unrows(tf.matmul(h_before, recurrent), z.shape)
    ifo, candidate = tf.split(gates, [3 * hidden, hidden], axis=-1)
    ifo, g = tf.sigmoid(ifo), tf.tanh(candidate)
    i, f, o = tf.split(ifo, 3, axis=-1)
    tanh_c = tf.tanh(cs)
    slope = tf.concat(
        [tf.concat([g, c_before, tanh_c], -1) * ifo * (1.0 - ifo), i * (1.0 - g * g)], -1
    )
    into_c = o * (1.0 - tanh_c * tanh_c)
    sources = [
        tf.TensorArray(tf.float32, steps, element_shape=a.shape[1:]).unstack(a)
        for a in (slope, into_c, f, dhs)
    ]
    array = tf.TensorArray(tf.float32, steps, element_shape=z.shape[1:])

    def body(t: Tensor, dh: Tensor, dc: Tensor, array: Tensor) -> tuple[Tensor, ...]:
        slope_t, into_t, f_t, dh_t = (a.read(t) for a in sources)
        dh = dh + dh_t
        dc = dc + dh * into_t
        dz = slope_t * tf.concat([dc, dc, dh, dc], -1)
        return t - 1, tf.matmul(dz, recurrent, transpose_b=True), dc * f_t, array.write(t, dz)

    start = tf.zeros([*outer, hidden])
    *_, array = tf.while_loop(
        lambda t, *_: t >= 0, body, [tf.constant(steps - 1), start, start, array]
    )
    dz = array.stack()
    return dz, tf.matmul(h_before, _rows(dz), transpose_a=True)


def _rows(a: Tensor) -> Tensor:
    """[T, B, W] -> [T*B, W]; [T, 2, B, W] -> [2, T*B, W]."""
    if len(a.shape) == 3:
        return tf.reshape(a, [-1, a.shape[2]])
    turned = tf.transpose(a, [1, 0, 2, 3])
    return tf.reshape(turned, [a.shape[1], a.shape[0] * a.shape[2], a.shape[3]])


def _unrows(a: Tensor, shape: list[int]) -> Tensor:
    """Undo ``_rows``."""
    if len(shape) == 3:
        return tf.reshape(a, shape)
    steps, directions, batch, width = shape
    return tf.transpose(tf.reshape(a, [directions, steps, batch, width]), [1, 0, 2, 3])
