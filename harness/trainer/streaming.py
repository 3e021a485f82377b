"""Recognition while a recording goes on, by a flatbuffer that has the signatures for it.

What they take and give is written in ``harness.model.transducer.streaming``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.contract.network import NetworkError
from harness.contract.streaming import check_signatures
from harness.errors import InputError
from harness.trainer.runtime import FlatbufferModel
from harness.trainer.transduced import Beam, Floats, Greedy

LABELS_A_FRAME = 8
"""Most labels that a frame may write, heard while it goes on: a transducer likes to wait until it
is sure, and then writes much at once."""
_SLOTS = 2
"""Output frames of ``infer`` for each label that a frame may write."""


@dataclass(frozen=True)
class Shape:
    """How much of a recording a step takes."""

    frames: int
    """Of features: a segment and what it waits for."""
    hop: int
    """Frames of features between two steps: a segment."""
    chunk: int
    """Frames that the encoder gives a step."""
    labels_a_frame: int
    """Most labels that each of them may write in what ``infer`` answers."""


class StreamingModel:
    """Signatures for streaming, of a model file.

    Args:
        model: With weights.

    Raises:
        InputError: The file has no such signatures.
    """

    def __init__(self, model: FlatbufferModel) -> None:
        self._model = model
        try:
            check_signatures(model.signatures())
        except NetworkError as error:
            hint = "Give a transducer: 'harness model pretrain emformer-mini' makes one."
            raise InputError(str(error), where=str(model.path), hint=hint) from error
        self.info = model.info
        keys = model.input_shape("encode_chunk", "keys")
        self._memory, self._state = keys, model.input_shape("predict", "h")
        self._features = model.input_shape("encode_chunk", "features")
        chunk = model.output_shape("encode_chunk", "encoded")[0]
        silence = np.zeros(model.input_shape("stream_features", "pcm"), np.int16)
        samples = np.array(self.info.window, np.int32)
        hop = int(model.call("stream_features", pcm=silence, samples=samples)["hop"])
        if hop < chunk or hop % chunk or hop > self._features[0]:
            raise InputError(
                f"a segment of {hop} frames of features, of which a step takes "
                f"{self._features[0]} and the encoder makes {chunk}: they do not fit",
                where=str(model.path),
                hint="The file is none of ours: 'harness model build' makes one.",
            )
        labels = hop // chunk // (_SLOTS * self.info.time_stride)
        self.shape = Shape(self._features[0], hop, chunk, labels)

    def features(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """Return features [frames, mels] of the samples of a step (one window at least)."""
        padded = np.zeros(self.samples, np.int16)
        padded[: len(pcm)] = pcm
        out = self._model.call("stream_features", pcm=padded, samples=np.array(len(pcm), np.int32))
        found: Floats = out["features"][: int(out["frames"])]
        return found

    @property
    def samples(self) -> int:
        """Samples that a step takes at most."""
        return self.info.window + (self.shape.frames - 1) * self.info.hop

    def encode(self, features: Floats, state: Encoder | None) -> Encoder:
        """Return what the encoder gives of a step's features [n, mels], and its state after it.

        Args:
            features: At most ``shape.frames``.
            state: After the step before; None at the start.
        """
        padded = np.zeros(self._features, np.float32)
        padded[: len(features)] = features
        nothing = np.zeros(self._memory, np.float32)
        out = self._model.call(
            "encode_chunk",
            features=padded,
            frames=np.array(len(features), np.int32),
            keys=nothing if state is None else state.keys,
            values=nothing if state is None else state.values,
            past=np.array(0 if state is None else state.past, np.int32),
        )
        return Encoder(out["encoded"], out["keys"], out["values"], int(out["past"]))

    def predict(self, label: int, state: Any) -> tuple[Floats, Any]:
        """Return the predictor's vector after a label more, and its state."""
        h, c = (np.zeros(self._state, np.float32),) * 2 if state is None else state
        out = self._model.call("predict", token=np.array(label, np.int32), h=h, c=c)
        return out["predicted"], (out["h"], out["c"])

    def joint(self, heard: Floats, written: Floats) -> Floats:
        """Return the logits [outputs] of a frame and a vector of the predictor."""
        logits: Floats = self._model.call("joint", encoded=heard, predicted=written)["logits"]
        return logits


@dataclass(frozen=True)
class Encoder:
    """What an encoder gave, and remembers."""

    encoded: Floats
    """[chunk, D]"""
    keys: Floats
    values: Floats
    past: int
    """Frames so far."""


class Recogniser:
    """Hears one recording: takes its samples as they come, and tells its text so far.

    Args:
        model: Hears.
        beam: Labellings kept; 1: greedy.
        labels_a_frame: Most labels that a frame may write; None: ``LABELS_A_FRAME``.

    Raises:
        InputError: The beam is below 1.
    """

    def __init__(
        self, model: StreamingModel, *, beam: int = 1, labels_a_frame: int | None = None
    ) -> None:
        if beam < 1:
            raise InputError(f"a beam of {beam}", where="--beam", hint="Give 1 (greedy) or more.")
        self._model = model
        blank, most = model.info.blank, labels_a_frame or LABELS_A_FRAME
        self._decoder: Greedy | Beam = (
            Greedy(model, blank, most) if beam == 1 else Beam(model, blank, most, beam)
        )
        self._waiting = np.zeros(0, np.int16)
        self._state: Encoder | None = None
        self.steps = 0
        """Segments heard so far."""

    @property
    def text(self) -> str:
        """What was heard so far."""
        info = self._model.info
        return info.targets.text(self._decoder.labels)

    @property
    def samples_wanted(self) -> int:
        """Samples that must come until the next step."""
        return max(0, self._model.samples - len(self._waiting))

    def hear(self, pcm: npt.NDArray[np.int16]) -> None:
        """Take more samples."""
        self._waiting = np.concatenate([self._waiting, pcm])
        while len(self._waiting) >= self._model.samples:
            self._step()

    def end(self) -> str:
        """Hear what is left, and return the text."""
        while len(self._waiting) >= self._model.info.window:
            self._step()
        return self.text

    def _step(self) -> None:
        model, shape = self._model, self._model.shape
        features = model.features(self._waiting[: model.samples])
        self._state = model.encode(features, self._state)
        self.steps += 1
        reduction = shape.hop // shape.chunk
        real = min(shape.chunk, -(-len(features) // reduction))
        self._decoder.hear(self._state.encoded[:real])
        self._waiting = self._waiting[shape.hop * model.info.hop :]
