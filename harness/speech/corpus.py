"""Synthetic corpora, made once and kept: the same spec gives the same bytes.

In the cache, ``wav/<key>.wav`` holds each utterance under a hash of text and speaker, and
``<name>-<key>.jsonl`` is the manifest. Files appear whole or not at all, so a build that is killed
goes on where it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import filelock

from harness.corpora import SPOKEN
from harness.errors import InputError
from harness.speech.audio import wav_bytes
from harness.speech.files import write_atomically
from harness.speech.languages import DEFAULT, language
from harness.speech.manifest import Corpus, Utterance, load_manifest, manifest_lines
from harness.speech.sentences import Split, sentences
from harness.speech.speakers import SPEAKERS, Speaker, unhurried, variants
from harness.speech.wide_sentences import wide_sentences
from harness.speech.worker import Synthesiser

Style = Literal["short", "wide", "full"]
Domain = Literal["near", "far"]
"""Voices that speak at rates and pitches like those who are personalised, or quite other ones."""
Progress = Callable[[int, int], None]
"""Called with (utterances made, utterances in all)."""

_FORMAT = 1
"""Part of every cache key; raise it when synthesis or sentences change."""
_SECONDS: dict[Style, tuple[float, float]] = {
    "short": (1.2, 4.9),
    "wide": (2.5, 5.0),
    "full": (9.0, 12.0),
}
_MAX_CHARACTERS = 180  # MobileASR, Appendix B


@dataclass(frozen=True)
class CorpusSpec:
    """A corpus that can be made.

    Attributes:
        speakers: Names from :data:`harness.speech.speakers.SPEAKERS`.
        train: Training utterances a speaker and round.
        validation: Validation utterances a speaker and round.
        rounds: Disjoint rounds.
        style: ``short`` (1.2-4.9 s, one sentence), ``wide`` (2.5-5 s, with words that no
            baseline was pre-trained on) or ``full`` (9-12 s, at most 180 characters).
        seed: Chooses the sentences.
        name: For file names.
        language: Code of the language whose speakers and sentences these are; empty: the six
            speakers of English.
    """

    speakers: tuple[str, ...] = tuple(SPEAKERS)
    train: int = 60
    validation: int = 20
    rounds: int = 1
    style: Style = "short"
    seed: int = 0
    name: str = "accents"
    language: str = ""

    @property
    def known(self) -> dict[str, Speaker]:
        """Speakers that there are, by name.

        Raises:
            InputError: The language is not known.
        """
        return language(self.language).speakers if self.language else SPEAKERS

    def _identity(self) -> dict[str, Any]:
        """Return what makes it this corpus; the six speakers' as before there were languages."""
        own = dataclasses.asdict(self)
        return own if self.language else {k: v for k, v in own.items() if k != "language"}


def _nothing(_done: int, _total: int) -> None:
    pass


