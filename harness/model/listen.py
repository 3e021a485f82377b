"""What a flatbuffer hears: the word error rate over recordings (no tensorflow)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from harness.contract.exits import DecoderName
from harness.contract.network import Network
from harness.errors import InputError
from harness.metrics import wer_percent
from harness.speech import CorpusSpec, Utterance
from harness.trainer.batches import Batch, Floats, make_batch
from harness.trainer.decode import greedy_decode
from harness.trainer.listening import SegmentRun
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


def hear(
    model: FlatbufferModel,
    utterances: Sequence[Utterance],
    exit_: str | None = None,
    decoder: DecoderName = "ctc",
) -> list[Heard]:
    """Return what a model hears in each utterance that it can take, in their order.

    Args:
        model: With weights.
        utterances: At least one of them short enough.
        exit_: That answers; None: the last one, or the only output.
        decoder: Who writes: its head, or its attention decoder.

    Raises:
        InputError: No utterance fits, a recording cannot be read, or there is no such exit or
            decoder.
    """
    info = model.info
    place = None if exit_ is None else _place(exit_, model.network)
    if decoder == "attention":
        last = _last_decoder(model.network)
        place = last if place is None else place
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
        said: Sequence[str] | None = None
        if place is None:
            out: Sequence[Floats] = model.infer(batch)
        else:
            answer = _at_exit(model, batch, place, decoder)
            out, said = answer.logits, answer.written
        said = said or [greedy_decode(logits, info.targets) for logits in out]
        texts |= {u.id: text for (u, _), text in zip(rows, said, strict=True)}
    return [Heard(utterance, texts[utterance.id]) for utterance, _ in sounds]


def _place(exit_: str, network: Network) -> int:
    if exit_ not in network.exit_names:
        known = ", ".join(network.exit_names)
        raise InputError(
            f"the model has no exit {exit_!r}",
            where="--exit",
            hint=f"It has {known}." if known else "It has no exits.",
        )
    return network.exit_names.index(exit_)


def _last_decoder(network: Network) -> int:
    """Return the place of the last exit.

    Raises:
        InputError: It has no attention decoder.
    """
    if not network.writes:
        raise InputError(
            "the model has no attention decoders",
            where="--decoder",
            hint="Leave it out: its output, or the heads of its exits, are heard.",
        )
    return len(network.exits) - 1


def _at_exit(model: FlatbufferModel, batch: Batch, place: int, decoder: DecoderName) -> SegmentRun:
    """Return what an exit says; nothing above it is computed."""
    segments = model.segments(batch, writes=decoder == "attention")
    return next(islice(segments, place, None))
