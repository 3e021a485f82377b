"""A transducer put together: an encoder, a predictor that reads texts, a joint over the lattice."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import tensorflow as tf

from harness.errors import InputError
from harness.model.aim import Aim
from harness.model.configuration import BLANK, Form, NetworkConfig
from harness.model.layer import Role, Signal
from harness.model.network import (
    AnyLoss,
    Loss,
    Network,
    NetworkVariables,
    StepGradients,
    real_rows,
    shares,
)
from harness.model.operators import inside
from harness.model.passes import BackwardPass, ForwardPass, Taken
from harness.model.segments import Segment
from harness.model.tensors import Tensor
from harness.model.transducer.configuration import SLOTS, Transducer
from harness.model.transducer.greedy import path_logits
from harness.model.transducer.joint import logits
from harness.model.transducer.lattice import Lattice
from harness.model.transducer.layers import Joint, Predictor
from harness.model.transducer.loss import transducer_loss_and_gradient
from harness.model.transducer.objective import OwnLoss, TransducerLoss
from harness.model.transducer.predictor import State, next_label
from harness.model.transducer.streaming import streaming_signatures


class TransducerNetwork(Network):
    """Encoder, predictor and joint with their variables.

    What it answers are logits of the path that greedy decoding takes (`greedy`).

    Args:
        config: Sizes.
        variables: Of another network, to share them.
        seed: Of the first weights, if variables are made.
        form: For whom it is written.
        loss: What is trained down (`objective`), of the labels that ``gradients`` gets; None: its
            own.

    Raises:
        InputError: A loss of CTC logits is given.
    """

    config: Transducer

    def __init__(
        self,
        config: NetworkConfig,
        *,
        variables: NetworkVariables | None = None,
        seed: int = 0,
        form: Form | None = None,
        loss: AnyLoss | None = None,
    ) -> None:
        if isinstance(loss, Loss):
            raise InputError(f"{config.name} is a transducer, and has no logits of CTC")
        super().__init__(config, variables=variables, seed=seed, form=form)
        self._objective: TransducerLoss = loss or OwnLoss()
        *encoder, predictor, joint = self.layers
        assert isinstance(predictor, Predictor)
        assert isinstance(joint, Joint)
        self._predictor, self._joint = predictor, joint
        self.segments = (Segment("", tuple(encoder), (), 0),)

    def resized(self, config: NetworkConfig) -> TransducerNetwork:
        """Return a network of the same variables with other static sizes."""
        objective = self._objective
        return TransducerNetwork(config, variables=self.variables, form=self.form, loss=objective)

    def own_signatures(self) -> dict[str, Tensor]:
        """Return the signatures that hear a recording while it goes on."""
        return streaming_signatures(self)

    def output_lengths(self, lengths: Tensor, exit_name: str | None = None) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames."""
        return super().output_lengths(lengths, exit_name) * (SLOTS * self.config.labels_a_frame)

    def infer(
        self, x: Tensor, in_len: Tensor, exit_name: str | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return logits [To, B, V] of the greedy path, and output lengths [B].

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            exit_name: There are no exits.
        """
        heard, lengths = self.encoded(x, in_len)
        path = path_logits(heard, lengths, self._predictor, self._joint, BLANK)
        return path, self.output_lengths(in_len, exit_name)

    def encoded(self, x: Tensor, in_len: Tensor) -> tuple[Tensor, Tensor]:
        """Return what leaves the encoder, [B, T, encoding], and its frames [B].

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32.
        """
        end = self._forward(x, in_len, {}, self.exit_names).ends[""]
        return self._heard(end), end.lengths

    def after_label(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the predictor's vector [encoding] after a label more, and its state.

        Args:
            token: Scalar int32; the blank at the start.
            h: [lstm_layers, cells]; zeros at the start.
            c: As ``h``.
        """
        written = tf.one_hot(tf.reshape(token, [1, 1]), self.config.outputs)
        state = State(h[:, None], c[:, None])
        vector, after = next_label(written, state, self._predictor.by_part(written))
        vector = tf.reshape(vector, [self.config.encoding])
        return vector, tf.squeeze(after.h, 1), tf.squeeze(after.c, 1)

    def node(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """Return the logits [V] of a frame [encoding] and a vector of the predictor [encoding]."""
        rows = [1, 1, self.config.encoding]
        heard, written = tf.reshape(encoded, rows), tf.reshape(predicted, rows)
        return tf.reshape(logits(heard, written, self._joint.by_part(heard)), [self.config.outputs])

    def losses(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the loss [1, B]; 0 for an empty row."""
        return self.loss(x, in_len, labels, lab_len)[None]

    def loss(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the transducer's loss [B]; 0 for an empty row."""
        end = self._forward(x, in_len, {}, self.exit_names).ends[""]
        written = self._predictor.forward(_texts(labels, lab_len, self.config.outputs), Role())
        joint = self._joint.forward(self._both(end, written.signal), Role())
        loss, _ = transducer_loss_and_gradient(
            joint.signal.values, labels, self._lattice(end, lab_len), BLANK
        )
        return loss * real_rows(in_len)

    def gradients(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        aim: Aim,
        taken: Taken | None = None,
    ) -> StepGradients:
        """Return the loss and its gradients.

        Args:
            x: [B, T, mels].
            in_len: [B]; rows of length 0 count for nothing.
            labels: [B, U]; what the loss takes for labels.
            lab_len: [B], of the references.
            aim: What trains.
            taken: Gets a layer's gradients as soon as they are there; None: all are returned.
        """
        roles = self.roles(aim, self.exit_names)
        passed = self._forward(x, in_len, roles, self.exit_names)
        written, lengths, each = self._objective.texts(labels, lab_len)
        end = _repeated(passed.ends[""], in_len.shape[0], each)
        texts = ForwardPass(_texts(written, lengths, self.config.outputs), roles)
        texts.through([self._predictor])
        nodes = ForwardPass(self._both(end, texts.signal), roles)
        nodes.through([self._joint])
        by_text, gradient = transducer_loss_and_gradient(
            nodes.signal.values, written, self._lattice(end, lengths), BLANK
        )
        loss, by_loss = self._objective.weighed(by_text, labels)
        share = shares(in_len)
        of_text = tf.repeat(share, each) * by_loss
        wanted = frozenset(self.trained_weights(aim.layers, biases=aim.biases))
        found: dict[str, Tensor] = {}
        back = BackwardPass(nodes, wanted, taken, found)
        d_both = back.through([self._joint], gradient * of_text[:, None, None, None])
        if d_both is not None:
            count = self.config.frames
            d_heard, d_written = tf.split(d_both, [count, d_both.shape[1] - count], 1)
            d_heard = _summed(d_heard, each)
            d_written = tf.reshape(d_written, texts.signal.values.shape)
            BackwardPass(texts, wanted, taken, found).through([self._predictor], d_written)
            encoder = BackwardPass(passed, wanted, taken, found)
            encoder.run(self.segments, {"": d_heard})
        mean = tf.reduce_sum(loss * share)
        ordered = {name: found[name] for name in self.weights if name in found}
        return StepGradients(mean, {"": mean}, ordered, passed.moved)

    def roles(self, aim: Aim, exits: Collection[str]) -> dict[str, Role]:
        """Return the role of each layer through which a gradient goes."""
        del exits
        trained = {n for n in aim.layers if self.trained_weights([n], biases=aim.biases)}
        roles: dict[str, Role] = {}
        below = False
        for layer in self.segments[0].trunk:
            if below or layer.name in trained:
                roles[layer.name] = Role(layer.name in trained, passes_on=below)
                below = True
        predictor, joint = self._predictor.name, self._joint.name
        if predictor in trained:
            roles[predictor] = Role(trained=True)
        passes_on = below or predictor in trained
        if passes_on or joint in trained:
            roles[joint] = Role(joint in trained, passes_on=passes_on)
        return roles

    def by_exit(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Return the loss [1]."""
        return tf.stack([losses[""]])

    def _heard(self, end: Signal) -> Tensor:
        """Return what leaves the encoder, [B, T, encoding]."""
        config, rows = self.config, end.lengths.shape[0]
        return tf.reshape(end.values, [rows, config.frames, config.encoding])

    def _both(self, end: Signal, written: Signal) -> Signal:
        """Return what the joint network takes: what was heard, then what was written."""
        heard = self._heard(end)
        batch, _, width = heard.shape
        vectors = tf.reshape(written.values, [batch, self.config.max_label + 1, width])
        return Signal(tf.concat([heard, vectors], 1), end.lengths, end.mask)

    def _lattice(self, end: Signal, lab_len: Tensor) -> Lattice:
        unroll = self.config.unroll
        return Lattice(end.lengths, lab_len, unroll, in_tensorflow=not self.form.flatbuffer)


def _repeated(end: Signal, batch: int, each: int) -> Signal:
    """Return what was heard, each utterance as often as it has texts."""
    if each == 1:
        return end
    _, rows, width = end.values.shape
    by_row = tf.reshape(end.values, [batch, rows // batch, width])
    values = tf.reshape(tf.repeat(by_row, each, 0), [1, rows * each, width])
    return Signal(values, tf.repeat(end.lengths, each), tf.repeat(end.mask, each, 0))


def _summed(gradient: Tensor, each: int) -> Tensor:
    """[B*K, T, D] -> [B, T, D]: over the texts of each utterance."""
    if each == 1:
        return gradient
    rows, times, width = gradient.shape
    return tf.reduce_sum(tf.reshape(gradient, [rows // each, each, times, width]), 1)


def _texts(labels: Tensor, lab_len: Tensor, outputs: int) -> Signal:
    """Return what the predictor reads: the blank, then the labels [B, U], one-hot."""
    batch, count = labels.shape
    begun = tf.concat([tf.fill([batch, 1], BLANK), labels], 1)
    rows = tf.one_hot(tf.reshape(begun, [1, batch * (count + 1)]), outputs)
    lengths = lab_len + 1
    return Signal(rows, lengths, inside(lengths, count + 1))
