"""Training steps in plain tensorflow, on a CPU or a GPU; repeatable to the last bit on a CPU.

The network, its hand-written gradients and Adam are those that go into a flatbuffer. Here they run
as ``tf.function``, one trace a padded length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.errors import InputError
from harness.model.adam import Adam
from harness.model.aim import Aim
from harness.model.configuration import BLANK, Form, NetworkConfig
from harness.model.features import log_mel
from harness.model.initial import Weights
from harness.model.network import AnyLoss, Network
from harness.model.pretraining.settings import Device
from harness.model.step import train_step
from harness.model.tensors import Tensor
from harness.trainer.attention import write_greedily
from harness.trainer.batches import Batch, Floats

UNROLL = 8
"""Longer loop bodies are no faster under tensorflow, and slower to trace."""


class Engine:
    """A network with its optimizer: steps, logits, features, and all of its state.

    Args:
        config: Sizes, the training batch size among them.
        seed: Of the first weights.
        device: ``auto`` takes a GPU if tensorflow sees one.
        aim: What trains, and by which losses; None: everything, by the sum of all exits' losses.
        begun_from: First weights by full name; those of the seed where there are none.
        loss: What is trained down, a loss for such a network; None: its own.

    Raises:
        InputError: A GPU is asked for and tensorflow sees none.
    """

    def __init__(
        self,
        config: NetworkConfig,
        seed: int,
        device: Device = "cpu",
        *,
        aim: Aim | None = None,
        begun_from: Mapping[str, npt.NDArray[np.float32]] | None = None,
        loss: AnyLoss | None = None,
    ) -> None:
        self.device = _prepare(device)
        self.config = replace(config, unroll=min(config.unroll, UNROLL))
        with self._placed():
            form = Form(batch_statistics=True)
            kind = config.network_class()
            self._network = kind(self.config, seed=seed, form=form, loss=loss)
            self._adam = Adam.of(self._network)
            for name, value in (begun_from or {}).items():
                self._network.weights[name].assign(value)
        self._aim = aim or Aim(self._network.description.layer_names)
        self._functions: dict[tuple[str, int], Any] = {}

    def train(self, batch: Batch, rate: float, labels: Any = None) -> float:
        """Take one step; return the loss before it: a mean over utterances, a sum over exits.

        Args:
            batch: Utterances.
            rate: Learning rate.
            labels: What the loss takes for labels (arrays); None: those of the batch.
        """
        loss = self.call(
            "train",
            batch.x.shape[1],
            self._train,
            batch.x,
            batch.in_len,
            batch.labels if labels is None else labels,
            batch.lab_len,
            np.float32(rate),
        )
        return float(loss)

    def infer(self, batch: Batch, exit_name: str | None = None) -> list[Floats]:
        """Return logits [output frames, outputs] of each real row, by the moving statistics.

        Args:
            batch: Utterances.
            exit_name: Where the network answers; None: at the last exit.
        """
        logits, lengths = self.call(
            f"infer {exit_name or ''}",
            batch.x.shape[1],
            lambda net, *a: net.infer(*a, exit_name),
            batch.x,
            batch.in_len,
        )
        logits = logits.numpy()
        rows = enumerate(lengths.numpy()[: batch.rows])
        return [logits[: int(frames), row].copy() for row, frames in rows]

    def write(self, batch: Batch, exit_name: str) -> list[list[int]]:
        """Return the labels that an exit's attention decoder writes for each real row, greedily.

        Args:
            batch: Utterances.
            exit_name: Whose decoder.
        """
        frames = batch.x.shape[1]
        memory, cache = self.call(
            f"attend {exit_name}",
            frames,
            lambda net, *a: (net.attend(net.state(*a, exit_name), exit_name), net.no_labels()),
            batch.x,
            batch.in_len,
        )

        def step(token: npt.NDArray[np.int32], position: int) -> Floats:
            nonlocal cache
            log_p, cache = self.call(
                f"decode {exit_name}",
                frames,
                lambda net, *a: net.decode_step(*a, exit_name),
                token,
                np.array([position], np.int32),
                batch.in_len,
                memory,
                cache,
            )
            return np.asarray(log_p)

        return write_greedily(step, batch.rows, len(batch.in_len), BLANK, self.config.max_label)

    def features(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """Return log-mel features [frames, mels] of one utterance.

        Args:
            pcm: Samples [N], at least a window; what follows the network's longest utterance is
                left out (samples after the last whole window never count).
        """
        settings, frames = self.config.features, self.config.max_frames
        padded = np.zeros(settings.samples(frames), np.int16)
        samples = min(len(pcm), len(padded))
        padded[:samples] = pcm[:samples]
        made, used = self.call(
            "features",
            frames,
            lambda _net, pcm, samples: log_mel(pcm, samples, frames, settings),
            padded,
            np.int32(samples),
        )
        features: Floats = made.numpy()[: int(used)]
        return features

    def weights(self) -> Weights:
        """Return a copy of all weights and moving statistics by full name."""
        return {name: variable.numpy() for name, variable in self._network.weights.items()}

    def state(self) -> Weights:
        """Return a copy of everything that the next step depends on."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def set_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Go back to a state.

        Raises:
            ValueError: It is not one of this network.
        """
        variables = self._variables()
        wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
        if wanted != {name: value.shape for name, value in state.items()}:
            raise ValueError("not the state of this network")
        for name, variable in variables.items():
            variable.assign(state[name])

    def _variables(self) -> dict[str, Any]:
        adam = self._adam
        return {
            **{f"weight.{name}": variable for name, variable in self._network.weights.items()},
            **{f"adam_m.{name}": variable for name, variable in adam.first.items()},
            **{f"adam_v.{name}": variable for name, variable in adam.second.items()},
            "adam_step": adam.step,
        }

    def _train(
        self,
        network: Network,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        rate: Tensor,
    ) -> Tensor:
        return train_step(network, self._adam, (x, in_len, labels, lab_len), rate, self._aim).loss

    def call(
        self, name: str, frames: int | None, function: Callable[..., Any], *arguments: Any
    ) -> Any:
        """Call the graph of a function of the network, made at the first call.

        Args:
            name: Of the function.
            frames: Utterances are padded to; None: there are none.
            function: Of a network and the arguments.
            arguments: Arrays.
        """
        frames = self.config.max_frames if frames is None else frames
        key = name, frames
        with self._placed():
            if key not in self._functions:
                # The same variables, in a network of another static length.
                network = self._network.resized(replace(self.config, max_frames=frames))
                self._functions[key] = tf.function(
                    lambda *a: function(network, *a), autograph=False
                )
            return self._functions[key](*tf.nest.map_structure(tf.constant, arguments))

    def _placed(self) -> Any:
        return tf.device("/GPU:0" if self.device == "gpu" else "/CPU:0")


def _prepare(device: Device) -> Device:
    """Set tensorflow up for repeatable steps and return the device to use, ``cpu`` or ``gpu``."""
    # It would join sums of three and more terms into an AddN, which adds in the order in which
    # buffers get free: other bits in each run.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    if device == "cpu":
        return "cpu"
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        if device == "gpu":
            raise InputError(
                "tensorflow sees no GPU",
                where="--device gpu",
                hint="Install tensorflow[and-cuda] in place of tensorflow-cpu, or use another.",
            )
        return "cpu"
    tf.config.experimental.enable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return "gpu"
