"""From a network to a flatbuffer on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

import tensorflow as tf

from harness.atomic import whole
from harness.model.configuration import Form, NetworkConfig
from harness.model.optimisers import optimiser_of
from harness.model.resident.variable import variables_of
from harness.model.signatures import signatures
from harness.model.strip import strip


def build_model(
    config: NetworkConfig,
    out: Path,
    *,
    seed: int = 0,
    embed: bool = True,
    sub_models: Collection[str] | None = None,
) -> Path:
    """Write a trainable flatbuffer.

    Args:
        config: Sizes, batch size among them.
        out: The ``.tflite`` file to write.
        seed: Of the random weights.
        embed: Keep the weights in the file. Without, ``set_weights`` must run before any use, and
            files of several batch sizes share one checkpoint.
        sub_models: Those to make ``train_`` signatures for; None = all of the network.

    Returns:
        ``out``.
    """
    network = config.network_class()(config, seed=seed, form=Form(flatbuffer=True))
    optimiser = optimiser_of(network)
    root = tf.Module()
    kept = [*network.weights.values(), *(v for slot in optimiser.slots for v in slot.values())]
    rounding = network.variables.rounding
    root.variables_used = [
        *(variable for held in kept for variable in variables_of(held)),
        optimiser.step,
        *(rounding.variables if rounding else ()),
    ]
    with tempfile.TemporaryDirectory(prefix="harness-model-") as folder:
        tf.saved_model.save(root, folder, signatures=signatures(network, optimiser, sub_models))
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
    with whole(out) as partial:
        partial.write_bytes(strip(content, drop, {"weights_included": int(embed)}))
    return out
