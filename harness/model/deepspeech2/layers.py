"""The layers of DeepSpeech2: CONV, BLSTM and FC, forward and backward.

CONV layers pass [B, T, F, C] on; from the last of them on a signal is rows [T*B, width], times
outermost.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from harness.model.blstm import BlstmCache, BlstmWeights, blstm_backward, blstm_forward
from harness.model.configuration import Form
from harness.model.deepspeech2.configuration import (
    BLSTMS,
    CONVOLUTIONS,
    HIDDEN_DENSE,
    DeepSpeech2,
)
from harness.model.deepspeech2.conv import (
    conv_forward,
    conv_input_gradient,
    conv_kernel_gradient,
    padding,
)
from harness.model.layer import (
    Backward,
    Forward,
    LayerSpec,
    Role,
    Signal,
    TrainableLayer,
    Variables,
)
from harness.model.normalise import Normalisation, NormalisationCache
from harness.model.operators import inside, product
from harness.model.recurrent import RecurrentProduct, recurrent_product
from harness.model.tensors import Tensor


def build_layers(config: DeepSpeech2, variables: Variables, form: Form) -> list[TrainableLayer]:
    """Return CONV1 .. FC2 as they compute."""
    cells = dict(zip(BLSTMS, config.blstm_cells, strict=True))
    layers: list[TrainableLayer] = []
    for spec in config.layer_specs():
        if spec.name in CONVOLUTIONS:
            place = CONVOLUTIONS.index(spec.name)
            layers.append(ConvLayer(spec, variables, config, place, form))
        elif spec.name in BLSTMS:
            recurrent = RecurrentProduct()
            if form.flatbuffer:
                recurrent = recurrent_product(config.batch_size, cells[spec.name])
            layers.append(BlstmLayer(spec, variables, config.unroll, recurrent, form))
        else:
            layers.append(DenseLayer(spec, variables, relu=spec.name == HIDDEN_DENSE))
    return layers


@dataclass(frozen=True)
class _ConvCache:
    x: Tensor
    output: Tensor
    """[B, T, F, C]"""
    kernel: Tensor
    norm: NormalisationCache
    input_norm: NormalisationCache | None


class ConvLayer(TrainableLayer):
    """Convolution, bias, batch normalisation and ReLU; the first may normalise its input, too.

    Args:
        spec: Its name and weights.
        variables: The network's.
        config: Sizes.
        place: Which CONV layer it is, from 0.
        form: For whom it is written.
    """

    def __init__(
        self, spec: LayerSpec, variables: Variables, config: DeepSpeech2, place: int, form: Form
    ) -> None:
        super().__init__(spec, variables)
        shapes = config.conv_shapes()
        self._conv = config.convolutions[place]
        self._before = [config.batch_size, *shapes[place]]
        self._after = [config.batch_size, *shapes[place + 1]]
        self._zeros = padding(self._conv, shapes[place][:2], shapes[place + 1][:2])
        self._is_last = spec.name == CONVOLUTIONS[-1]
        self._norm = Normalisation(self, form.batch_statistics)
        self._input_norm: Normalisation | None = None
        if place == 0 and config.input_norm:
            self._input_norm = Normalisation(self, form.batch_statistics, "input_")

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return output frames [B]: as many as strides begin within an utterance."""
        stride = self._conv.stride[0]
        return (lengths + stride - 1) // stride

    def forward(self, signal: Signal, role: Role) -> Forward:
        """Convolve [B, T, F, C], or features [B, T, F]."""
        x = tf.reshape(signal.values, self._before)
        entry: NormalisationCache | None = None
        moved: dict[str, Tensor] = {}
        if self._input_norm is not None:
            x, entry, moved = self._input_norm.forward(x, signal.mask, role)
            x = x * signal.mask
        x = self.multiplicand(x)
        lengths = self.output_lengths(signal.lengths)
        mask = inside(lengths, self._after[1])
        kernel = self.read("kernel")
        y = conv_forward(x, kernel, self._conv.stride, self._zeros)
        if self._conv.bias:
            y = y + self.read("bias")
        y, norm, moved_here = self._norm.forward(y, mask, role)
        output = tf.nn.relu(y) * mask
        cache = _ConvCache(x, output, kernel, norm, entry) if role.goes_back else None
        values = self._as_rows(output) if self._is_last else output
        return Forward(Signal(values, lengths, mask), cache, moved | moved_here)

    def backward(self, gradient: Tensor, cache: _ConvCache, role: Role) -> Backward:
        """Return the gradients of input, kernel, bias and normalisations."""
        d = self._from_rows(gradient) if self._is_last else gradient
        # Where an output is 0 (ReLU closed, or past the utterance) nothing flows back.
        d = d * tf.cast(cache.output > 0, tf.float32)
        d, gradients = self._norm.backward(d, cache.norm)
        if self._conv.bias:
            gradients["bias"] = tf.reduce_sum(d, [0, 1, 2])
        stride, zeros = self._conv.stride, self._zeros
        gradients["kernel"] = conv_kernel_gradient(cache.x, d, cache.kernel, stride, zeros)
        if not role.passes_on and cache.input_norm is None:
            return Backward(None, self.named(gradients))
        d = conv_input_gradient(d, cache.kernel, self._before, stride, zeros)
        if self._input_norm is not None and cache.input_norm is not None:
            d, more = self._input_norm.backward(d * cache.input_norm.mask, cache.input_norm)
            gradients |= more
        return Backward(d, self.named(gradients))

    def _as_rows(self, a: Tensor) -> Tensor:
        batch, times, frequencies, channels = self._after
        return tf.reshape(tf.transpose(a, [1, 0, 2, 3]), [times * batch, frequencies * channels])

    def _from_rows(self, a: Tensor) -> Tensor:
        batch, times, frequencies, channels = self._after
        a = tf.reshape(a, [times, batch, frequencies, channels])
        return tf.transpose(a, [1, 0, 2, 3])


