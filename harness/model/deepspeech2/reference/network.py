"""DeepSpeech2 in ordinary tensorflow operations, differentiated by a gradient tape.

The tape watches the weights of the trained layers only, so it stops at the lowest of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import tensorflow as tf

from harness.model.bench.plain_features import plain_log_mel
from harness.model.deepspeech2.configuration import (
    BLSTMS,
    CONVOLUTIONS,
    HEADS,
    HIDDEN_DENSE,
    OUTPUT,
    Convolution,
    DeepSpeech2,
)
from harness.model.deepspeech2.reference.lstm import blstm
from harness.model.initial import Weights
from harness.model.tensors import Tensor

_EPSILON = 1e-3
_MOMENTUM = 0.99
_BETA1, _BETA2, _ADAM_EPSILON = 0.9, 0.999, 1e-7


class PlainNetwork:
    """Variables, loss, and one training step.

    Args:
        config: Sizes.
        weights: By full name, as ``harness.model.initial`` has them.
        formulation: Of the LSTM; see ``harness.model.deepspeech2.reference.lstm``.
        batch_statistics: Normalise trained layers with the batch's own statistics.
    """

    def __init__(
        self,
        config: DeepSpeech2,
        weights: Weights,
        *,
        formulation: str = "tape",
        batch_statistics: bool = False,
    ) -> None:
        self.config = config
        self.formulation = formulation
        self.batch_statistics = batch_statistics
        self.weights = {name: tf.Variable(value, name=name) for name, value in weights.items()}
        self.moved: dict[str, Tensor] = {}
        """New moving statistics, set by a forward pass with batch statistics."""

    def trained_weights(self, layers: Collection[str]) -> list[str]:
        """Return the full names of the weights that are trained with these layers."""
        specs = self.config.layer_specs()
        return [name for spec in specs if spec.name in layers for name in spec.trained]

    def features(self, pcm: Tensor, samples: Tensor) -> Tensor:
        """Return log-mel features [max_frames, mels] of one utterance, with ``tf.signal``.

        Args:
            pcm: [samples of max_frames] int16, zeros after ``samples``.
            samples: Scalar int32.
        """
        return plain_log_mel(pcm, samples, self.config.max_frames, self.config.features)

    def infer(
        self, x: Tensor, in_len: Tensor, *, trained: Collection[str] = ()
    ) -> tuple[Tensor, Tensor]:
        """Return logits [To, B, V] and output lengths [B].

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            trained: As if these layers were in training; it matters to batch statistics.
        """
        logits, lengths = self._answers(x, in_len, trained)
        return logits[-1], lengths * tf.cast(in_len > 0, tf.int32)

    def _answers(
        self, x: Tensor, in_len: Tensor, trained: Collection[str]
    ) -> tuple[list[Tensor], Tensor]:
        """Return logits by exit, of the last layer at the end, and lengths [B] (at least 1)."""
        config = self.config
        lengths = tf.maximum(in_len, 1)
        answers = []
        h, mask = x[..., None], _inside(lengths, config.max_frames)
        if config.input_norm:
            h = self._normalise(h, "CONV1", mask, trained, "input_") * mask
        for n, conv in enumerate(config.convolutions):
            layer = CONVOLUTIONS[n]
            lengths = -(-lengths // conv.stride[0])
            # Padded apart: explicit padding keeps the gradients away from oneDNN's kernels.
            h = tf.pad(h, conv_padding(config, n, conv))
            h = tf.nn.conv2d(h, self.weights[f"{layer.lower()}_kernel"], conv.stride, "VALID")
            mask = _inside(lengths, h.shape[1])
            if conv.bias:
                h = h + self.weights[f"{layer.lower()}_bias"]
            h = tf.nn.relu(self._normalise(h, layer, mask, trained)) * mask
        batch, steps, frequencies, channels = h.shape
        h = tf.transpose(tf.reshape(h, [batch, steps, frequencies * channels]), [1, 0, 2])
        for place, layer in enumerate(BLSTMS):
            names = [f"{layer.lower()}_{kind}" for kind in ("input", "recurrent", "bias")]
            weights = [self.weights[name] for name in names]
            h = blstm(h, weights, lengths, self.formulation)
            if config.early_exits and layer != BLSTMS[-1]:
                answers.append(self._dense(h, HEADS[place]))
        h = self._normalise(h, BLSTMS[-1], tf.transpose(mask[..., 0], [1, 0, 2]), trained)
        h = tf.reshape(h, [steps * batch, h.shape[2]])
        h = self._dense(tf.nn.relu(self._dense(h, HIDDEN_DENSE)), OUTPUT)
        return [*answers, tf.reshape(h, [steps, batch, config.outputs])], lengths

    def _dense(self, h: Tensor, layer: str) -> Tensor:
        name = layer.lower()
        return h @ self.weights[f"{name}_kernel"] + self.weights[f"{name}_bias"]

    def loss(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        *,
        trained: Collection[str] = (),
    ) -> Tensor:
        """Return the CTC loss [B] of the last layer; 0 for a row of padding."""
        return self.losses(x, in_len, labels, lab_len, trained=trained)[-1]

    def losses(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        *,
        trained: Collection[str] = (),
    ) -> list[Tensor]:
        """Return the CTC loss [B] of each exit, of the last layer at the end."""
        answers, frames = self._answers(x, in_len, trained)
        fast = self.formulation != "tape"
        real = tf.cast(in_len > 0, tf.float32)
        return [ctc_loss(a, frames, labels, lab_len, one_kernel=fast) * real for a in answers]

    def gradients(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        trained: Collection[str],
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean loss of the real rows and its gradients by full name.

        Of a network with exits it is the sum over those whose heads are trained.
        """
        names = self.trained_weights(trained)
        variables = [self.weights[name] for name in names]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            losses = self.losses(x, in_len, labels, lab_len, trained=trained)
            heads = [*(HEADS if self.config.early_exits else ()), OUTPUT]
            counted = [n for n, name in enumerate(heads) if name in trained] or [-1]
            real = tf.reduce_sum(tf.cast(in_len > 0, tf.float32))
            mean = tf.add_n([tf.reduce_sum(losses[n]) for n in counted]) / tf.maximum(real, 1.0)
        gradients = tape.gradient(mean, variables)
        return mean, dict(zip(names, gradients, strict=True))

    def _normalise(
        self, x: Tensor, layer: str, mask: Tensor, trained: Collection[str], prefix: str = ""
    ) -> Tensor:
        stem = layer.lower()
        names = [f"{stem}_moving_{prefix}{kind}" for kind in ("mean", "variance")]
        stored = tuple(self.weights[name] for name in names)
        moments: tuple[Tensor, ...] = stored
        if self.batch_statistics and layer in trained:
            moments = batch_moments(x, mask)
            for name, old, new in zip(names, stored, moments, strict=True):
                self.moved[name] = old + (1 - _MOMENTUM) * (new - old)
        gamma, beta = (self.weights[f"{stem}_{prefix}{kind}"] for kind in ("gamma", "beta"))
        return tf.nn.batch_normalization(x, *moments, beta, gamma, _EPSILON)


