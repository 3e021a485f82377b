"""Utterances as a flatbuffer takes them: padded to its static shapes, checked beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from harness.contract.alphabet import in_words
from harness.errors import InputError
from harness.trainer.info import ModelInfo

Floats = npt.NDArray[np.float32]


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
    """Return the output index of each character or piece.

    Raises:
        InputError: A character is not in the model's alphabet.
    """
    unknown = sorted(set(text) - set(info.alphabet))
    if unknown:
        raise InputError(
            f"the model cannot write {', '.join(map(repr, unknown))}",
            where=repr(text),
            hint=f"It writes {in_words(info.alphabet)}: fold the letters of the transcripts, or "
            "use a model that has them.",
        )
    return info.targets.labels(text)


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
            f"{len(label)} {_kind(info)}; the model takes {info.max_label}", where=repr(text)
        )
    repeats = sum(a == b for a, b in pairwise(label))
    if len(label) + repeats > info.output_frames(frames):
        raise InputError(
            f"{info.output_frames(frames)} output frames cannot hold {len(label)} {_kind(info)}",
            where=repr(text),
            hint="The recording is too short for its transcript.",
        )


def _kind(info: ModelInfo) -> str:
    return "pieces" if info.network.pieces else "characters"


def check_recording(samples: int, text: str, info: ModelInfo) -> None:
    """Check that the model can train on a recording before anything is computed of it.

    Args:
        samples: Of the recording, at the model's sample rate.
        text: Its transcript.
        info: The model's sizes.

    Raises:
        InputError: As ``FlatbufferModel.features`` and ``make_batch`` would.
    """
    check_samples(samples, info)
    _check_lengths(1 + (samples - info.window) // info.hop, encode(text, info), text, info)


def check_samples(samples: int, info: ModelInfo) -> None:
    """Check the length of a recording.

    Raises:
        InputError: Shorter than one window, or longer than the model takes.
    """
    if not info.window <= samples <= info.max_samples:
        raise InputError(
            f"{samples / info.sample_rate:.2f} s of audio; the model takes "
            f"{info.window / info.sample_rate:.3f} to {info.max_audio_s:.2f} s",
            hint="Leave it out, or use a model for longer speech.",
        )
