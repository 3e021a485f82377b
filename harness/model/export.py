"""From a network to a flatbuffer on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from harness.model.adam import Adam
from harness.model.configuration import SUB_MODELS, NetworkConfig
from harness.model.initial import Weights
from harness.model.network import Network
from harness.model.signatures import signatures
from harness.model.strip import strip


def build_model(
    config: NetworkConfig,
    out: Path,
    *,
    weights: Weights | None = None,
    seed: int = 0,
    embed: bool = True,
    batch_statistics: bool = False,
    sub_models: Sequence[str] = SUB_MODELS,
) -> Path:
    """Write a trainable flatbuffer.

    Args:
        config: Sizes, batch size among them.
        out: The ``.tflite`` file to write.
        weights: First weights by full name; by default random ones.
        seed: Of the random weights.
        embed: Keep the weights in the file. Without, ``set_weights`` must run before any use, and
            files of several batch sizes share one checkpoint.
        batch_statistics: Normalise with the batch's statistics (for pre-training only).
        sub_models: Those to make ``train_`` signatures for.

    Returns:
        ``out``.
    """
    network = Network(config, seed=seed, batch_statistics=batch_statistics, flatbuffer=True)
    for name, value in (weights or {}).items():
        network.weights[name].assign(value)
    trained = {name: network.weights[name] for name in network.trainable()}
    adam = Adam(trained)
    root = tf.Module()
    root.variables_used = [
        *network.weights.values(),
        *adam.first.values(),
        *adam.second.values(),
        adam.step,
    ]
    with tempfile.TemporaryDirectory(prefix="harness-model-") as folder:
        tf.saved_model.save(root, folder, signatures=signatures(network, adam, sub_models))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.experimental_enable_resource_variables = True
        # Loop arrays as dense tensors instead of TensorList, which needs the Flex operators.
        converter._experimental_enable_dynamic_update_slice = True
        # The metadata would be written by unpacking the whole file in Python: minutes.
        converter.exclude_conversion_metadata = True
        content = converter.convert()
    drop = ["adam_m_", "adam_v_"] + ([] if embed else list(network.weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f"{out.name}.{os.getpid()}.part")
    partial.write_bytes(strip(content, drop, {"weights_included": int(embed)}))
    partial.replace(out)
    return out
