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
from harness.model.aim import Aim
from harness.model.configuration import BLANK, NetworkConfig
from harness.model.early import exit_signatures
from harness.model.features import log_mel
from harness.model.functions import concrete
from harness.model.layer import TrainableLayer
from harness.model.network import Network
from harness.model.step import train_step
from harness.model.switched import Span, switched_step
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
        "features": concrete(
            lambda pcm, samples: _features(network, pcm, samples),
            pcm=tf.TensorSpec([config.features.samples(frames)], tf.int16, "pcm"),
            samples=tf.TensorSpec([], tf.int32, "samples"),
        ),
        "infer": concrete(lambda x, in_len: _infer(network, x, in_len), **sound),
        "loss": concrete(lambda **k: _loss(network, **k), **sound, **text),
        "get_weights": concrete(lambda: _get(network, network.layers)),
        "set_weights": concrete(
            lambda **values: _set(network, values),
            **{n: tf.TensorSpec(v.shape, tf.float32, n) for n, v in network.weights.items()},
        ),
        "reset_optimizer": concrete(lambda: _reset(network, adam, Aim(described.layer_names))),
        "info": concrete(lambda: _info(config, described)),
    }
    for layer in network.layers:
        functions[f"get_{layer.name.lower()}"] = concrete(_getter(network, layer))
    functions |= network.own_signatures()
    if described.exits:
        functions |= exit_signatures(network, sound)
    if any(sub_model.switch for sub_model in described.sub_models):
        scalars = {"first": tf.int32, "last": tf.int32, "heads_only": tf.int32}
        switch = {name: tf.TensorSpec([], kind, name) for name, kind in scalars.items()}
        train = _switched_trainer(network, adam)
        functions["train"] = concrete(train, **sound, **text, **rate, **switch)
    for sub_model in described.sub_models:
        name, aim = sub_model.name.lower(), Aim.of(sub_model)
        if sub_model.switch is None:
            train = _trainer(network, adam, aim)
            functions[f"train_{name}"] = concrete(train, **sound, **text, **rate)
        functions[f"reset_{name}"] = concrete(_resetter(network, adam, aim))
    return functions


def _features(network: Network, pcm: Tensor, samples: Tensor) -> dict[str, Tensor]:
    config = network.config
    features, frames = log_mel(pcm, samples, config.max_frames, config.features)
    return {"features": features, "frames": frames}


def _infer(network: Network, x: Tensor, in_len: Tensor) -> dict[str, Tensor]:
    logits, lengths = network.infer(x, in_len)
    return {"logits": logits, "out_len": lengths}


def _loss(network: Network, **batch: Tensor) -> dict[str, Tensor]:
    if not network.description.exits:
        return {"loss": network.loss(**batch)}
    by_exit = network.losses(**batch)
    return {"loss": tf.unstack(by_exit)[-1], "by_exit": by_exit}


def _trainer(network: Network, adam: Adam, aim: Aim) -> Callable[..., dict[str, Tensor]]:
    def train(
        x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor, lr: Tensor
    ) -> dict[str, Tensor]:
        loss = train_step(network, adam, (x, in_len, labels, lab_len), lr, aim)
        if not network.description.exits:
            return {"loss": loss.loss}
        return {"loss": loss.loss, "by_exit": network.by_exit(loss.by_exit)}

    return train


def _switched_trainer(network: Network, adam: Adam) -> Callable[..., dict[str, Tensor]]:
    def train(
        lr: Tensor, first: Tensor, last: Tensor, heads_only: Tensor, **batch: Tensor
    ) -> dict[str, Tensor]:
        by_exit = switched_step(network, adam, batch, lr, Span(first, last, heads_only > 0))
        return {"loss": tf.reduce_sum(by_exit), "by_exit": by_exit}

    return train


def _resetter(network: Network, adam: Adam, aim: Aim) -> Callable[..., dict[str, Tensor]]:
    return lambda: _reset(network, adam, aim)


def _reset(network: Network, adam: Adam, aim: Aim) -> dict[str, Tensor]:
    adam.reset(network.trained_weights(aim.layers, biases=aim.biases))
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
        "alphabet": [ord(c) for c in config.alphabet],
        "layers": [layer.parameters for layer in described.layers],
        "sub_models": [described.trained_parameters(name) for name in described.sub_model_names],
    }
    constants = {name: tf.constant(np.array(v, np.int32)) for name, v in values.items()}
    return constants | {"network": tf.constant(np.frombuffer(described.to_bytes(), np.uint8))}
