"""Operators with a gradient of our own, where tensorflow's has none that converts to builtins.

The converter refuses ReluGrad, DepthwiseConv2dNativeBackprop*, StridedSliceGrad. All that else is
in a block has gradients of builtin operators.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from harness.model.tensors import Tensor

_EPSILON = 1e-5


@tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
def relu(x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return max(x, 0)."""
    y = tf.nn.relu(x)
    return y, lambda dy: dy * tf.cast(y > 0, tf.float32)


@tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
def depthwise(x: Tensor, taps: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """Convolve each channel of [B, T, C] over time with its own taps [k, C], to as many frames.

    The gradient of the input is the same operator with reversed taps. That of the taps is the same
    operator too: the output's gradient is its taps, and utterances lie beside channels.
    """
    width, channels = taps.shape
    batch, times, _ = x.shape
    left = (width - 1) // 2
    right = width - 1 - left
    padded = tf.pad(x, [[0, 0], [left, right], [0, 0]])

    def gradient(dy: Tensor) -> tuple[Tensor, Tensor]:
        around = tf.pad(dy, [[0, 0], [right, left], [0, 0]])
        dx = _depthwise(around, tf.reverse(taps, [0]))
        beside = tf.reshape(_beside(padded), [1, times + width - 1, batch * channels])
        of_each = _depthwise(beside, _beside(dy))  # [1, k, B*C]
        return dx, tf.reduce_sum(tf.reshape(of_each, [width, batch, channels]), 1)

    return _depthwise(padded, taps), gradient


def _depthwise(x: Tensor, taps: Tensor) -> Tensor:
    """[N, T+k-1, C] and [k, C] -> [N, T, C], as one DEPTHWISE_CONV_2D."""
    width, channels = taps.shape
    kernel = tf.reshape(taps, [1, width, channels, 1])
    y = tf.nn.depthwise_conv2d(tf.expand_dims(x, 1), kernel, [1, 1, 1, 1], "VALID")
    return tf.reshape(y, [x.shape[0], x.shape[1] - width + 1, channels])


def _beside(a: Tensor) -> Tensor:
    """[B, T, C] -> [T, B*C]."""
    return tf.reshape(tf.transpose(a, [1, 0, 2]), [a.shape[1], a.shape[0] * a.shape[2]])


def convolve3(x: Tensor, kernel: Tensor, bias: Tensor, stride: int) -> Tensor:
    """Convolve [B, T, C] over time with 3 taps [1, 3*C, O], with ReLU: [B, T/stride, O].

    One product: the frames that an output sees lie beside each other in a row. At stride 2 frames
    lie in pairs, so that no strided slice is needed; output t sees inputs 2t-1, 2t and 2t+1.
    """
    batch, times, channels = x.shape
    if stride == 1:
        around = tf.pad(x, [[0, 0], [1, 1], [0, 0]])
        near = [tf.slice(around, [0, n, 0], [batch, times, channels]) for n in range(3)]
    else:
        times //= 2
        pairs = tf.reshape(x, [batch, times, 2 * channels])
        last = tf.slice(pairs, [0, 0, channels], [batch, times - 1, channels])
        near = [tf.pad(last, [[0, 0], [1, 0], [0, 0]]), pairs]
    rows = tf.reshape(tf.concat(near, 2), [1, batch * times, 3 * channels])
    y = relu(tf.matmul(rows, kernel) + bias)
    return tf.reshape(y, [batch, times, kernel.shape[2]])


def layer_norm(x: Tensor, gain: Tensor, shift: Tensor, epsilon: float = _EPSILON) -> Tensor:
    """Normalise the last axis (Ba et al., 2016)."""
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(centred * centred, -1, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon) * gain + shift


def swish(x: Tensor) -> Tensor:
    """Return x sigmoid(x)."""
    return x * tf.sigmoid(x)