class PlainStep:
    """A training step of one sub-model: tape, clipping of the global norm, fused Adam.

    Args:
        network: Whose weights are trained.
        trained: Names of the layers that it trains.
    """

    def __init__(self, network: PlainNetwork, trained: Collection[str]) -> None:
        self.network = network
        self.trained = trained
        self.slots = {
            name: tuple(tf.Variable(tf.zeros_like(network.weights[name])) for _ in range(2))
            for name in network.trained_weights(trained)
        }
        self.step = tf.Variable(0.0)

    def __call__(self, batch: Sequence[Tensor], lr: Tensor) -> Tensor:
        """Take one step on (x, in_len, labels, lab_len); return the mean loss before it."""
        network = self.network
        x, in_len, labels, lab_len = batch
        loss, gradients = network.gradients(x, in_len, labels, lab_len, self.trained)
        clipped, _ = tf.clip_by_global_norm(list(gradients.values()), network.config.clip_norm)
        step = self.step.assign_add(1.0)
        for name, gradient in zip(gradients, clipped, strict=True):
            first, second = self.slots[name]
            tf.raw_ops.ResourceApplyAdam(
                var=network.weights[name].handle,
                m=first.handle,
                v=second.handle,
                beta1_power=tf.pow(_BETA1, step),
                beta2_power=tf.pow(_BETA2, step),
                lr=lr,
                beta1=_BETA1,
                beta2=_BETA2,
                epsilon=_ADAM_EPSILON,
                grad=gradient,
            )
        for name, value in network.moved.items():
            network.weights[name].assign(value)
        return loss


def conv_padding(config: DeepSpeech2, n: int, conv: Convolution) -> list[list[int]]:
    """Return the zeros around the input of CONV layer ``n``, as ``tf.nn.conv2d`` takes them.

    Along time half a kernel comes before, whatever the length; along frequency as the
    configuration says (``same`` is halved as tensorflow does).
    """
    shapes = config.conv_shapes()
    times, frequencies = (
        max((shapes[n + 1][k] - 1) * conv.stride[k] + conv.kernel[k] - shapes[n][k], 0)
        for k in (0, 1)
    )
    before = min((conv.kernel[0] - 1) // 2, times)
    low = frequencies // 2
    return [[0, 0], [before, times - before], [low, frequencies - low], [0, 0]]


def batch_moments(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance [C] of ``x`` [..., C] where ``mask`` (same rank) is 1."""
    weight = tf.broadcast_to(mask, [*x.shape[:-1], 1])
    mean, variance = tf.nn.weighted_moments(x, list(range(len(x.shape) - 1)), weight)
    return mean, variance


def ctc_loss(
    logits: Tensor, frames: Tensor, labels: Tensor, lab_len: Tensor, *, one_kernel: bool = False
) -> Tensor:
    """Return tensorflow's own CTC loss [B].

    Args:
        logits: [To, B, V]; output 0 is the blank.
        frames: [B], 1 .. To.
        labels: [B, L].
        lab_len: [B].
        one_kernel: Let one CPU kernel do it, where tensorflow otherwise loops over time; it
            refuses labels that do not fit into the frames.
    """
    if one_kernel:
        inside = tf.sequence_mask(lab_len, labels.shape[1])
        labels = tf.SparseTensor(tf.where(inside), tf.boolean_mask(labels, inside), labels.shape)
    return tf.nn.ctc_loss(labels, logits, lab_len, frames, logits_time_major=True, blank_index=0)


def _inside(lengths: Tensor, steps: int) -> Tensor:
    """[B] -> [B, steps, 1, 1]: 1.0 within each utterance."""
    return tf.sequence_mask(lengths, steps, tf.float32)[:, :, None, None]
