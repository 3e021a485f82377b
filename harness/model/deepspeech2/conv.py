"""Convolution over (time, frequency), its two gradients, in builtin operators.

LiteRT's CONV_2D is slow when its weights are a variable, so a layer with stride 1 in time and
enough input channels runs as products with a *banded* matrix: neighbouring output frequencies
share a window of input frequencies, and each time tap is one large product. The other layers use
CONV_2D; their kernel gradient is a CONV_2D with batch as channels and stride as dilation, their
input gradient a TRANSPOSE_CONV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from harness.model.deepspeech2.configuration import Convolution
from harness.model.operators import product, rows_of
from harness.model.tensors import Tensor

_GROUP = 4
"""Output frequencies that share one product: wide enough to be fast, few wasted zeros."""
_MIN_CHANNELS = 8
"""Below this, a banded product is too thin to pay."""


@dataclass(frozen=True)
class Padding:
    """Zeros before and after, along time and frequency."""

    time: tuple[int, int]
    frequency: tuple[int, int]


def padding(conv: Convolution, before: tuple[int, int], after: tuple[int, int]) -> Padding:
    """Return the zeros that give a layer its output size.

    Along time the zeros before depend on the kernel only, so output frame t looks at the same
    input frames whatever the length of the batch.

    Args:
        conv: The layer.
        before: (time, frequency) of its input.
        after: (time, frequency) of its output.
    """
    whole = [max((after[n] - 1) * conv.stride[n] + conv.kernel[n] - before[n], 0) for n in (0, 1)]
    left = min((conv.kernel[0] - 1) // 2, whole[0])
    low = whole[1] // 2
    return Padding((left, whole[0] - left), (low, whole[1] - low))


def _pad(x: Tensor, zeros: Padding) -> Tensor:
    return tf.pad(x, [[0, 0], zeros.time, zeros.frequency, [0, 0]])


def _banded(kernel: Tensor, stride: tuple[int, int]) -> bool:
    return stride[0] == 1 and kernel.shape[2] >= _MIN_CHANNELS


def conv_forward(x: Tensor, kernel: Tensor, stride: tuple[int, int], zeros: Padding) -> Tensor:
    """Convolve [B, T, F, I] with ``kernel`` [kt, kf, I, O]."""
    if _banded(kernel, stride):
        return _banded_forward(_pad(x, zeros), kernel, stride[1])
    return tf.nn.conv2d(_pad(x, zeros), kernel, stride, "VALID")


def conv_kernel_gradient(
    x: Tensor, dy: Tensor, kernel: Tensor, stride: tuple[int, int], zeros: Padding
) -> Tensor:
    """Return the gradient of ``kernel``, given the layer's input and its output's gradient."""
    padded = _pad(x, zeros)
    if _banded(kernel, stride):
        return _banded_kernel_gradient(padded, dy, kernel, stride[1])
    kt, kf, _, _ = kernel.shape
    _, times, frequencies, _ = dy.shape
    used = padded[:, : (times - 1) * stride[0] + kt, : (frequencies - 1) * stride[1] + kf, :]
    out = tf.nn.conv2d(
        tf.transpose(used, [3, 1, 2, 0]),
        tf.transpose(dy, [1, 2, 0, 3]),
        1,
        "VALID",
        dilations=list(stride),
    )
    return tf.transpose(out, [1, 2, 0, 3])


def conv_input_gradient(
    dy: Tensor, kernel: Tensor, x_shape: list[int], stride: tuple[int, int], zeros: Padding
) -> Tensor:
    """Return the gradient of the layer's input, of static shape ``x_shape``."""
    kt, kf, _, _ = kernel.shape
    batch, times, frequencies, channels = x_shape
    if tuple(stride) == (1, 1):
        turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
        around = Padding(
            (kt - 1 - zeros.time[0], kt - 1 - zeros.time[1]),
            (kf - 1 - zeros.frequency[0], kf - 1 - zeros.frequency[1]),
        )
        return conv_forward(dy, turned, (1, 1), around)
    whole = [batch, times + sum(zeros.time), frequencies + sum(zeros.frequency), channels]
    dx = tf.nn.conv2d_transpose(dy, kernel, whole, stride, "VALID")
    return tf.slice(
        dx, [0, zeros.time[0], zeros.frequency[0], 0], [batch, times, frequencies, channels]
    )


