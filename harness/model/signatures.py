"""The signatures of a trainable flatbuffer.

``features``, ``infer``, ``loss``, a ``train_<sub-model>`` for each sub-model, ``get_weights`` (and
``get_<layer>``: a layer at a time, so that nobody must hold all of them twice), ``set_weights``,
``reset_optimizer`` (and ``reset_<sub-model>``: only the moments that a sub-model trains, so that
frozen layers never get any), ``info``. Names are those of the network in lower case. Adam's moments
hold nothing until one of the resets ran; nor do the weights before ``set_weights`` if ``info`` says
``weights_included`` 0. Shapes are static.

A network whose weights are encoded has ``set_<layer>`` too, ``seed_rounding``, and with each loss
``changed_codes``: the share of the codes of weights that the step changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import tensorflow as tf

from harness.contract.network import Network as Description
from harness.model.aim import Aim
from harness.model.configuration import BLANK, NetworkConfig
from harness.model.early import exit_signatures
from harness.model.features import log_mel
from harness.model.functions import concrete
from harness.model.layer import TrainableLayer
from harness.model.network import Network
from harness.model.optimiser import Optimiser
from harness.model.resident.rounding import Rounding
from harness.model.step import train_step
from harness.model.switched import Span, switched_step
from harness.model.tensors import Tensor

FORMAT = 2
"""Version of this list of signatures; in ``info``. Since 2 ``network`` says all names, as JSON."""


def signatures(
    network: Network, optimiser: Optimiser, sub_models: Collection[str] | None = None
) -> dict[str, Tensor]:
    """Return the concrete functions of all signatures by name.

    Args:
        network: Whose variables they share.
        optimiser: Whose moments they share.
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
        "reset_optimizer": concrete(lambda: _reset(network, optimiser, Aim(described.layer_names))),
        "info": concrete(lambda: _info(config, described)),
    }
    for layer in network.layers:
        functions[f"get_{layer.name.lower()}"] = concrete(_getter(network, layer))
    functions |= network.own_signatures()
    rounding = network.variables.rounding
    if rounding is not None:
        for layer in network.layers:
            setter, specs = _setter(network, layer)
            functions[f"set_{layer.name.lower()}"] = concrete(setter, **specs)
        seed = tf.TensorSpec([], tf.int32, "seed")
        functions["seed_rounding"] = concrete(lambda seed: _seed(rounding, seed), seed=seed)
    if described.exits:
        functions |= exit_signatures(network, sound)
    if any(sub_model.switch for sub_model in described.sub_models):
        scalars = {"first": tf.int32, "last": tf.int32, "heads_only": tf.int32}
        switch = {name: tf.TensorSpec([], kind, name) for name, kind in scalars.items()}
        train = _switched_trainer(network, optimiser)
        functions["train"] = concrete(train, **sound, **text, **rate, **switch)
    for sub_model in described.sub_models:
        name, aim = sub_model.name.lower(), Aim.of(sub_model)
        if sub_model.switch is None:
            train = _trainer(network, optimiser, aim)
            functions[f"train_{name}"] = concrete(train, **sound, **text, **rate)
        functions[f"reset_{name}"] = concrete(_resetter(network, optimiser, aim))
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


def _trainer(network: Network, optimiser: Optimiser, aim: Aim) -> Callable[..., dict[str, Tensor]]:
    def train(
        x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor, lr: Tensor
    ) -> dict[str, Tensor]:
        loss = train_step(network, optimiser, (x, in_len, labels, lab_len), lr, aim)
        out = {"loss": loss.loss} | _changed(optimiser)
        if not network.description.exits:
            return out
        return out | {"by_exit": network.by_exit(loss.by_exit)}

    return train


def _switched_trainer(network: Network, optimiser: Optimiser) -> Callable[..., dict[str, Tensor]]:
    def train(
        lr: Tensor, first: Tensor, last: Tensor, heads_only: Tensor, **batch: Tensor
    ) -> dict[str, Tensor]:
        by_exit = switched_step(network, optimiser, batch, lr, Span(first, last, heads_only > 0))
        return {"loss": tf.reduce_sum(by_exit), "by_exit": by_exit} | _changed(optimiser)

    return train


def _changed(optimiser: Optimiser) -> dict[str, Tensor]:
    share = optimiser.changed()
    return {} if share is None else {"changed_codes": share}


def _resetter(network: Network, optimiser: Optimiser, aim: Aim) -> Callable[..., dict[str, Tensor]]:
    return lambda: _reset(network, optimiser, aim)


def _reset(network: Network, optimiser: Optimiser, aim: Aim) -> dict[str, Tensor]:
    optimiser.reset(network.trained_weights(aim.layers, biases=aim.biases))
    return {"done": tf.constant(1)}


def _getter(network: Network, layer: TrainableLayer) -> Callable[..., dict[str, Tensor]]:
    return lambda: _get(network, [layer])


def _setter(
    network: Network, layer: TrainableLayer
) -> tuple[Callable[..., dict[str, Tensor]], dict[str, Tensor]]:
    names = [layer.spec.full_name(name) for name in layer.spec.weights]
    specs = {n: tf.TensorSpec(network.weights[n].shape, tf.float32, n) for n in names}
    return (lambda **values: _set(network, values)), specs


def _get(network: Network, layers: Sequence[TrainableLayer]) -> dict[str, Tensor]:
    names = [layer.spec.full_name(name) for layer in layers for name in layer.spec.weights]
    return {name: network.variables.read(name) for name in names}


def _set(network: Network, values: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, value in values.items():
        network.weights[name].assign(value)
    return {"done": tf.constant(1)}


def _seed(rounding: Rounding, seed: Tensor) -> dict[str, Tensor]:
    rounding.seed.assign(seed)
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
