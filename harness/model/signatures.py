"""The signatures of a trainable flatbuffer.

``features``, ``infer``, ``loss``, ``train_s1`` .. ``train_s8``, ``get_weights`` (and ``get_conv1``
.. ``get_fc2``: a layer at a time, so that nobody must hold all of them twice), ``set_weights``,
``reset_optimizer`` (and ``reset_s1`` .. ``reset_s8``: only the moments that a sub-model trains, so
that frozen layers never get any), ``info``. Adam's moments hold nothing until one of the resets
ran; nor do the weights before ``set_weights`` if ``info`` says ``weights_included`` 0. Shapes are
static.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from harness.model.adam import Adam
from harness.model.configuration import (
    ALPHABET,
    BLANK,
    LAYERS,
    SUB_MODELS,
    first_layer,
    layer_parameters,
    sub_model_parameters,
    weight_shapes,
)
from harness.model.features import log_mel
from harness.model.network import Network, full_name
from harness.model.tensors import Tensor

FORMAT = 1
"""Version of this list of signatures; in ``info``."""


def signatures(
    network: Network, adam: Adam, sub_models: Sequence[str] = SUB_MODELS
) -> dict[str, Tensor]:
    """Return the concrete functions of all signatures by name.

    Args:
        network: Whose variables they share.
        adam: Whose moments they share.
        sub_models: Those to train with this file.
    """
    config = network.config
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
    found = {
        "features": _concrete(
            lambda pcm, samples: _features(network, pcm, samples),
            pcm=tf.TensorSpec([config.features.samples(frames)], tf.int16, "pcm"),
            samples=tf.TensorSpec([], tf.int32, "samples"),
        ),
        "infer": _concrete(lambda x, in_len: _infer(network, x, in_len), **sound),
        "loss": _concrete(lambda **k: {"loss": network.loss(**k)}, **sound, **text),
        "get_weights": _concrete(lambda: _get(network, LAYERS)),
        "set_weights": _concrete(
            lambda **values: _set(network, values),
            **{n: tf.TensorSpec(v.shape, tf.float32, n) for n, v in network.weights.items()},
        ),
        "reset_optimizer": _concrete(lambda: _reset(network, adam, 0)),
        "info": _concrete(lambda: _info(network)),
    }
    for layer in LAYERS:
        found[f"get_{layer.lower()}"] = _concrete(_getter(network, layer))
    for sub_model in sub_models:
        first = first_layer(sub_model)
        found[f"train_{sub_model.lower()}"] = _concrete(
            _trainer(network, adam, first), **sound, **text, **rate
        )
        found[f"reset_{sub_model.lower()}"] = _concrete(_resetter(network, adam, first))
    return found


def _concrete(function: Callable[..., dict[str, Tensor]], **specs: Tensor) -> Tensor:
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _features(network: Network, pcm: Tensor, samples: Tensor) -> dict[str, Tensor]:
    config = network.config
    features, frames = log_mel(pcm, samples, config.max_frames, config.features)
    return {"features": features, "frames": frames}


def _infer(network: Network, x: Tensor, in_len: Tensor) -> dict[str, Tensor]:
    logits, lengths = network.infer(x, in_len)
    return {"logits": logits, "out_len": lengths}


def _trainer(network: Network, adam: Adam, first: int) -> Callable[..., dict[str, Tensor]]:
    def train(
        x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor, lr: Tensor
    ) -> dict[str, Tensor]:
        loss, gradients, moved = network.gradients(x, in_len, labels, lab_len, first)
        adam.apply(network.weights, gradients, lr, network.config.clip_norm)
        for name, value in moved.items():
            network.weights[name].assign(value)
        return {"loss": loss}

    return train


def _resetter(network: Network, adam: Adam, first: int) -> Callable[..., dict[str, Tensor]]:
    return lambda: _reset(network, adam, first)


def _reset(network: Network, adam: Adam, first: int) -> dict[str, Tensor]:
    adam.reset(network.trainable(first))
    return {"done": tf.constant(1)}


def _getter(network: Network, layer: str) -> Callable[..., dict[str, Tensor]]:
    return lambda: _get(network, [layer])


def _get(network: Network, layers: Sequence[str]) -> dict[str, Tensor]:
    names = [
        full_name(layer, name) for layer in layers for name in weight_shapes(network.config)[layer]
    ]
    return {name: tf.identity(network.weights[name]) for name in names}


def _set(network: Network, values: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, variable in network.weights.items():
        variable.assign(values[name])
    return {"done": tf.constant(1)}


def _info(network: Network) -> dict[str, Tensor]:
    config = network.config
    layers = layer_parameters(config)
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
        "layers": [layers[layer] for layer in LAYERS],
        "sub_models": list(sub_model_parameters(config).values()),
    }
    return {name: tf.constant(np.array(v, np.int32)) for name, v in values.items()}
