"""Whom a job listens to besides its own speaker, and to which of their sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from harness.errors import InputError
from harness.lab.planning.needs import JobNeeds
from harness.scenario.others import AlsoEvaluate
from harness.scenario.schema import Data
from harness.speech import Corpus, Utterance
from harness.speech.synthetic import synthetic_speakers

FIELD: Final = "also_evaluate"

CorpusOf = Callable[[Data, int], Corpus]
"""Gives the recordings of a speaker, of so many rounds; raises `InputError`."""


@dataclass(frozen=True)
class OtherVoice:
    """Somebody who is only listened to.

    Args:
        source: Where their recordings are; its speaker is they.
        corpus: The recordings.
        validation: What is heard, at least one; nothing of it is trained on by the job.
    """

    source: Data
    corpus: Corpus
    validation: tuple[Utterance, ...]

    @property
    def name(self) -> str:
        """The speaker."""
        return self.source.speaker


def other_voices(job: JobNeeds, corpus_of: CorpusOf) -> list[OtherVoice]:
    """Return whom a job listens to besides; in every round the same sentences.

    Args:
        job: The job.
        corpus_of: Where recordings come from.

    Raises:
        InputError: No such corpus, manifest or speaker, or nothing of theirs is left to listen to.
    """
    asked = job.spec.content.also_evaluate
    if asked is None:
        return []
    own, rounds, _ = job.speech
    # of a part of several speakers' sentences all of theirs count: the same in all its jobs
    trained = {
        utterance.text
        for number in range(1, rounds + 1)
        for owner in own.speakers
        for utterance in corpus_of(own, rounds).select(owner, "train", number)
    }
    with _in_its_own_words():
        names = asked.speakers or _all_there_are(asked, own, corpus_of)
        return [
            _voice(_source(asked, own, name), trained, corpus_of)
            for name in names
            if not (_is_own_source(asked, own) and name in own.speakers)
        ]


def _is_own_source(asked: AlsoEvaluate, own: Data) -> bool:
    if asked.corpus is None and asked.manifest is None:
        return True
    return (asked.corpus, asked.manifest) == (own.corpus, own.manifest)


def _source(asked: AlsoEvaluate, own: Data, speaker: str) -> Data:
    here = _is_own_source(asked, own)
    corpus = own.corpus if here else asked.corpus
    return Data(
        corpus=corpus,
        manifest=own.manifest if here else asked.manifest,
        speaker=speaker,
        train=1,  # what is not listened to need not be synthesised
        validation=asked.validation or own.validation,
        style=own.style,
        seed=own.seed,
        accents=own.accents,
    )


def _all_there_are(asked: AlsoEvaluate, own: Data, corpus_of: CorpusOf) -> Sequence[str]:
    source = _source(asked, own, own.speaker)
    known = None if source.manifest is not None else synthetic_speakers(source.corpus)
    names = corpus_of(source, 1).speakers if known is None else tuple(known)
    others = [name for name in names if name not in own.speakers or not _is_own_source(asked, own)]
    if not others:
        raise InputError(
            f"there is nobody besides {own.speaker}",
            where="data.manifest",
            hint="Name a corpus or a manifest with other speakers.",
        )
    return others


def _voice(source: Data, trained: set[str], corpus_of: CorpusOf) -> OtherVoice:
    corpus = corpus_of(source, 1)
    if source.speaker not in corpus.speakers:
        raise InputError(
            f"unknown speaker {source.speaker!r}",
            where="data.speaker",
            hint=f"Speakers: {', '.join(corpus.speakers)}.",
        )
    spoken = corpus.select(source.speaker, "validation", 1)
    new = [utterance for utterance in spoken if utterance.text not in trained]
    if not new:
        raise InputError(
            f"{source.speaker} has {len(spoken)} validation sentences, and none that the job's own "
            "speaker does not train on",
            where="data.speaker",
        )
    return OtherVoice(source, corpus, tuple(new[: source.validation]))


@contextmanager
def _in_its_own_words() -> Iterator[None]:
    """Call the fields of `Data` as they are called here."""
    try:
        yield
    except InputError as error:
        field, colon, rest = error.where.partition(":")
        names = {"data.speaker": "speakers", "data.corpus": "corpus", "data.manifest": "manifest"}
        if field not in names:
            raise
        where = f"{FIELD}.{names[field]}{colon}{rest}"
        raise InputError(error.what, where=where, hint=error.hint) from error
