"""A network: layers, exits and losses; forward pass, and gradients of the layers that train.

A network without exits answers at its last layer. One with exits answers at the head of each, and
only as much of it is computed as is asked for. Layers below the lowest trained one keep nothing for
the backward pass and get no gradient: that is what makes a smaller sub-model cheaper in time and
memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import tensorflow as tf

from harness.model.aim import Aim
from harness.model.configuration import Form, NetworkConfig
from harness.model.ctc import CtcLoss
from harness.model.functions import concrete
from harness.model.grid import Grid
from harness.model.initial import Weights, initial_weights
from harness.model.layer import Role, Signal, TrainableLayer
from harness.model.operators import inside
from harness.model.passes import BackwardPass, ForwardPass, Taken
from harness.model.resident.chosen import encoded_weights, rounded_weights
from harness.model.resident.codings import Codings
from harness.model.resident.codings import codings as make_codings
from harness.model.resident.product import Stack
from harness.model.resident.rounding import Rounding
from harness.model.resident.variable import EncodedVariable
from harness.model.segments import roles_of, segments_of, up_to
from harness.model.tensors import Tensor


class NetworkVariables:
    """The variables of a network, by full name, in the order of layers and names.

    Args:
        weights: First values by full name.
        encoded: Names of those that are held in few bits.
        codings: How; None: there are none.
        stochastic: Whether these are rounded by lot.
        grid: On which operands of products are rounded; None: they are not.
        rounded: Names of the weights that are rounded on it where a product takes them.
    """

    def __init__(
        self,
        weights: Weights,
        encoded: Collection[str] = (),
        codings: Codings | None = None,
        *,
        stochastic: bool = True,
        grid: Grid | None = None,
        rounded: Collection[str] = (),
    ) -> None:
        self.codings = codings
        self.grid = grid
        self._rounded = frozenset(rounded)
        self.by_name: dict[str, Tensor] = {
            name: EncodedVariable(name, value, codings.weights)
            if codings and name in encoded
            else tf.Variable(value, name=name)
            for name, value in weights.items()
        }
        self.rounding: Rounding | None = None
        """Of the encoded ones; None: there are none."""
        in_few_bits = {n: v for n, v in self.by_name.items() if isinstance(v, EncodedVariable)}
        if in_few_bits:
            self.rounding = Rounding(in_few_bits, stochastic=stochastic)

    @staticmethod
    def of(config: NetworkConfig, weights: Weights) -> NetworkVariables:
        """Return the variables of a flatbuffer, encoded as the configuration says."""
        few = config.resident != "float32"
        return NetworkVariables(
            weights,
            encoded_weights(config),
            make_codings(config.resident, config.clip_norm) if few else None,
            stochastic=config.rounding == "stochastic",
            grid=Grid.of(config),
            rounded=rounded_weights(config),
        )

    @staticmethod
    def in_float32(config: NetworkConfig, weights: Weights) -> NetworkVariables:
        """Return the variables of a network that tensorflow trains: none is encoded."""
        return NetworkVariables.of(replace(config, resident="float32"), weights)

    def read(self, full_name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a variable, made no earlier than ``after``."""
        variable = self.by_name[full_name]
        with tf.control_dependencies([] if after is None else [after]):
            if isinstance(variable, EncodedVariable):
                return variable.read_value()
            return tf.identity(variable)

    def operand(self, full_name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a variable as products take it, made no earlier than ``after``."""
        value = self.read(full_name, after)
        if self.grid is None or full_name not in self._rounded:
            return value
        return self.grid.weight(value)

    def stack(self, full_name: str, after: Tensor) -> Tensor | Stack:
        """Return matrices, read no earlier than ``after``; encoded ones as blocks."""
        variable = self.by_name[full_name]
        if isinstance(variable, EncodedVariable) and variable.is_stack:
            return Stack(variable, after)
        return self.operand(full_name, after)


@runtime_checkable
class Loss(Protocol):
    """A loss of logits, and its gradient; `harness.model.ctc.CtcLoss` is one."""

    def of_several(
        self,
        logits: Sequence[Tensor],
        labels: Any,
        frames: Sequence[Tensor],
        label_lengths: Tensor,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return losses [B] and gradients [T, B, V] of several logits [T, B, V]."""


AnyLoss = Any
"""A ``Loss``, or what another kind of network takes in its place."""


@dataclass(frozen=True)
class StepGradients:
    """What a training step is made of."""

    loss: Tensor
    """Of the exits asked for, times their weights, each a mean over the real rows: a scalar."""
    by_exit: dict[str, Tensor]
    """The mean over the real rows of each exit asked for, a scalar each."""
    gradients: dict[str, Tensor]
    """By full name, in the order of the network; empty if they were taken a layer at a time."""
    moved: dict[str, Tensor]
    """New values of statistics by full name; empty if they are frozen."""


@dataclass(frozen=True)
class TrunkShape:
    """What goes from one layer of the trunk to the next."""

    values: tuple[int, ...]
    times: int
    """Time steps of a full-length utterance."""


class Network:
    """Layers with their variables, and what can be computed with them.

    Args:
        config: Sizes.
        variables: Of another network, to share them.
        seed: Of the first weights, if variables are made.
        form: For whom it is written.
        loss: What is trained down, of the labels that ``gradients`` gets; None: the CTC loss.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        variables: NetworkVariables | None = None,
        seed: int = 0,
        form: Form | None = None,
        loss: AnyLoss | None = None,
    ) -> None:
        form = form or Form()
        self.config = config
        self.description = config.describe()
        if variables is None:
            weights = initial_weights(config, seed)
            held = NetworkVariables.of if form.flatbuffer else NetworkVariables.in_float32
            variables = held(config, weights)
        self.variables = variables
        self.layers = config.build_layers(self.variables, form)
        self.segments = segments_of(self.layers, self.description.exits)
        self.form = form
        self._loss: Loss = loss or CtcLoss(config.unroll, in_tensorflow=not form.flatbuffer)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Variables by full name, ``conv1_kernel``."""
        return self.variables.by_name

    def resized(self, config: NetworkConfig) -> Network:
        """Return a network of the same variables with other static sizes."""
        return Network(config, variables=self.variables, form=self.form, loss=self._loss)

    def own_signatures(self) -> dict[str, Tensor]:
        """Return concrete functions that files of this kind of network have beside the others."""
        return {}

    def trained_weights(self, layers: Collection[str], *, biases: bool = False) -> list[str]:
        """Return the full names of the weights that are trained with these layers.

        Args:
            layers: Names of the layers that train.
            biases: Only their biases and vectors of normalisations do.
        """
        return [
            name
            for layer in self.layers
            if layer.name in layers
            for name in (layer.spec.biases if biases else layer.spec.trained)
        ]

    @cached_property
    def exit_names(self) -> tuple[str, ...]:
        """Names of the places that answer; one without a name in a network without exits."""
        return tuple(segment.exit for segment in self.segments)

    def output_lengths(self, lengths: Tensor, exit_name: str | None = None) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames.

        Args:
            lengths: [B] int32.
            exit_name: Where it answers; None: at the last exit.
        """
        exit_name = self.exit_names[-1] if exit_name is None else exit_name
        for segment in up_to(self.segments, [exit_name]):
            for layer in segment.trunk:
                lengths = layer.output_lengths(lengths)
            for layer in segment.head if segment.exit == exit_name else ():
                lengths = layer.output_lengths(lengths)
        return lengths

    def infer(
        self, x: Tensor, in_len: Tensor, exit_name: str | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return logits [To, B, V] and output lengths [B] (0 for an empty row).

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            exit_name: Where it answers; None: at the last exit.
        """
        exit_name = self.exit_names[-1] if exit_name is None else exit_name
        passed = self._forward(x, in_len, {}, [exit_name])
        return self.logits(passed, exit_name), self.output_lengths(in_len, exit_name)

    def losses(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the CTC loss [K, B] of each exit; 0 for an empty row."""
        passed = self._forward(x, in_len, {}, self.exit_names)
        loss, _ = self._joint_loss(passed, labels, lab_len)
        return tf.stack(list(loss.values())) * real_rows(in_len)[None]

    def loss(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the CTC loss [B] of the last exit; 0 for an empty row."""
        last = self.exit_names[-1]
        loss, _ = self._joint_loss(self._forward(x, in_len, {}, [last]), labels, lab_len)
        return loss[last] * real_rows(in_len)

    def joint_loss(
        self,
        logits: Mapping[str, Tensor],
        lengths: Sequence[Tensor],
        labels: Tensor,
        lab_len: Tensor,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the CTC loss [B] and its gradient [To, B, V] of some exits.

        Args:
            logits: [To, B, V] by exit.
            lengths: Output frames [B] of each exit, at least 1.
            labels: [B, L].
            lab_len: [B].
        """
        loss, gradient = self._loss.of_several(list(logits.values()), labels, lengths, lab_len)
        return dict(zip(logits, loss, strict=True)), dict(zip(logits, gradient, strict=True))

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
            labels: [B, L].
            lab_len: [B].
            aim: What trains, and by which losses.
            taken: Gets a layer's gradients as soon as they are there; nothing else of the step
                then needs them, so they live no longer. None: all are returned.

        Raises:
            ValueError: A layer is to be trained, and no loss depends on it.
        """
        exits = self.exit_names if aim.exits is None else tuple(aim.exits)
        weight = dict(zip(exits, aim.loss_weights, strict=True)) if aim.loss_weights else {}
        roles = self.roles(aim, exits)
        passed = self._forward(x, in_len, roles, exits)
        losses, d_logits = self._joint_loss(passed, labels, lab_len)
        share = shares(in_len)
        for name, d in d_logits.items():
            part = share * weight[name] if name in weight else share
            d_logits[name] = d * part[None, :, None]
        wanted = self.trained_weights(aim.layers, biases=aim.biases)
        back = BackwardPass(passed, frozenset(wanted), taken)
        back.run(up_to(self.segments, exits), d_logits)
        means = {name: tf.reduce_sum(loss * share) for name, loss in losses.items()}
        terms = [mean * weight[n] if n in weight else mean for n, mean in means.items()]
        return StepGradients(
            terms[0] if len(terms) == 1 else tf.add_n(terms),
            means,
            {name: back.gradients[name] for name in wanted if name in back.gradients},
            passed.moved,
        )

    def roles(self, aim: Aim, exits: Collection[str]) -> dict[str, Role]:
        """Return the role of each layer through which a gradient goes.

        Raises:
            ValueError: A layer is to be trained, and no loss depends on it.
        """
        trained = {n for n in aim.layers if self.trained_weights([n], biases=aim.biases)}
        return roles_of(self.segments, trained, exits)

    def by_exit(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Return scalars [K] of all exits in their order, 0 of those that are not given."""
        return tf.stack([losses.get(name, tf.zeros([])) for name in self.exit_names])

    def entering(self, depth: int, values: Tensor, in_len: Tensor) -> Signal:
        """Return what goes into a layer of the trunk.

        Args:
            depth: How many layers of the trunk are below it.
            values: What the layer below gave, or features.
            in_len: Frames of features [B] of each utterance.
        """
        lengths = tf.maximum(in_len, 1)
        for layer in self.trunk[:depth]:
            lengths = layer.output_lengths(lengths)
        return Signal(values, lengths, inside(lengths, self.trunk_shapes[depth].times))

    @cached_property
    def trunk(self) -> list[TrainableLayer]:
        """The layers that belong to no head."""
        return [layer for segment in self.segments for layer in segment.trunk]

    @cached_property
    def trunk_shapes(self) -> list[TrunkShape]:
        """The shape of what goes into each layer of the trunk, and of what leaves the last."""
        config = self.config

        def shapes(x: Tensor, in_len: Tensor) -> list[tuple[Tensor, Tensor]]:
            lengths = tf.maximum(in_len, 1)
            signal = Signal(x, lengths, inside(lengths, config.max_frames))
            signals = [signal]
            for layer in self.trunk:
                signal = layer.forward(signal, Role()).signal
                signals.append(signal)
            return [(s.values, s.mask) for s in signals]

        batch, frames, mels = config.batch_size, config.max_frames, config.features.mels
        with tf.init_scope():
            traced = concrete(
                shapes,
                x=tf.TensorSpec([batch, frames, mels], tf.float32),
                in_len=tf.TensorSpec([batch], tf.int32),
            )
            outputs = traced.structured_outputs
        return [TrunkShape(tuple(v.shape), int(mask.shape[1])) for v, mask in outputs]

    def _forward(
        self, x: Tensor, in_len: Tensor, roles: Mapping[str, Role], exits: Collection[str]
    ) -> ForwardPass:
        """Run the network up to the deepest of some exits, with the heads of these."""
        lengths = tf.maximum(in_len, 1)
        signal = Signal(x, lengths, inside(lengths, self.config.max_frames))
        passed = ForwardPass(signal, roles, self.config.recompute)
        for segment in up_to(self.segments, exits):
            passed.through(segment.trunk)
            if segment.exit in exits:
                passed.answer(segment)
        return passed

    def logits(self, passed: ForwardPass, exit_name: str) -> Tensor:
        """Return the logits [To, B, V] of an exit that a forward pass answered at."""
        config = self.config
        shape = [config.output_frames, config.batch_size, config.outputs]
        return tf.reshape(passed.ends[exit_name].values, shape)

    def _joint_loss(
        self, passed: ForwardPass, labels: Tensor, lab_len: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits = {name: self.logits(passed, name) for name in passed.ends}
        lengths = [end.lengths for end in passed.ends.values()]
        return self.joint_loss(logits, lengths, labels, lab_len)


def real_rows(in_len: Tensor) -> Tensor:
    """[B] -> 1.0 for an utterance, 0.0 for a row of padding."""
    return tf.cast(in_len > 0, tf.float32)


def shares(in_len: Tensor) -> Tensor:
    """[B] -> what each row's loss counts for in the mean over the real rows."""
    real = real_rows(in_len)
    return real / tf.maximum(tf.reduce_sum(real), 1.0)
