"""Manifests: which recording says what, as JSON lines beside the audio."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InputError


@dataclass(frozen=True)
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
        return tuple(
            u for u in self.utterances if (u.speaker, u.split, u.round) == (speaker, split, round_)
        )

    @property
    def speakers(self) -> tuple[str, ...]:
        """Speakers in order of appearance."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances))


def manifest_lines(utterances: Iterable[Utterance], folder: Path) -> str:
    """Return the manifest's text, with audio paths relative to ``folder`` where they can be."""
    lines = []
    for utterance in utterances:
        record = dataclasses.asdict(utterance)
        audio = utterance.audio
        if audio.is_relative_to(folder):
            audio = audio.relative_to(folder)
        record["audio"] = audio.as_posix()
        lines.append(json.dumps(record, ensure_ascii=False, sort_keys=True))
    return "".join(f"{line}\n" for line in lines)


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
    audio = folder / record["audio"]
    if not audio.is_file():
        raise InputError(f"no such file: {audio}", where=where)
    return Utterance(**{**{name: record[name] for name in _FIELDS}, "audio": audio})


def load_manifest(path: Path) -> Corpus:
    """Read a manifest.

    Raises:
        InputError: It cannot be read, or a line of it is not an utterance (file and line said).
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    utterances: list[Utterance] = []
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error}", where=where) from error
        utterance = _utterance(record, path.parent, where)
        if utterance.id in seen:
            raise InputError(f"id {utterance.id!r} a second time", where=where)
        seen.add(utterance.id)
        utterances.append(utterance)
    if not utterances:
        raise InputError("lists no utterance", where=str(path))
    return Corpus(path.stem, path, hashlib.sha256(raw).hexdigest(), tuple(utterances))
