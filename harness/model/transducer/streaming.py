"""Signatures that hear a recording while it goes on: one segment, one label, one node at a time.

``stream_features(pcm, samples)``: frames of features of a segment and its right, and how many
frames there are to the next segment.
``encode_chunk(features, frames, keys, values, past)``: what the joint network takes of the frames
of the segment, and the encoder's state after it. ``predict(token, h, c)``: the vector after a label
more, and the state. ``joint(encoded, predicted)``: logits. States begin as zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from harness.model.features import log_mel
from harness.model.functions import concrete
from harness.model.tensors import Tensor
from harness.model.transducer import emformer
from harness.model.transducer.layers import TransducerLayer

if TYPE_CHECKING:
    from harness.model.transducer.network import TransducerNetwork


def streaming_signatures(network: TransducerNetwork) -> dict[str, Tensor]:
    """Return the concrete functions of the signatures by name."""
    config = network.config
    layers = [layer for layer in network.layers[:-2] if isinstance(layer, TransducerLayer)]
    frames, out = config.chunk_frames, config.encoding

    def features(pcm: Tensor, samples: Tensor) -> dict[str, Tensor]:
        made, used = log_mel(pcm, samples, frames, config.features)
        return {"features": made, "frames": used, "hop": tf.constant(config.segment)}

    def encode(
        features: Tensor, frames: Tensor, keys: Tensor, values: Tensor, past: Tensor
    ) -> dict[str, Tensor]:
        return encode_chunk(layers, features[None], frames, (keys, values, past))

    def predict(token: Tensor, h: Tensor, c: Tensor) -> dict[str, Tensor]:
        return dict(zip(("predicted", "h", "c"), network.after_label(token, h, c), strict=True))

    def join(encoded: Tensor, predicted: Tensor) -> dict[str, Tensor]:
        return {"logits": network.node(encoded, predicted)}

    memory = [config.layers, config.left, config.width]
    state = [config.lstm_layers, config.cells]
    return {
        "stream_features": concrete(
            features,
            pcm=tf.TensorSpec([config.features.samples(frames)], tf.int16, "pcm"),
            samples=tf.TensorSpec([], tf.int32, "samples"),
        ),
        "encode_chunk": concrete(
            encode,
            features=tf.TensorSpec([frames, config.features.mels], tf.float32, "features"),
            frames=tf.TensorSpec([], tf.int32, "frames"),
            keys=tf.TensorSpec(memory, tf.float32, "keys"),
            values=tf.TensorSpec(memory, tf.float32, "values"),
            past=tf.TensorSpec([], tf.int32, "past"),
        ),
        "predict": concrete(
            predict,
            token=tf.TensorSpec([], tf.int32, "token"),
            h=tf.TensorSpec(state, tf.float32, "h"),
            c=tf.TensorSpec(state, tf.float32, "c"),
        ),
        "joint": concrete(
            join,
            encoded=tf.TensorSpec([out], tf.float32, "encoded"),
            predicted=tf.TensorSpec([out], tf.float32, "predicted"),
        ),
    }


def encode_chunk(
    layers: list[TransducerLayer],
    features: Tensor,
    frames: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
) -> dict[str, Tensor]:
    """Return the frames of a segment, [chunk, encoding], and the state after it.

    Args:
        layers: Of the encoder.
        features: [1, chunk_frames, mels], zero past the utterance.
        frames: Scalar int32: how many of them there are.
        state: Keys and values [layers, left, d], and the number of joined frames before.
    """
    front, *blocks, end = layers
    config = front.config
    keys, values, past = state
    joined = emformer.joined(features, front.stored(features)["kernel"], config.reduction)
    _, count, width = joined.shape
    own, right = tf.split(joined, [config.chunk, count - config.chunk], 1)
    h = tf.concat([right, own], 1)
    valid = (frames + config.reduction - 1) // config.reduction
    bias = emformer.segment_bias(valid, past, config)
    after = []
    for layer, key, value in zip(blocks, tf.unstack(keys), tf.unstack(values), strict=True):
        before = emformer.Past(key[None], value[None])
        h, remembered = emformer.segment_layer(h, before, bias, layer.by_part(h), config)
        after.append(remembered)
    h = tf.slice(h, [0, config.ahead, 0], [1, config.chunk, width])
    encoded = emformer.encoded(h, end.by_part(h))
    return {
        "encoded": tf.squeeze(encoded, 0),
        "keys": tf.concat([past.keys for past in after], 0),
        "values": tf.concat([past.values for past in after], 0),
        "past": past + config.chunk,
    }
