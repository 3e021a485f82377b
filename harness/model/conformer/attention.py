"""A Conformer whose exits have attention decoders beside their CTC heads (arXiv 2309.09546).

A step that trains decoders has the joint loss of each exit, 0.7 of the decoder's cross-entropy and
0.3 of the head's CTC loss; one that trains none, as on phones, has the CTC loss alone. Output
``BLANK`` of a decoder is the begin of a text, and its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import tensorflow as tf

from harness.model.aim import Aim
from harness.model.configuration import BLANK, Form, NetworkConfig
from harness.model.conformer import blocks, decoder
from harness.model.conformer import weights as parts
from harness.model.conformer.configuration import TEXT, Conformer
from harness.model.functions import concrete
from harness.model.layer import Role, Signal
from harness.model.network import Loss, Network, NetworkVariables, StepGradients, shares
from harness.model.operators import inside
from harness.model.passes import BackwardPass, ForwardPass, Taken
from harness.model.remade import RemadeLayer, parted
from harness.model.segments import roles_of, up_to
from harness.model.tensors import Tensor
from harness.trainer.info import attend_signature, decode_signature


class AttentionNetwork(Network):
    """A trunk, heads, and decoders with their variables.

    Args:
        config: Sizes; it has decoders.
        variables: Of another network, to share them.
        seed: Of the first weights, if variables are made.
        form: For whom it is written.
        loss: Of the heads; None: the CTC loss.
    """

    config: Conformer

    def __init__(
        self,
        config: NetworkConfig,
        *,
        variables: NetworkVariables | None = None,
        seed: int = 0,
        form: Form | None = None,
        loss: Loss | None = None,
    ) -> None:
        super().__init__(config, variables=variables, seed=seed, form=form, loss=loss)
        by_name = {layer.name: layer for layer in self.layers}
        self._text = by_name[TEXT]
        self._decoders: dict[str, RemadeLayer] = {}
        for exit_ in self.description.exits:
            layer = by_name[exit_.decoder[-1]]
            assert isinstance(layer, RemadeLayer)
            self._decoders[exit_.name] = layer

    def resized(self, config: NetworkConfig) -> AttentionNetwork:
        """Return a network of the same variables with other static sizes."""
        return AttentionNetwork(config, variables=self.variables, form=self.form, loss=self._loss)

    def own_signatures(self) -> dict[str, Tensor]:
        """Return ``attend<k>`` and ``decode_step<k>`` of each exit by name."""
        config = self.config
        batch, segments = config.batch_size, self.segments
        functions = {}
        for number, segment in enumerate(segments, 1):
            state = self.trunk_shapes[segment.end].values
            attend = concrete(
                _attending(self, segment.exit),
                state=tf.TensorSpec(state, tf.float32, "state"),
            )
            functions[attend_signature(number)] = attend
            functions[decode_signature(number)] = concrete(
                _stepping(self, segment.exit),
                token=tf.TensorSpec([batch], tf.int32, "token"),
                position=tf.TensorSpec([1], tf.int32, "position"),
                in_len=tf.TensorSpec([batch], tf.int32, "in_len"),
                memory=tf.TensorSpec(self.memory_shape, tf.float32, "memory"),
                cache=tf.TensorSpec(self.cache_shape, tf.float32, "cache"),
            )
        return functions

    @property
    def memory_shape(self) -> tuple[int, ...]:
        """Of what a decoder sees of a state: layers, keys and values, B, heads, T, d/heads."""
        return self._remembered(self.config.output_frames)

    @property
    def cache_shape(self) -> tuple[int, ...]:
        """Of what labels leave behind: layers, keys and values, B, heads, U, d/heads."""
        return self._remembered(self.config.written)

    def _remembered(self, rows: int) -> tuple[int, ...]:
        c = self.config
        return c.decoder_layers, 2, c.batch_size, c.heads, rows, c.width // c.heads

    def no_labels(self) -> Tensor:
        """Return the cache of a text that has not begun."""
        return tf.zeros(self.cache_shape)

    def attend(self, state: Tensor, exit_name: str) -> Tensor:
        """Return what an exit's decoder sees of its state [1, B*T, d], of ``memory_shape``."""
        w = self._parted(exit_name, state)
        pairs = decoder.memory_of(state, self.config.batch_size, w, self.config)
        return tf.stack([tf.stack(pair) for pair in pairs])

    def decode_step(
        self,
        token: Tensor,
        position: Tensor,
        in_len: Tensor,
        memory: Tensor,
        cache: Tensor,
        exit_name: str,
    ) -> tuple[Tensor, Tensor]:
        """Return log probabilities [B, V] of what comes after one more label, and the cache.

        Args:
            token: [B] int32; ``BLANK`` at the begin.
            position: [1] int32: where in the text it stands, from 0.
            in_len: Frames of features [B].
            memory: From ``attend``.
            cache: What earlier labels left; anything at the begin.
            exit_name: Whose decoder.
        """
        config = self.config
        rows = tf.reshape(tf.one_hot(token, config.outputs), [1, config.batch_size, -1])
        embedding = self._text.read("embedding", rows)
        where = blocks.positions(config.written, config.width, position)
        here = tf.reshape(tf.gather(where, position, axis=1), [1, 1, config.width])
        pairs = [tuple(tf.unstack(layer)) for layer in tf.unstack(memory)]
        logits, cache = decoder.step(
            decoder.embedded(rows, embedding) + here,
            tf.reshape(position, []),
            cache,
            pairs,
            self._heard(in_len),
            self._parted(exit_name, rows),
            config,
        )
        return tf.nn.log_softmax(logits), cache

    def written(self, x: Tensor, in_len: Tensor, labels: Tensor, exit_name: str) -> Tensor:
        """Return the logits [B, U + 1, V] that a decoder gives after each label of whole texts.

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B].
            labels: [B, U].
            exit_name: Whose decoder.
        """
        passed = self._forward(x, in_len, {}, [exit_name])
        texts = self._texts(labels, {})
        return self._nodes(passed, texts, exit_name, {}).signal.values

    def state(self, x: Tensor, in_len: Tensor, exit_name: str) -> Tensor:
        """Return what an exit's head and decoder get of features, [1, B*T, d]."""
        return self._forward(x, in_len, {}, [exit_name]).states[exit_name].values

    def gradients(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        aim: Aim,
        taken: Taken | None = None,
    ) -> StepGradients:
        """Return the loss, its gradients, and moved statistics.

        Args:
            x: [B, T, mels].
            in_len: [B]; rows of length 0 count for nothing.
            labels: [B, U].
            lab_len: [B].
            aim: What trains, and by which losses; without a decoder, the CTC loss alone.
            taken: Gets a layer's gradients as soon as they are there; None: all are returned.

        Raises:
            ValueError: A layer is to be trained, and no loss depends on it.
        """
        own = {TEXT, *(layer.name for layer in self._decoders.values())} & set(aim.layers)
        if not own:
            return super().gradients(x, in_len, labels, lab_len, aim, taken)
        exits = self.exit_names if aim.exits is None else tuple(aim.exits)
        factors = dict(zip(exits, aim.loss_weights or (1.0,) * len(exits), strict=True))
        lost = own - {TEXT, *(self._decoders[name].name for name in exits)}
        if lost:
            raise ValueError(f"no loss depends on {', '.join(sorted(lost))}")
        below = replace(aim, layers=[name for name in aim.layers if name not in own])
        roles = self.roles(below, exits)
        for layer in (self._text, *(self._decoders[name] for name in exits)):
            # what a decoder passes on goes to the texts, too
            roles[layer.name] = Role(layer.name in own, passes_on=layer is not self._text)
        passed = self._forward(x, in_len, roles, exits)
        losses, d_logits = self._joint_loss(passed, labels, lab_len)
        share, part = shares(in_len), self.config.attention_share
        wanted = frozenset(self.trained_weights(aim.layers, biases=aim.biases))
        found: dict[str, Tensor] = {}
        texts = self._texts(labels, roles)
        d_states: dict[str, Tensor] = {}
        d_texts: list[Tensor] = []
        for name in exits:
            nodes = self._nodes(passed, texts, name, roles)
            entropy, d_entropy = cross_entropy(nodes.signal.values, labels, lab_len)
            d_logits[name] *= ((1 - part) * factors[name] * share)[None, :, None]
            d_entropy *= (part * factors[name] * share)[:, None, None]
            losses[name] = (1 - part) * losses[name] + part * entropy
            back = BackwardPass(nodes, wanted, taken, found)
            both = back.through([self._decoders[name]], d_entropy)
            assert both is not None
            state = passed.states[name].values
            rows = [state.shape[1], both.shape[1] - state.shape[1]]
            d_states[name], of_text = tf.split(both, rows, 1)
            d_texts.append(of_text)
        if TEXT in own:
            BackwardPass(texts, wanted, taken, found).through([self._text], tf.add_n(d_texts))
        back = BackwardPass(passed, wanted, taken, found)
        back.run(up_to(self.segments, exits), d_logits, d_states)
        means = {name: tf.reduce_sum(loss * share) for name, loss in losses.items()}
        ordered = {name: found[name] for name in self.weights if name in found}
        total = tf.add_n([means[name] * factors[name] for name in exits])
        return StepGradients(total, means, ordered, passed.moved)

    def roles(self, aim: Aim, exits: Collection[str]) -> dict[str, Role]:
        """Return the role of each layer of trunk and heads through which a gradient goes."""
        trained = {n for n in aim.layers if self.trained_weights([n], biases=aim.biases)}
        return roles_of(self.segments, trained, exits)

    def _texts(self, labels: Tensor, roles: Mapping[str, Role]) -> ForwardPass:
        """Read texts: the begin, then the labels [B, U]."""
        batch, count = labels.shape
        begun = tf.concat([tf.fill([batch, 1], BLANK), labels], 1)
        rows = tf.one_hot(tf.reshape(begun, [1, batch * (count + 1)]), self.config.outputs)
        lengths = tf.fill([batch], count + 1)
        passed = ForwardPass(Signal(rows, lengths, inside(lengths, count + 1)), roles)
        passed.through([self._text])
        return passed

    def _nodes(
        self, passed: ForwardPass, texts: ForwardPass, exit_name: str, roles: Mapping[str, Role]
    ) -> ForwardPass:
        """Run an exit's decoder."""
        state = passed.states[exit_name]
        both = tf.concat([state.values, texts.signal.values], 1)
        nodes = ForwardPass(Signal(both, state.lengths, state.mask), roles)
        nodes.through([self._decoders[exit_name]])
        return nodes

    def _heard(self, in_len: Tensor) -> blocks.Frames:
        config = self.config
        lengths = tf.maximum(self.output_lengths(in_len), 1)
        return blocks.Frames(config.batch_size, config.output_frames, lengths)

    def _parted(self, exit_name: str, after: Tensor) -> dict[str, Tensor]:
        stored = self._decoders[exit_name].stored(after)
        return parted(parts.decoder(self.config), stored)


