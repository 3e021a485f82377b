"""What a flatbuffer hears: the word error rate over recordings (no tensorflow)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InputError
from harness.metrics import wer_percent
from harness.speech import CorpusSpec, Utterance
from harness.trainer.batches import make_batch
from harness.trainer.decode import greedy_decode
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel

LISTENED = CorpusSpec(name="listened", train=0, validation=40, seed=0)
"""The six speakers that the WER of a shipped baseline is given for."""


@dataclass(frozen=True)
class Heard:
    """An utterance, and what a model heard in it."""

    utterance: Utterance
    text: str


def listen(model: FlatbufferModel, utterances: Sequence[Utterance]) -> float:
    """Return the WER in percent, to two digits, over the utterances that the model can take.

    Args:
        model: With weights.
        utterances: At least one of them short enough.

    Raises:
        InputError: No utterance fits, or a recording cannot be read.
    """
    heard = hear(model, utterances)
    return round(wer_percent((each.utterance.text, each.text) for each in heard), 2)


def hear(model: FlatbufferModel, utterances: Sequence[Utterance]) -> list[Heard]:
    """Return what a model hears in each utterance that it can take, in their order.

    Args:
        model: With weights.
        utterances: At least one of them short enough.

    Raises:
        InputError: No utterance fits, or a recording cannot be read.
    """
    info = model.info
    sounds = []
    for utterance in utterances:
        pcm = read_wav(utterance.audio, info.sample_rate)
        if info.window <= len(pcm) <= info.max_samples:
            sounds.append((utterance, model.features(pcm)))
    if not sounds:
        raise InputError(
            f"no utterance of at most {info.max_audio_s:.2f} s to listen to",
            where=utterances[0].speaker if utterances else "",
        )
    texts: dict[str, str] = {}
    by_length = sorted(sounds, key=lambda sound: len(sound[1]))
    for start in range(0, len(by_length), info.batch_size):
        rows = by_length[start : start + info.batch_size]
        # Without texts: an utterance too short for its own is still heard.
        batch = make_batch([features for _, features in rows], [""] * len(rows), info)
        for (utterance, _), logits in zip(rows, model.infer(batch), strict=True):
            texts[utterance.id] = greedy_decode(logits, info.targets)
    return [Heard(utterance, texts[utterance.id]) for utterance, _ in sounds]
