"""What a flatbuffer hears: the word error rate over recordings (no tensorflow)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import InputError
from harness.metrics import wer_percent
from harness.speech import CorpusSpec, Utterance
from harness.trainer.batches import make_batch
from harness.trainer.decode import greedy_decode
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel

LISTENED = CorpusSpec(name="listened", train=0, validation=40, seed=0)
"""The six speakers that the WER of a shipped baseline is given for."""


def listen(model: FlatbufferModel, utterances: Sequence[Utterance]) -> float:
    """Return the WER in percent, to two digits, over the utterances that the model can take.

    Args:
        model: With weights.
        utterances: At least one of them short enough.

    Raises:
        InputError: No utterance fits, or a recording cannot be read.
    """
    info = model.info
    recorded = [(u, read_wav(u.audio, info.sample_rate)) for u in utterances]
    lines = [
        (u.text, model.features(pcm))
        for u, pcm in recorded
        if info.window <= len(pcm) <= info.max_samples
    ]
    if not lines:
        raise InputError(
            f"no validation utterance of at most {info.max_audio_s:.2f} s to listen to",
            where=utterances[0].speaker if utterances else "",
        )
    lines.sort(key=lambda line: len(line[1]))
    heard = []
    for start in range(0, len(lines), info.batch_size):
        features = [sound for _, sound in lines[start : start + info.batch_size]]
        # Without texts: an utterance too short for its own is still heard.
        batch = make_batch(features, [""] * len(features), info)
        heard += [greedy_decode(out, info.alphabet, info.blank) for out in model.infer(batch)]
    return round(wer_percent(zip((text for text, _ in lines), heard, strict=True)), 2)