def _key(value: object) -> str:
    text = json.dumps([_FORMAT, value], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class _Recorder:
    """Gives the WAV of a text and speaker, from the cache or the synthesiser."""

    def __init__(self, folder: Path, synthesiser: Synthesiser, *, trust: bool = True) -> None:
        self._folder = folder
        self._synthesiser = synthesiser
        self._trust = trust
        self._mine: set[Path] = set()

    def record(self, text: str, speaker: Speaker) -> tuple[Path, float, str]:
        """Return path, seconds and SHA-256."""
        path = self._folder / "wav" / f"{_key([text, dataclasses.asdict(speaker)])}.wav"
        if not (path.is_file() and (self._trust or path in self._mine)):
            self._mine.add(path)
            write_atomically(path, wav_bytes(self._synthesiser.synthesise(text, speaker)))
        data = path.read_bytes()
        with wave.open(str(path)) as wav:
            seconds = wav.getnframes() / wav.getframerate()
        return path, seconds, hashlib.sha256(data).hexdigest()


def _texts(
    style: Style, split: Split, seed: int, share: float | None = None, code: str = ""
) -> Iterator[str]:
    if style == "wide":
        yield from wide_sentences(split, seed)
        return
    if code:
        source = language(code).grammar.sentences(split, seed)
    else:
        source = sentences(split, seed, derived_share=share)
    if style == "short":
        yield from source
        return
    while True:
        text = next(source)
        for sentence in source:
            if len(text) + 1 + len(sentence) > _MAX_CHARACTERS:
                break
            text = f"{text} {sentence}"
            if len(text) > 0.8 * _MAX_CHARACTERS:
                break
        yield text


def _utterances(
    recorder: _Recorder,
    spoken: Iterator[tuple[str, Speaker]],
    count: int,
    style: Style,
    split: str,
    *,
    round_: int,
    name: Callable[[int], str],
    code: str,
) -> Iterator[Utterance]:
    """Record until ``count`` texts have a length of the style; ``name`` gives the n-th its id."""
    shortest, longest = _SECONDS[style]
    number = 0
    for tried, (text, speaker) in enumerate(spoken):
        if number == count:
            return
        if tried > 50 * count + 200:
            raise InputError(
                f"{speaker.name} says no {style} sentence in {shortest:g}-{longest:g} s",
                hint="Use another speaker or style.",
            )
        path, seconds, sha256 = recorder.record(text, speaker)
        if not shortest <= seconds <= longest:
            continue
        number += 1
        yield Utterance(
            id=name(number),
            audio=path,
            text=text,
            speaker=speaker.name,
            accent=speaker.accent,
            duration_s=round(seconds, 4),
            sha256=sha256,
            split=split,
            round=round_,
            language=code or DEFAULT,
        )


def _reader(name: str, spec: CorpusSpec) -> Speaker:
    speaker = spec.known[name]
    return unhurried(speaker) if spec.style == "full" else speaker


def _spec_utterances(spec: CorpusSpec, recorder: _Recorder) -> Iterator[Utterance]:
    for name in spec.speakers:
        speaker = _reader(name, spec)
        # Every speaker reads sentences of their own; rounds go on where the last one ended.
        seed = int.from_bytes(hashlib.sha256(f"{spec.seed}:{name}".encode()).digest()[:6], "big")
        train = _texts(spec.style, "train", seed, code=spec.language)
        validation = _texts(spec.style, "validation", seed, code=spec.language)
        for round_ in range(1, spec.rounds + 1):
            for split, texts, count in (
                ("train", train, spec.train),
                ("validation", validation, spec.validation),
            ):
                yield from _utterances(
                    recorder,
                    ((text, speaker) for text in texts),
                    count,
                    spec.style,
                    split,
                    round_=round_,
                    name=f"{name}-r{round_}-{split}-{{:04d}}".format,
                    code=spec.language,
                )


def _build(
    name: str,
    key: str,
    cache_dir: Path,
    total: int,
    make: Callable[[_Recorder], Iterator[Utterance]],
    progress: Progress,
) -> Corpus:
    file = f"{name.replace('/', '-')}-{key}"
    manifest = cache_dir / f"{file}.jsonl"
    cache_dir.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(cache_dir / f".{file}.lock"):
        trust = True
        if manifest.is_file():
            try:
                return dataclasses.replace(load_manifest(manifest), name=name)
            except InputError:
                trust = False  # somebody cleared or broke a part of the cache: make it again
                manifest.unlink()
        utterances: list[Utterance] = []
        with Synthesiser() as synthesiser:
            for utterance in make(_Recorder(cache_dir, synthesiser, trust=trust)):
                utterances.append(utterance)
                progress(len(utterances), total)
        write_atomically(manifest, manifest_lines(utterances, cache_dir))
    return dataclasses.replace(load_manifest(manifest), name=name)


def build_corpus(spec: CorpusSpec, cache_dir: Path, progress: Progress = _nothing) -> Corpus:
    """Make a corpus, or find it made.

    Training and validation sentences are disjoint, within the corpus and across all corpora;
    rounds are disjoint.

    Args:
        spec: What to make.
        cache_dir: Where it is kept.
        progress: Told after each utterance.

    Raises:
        InputError: An unknown language or speaker, a style that its language has not, or nobody can
            say it in the style's length.
        harness.speech.synthesis.SynthesisError: espeak-ng failed.
    """
    for name in spec.speakers:
        if name not in spec.known:
            hint = f"Speakers: {', '.join(spec.known)}."
            raise InputError(f"unknown speaker {name!r}", hint=hint)
    _check_style(spec.style, spec.language)
    total = len(spec.speakers) * spec.rounds * (spec.train + spec.validation)
    readers = [_reader(name, spec) for name in spec.speakers] if spec.style == "full" else []
    key = _key([spec._identity(), *map(dataclasses.asdict, readers)])
    return _build(
        spec.name,
        key,
        cache_dir,
        total,
        lambda recorder: _spec_utterances(spec, recorder),
        progress,
    )


_RATES: dict[Domain, tuple[tuple[int, int], ...]] = {
    "near": ((140, 180),),
    "far": ((105, 130), (195, 220)),
}
_PITCHES: dict[Domain, tuple[tuple[int, int], ...]] = {
    "near": ((30, 70),),
    "far": ((5, 22), (78, 95)),
}


def _drawn(rng: random.Random, *spans: tuple[int, int]) -> int:
    """Draw a whole number of one of the spans."""
    span = spans[0] if len(spans) == 1 else rng.choice(spans)
    return rng.randint(*span)


def _check_style(style: Style, code: str) -> None:
    if code and style == "wide":
        raise InputError(
            f"there are no wide sentences in {language(code).name}",
            where="data.style",
            hint="Use short or full; wide ones are those of the corpus accents.",
        )


def build_pretraining_corpus(
    count: int,
    seed: int,
    cache_dir: Path,
    progress: Progress = _nothing,
    *,
    validation: int = 64,
    style: Style = "short",
    code: str = "",
    domain: Domain = "near",
) -> Corpus:
    """Make the mixed corpus of a language that a baseline is pre-trained on.

    Voices are `harness.speech.speakers.variants` with random rate and pitch; none is a speaker who
    is personalised, and no training sentence is in the validation half.

    Args:
        count: Training utterances.
        seed: Chooses sentences and voices.
        cache_dir: Where it is kept.
        progress: Told after each utterance.
        validation: Validation utterances (of the same voices).
        style: As in :class:`CorpusSpec`.
        code: Of a language; empty: US voices and the sentences of the six speakers.
        domain: How the voices speak.

    Raises:
        InputError: An unknown language.
    """

    def make(recorder: _Recorder) -> Iterator[Utterance]:
        if code:
            bases = [(f"{code}-pretrain", v.accent, v.name) for v in language(code).voices]
        else:
            bases = [("us-pretrain", "US", "en-us")]
        voices = [speaker for base in bases for speaker in variants(*base)]
        split: Split
        for split, wanted in (("train", count), ("validation", validation)):
            rng = random.Random(f"pretraining:{split}:{seed}")
            texts = _texts(style, split, seed, share=0.15, code=code)
            spoken = (
                (
                    text,
                    dataclasses.replace(
                        rng.choice(voices),
                        words_per_minute=_drawn(rng, *_RATES[domain]),
                        pitch=_drawn(rng, *_PITCHES[domain]),
                    ),
                )
                for text in texts
            )
            yield from _utterances(
                recorder,
                spoken,
                wanted,
                style,
                split,
                round_=1,
                name=f"{code or 'pretraining'}-{split}-{{:05d}}".format,
                code=code,
            )

    _check_style(style, code)
    added = [*([code] if code else []), *([domain] if domain != "near" else [])]
    key = _key(["pretraining", count, validation, style, seed, *added])
    name = f"{SPOKEN}{code}" if code else "pretraining"
    return _build(name, key, cache_dir, count + validation, make, progress)
