"""The corpora of a pre-training, by the names that a command gives them (no tensorflow)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.corpora import SPOKEN, language_of
from harness.errors import InputError
from harness.model.listen import LISTENED
from harness.model.pretraining.mixture import Mixture, Share
from harness.speech import Corpus, build_corpus, build_pretraining_corpus, load_manifest
from harness.speech.corpus import Domain
from harness.speech.importing import MANIFEST
from harness.speech.languages import DEFAULT, language
from harness.speech.text import Accents

US: Final = "us"
"""The synthetic US voices."""
_FAR: Final = "@far"
"""After a name: the same language by other rates and pitches."""
_SAID_EVERY: Final = 500
_WHERE: Final = "--corpus"


@dataclass(frozen=True)
class Asked:
    """A corpus that is asked for."""

    name: str
    """``us``, ``speech/it``, ``speech/it@far``, or a manifest or the folder that has one."""
    weight: float = 1.0

    @staticmethod
    def of(words: str) -> Asked:
        """Read ``NAME`` or ``NAME:WEIGHT``.

        Raises:
            InputError: The weight is no number above 0, or no corpus is called so.
        """
        name, colon, weight = words.rpartition(":")
        asked = Asked(words)
        if colon and name and "/" not in weight:
            asked = Asked(name, _weight(weight, words))
        asked.check()
        return asked

    @property
    def code(self) -> str:
        """Of the language in ``speech/<code>``; empty if it is no such name."""
        return language_of(self.name.removesuffix(_FAR))

    @property
    def domain(self) -> Domain:
        """Whether its voices are like those who are personalised."""
        return "far" if self.code and self.name.endswith(_FAR) else "near"

    def check(self) -> None:
        """Check that it can be made or read.

        Raises:
            InputError: The language is not known, or there is no such file.
        """
        if self.code:
            language(self.code, _WHERE)
        elif self.name != US and not Path(self.name).exists():
            raise InputError(
                f"there is no corpus {self.name!r}",
                where=_WHERE,
                hint=f"Give {US}, {SPOKEN}it or another language (`harness corpus languages`), or "
                "what `harness corpus import` wrote; :WEIGHT after it says how often it is heard.",
            )

    def languages(self) -> tuple[str, ...]:
        """Return the codes of its languages.

        Raises:
            InputError: A manifest or a recording cannot be used.
        """
        if self.code or self.name == US:
            return (self.code or DEFAULT,)
        return self._recorded().languages

    def _recorded(self) -> Corpus:
        path = Path(self.name)
        return load_manifest(path / MANIFEST if path.is_dir() else path)

    def read(self, utterances: int, seed: int, cache: Path, said: Callable[[str], None]) -> Corpus:
        """Make or read it.

        Args:
            utterances: To train on, of a synthetic one.
            seed: Of a synthetic one.
            cache: Where synthetic ones are kept.
            said: Told how far it is.

        Raises:
            InputError: A manifest or a recording cannot be used.
        """
        if not self.code and self.name != US:
            return self._recorded()

        def spoken(sentence: int, total: int) -> None:
            if sentence % _SAID_EVERY == 0 or sentence == total:
                said(f"{sentence} of {total} sentences spoken by {self.voices}")

        return build_pretraining_corpus(
            utterances, seed, cache, spoken, code=self.code, domain=self.domain
        )

    @property
    def voices(self) -> str:
        """Whose they are, in words."""
        kind = f"{language(self.code).name}" if self.code else "US"
        return f"synthetic {kind} voices"

    def in_words(self, corpus: Corpus, utterances: int) -> str:
        """Say what it is, for a manifest."""
        if self.code:
            far = " at other rates and pitches" if self.domain == "far" else ""
            return f"{utterances} sentences by {self.voices}{far} (espeak-ng)"
        if self.name == US:
            return (
                f"{utterances} sentences by {self.voices} (espeak-ng), none of them one of the "
                "six speakers, no sentence of the validation half"
            )
        hours, who = corpus.seconds / 3600, len(corpus.speakers)
        people = "one speaker" if who == 1 else f"{who} speakers"
        return f"{name_of(corpus)}: {hours:.1f} h of speech by {people}"


def name_of(corpus: Corpus) -> str:
    """Return what a corpus is called: by its folder, where its manifest is called as all are."""
    path = corpus.manifest
    return path.absolute().parent.name if path.name == MANIFEST else corpus.name


@dataclass(frozen=True)
class Gathered:
    """Speech for a pre-training."""

    mixture: Mixture
    listened: tuple[Corpus, ...]
    """Who is listened to in the end."""
    words: str
    """What is trained on."""


def gathered(
    asked: Sequence[Asked],
    others: Path | None,
    *,
    utterances: int,
    seed: int,
    accents: Accents,
    cache: Path,
    said: Callable[[str], None],
) -> Gathered:
    """Make or read all speech of a pre-training.

    Args:
        asked: What to train on; none: the synthetic US voices.
        others: Manifest of speakers to listen to in the end; None: the six or the two of each
            language whose synthetic voices are trained on.
        utterances: To train on, of each synthetic corpus.
        seed: Of the synthetic ones.
        accents: Whether languages' own letters are kept or folded.
        cache: Where synthetic speech is kept.
        said: Told how far it is.

    Raises:
        InputError: A manifest or a recording cannot be used, or a corpus is asked for twice.
    """
    asked = asked or (Asked(US),)
    names = [each.name for each in asked]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{name} is asked for twice",
                where=_WHERE,
                hint=f"Write {name}:2 for twice as often.",
            )
    listened = [load_manifest(others)] if others is not None else []
    corpora = [each.read(utterances, seed, cache, said) for each in asked]
    if others is None:
        codes = dict.fromkeys(each.code for each in asked if each.code or each.name == US)
        listened = [_speakers(code, cache) for code in codes]
    shares = tuple(Share(corpus, each.weight) for each, corpus in zip(asked, corpora, strict=True))
    parts = [each.in_words(corpus, utterances) for each, corpus in zip(asked, corpora, strict=True)]
    weighed = [
        f"{words}, weight {each.weight:g}" if each.weight != 1 else words
        for each, words in zip(asked, parts, strict=True)
    ]
    return Gathered(
        Mixture(shares, accents),
        tuple(corpus.spelled(accents) for corpus in listened),
        "; ".join(weighed),
    )


def _speakers(code: str, cache: Path) -> Corpus:
    if not code:
        return build_corpus(LISTENED, cache)
    speakers = tuple(language(code).speakers)
    spec = replace(LISTENED, name=f"listened-{code}", language=code, speakers=speakers)
    return build_corpus(spec, cache)


def _weight(text: str, words: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise InputError(
            f"{text!r} is no weight in {words!r}",
            where=_WHERE,
            hint="Write NAME:WEIGHT with a number above 0, such as speech/it:0.5.",
        )
    return weight
