"""The trainable flatbuffer as the trainer sees it: LiteRT, signatures, batches.

Importing this module does not import LiteRT; making a ``FlatbufferModel`` does. What the signatures
take and give is written in ``harness.model.signatures``.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.contract.job import SUB_MODELS
from harness.errors import InputError
from harness.trainer.checkpoints import checkpoint_shapes, misfit
from harness.trainer.transfer import put, take

FORMAT = 1
"""The version of the signatures that this module speaks."""

_LAYERS = ("CONV1", "CONV2", "CONV3", "BLSTM1", "BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2")

_NEEDED = frozenset({"features", "infer", "loss", "get_weights", "set_weights", "info"})
_INFO = (
    *("format", "batch_size", "max_frames", "max_label", "alphabet", "blank", "sample_rate"),
    *("window", "hop", "time_stride", "layers", "sub_models", "weights_included"),
)
_READ_WEIGHTS = frozenset({"infer", "loss"})

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelInfo:
    """What is fixed in a flatbuffer."""

    batch_size: int
    max_frames: int
    max_label: int
    alphabet: str
    """Characters in the order of the outputs, the blank left out."""
    blank: int
    sample_rate: int
    window: int
    hop: int
    time_stride: int
    """Frames of features an output frame stands for."""
    layer_parameters: dict[str, int]
    sub_model_parameters: dict[str, int]

    @cached_property
    def max_samples(self) -> int:
        """Samples of the longest utterance."""
        return self.window + (self.max_frames - 1) * self.hop

    @cached_property
    def max_audio_s(self) -> float:
        """Seconds of the longest utterance."""
        return self.max_samples / self.sample_rate

    def output_frames(self, frames: int) -> int:
        """Return the output frames of an utterance of ``frames`` frames of features."""
        return -(-frames // self.time_stride)


@dataclass(frozen=True)
class Batch:
    """Utterances padded to the flatbuffer's static shapes.

    Rows past ``rows`` are padding: ``in_len`` 0. The signatures leave them out of the mean loss, so
    they change neither the loss nor the gradient.
    """

    x: Floats
    """[B, T, mels]"""
    in_len: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    """[B, L]"""
    lab_len: npt.NDArray[np.int32]
    rows: int
    """Real utterances, the first rows."""


def encode(text: str, info: ModelInfo) -> list[int]:
    """Return the output index of each character.

    Raises:
        InputError: A character is not in the model's alphabet.
    """
    unknown = sorted(set(text) - set(info.alphabet))
    if unknown:
        raise InputError(
            f"the model cannot write {''.join(unknown)!r}",
            where=repr(text),
            hint="Normalise transcripts to the model's alphabet (a-z and space).",
        )
    places = (info.alphabet.index(c) for c in text)
    return [n + (n >= info.blank) for n in places]


def make_batch(features: Sequence[Floats], texts: Sequence[str], info: ModelInfo) -> Batch:
    """Pad up to B utterances to one batch.

    Args:
        features: [frames, mels] of each utterance.
        texts: Their transcripts; empty strings will do for ``infer``.
        info: The model's sizes.

    Raises:
        InputError: Too long for the model, too short for its text, or not in its alphabet.
        ValueError: No utterance, more than B, or as many texts as features are not there.
    """
    rows = len(features)
    if not 1 <= rows <= info.batch_size or rows != len(texts):
        raise ValueError(f"{rows} features and {len(texts)} texts for batch {info.batch_size}")
    x = np.zeros((info.batch_size, info.max_frames, features[0].shape[1]), np.float32)
    labels = np.zeros((info.batch_size, info.max_label), np.int32)
    in_len, lab_len = np.zeros((2, info.batch_size), np.int32)
    for row, (feature, text) in enumerate(zip(features, texts, strict=True)):
        label = encode(text, info)
        _check_lengths(len(feature), label, text, info)
        x[row, : len(feature)] = feature
        labels[row, : len(label)] = label
        in_len[row], lab_len[row] = len(feature), len(label)
    return Batch(x, in_len, labels, lab_len, rows)


def _check_lengths(frames: int, label: list[int], text: str, info: ModelInfo) -> None:
    if not 1 <= frames <= info.max_frames:
        raise InputError(
            f"{frames} frames of features; the model takes 1 to {info.max_frames} "
            f"({info.max_audio_s:.2f} s)",
            where=repr(text),
        )
    if len(label) > info.max_label:
        raise InputError(
            f"{len(label)} characters; the model takes {info.max_label}", where=repr(text)
        )
    repeats = sum(a == b for a, b in pairwise(label))
    if len(label) + repeats > info.output_frames(frames):
        raise InputError(
            f"{info.output_frames(frames)} output frames cannot hold {len(label)} characters",
            where=repr(text),
            hint="The recording is too short for its transcript.",
        )


def check_recording(samples: int, text: str, info: ModelInfo) -> None:
    """Check that the model can train on a recording before anything is computed of it.

    Args:
        samples: Of the recording, at the model's sample rate.
        text: Its transcript.
        info: The model's sizes.

    Raises:
        InputError: As ``FlatbufferModel.features`` and ``make_batch`` would.
    """
    _check_samples(samples, info)
    _check_lengths(1 + (samples - info.window) // info.hop, encode(text, info), text, info)


def _check_samples(samples: int, info: ModelInfo) -> None:
    if not info.window <= samples <= info.max_samples:
        raise InputError(
            f"{samples / info.sample_rate:.2f} s of audio; the model takes "
            f"{info.window / info.sample_rate:.3f} to {info.max_audio_s:.2f} s",
            hint="Leave it out, or use a model for longer speech.",
        )


class FlatbufferModel:
    """One trainable flatbuffer in one LiteRT interpreter.

    Weights and Adam's moments live in the interpreter. A file without embedded weights needs
    ``set_weights`` before anything but ``features``.

    Args:
        path: The ``.tflite`` file.
        threads: Of LiteRT.
        interpreter: Another interpreter class with the interface of ai-edge-litert's, such as
            ``tensorflow.lite.Interpreter``.

    Raises:
        InputError: Not a flatbuffer, or without the signatures of this version.
    """

    def __init__(
        self, path: Path, threads: int = 2, *, interpreter: Callable[..., Any] | None = None
    ) -> None:
        if interpreter is None:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter
        try:
            self._interpreter: Any = interpreter(str(path), num_threads=threads)
            names = set(self._interpreter.get_signature_list())
            check_signatures(names, path)
            self._runners: dict[str, Any] = {}
            values = self._run("info")
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"LiteRT cannot read the model: {error}",
                where=str(path),
                hint="The file is damaged, or made for another runtime: copy or build it again.",
            ) from error
        self.path = path
        self.info = model_info(values, path)
        self.sub_models = tuple(s for s in SUB_MODELS if f"train_{s.lower()}" in names)
        self._has_weights = bool(values["weights_included"])
        self._moments_from = len(SUB_MODELS)
        """Index of the largest sub-model whose moments are there; 8 = none."""

    def features(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """Return log-mel features [frames, mels] of one utterance.

        Args:
            pcm: [samples] at the model's sample rate, at least one window.

        Raises:
            InputError: Shorter than a window or longer than the model takes.
        """
        info = self.info
        _check_samples(len(pcm), info)
        padded = np.zeros(info.max_samples, np.int16)
        padded[: len(pcm)] = pcm
        out = self._run("features", pcm=padded, samples=np.array(len(pcm), np.int32))
        found: Floats = out["features"][: int(out["frames"])]
        return found

    def train_step(self, sub_model: str, batch: Batch, learning_rate: float) -> float:
        """Take one Adam step on ``sub_model``; return the mean CTC loss before it.

        A larger sub-model than before (since ``reset_optimizer``) starts Adam anew.

        Raises:
            InputError: The file cannot train ``sub_model``.
        """
        if sub_model not in self.sub_models:
            raise InputError(
                f"no signature to train {sub_model}; there are {', '.join(self.sub_models)}",
                where=str(self.path),
            )
        index = SUB_MODELS.index(sub_model)
        if index < self._moments_from:
            self._run(f"reset_{sub_model.lower()}")
            self._moments_from = index
        out = self._run(
            f"train_{sub_model.lower()}",
            x=batch.x,
            in_len=batch.in_len,
            labels=batch.labels,
            lab_len=batch.lab_len,
            lr=np.array(learning_rate, np.float32),
        )
        return float(out["loss"])

    def infer(self, batch: Batch) -> list[Floats]:
        """Return logits [output frames, outputs] of each real row."""
        out = self._run("infer", x=batch.x, in_len=batch.in_len)
        return [
            out["logits"][: int(frames), row].copy()
            for row, frames in enumerate(out["out_len"][: batch.rows])
        ]

    def loss(self, batch: Batch) -> Floats:
        """Return the CTC loss [rows] of each real row."""
        out = self._run(
            "loss",
            x=batch.x,
            in_len=batch.in_len,
            labels=batch.labels,
            lab_len=batch.lab_len,
        )
        losses: Floats = out["loss"][: batch.rows]
        return losses

    def get_weights(self) -> dict[str, Floats]:
        """Return a copy of all weights and moving statistics by name."""
        self._check_weights()
        return take(self._interpreter, "get_weights")

    def set_weights(self, weights: Mapping[str, Floats]) -> None:
        """Set all weights.

        Raises:
            InputError: Names or shapes are not those of this model.
        """
        self._set_weights({n: tuple(v.shape) for n, v in weights.items()}, weights.__getitem__)

    def load_checkpoint(self, path: Path) -> None:
        """Set all weights from an ``.npz`` file.

        Raises:
            InputError: Not a checkpoint, or not of this model.
        """
        shapes = checkpoint_shapes(path)
        try:
            with np.load(path, allow_pickle=False) as stored:
                self._set_weights(shapes, stored.__getitem__)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"not a checkpoint: {error}", where=str(path)) from error
        except InputError as error:
            hint = f"The model is {self.path}; give weights made with it."
            raise InputError(error.what, where=str(path), hint=hint) from error

    def _set_weights(
        self, shapes: Mapping[str, tuple[int, ...]], value: Callable[[str], Any]
    ) -> None:
        wanted = {
            name: tuple(int(n) for n in detail["shape"])
            for name, detail in self._runner("set_weights").get_input_details().items()
        }
        differs = misfit(wanted, shapes)
        if differs:
            raise InputError(differs, where=str(self.path))
        put(self._interpreter, "set_weights", lambda name: np.asarray(value(name), np.float32))
        self._has_weights = True

    def reset_optimizer(self) -> None:
        """Forget Adam's moments and step count; the next ``train_step`` starts them at zero."""
        self._moments_from = len(SUB_MODELS)

    def _runner(self, name: str) -> Any:
        if name not in self._runners:
            self._runners[name] = self._interpreter.get_signature_runner(name)
        return self._runners[name]

    def _run(self, name: str, **inputs: Any) -> dict[str, Any]:
        if name in _READ_WEIGHTS or name.startswith("train_"):
            self._check_weights()
        out: dict[str, Any] = self._runner(name)(**inputs)
        return out

    def _check_weights(self) -> None:
        """LiteRT would read whatever memory a variable without a value happens to have."""
        if not self._has_weights:
            raise InputError(
                "this model file has no weights of its own",
                where=str(self.path),
                hint="Load the checkpoint that its manifest names first.",
            )


