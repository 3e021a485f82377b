"""What the time loops share: a zero, rows, an array for CTC's, plain products."""

from __future__ import annotations

import tensorflow as tf

from harness.model.tensors import Tensor


def runtime_zero(lengths: Tensor) -> Tensor:
    """Return a float 0 that the converter cannot know: constants made of it would be stored."""
    return tf.cast(tf.reshape(lengths, [-1])[0], tf.float32) * 0.0


def loop_array(size: int, element_shape: list[int], zero: Tensor) -> Tensor:
    """Return a TensorArray of zeros (a dense tensor once converted).

    Args:
        size: Number of elements.
        element_shape: Static shape of one.
        zero: Scalar from ``runtime_zero``; a constant start value would be written to the file.
    """
    start = tf.fill([size, *element_shape], zero)
    return tf.TensorArray(tf.float32, size=size, element_shape=element_shape).unstack(start)


def rows_of(a: Tensor, first: int, count: int) -> Tensor:
    """[N, R, W] -> [N, count, W]. Sizes are all given, else XNNPACK leaves it to one thread."""
    return tf.slice(a, [0, first, 0], [a.shape[0], count, a.shape[2]])


def product(
    a: Tensor, b: Tensor, *, transpose_a: bool = False, transpose_b: bool = False
) -> Tensor:
    """Return the matrix product of two rank-2 tensors as a BATCH_MATMUL.

    A rank-2 product becomes FULLY_CONNECTED, which LiteRT does not hand to XNNPACK when the
    weights are a variable: ten times slower.
    """
    one, other = (tf.reshape(m, [1, *m.shape]) for m in (a, b))  # indexing with None would copy
    out = tf.matmul(one, other, transpose_a=transpose_a, transpose_b=transpose_b)
    return tf.reshape(out, out.shape[1:])