def cross_entropy(logits: Tensor, labels: Tensor, lab_len: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy [B] of texts and their ends, a sum over labels, and its gradient.

    Args:
        logits: [B, U + 1, V], of what comes after the begin and after each label.
        labels: [B, U], ``BLANK`` past each text.
        lab_len: [B].
    """
    batch, count, outputs = logits.shape
    targets = tf.concat([labels, tf.fill([batch, 1], BLANK)], 1)
    counted = tf.reshape(inside(lab_len + 1, count), [batch, count])
    target = tf.one_hot(targets, outputs)
    log_p = tf.nn.log_softmax(logits)
    loss = -tf.reduce_sum(tf.reduce_sum(log_p * target, 2) * counted, 1)
    return loss, (tf.exp(log_p) - target) * counted[:, :, None]


def _attending(network: AttentionNetwork, exit_name: str) -> Callable[..., dict[str, Tensor]]:
    return lambda state: {"memory": network.attend(state, exit_name)}


def _stepping(network: AttentionNetwork, exit_name: str) -> Callable[..., dict[str, Tensor]]:
    def step(**given: Tensor) -> dict[str, Tensor]:
        log_p, cache = network.decode_step(**given, exit_name=exit_name)
        return {"log_p": log_p, "cache": cache}

    return step
