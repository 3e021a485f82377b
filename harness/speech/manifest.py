"""Manifests: which recording says what, as JSON lines beside the audio."""

from __future__ import annotations

import hashlib
import io
import json
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import InputError
from harness.speech.audio import SAMPLE_RATE, is_silent
from harness.speech.languages import DEFAULT, language
from harness.speech.text import Accents, folded, transcript

_TOLERANCE_S = 0.01


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording: mono 16-bit WAV at 16 kHz.

    Attributes:
        id: Unique in its corpus.
        audio: Where the WAV lies.
        text: What is said, normalised.
        speaker: Who says it.
        accent: For example ``UK``.
        duration_s: Length.
        sha256: Of the WAV file.
        split: ``train`` or ``validation``.
        round: 1, 2, ...
        language: Code of the language whose spelling the text has.
    """

    id: str
    audio: Path
    text: str
    speaker: str
    accent: str
    duration_s: float
    sha256: str
    split: str
    round: int
    language: str = DEFAULT


@dataclass(frozen=True)
class Corpus:
    """Utterances and the manifest that lists them."""

    name: str
    manifest: Path
    sha256: str
    """Of the manifest file."""
    utterances: tuple[Utterance, ...]

    def select(self, speaker: str, split: str, round_: int = 1) -> tuple[Utterance, ...]:
        """Return one speaker's utterances of a split and round, in the manifest's order."""
        return self._selections.get((speaker, split, round_), ())

    def spelled(self, accents: Accents) -> Corpus:
        """Return the corpus with its languages' own letters kept or folded to a to z."""
        if accents == "kept":
            return self
        texts = (folded(each.text, language(each.language).spelling) for each in self.utterances)
        spelled = zip(self.utterances, texts, strict=True)
        return replace(self, utterances=tuple(replace(each, text=text) for each, text in spelled))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes of its languages."""
        return tuple(sorted({each.language for each in self.utterances}))

    @cached_property
    def _selections(self) -> dict[tuple[str, str, int], tuple[Utterance, ...]]:
        found: dict[tuple[str, str, int], list[Utterance]] = {}
        for each in self.utterances:
            found.setdefault((each.speaker, each.split, each.round), []).append(each)
        return {key: tuple(utterances) for key, utterances in found.items()}

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Speakers in order of appearance."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances))

    @cached_property
    def seconds(self) -> float:
        """How long all recordings are together."""
        return sum(u.duration_s for u in self.utterances)


def manifest_lines(utterances: Iterable[Utterance], folder: Path) -> Iterator[bytes]:
    """Yield the manifest's lines, with audio paths relative to ``folder`` where they can be."""
    for utterance in utterances:
        record = {name: getattr(utterance, name) for name in _FIELDS}
        if utterance.language != DEFAULT:
            record["language"] = utterance.language
        audio = utterance.audio
        if audio.is_relative_to(folder):
            audio = audio.relative_to(folder)
        record["audio"] = audio.as_posix()
        yield (json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n").encode()


_FIELDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "audio": (str,),
    "text": (str,),
    "speaker": (str,),
    "accent": (str,),
    "duration_s": (int, float),
    "sha256": (str,),
    "split": (str,),
    "round": (int,),
}


def _utterance(record: Any, folder: Path, where: str) -> Utterance:
    if not isinstance(record, dict):
        raise InputError("not a JSON object", where=where, hint="One object a line.")
    for name, kinds in _FIELDS.items():
        if name not in record:
            raise InputError(f"lacks {name!r}", where=where, hint=f"Fields: {', '.join(_FIELDS)}.")
        if not isinstance(record[name], kinds) or isinstance(record[name], bool):
            raise InputError(f"{name} is not a {kinds[0].__name__}", where=where)
    if record["split"] not in ("train", "validation"):
        raise InputError("split is neither train nor validation", where=where)
    if record["round"] < 1:
        raise InputError("round is less than 1", where=where)
    if not record["id"]:
        raise InputError("id is empty", where=where)
    code = record.get("language", DEFAULT)
    if not isinstance(code, str):
        raise InputError("language is not a str", where=where)
    audio = folder / record["audio"]
    checked = {
        "audio": audio,
        "text": transcript(record["text"], where, spelling=language(code, where).spelling),
        "duration_s": _duration(record, audio, where),
    }
    return Utterance(**{**{name: record[name] for name in _FIELDS}, **checked}, language=code)


def _duration(record: dict[str, Any], audio: Path, where: str) -> float:
    """Return the seconds of a recording, which must be what the manifest says it is."""
    try:
        data = audio.read_bytes()
        with wave.open(io.BytesIO(data)) as wav:
            shape = (wav.getnchannels(), wav.getsampwidth(), wav.getframerate())
            samples = wav.readframes(wav.getnframes())
    except OSError as error:
        raise InputError(f"audio {audio}: {error.strerror}", where=where) from error
    except (EOFError, wave.Error) as error:
        raise InputError(f"audio {audio} is not a WAV file: {error}", where=where) from error
    if shape != (1, 2, SAMPLE_RATE):
        raise InputError(
            f"audio {audio} has {shape[0]} channels, {8 * shape[1]} bit, {shape[2]} Hz",
            where=where,
            hint="Bring recordings in with 'harness corpus import', which converts them.",
        )
    if hashlib.sha256(data).hexdigest() != record["sha256"]:
        raise InputError(f"audio {audio} does not have this sha256", where=where)
    if is_silent(np.frombuffer(samples[: len(samples) & ~1], "<i2")):
        raise InputError(f"audio {audio} is silent", where=where, hint="Record it again.")
    seconds = len(samples) / (2 * SAMPLE_RATE)
    if not abs(seconds - record["duration_s"]) <= _TOLERANCE_S:
        raise InputError(f"audio {audio} lasts {seconds:.3f} s, not duration_s", where=where)
    return float(record["duration_s"])


def load_manifest(path: Path) -> Corpus:
    """Read a manifest and check every recording that it names.

    Texts are normalised; audio paths are relative to the manifest's folder.

    Raises:
        InputError: It cannot be read, or a line of it is not an utterance, or a recording is not
            what its line says (file and line said).
    """
    utterances: list[Utterance] = []
    seen: set[str] = set()
    digest = hashlib.sha256()
    for where, utterance in read_manifest(path, digest):
        if utterance.id in seen:
            raise InputError(f"id {utterance.id!r} a second time", where=where)
        seen.add(utterance.id)
        utterances.append(utterance)
    if not utterances:
        raise InputError(
            "lists no utterance",
            where=str(path),
            hint="One JSON object a line; see docs/speech.md.",
        )
    return Corpus(path.stem, path, digest.hexdigest(), tuple(utterances))


def read_manifest(path: Path, digest: hashlib._Hash) -> Iterator[tuple[str, Utterance]]:
    """Yield file and line, and the utterance of each line, whose recording is checked.

    Args:
        path: The manifest.
        digest: Is updated by the file's bytes.

    Raises:
        InputError: As `load_manifest` has it, but for ids that come twice.
    """
    for number, raw in enumerate(_lines(path), 1):
        digest.update(raw)
        where = f"{path}:{number}"
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            record = json.loads(line) if line.strip() else None
        except UnicodeDecodeError as error:
            raise InputError(f"cannot be read: {error}", where=where) from error
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error}", where=where) from error
        if line.strip():
            yield where, _utterance(record, path.parent, where)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