def check_signatures(names: set[str], path: Path) -> None:
    """Check that a file has what every model must have.

    Raises:
        InputError: It lacks signatures.
    """
    if not names >= _NEEDED:
        missing = ", ".join(sorted(_NEEDED - names))
        raise InputError(
            f"the model lacks the signatures {missing}",
            where=str(path),
            hint="It is no trainable model of this project: 'harness model build' makes one.",
        )


def model_info(values: dict[str, Any], path: Path) -> ModelInfo:
    """Return what the signature ``info`` said.

    Args:
        values: Its outputs.
        path: Of the file, for the message.

    Raises:
        InputError: Another version of the signatures.
    """

    def number(name: str) -> int:
        return int(values[name])

    missing = [name for name in _INFO if name not in values]
    if missing:
        raise InputError(f"its signature info does not say {missing[0]}", where=str(path))
    if number("format") != FORMAT:
        raise InputError(
            f"signatures of format {number('format')}; this trainer speaks {FORMAT}",
            where=str(path),
            hint="Make the file anew with 'harness model build' of this version.",
        )
    return ModelInfo(
        batch_size=number("batch_size"),
        max_frames=number("max_frames"),
        max_label=number("max_label"),
        alphabet="".join(chr(int(c)) for c in values["alphabet"]),
        blank=number("blank"),
        sample_rate=number("sample_rate"),
        window=number("window"),
        hop=number("hop"),
        time_stride=number("time_stride"),
        layer_parameters={n: int(v) for n, v in zip(_LAYERS, values["layers"], strict=True)},
        sub_model_parameters={
            n: int(v) for n, v in zip(SUB_MODELS, values["sub_models"], strict=True)
        },
    )
