"""The signatures of a trainable flatbuffer.

``features``, ``infer``, ``loss``, a ``train_<sub-model>`` for each sub-model, ``get_weights`` (and
``get_<layer>``: a layer at a time, so that nobody must hold all of them twice), ``set_weights``,
``reset_optimizer`` (and ``reset_<sub-model>``: only the moments that a sub-model trains, so that
frozen layers never get any), ``info``. Names are those of the network in lower case. Adam's moments
hold nothing until one of the resets ran; nor do the weights before ``set_weights`` if ``info`` says
``weights_included`` 0. Shapes are static.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import tensorflow as tf

from harness.contract.network import Network as Description
from harness.model.adam import Adam
from harness.model.configuration import ALPHABET, BLANK, NetworkConfig
from harness.model.features import log_mel
from harness.model.layer import TrainableLayer
from harness.model.network import Network
from harness.model.tensors import Tensor

FORMAT = 2
"""Version of this list of signatures; in ``info``. Since 2 ``network`` says all names, as JSON."""


def signatures(
    network: Network, adam: Adam, sub_models: Collection[str] | None = None
) -> dict[str, Tensor]:
    """Return the concrete functions of all signatures by name.

    Args:
        network: Whose variables they share.
        adam: Whose moments they share.
        sub_models: Those to train with this file; None = all of the network.
    """
    config = network.config
    described = config.describe(sub_models)
    batch, frames, labels = config.batch_size, config.max_frames, config.max_label
    sound = {
        "x": tf.TensorSpec([batch, frames, config.features.mels], tf.float32, "x"),
        "in_len": tf.TensorSpec([batch], tf.int32, "in_len"),
    }
    text = {
        "labels": tf.TensorSpec([batch, labels], tf.int32, "labels"),
        "lab_len": tf.TensorSpec([batch], tf.int32, "lab_len"),
    }
    rate = {"lr": tf.TensorSpec([], tf.float32, "lr")}
    functions = {
        "features": _concrete(
            lambda pcm, samples: _features(network, pcm, samples),
            pcm=tf.TensorSpec([config.features.samples(frames)], tf.int16, "pcm"),
            samples=tf.TensorSpec([], tf.int32, "samples"),
        ),
        "infer": _concrete(lambda x, in_len: _infer(network, x, in_len), **sound),
        "loss": _concrete(lambda **k: {"loss": network.loss(**k)}, **sound, **text),
        "get_weights": _concrete(lambda: _get(network, network.layers)),
        "set_weights": _concrete(
            lambda **values: _set(network, values),
            **{n: tf.TensorSpec(v.shape, tf.float32, n) for n, v in network.weights.items()},
        ),
        "reset_optimizer": _concrete(lambda: _reset(network, adam, described.layer_names)),
        "info": _concrete(lambda: _info(config, described)),
    }
    for layer in network.layers:
        functions[f"get_{layer.name.lower()}"] = _concrete(_getter(network, layer))
    for sub_model in described.sub_models:
        name, layers = sub_model.name.lower(), sub_model.layers
        functions[f"train_{name}"] = _concrete(
            _trainer(network, adam, layers), **sound, **text, **rate
        )
        functions[f"reset_{name}"] = _concrete(_resetter(network, adam, layers))
    return functions


def _concrete(function: Callable[..., dict[str, Tensor]], **specs: Tensor) -> Tensor:
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _features(network: Network, pcm: Tensor, samples: Tensor) -> dict[str, Tensor]:
    config = network.config
    features, frames = log_mel(pcm, samples, config.max_frames, config.features)
    return {"features": features, "frames": frames}


def _infer(network: Network, x: Tensor, in_len: Tensor) -> dict[str, Tensor]:
    logits, lengths = network.infer(x, in_len)
    return {"logits": logits, "out_len": lengths}


def _trainer(
    network: Network, adam: Adam, layers: Collection[str]
) -> Callable[..., dict[str, Tensor]]:
    def train(
        x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor, lr: Tensor
    ) -> dict[str, Tensor]:
        return {"loss": train_step(network, adam, (x, in_len, labels, lab_len), lr, layers)}

    return train


def train_step(
    network: Network,
    adam: Adam,
    batch: Sequence[Tensor],
    learning_rate: Tensor,
    layers: Collection[str],
) -> Tensor:
    """Train layers on a batch; return the mean loss before it.

    Args:
        network: Whose weights and statistics move.
        adam: Whose moments move.
        batch: x, in_len, labels, lab_len.
        learning_rate: Scalar.
        layers: Names of those that train.
    """
    x, in_len, labels, lab_len = batch
    step = network.gradients(x, in_len, labels, lab_len, layers)
    adam.apply(network.weights, step.gradients, learning_rate, network.config.clip_norm)
    for name, value in step.moved.items():
        network.weights[name].assign(value)
    return step.loss


def _resetter(
    network: Network, adam: Adam, layers: Collection[str]
) -> Callable[..., dict[str, Tensor]]:
    return lambda: _reset(network, adam, layers)


def _reset(network: Network, adam: Adam, layers: Collection[str]) -> dict[str, Tensor]:
    adam.reset(network.trained_weights(layers))
    return {"done": tf.constant(1)}


def _getter(network: Network, layer: TrainableLayer) -> Callable[..., dict[str, Tensor]]:
    return lambda: _get(network, [layer])


def _get(network: Network, layers: Sequence[TrainableLayer]) -> dict[str, Tensor]:
    names = [layer.spec.full_name(name) for layer in layers for name in layer.spec.weights]
    return {name: tf.identity(network.weights[name]) for name in names}


def _set(network: Network, values: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, variable in network.weights.items():
        variable.assign(values[name])
    return {"done": tf.constant(1)}


def _info(config: NetworkConfig, described: Description) -> dict[str, Tensor]:
    values = {
        "format": FORMAT,
        "batch_size": config.batch_size,
        "max_frames": config.max_frames,
        "max_label": config.max_label,
        "time_stride": config.time_stride,
        "blank": BLANK,
        "sample_rate": config.features.sample_rate,
        "window": config.features.window,
        "hop": config.features.hop,
        "alphabet": [ord(c) for c in ALPHABET],
        "layers": [layer.parameters for layer in described.layers],
        "sub_models": [described.trained_parameters(name) for name in described.sub_model_names],
    }
    constants = {name: tf.constant(np.array(v, np.int32)) for name, v in values.items()}
    return constants | {"network": tf.constant(np.frombuffer(described.to_bytes(), np.uint8))}