@dataclass(frozen=True)
class _BlstmCache:
    blstm: BlstmCache
    lengths: Tensor
    norm: NormalisationCache | None


class BlstmLayer(TrainableLayer):
    """Bidirectional LSTM; the last one is followed by batch normalisation.

    Args:
        spec: Its name and weights.
        variables: The network's.
        unroll: Most time steps in one block.
        recurrent: How to take the product of a time step.
        form: For whom it is written.
    """

    def __init__(
        self,
        spec: LayerSpec,
        variables: Variables,
        unroll: int,
        recurrent: RecurrentProduct,
        form: Form,
    ) -> None:
        super().__init__(spec, variables)
        self._unroll = unroll
        self._recurrent = recurrent
        self._norm: Normalisation | None = None
        if spec.name == BLSTMS[-1]:
            self._norm = Normalisation(self, form.batch_statistics)

    def forward(self, signal: Signal, role: Role) -> Forward:
        """Run both directions over rows [T*B, width]; return [T*B, 2H]."""
        y, blstm = blstm_forward(
            self.multiplicand(signal.values, _rows_mask(signal.mask)),
            self._weights(signal.values),
            signal.lengths,
            unroll=self._unroll,
            keep=role.goes_back,
            product=self._recurrent,
            grid=self.grid,
        )
        norm: NormalisationCache | None = None
        moved: dict[str, Tensor] = {}
        if self._norm is not None:
            y, norm, moved = self._norm.forward(y, _rows_mask(signal.mask), role)
        cache = None if blstm is None else _BlstmCache(blstm, signal.lengths, norm)
        return Forward(Signal(y, signal.lengths, signal.mask), cache, moved)

    def backward(self, gradient: Tensor, cache: _BlstmCache, role: Role) -> Backward:
        """Return the gradients of input, matrices, bias and normalisation."""
        d = gradient
        of_norm: dict[str, Tensor] = {}
        if self._norm is not None and cache.norm is not None:
            d, of_norm = self._norm.backward(d * cache.norm.mask, cache.norm)
        d, gradients = blstm_backward(
            d, cache.blstm, self._weights(d), cache.lengths, input_gradient=role.passes_on
        )
        return Backward(d, self.named(gradients | of_norm))

    def _weights(self, after: Tensor) -> BlstmWeights:
        return BlstmWeights(
            self.stack("input", after), self.read("recurrent", after), self.read("bias", after)
        )


def _rows_mask(mask: Tensor) -> Tensor:
    """[B, T, 1, 1] -> [T*B, 1]."""
    batch, times = mask.shape[:2]
    return tf.reshape(tf.transpose(tf.reshape(mask, [batch, times])), [times * batch, 1])


@dataclass(frozen=True)
class _DenseCache:
    x: Tensor
    output: Tensor
    kernel: Tensor


class DenseLayer(TrainableLayer):
    """Matrix and bias, with or without ReLU.

    Args:
        spec: Its name and weights.
        variables: The network's.
        relu: Whether ReLU follows.
    """

    def __init__(self, spec: LayerSpec, variables: Variables, *, relu: bool) -> None:
        super().__init__(spec, variables)
        self._relu = relu

    def forward(self, signal: Signal, role: Role) -> Forward:
        """Multiply rows [T*B, width]."""
        x = self.multiplicand(signal.values, _rows_mask(signal.mask))
        kernel = self.read("kernel", x)
        y = product(x, kernel) + self.read("bias")
        if self._relu:
            y = tf.nn.relu(y)
        cache = _DenseCache(x, y, kernel) if role.goes_back else None
        return Forward(Signal(y, signal.lengths, signal.mask), cache)

    def backward(self, gradient: Tensor, cache: _DenseCache, role: Role) -> Backward:
        """Return the gradients of input, kernel and bias."""
        d = gradient
        if self._relu:
            d = d * tf.cast(cache.output > 0, tf.float32)
        gradients = {
            "kernel": product(cache.x, d, transpose_a=True),
            "bias": tf.reduce_sum(d, 0),
        }
        below = product(d, cache.kernel, transpose_b=True) if role.passes_on else None
        return Backward(below, self.named(gradients))
