"""What a worker runs: one signature of the flatbuffer, or the same computed in another way.

``litert``: the flatbuffer in ai-edge-litert, as the trainer uses it. ``tflite``: the same file in
tensorflow's interpreter. ``own``: the functions of which the flatbuffer is made, run by tensorflow.
The others are what a family brings (`harness.model.bench.reference`): ``tape``, ``apart`` and
``joint`` in tensorflow, of which ``plain`` is the best, and ``keras``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.contract.network import SubModel
from harness.model.configuration import BLANK, NetworkConfig
from harness.model.initial import Weights
from harness.model.tensors import Tensor
from harness.trainer.npz import opened_weights

OF_ANY_FAMILY = frozenset({"litert", "tflite", "own"})
CONTESTANTS = ("litert", "tflite", "plain", "tape", "apart", "joint", "own", "keras")
TRIES_FEATURES = frozenset(CONTESTANTS) - {"keras"}
"""Keras has no part in ``features``."""
RATE = 1e-4

Function = Callable[..., Tensor]
Step = Callable[[], float]
"""Runs the signature once; returns the (mean) loss, or the mean size of what came out."""


@dataclass(frozen=True)
class Task:
    """What one worker is to run."""

    contestant: str
    signature: str
    """``features``, ``infer``, ``loss``, ``train_<sub-model>``; or ``get_weights``: the file's own
    weights are written to ``weights``."""
    config: NetworkConfig
    model: Path
    """The flatbuffer."""
    checkpoint: Path | None
    """Weights (.npz) that the flatbuffer must be given; None if it has its own."""
    weights: Path
    """The same weights (.npz), for all that is no flatbuffer."""
    threads: int

    @property
    def sub_model(self) -> SubModel | None:
        """Return the sub-model of a ``train_`` signature."""
        for sub_model in self.config.sub_models():
            if self.signature == f"train_{sub_model.name.lower()}":
                return sub_model
        return None

    @property
    def trained(self) -> tuple[str, ...]:
        """Return the names of the layers that the signature trains."""
        return () if self.sub_model is None else self.sub_model.layers


@dataclass(frozen=True)
class Inputs:
    """Full-length noise with full labels: the most a signature can have to do."""

    x: npt.NDArray[np.float32]
    in_len: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    lab_len: npt.NDArray[np.int32]
    pcm: npt.NDArray[np.int16]
    samples: npt.NDArray[np.int32]

    @staticmethod
    def of(config: NetworkConfig) -> Inputs:
        """Return the same inputs in every process."""
        rng = np.random.default_rng(0)
        batch, frames = config.batch_size, config.max_frames
        letters = min(config.max_label, config.output_frames // 2)
        labels = np.zeros((batch, config.max_label), np.int32)
        labels[:, :letters] = rng.integers(BLANK + 1, config.outputs, (batch, letters))
        pcm = rng.integers(-9000, 9000, config.features.samples(frames)).astype(np.int16)
        return Inputs(
            x=rng.standard_normal((batch, frames, config.features.mels), np.float32),
            in_len=np.full(batch, frames, np.int32),
            labels=labels,
            lab_len=np.full(batch, letters, np.int32),
            pcm=pcm,
            samples=np.array(len(pcm), np.int32),
        )


def runtimes(contestant: str) -> None:
    """Import what a contestant needs, so that its memory without a model can be read."""
    if contestant == "litert":
        import ai_edge_litert.interpreter  # noqa: F401
    elif contestant == "keras":
        import keras  # noqa: F401
    else:
        import tensorflow  # noqa: F401


def step_of(task: Task) -> Step:
    """Load the model of a task and return what runs its signature once."""
    if task.contestant in ("litert", "tflite"):
        return _flatbuffer(task)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(task.threads)
    inputs = Inputs.of(task.config)
    names = _INPUTS.get(task.signature, _INPUTS["loss"])
    arguments = [tf.constant(getattr(inputs, name)) for name in names]
    if task.contestant == "own":
        function = tf.function(_own(task), autograph=False)
        return lambda: _size(function(*arguments))
    reference = task.config.reference(task.contestant, _weights(task), task.trained)
    run = reference.signature(task.signature, RATE)
    return lambda: _size(run(arguments))


_INPUTS = {
    "features": ("pcm", "samples"),
    "infer": ("x", "in_len"),
    "loss": ("x", "in_len", "labels", "lab_len"),
}


def _size(value: Any) -> float:
    return float(np.mean(np.abs(value)))


def _weights(task: Task) -> Weights:
    with opened_weights(task.weights) as stored:
        return {name: stored.read(name) for name in stored.shapes}


def _flatbuffer(task: Task) -> Step:
    from harness.trainer.batches import Batch
    from harness.trainer.runtime import FlatbufferModel

    interpreter = None
    if task.contestant == "tflite":
        import tensorflow as tf

        interpreter = tf.lite.Interpreter
    model = FlatbufferModel(task.model, task.threads, interpreter=interpreter)
    if task.checkpoint is not None:
        model.load_checkpoint(task.checkpoint)
    inputs = Inputs.of(task.config)
    batch = Batch(inputs.x, inputs.in_len, inputs.labels, inputs.lab_len, task.config.batch_size)
    if task.signature == "get_weights":
        return lambda: _save(model.get_weights(), task.weights)
    sub_model = task.sub_model
    if sub_model is not None:
        return lambda: model.train_step(sub_model.name, batch, RATE)
    return {
        "features": lambda: _size(model.features(inputs.pcm)),
        "infer": lambda: _size(model.infer(batch)),
        "loss": lambda: _size(model.loss(batch)),
    }[task.signature]


def _save(weights: Weights, path: Path) -> float:
    np.savez(path, **weights)  # type: ignore[arg-type]
    return 0.0


def _own(task: Task) -> Function:
    from harness.model.adam import Adam
    from harness.model.aim import Aim
    from harness.model.features import log_mel
    from harness.model.step import train_step

    config = task.config
    network = config.network_class()(config)
    for name, value in _weights(task).items():
        network.weights[name].assign(value)
    adam = Adam.of(network, task.trained)

    def features(pcm: Tensor, samples: Tensor) -> Tensor:
        return log_mel(pcm, samples, config.max_frames, config.features)[0]

    functions: dict[str, Function] = {
        "features": features,
        "infer": lambda x, in_len: network.infer(x, in_len)[0],
        "loss": network.loss,
    }
    aim = Aim(()) if task.sub_model is None else Aim.of(task.sub_model)
    return functions.get(
        task.signature, lambda *batch: train_step(network, adam, batch, RATE, aim).loss
    )