@dataclass(frozen=True)
class _Band:
    """How ``group`` neighbouring output frequencies lie over ``width`` input frequencies."""

    group: int
    groups: int
    width: int
    tap: np.ndarray
    """[width, group]: the kernel tap that joins them, or kf where none does."""

    @staticmethod
    def of(kf: int, stride: int, outputs: int) -> _Band:
        group = min(_GROUP, outputs)
        width = (group - 1) * stride + kf
        tap = np.arange(width)[:, None] - np.arange(group)[None, :] * stride
        return _Band(group, -(-outputs // group), width, np.where((tap < 0) | (tap >= kf), kf, tap))

    def windows(self, padded: Tensor, stride: int) -> Tensor:
        """[B, T, F, I] -> [B, T*groups, width*I]: the inputs that each group looks at."""
        batch, times, _, channels = padded.shape
        picked = self.picked(padded, stride, axis=2)
        return tf.reshape(picked, [batch, times * self.groups, self.width * channels])

    def picked(self, padded: Tensor, stride: int, axis: int) -> Tensor:
        """Return the same with groups*width on the axis of the frequencies, else unchanged."""
        starts = np.arange(self.groups) * self.group * stride
        missing = int(starts[-1]) + self.width - padded.shape[axis]
        if missing > 0:
            padded = tf.pad(padded, [[0, missing if n == axis else 0] for n in range(4)])
        index = (starts[:, None] + np.arange(self.width)[None, :]).reshape(-1)
        return tf.gather(padded, index, axis=axis)


def _banded_forward(padded: Tensor, kernel: Tensor, stride: int) -> Tensor:
    kt, kf, inputs, outputs = kernel.shape
    batch, times, frequencies, _ = padded.shape
    out_times, out_frequencies = times - kt + 1, (frequencies - kf) // stride + 1
    band = _Band.of(kf, stride, out_frequencies)
    # Tap kf is a row of zeros, for the corners of the band.
    taps = tf.concat(
        [tf.reshape(kernel, [kt, kf, inputs * outputs]), tf.zeros([kt, 1, inputs * outputs])], 1
    )
    matrix = tf.reshape(
        tf.gather(taps, band.tap.reshape(-1), axis=1),
        [kt, band.width, band.group, inputs, outputs],
    )
    matrix = tf.reshape(
        tf.transpose(matrix, [0, 1, 3, 2, 4]),
        [kt, band.width * inputs, band.group * outputs],
    )
    windows = band.windows(padded, stride)
    rows = out_times * band.groups
    y = None
    for t, tap in enumerate(tf.split(matrix, kt, 0)):
        part = rows_of(tf.matmul(windows, tap), t * band.groups, rows)
        y = part if y is None else y + part
    y = tf.reshape(y, [batch, out_times, band.groups * band.group, outputs])
    return tf.slice(y, [0, 0, 0, 0], [batch, out_times, out_frequencies, outputs])


def _banded_kernel_gradient(padded: Tensor, dy: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Sum over the times of an utterance and a group, then over those: long sums are slow.

    Time comes last in the windows and not in ``dy``, so that the product turns neither of them.
    """
    kt, kf, inputs, outputs = kernel.shape
    batch, times, _, _ = padded.shape
    _, out_times, out_frequencies, _ = dy.shape
    band = _Band.of(kf, stride, out_frequencies)
    windows = tf.reshape(
        band.picked(tf.transpose(padded, [0, 2, 3, 1]), stride, axis=1),
        [batch * band.groups, band.width * inputs, times],
    )
    spare = band.groups * band.group - out_frequencies
    around = tf.reshape(
        tf.pad(dy, [[0, 0], [kt - 1, kt - 1], [0, spare], [0, 0]]),
        [batch, out_times + 2 * (kt - 1), band.groups, band.group * outputs],
    )
    around = tf.reshape(
        tf.transpose(around, [0, 2, 1, 3]),
        [batch * band.groups, out_times + 2 * (kt - 1), band.group * outputs],
    )
    # Adds up the cells of the band that hold the same tap: [kf, width*group].
    gather = (band.tap.reshape(1, -1) == np.arange(kf)[:, None]).astype(np.float32)
    gradients = []
    for t in range(kt):
        shifted = rows_of(around, kt - 1 - t, times)
        cells = tf.reshape(
            tf.reduce_sum(tf.matmul(windows, shifted), 0),
            [band.width, inputs, band.group, outputs],
        )
        cells = tf.reshape(
            tf.transpose(cells, [0, 2, 1, 3]), [band.width * band.group, inputs * outputs]
        )
        gradients.append(tf.reshape(product(tf.constant(gather), cells), [kf, inputs, outputs]))
    return tf.stack(gradients)
