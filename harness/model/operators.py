"""Operators in the form in which LiteRT hands them to XNNPACK, on all threads."""

from __future__ import annotations

import tensorflow as tf

from harness.model.tensors import Tensor


def rows_of(a: Tensor, first: int, count: int) -> Tensor:
    """[N, R, W] -> [N, count, W]. All sizes are given, else it stays on one thread."""
    return tf.slice(a, [0, first, 0], [a.shape[0], count, a.shape[2]])


def product(
    a: Tensor, b: Tensor, *, transpose_a: bool = False, transpose_b: bool = False
) -> Tensor:
    """Return the matrix product of two rank-2 tensors as a BATCH_MATMUL.

    A rank-2 product becomes FULLY_CONNECTED, which LiteRT does not hand to XNNPACK when the
    weights are a variable: ten times slower.
    """
    left, right = (tf.reshape(m, [1, *m.shape]) for m in (a, b))  # indexing with None would copy
    out = tf.matmul(left, right, transpose_a=transpose_a, transpose_b=transpose_b)
    return tf.reshape(out, out.shape[1:])


def inside(lengths: Tensor, steps: int) -> Tensor:
    """[B] -> [B, steps, 1, 1]: 1.0 within each utterance."""
    mask = tf.cast(tf.range(steps)[None, :] < lengths[:, None], tf.float32)
    return tf.reshape(mask, [lengths.shape[0], steps, 1, 1])


def runtime_zero(lengths: Tensor) -> Tensor:
    """Return a float 0 that the converter cannot know: constants made of it would be stored."""
    return tf.cast(tf.reshape(lengths, [-1])[0], tf.float32) * 0.0


def no_earlier(values: Tensor, than: Tensor, zero: Tensor) -> Tensor:
    """Return the same values, made no earlier than another tensor.

    Operators that a delegate takes over are put together by what they need of each other, not by
    the order in the file: so the other tensor really goes into the values, times 0.

    Args:
        values: Any shape.
        than: The other tensor, of finite numbers.
        zero: From ``runtime_zero``.
    """
    some = tf.reshape(tf.slice(tf.reshape(than, [-1]), [0], [1]), [])
    with tf.control_dependencies([than]):
        return values + some * zero
