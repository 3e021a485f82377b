"""How recordings and transcripts lie on a disk: a person's folder, LibriSpeech, Common Voice.

Each function yields every recording that is there, those that cannot be used with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Final

from harness.errors import InputError
from harness.speech import av_audio
from harness.speech.audio import SUFFIXES, Segment
from harness.speech.sources import UNKNOWN, Source, Tree
from harness.speech.speaker_names import speaker_name
from harness.speech.tables import (
    AUDIO_NAMES,
    TEXT_NAMES,
    Row,
    column_rows,
    read_rows,
    read_text,
)
from harness.speech.tables import SUFFIXES as TABLE_SUFFIXES

_SPEAKER_NAMES: Final = (
    *("speaker", "speaker_id", "client_id", "spk_id", "spk", "speaker_name", "user_id"),
)
_ACCENT_NAMES: Final = ("accent", "accents")
_START_NAMES: Final = ("offset", "start", "start_s", "start_time", "begin")
_LENGTH_NAMES: Final = ("duration", "dur")
_END_NAMES: Final = ("end", "end_s", "end_time", "stop")
_ROUNDED_S: Final = 0.5
"""A table that gives only durations may have rounded them by so much."""
_SPLITS: Final = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}
_NOT_SOUND: Final = (".sph", ".wv", ".shn", ".m4p", ".ra", ".amr-wb", ".mov", ".mkv", ".avi")
"""Names of files with sound that nothing here reads."""
_OPTIONAL: Final = (*av_audio.SUFFIXES, *_NOT_SOUND)
_SOUND: Final = (*SUFFIXES, *_OPTIONAL)
_CLIENT_DIGITS: Final = re.compile(r"[0-9a-f]{32,}")
_CLIENT_SHOWN: Final = 12


# -- a person's folder ----------------------------------------------------------------------------


def sidecars(tree: Tree, speaker: str, accent: str) -> Iterator[Source]:
    """Yield recordings with a ``.txt`` beside each."""
    for audio in tree.files():
        kind = audio.suffix.lower()
        beside = audio.with_suffix(".txt")
        if kind in _OPTIONAL and (not beside.is_file() or any(map(_is_read, tree.beside(audio)))):
            yield _passed_over(audio, speaker, accent)
        elif kind in _NOT_SOUND:
            yield Source(audio, "", str(audio), speaker, accent, problem=_not_read(audio))
        elif kind in (*SUFFIXES, *av_audio.SUFFIXES):
            yield _sidecar(audio, beside, speaker, accent)


def _is_read(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _sidecar(audio: Path, beside: Path, speaker: str, accent: str) -> Source:
    if not beside.is_file():
        problem = InputError(
            "has no transcript",
            where=str(audio),
            hint=f"Write what is said into {beside.name} beside it, or give one table of all "
            "(columns file and text) by --transcripts.",
        )
        return Source(audio, "", str(audio), speaker, accent, problem=problem)
    try:
        text = " ".join(read_text(beside).split())
    except InputError as error:
        return Source(audio, "", str(beside), speaker, accent, problem=error)
    return Source(audio, text, str(beside), speaker, accent)


def _not_read(audio: Path) -> InputError:
    return InputError(
        f"{audio.suffix} files are not read",
        where=str(audio),
        hint=f"Convert it: ffmpeg -i {quote(audio.name)} {quote(audio.stem)}.wav",
    )


def _passed_over(audio: Path, speaker: str, accent: str) -> Source:
    problem = _not_read(audio)
    return Source(audio, "", str(audio), speaker, accent, problem=problem, passed_over=True)


def only_table(folder: Path) -> Path | None:
    """Return the one table of a folder; None if there is none.

    Raises:
        InputError: There are several.
    """
    tables = sorted(
        p for p in folder.iterdir() if p.suffix.lower() in TABLE_SUFFIXES and p.is_file()
    )
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise InputError(
            f"several tables: {names}",
            where=str(folder),
            hint="Say by --transcripts which one has the transcripts.",
        )
    return tables[0] if tables else None


def table(path: Path, tree: Tree, speaker: str, accent: str) -> Iterator[Source]:
    """Yield what a table lists, and which recordings of the folder it does not.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    listed = tree.spool.new_set()
    for row in read_rows(path):
        source = _listed(row, path, tree.folder, speaker, accent)
        listed.add(str(source.audio.resolve()))
        yield source
    for audio in tree.files():
        if audio.suffix.lower() in _SOUND and str(audio.resolve()) not in listed:
            problem = InputError(f"the table does not list it: {path.name}", where=str(audio))
            yield Source(audio, "", str(audio), speaker, accent, problem=problem, passed_over=True)


def _listed(row: Row, path: Path, folder: Path, speaker: str, accent: str) -> Source:
    audio, text = row.text(*AUDIO_NAMES), row.text(*TEXT_NAMES)
    person = row.text(*_SPEAKER_NAMES) or speaker
    accent = row.text(*_ACCENT_NAMES) or accent
    problem = row.problem or _lacks(row, audio, text)
    if problem is not None or not audio or text is None:
        return Source(path, "", row.where, person, accent, problem=problem)
    bases = (path.parent, folder)
    there = next((base / audio for base in bases if (base / audio).is_file()), None)
    split = row.text("split")
    try:
        _check_name(person, row.where)
        return Source(
            there or folder / audio,
            text,
            row.where,
            person,
            accent,
            _split(split, row.where) if split else None,
            None if there else _missing(audio, row.where),
            _segment(row),
        )
    except InputError as error:
        return Source(there or folder / audio, text, row.where, speaker, accent, problem=error)


def _check_name(person: str, where: str) -> None:
    try:
        speaker_name(person)
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from error


def _lacks(row: Row, audio: str | None, text: str | None) -> InputError | None:
    if audio and text is not None:
        return None
    nested = [name for name in ("recording", "supervisions", "sources") if name in row.cells]
    hint = (
        f"It has {', '.join(map(str, row.cells)) or 'nothing'}; the table needs the columns file "
        "and text, and may have speaker, accent, split, offset and duration."
    )
    if nested:
        hint = "This is a lhotse manifest; write one line a segment: file, offset, duration, text."
    return InputError(f"no {'text' if audio else 'file'} in this line", where=row.where, hint=hint)


def _segment(row: Row) -> Segment | None:
    """Return which part of the file a row means, as NeMo and lhotse say it.

    Raises:
        InputError: It says it, and it cannot be.
    """
    start = row.seconds(*_START_NAMES)
    length = row.seconds(*_LENGTH_NAMES)
    end = row.seconds(*_END_NAMES)
    if end is not None and length is None:
        length = end - (start or 0.0)
    if length is None:
        return None if start is None else Segment(start)
    if length <= 0:
        raise InputError(f"a segment of {length:g} s", where=row.where, hint="Give its length.")
    rounded_s = _ROUNDED_S if start is None and end is None else 0.0
    return Segment(start or 0.0, length, rounded_s)


def _missing(name: str, where: str) -> InputError:
    return InputError(
        f"no such recording: {name}",
        where=where,
        hint="Paths are relative to the table or to the folder.",
    )


def _split(name: str, where: str) -> str:
    try:
        return _SPLITS[name.lower()]
    except KeyError:
        raise InputError(
            f"unknown split {name!r}", where=where, hint="Splits: train, validation, test."
        ) from None


# -- public corpora -------------------------------------------------------------------------------


def librispeech(tree: Tree, accent: str) -> Iterator[Source]:
    """Yield what lies in ``[subset/]speaker/chapter/``: FLAC files and one ``*.trans.txt``.

    Folders below the given one, such as ``train-clean-100``, give the split. A corpus that was
    converted to another kind of file is read all the same.
    """
    listed = tree.spool.new_set()
    for path in tree.files():
        if not path.name.endswith(".trans.txt"):
            continue
        subsets = [part.split("-")[0] for part in tree.parts(path)[:-1] if "-" in part]
        split = next((_SPLITS[name] for name in reversed(subsets) if name in _SPLITS), None)
        for source in _chapter(path, accent, split, tree):
            listed.add(str(source.audio))
            yield source
    for audio in tree.files():
        if not _is_read(audio) or str(audio) in listed:
            continue
        problem = InputError("no *.trans.txt lists it", where=str(audio))
        yield Source(audio, "", str(audio), UNKNOWN, accent, problem=problem, passed_over=True)


def _chapter(path: Path, accent: str, split: str | None, tree: Tree) -> Iterator[Source]:
    try:
        lines = read_text(path).split("\n")
    except InputError as error:
        yield Source(path, "", error.where, UNKNOWN, accent, split, error)
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        name, _, text = line.strip().partition(" ")
        places = [path.parent / f"{name}{suffix}" for suffix in (".flac", *SUFFIXES)]
        audio = next((place for place in places if place in tree), None)
        problem = None if audio else _missing(places[0].name, where)
        speaker = f"ls-{name.split('-')[0]}"
        yield Source(audio or places[0], text, where, speaker, accent, split, problem)


def commonvoice(
    folder: Path, accent: str, table: Path | None, by_speaker: bool
) -> Iterator[Source]:
    """Yield what the tables list: ``train``, ``dev`` and ``test``, or else ``validated``.

    Raises:
        InputError: There is no table, or one lacks its columns.
    """
    lists = [folder / f"{name}.tsv" for name in ("train", "dev", "test")]
    whole = folder / "validated.tsv"
    if table is not None:
        tables = [table]
    elif whole.is_file() and (by_speaker or not any(path.is_file() for path in lists)):
        tables = [whole]
    else:
        tables = [path for path in lists if path.is_file()]
    if not tables:
        raise InputError(
            "no train.tsv, dev.tsv, test.tsv or validated.tsv: not Common Voice's layout",
            where=str(folder),
            hint="Give the folder of one language, which has clips/ and the tables.",
        )
    for path in tables:
        for row in column_rows(path, quoted=False, needed=(("path",), ("sentence",))):
            yield _clip(row, path, folder, accent)


def _clip(row: Row, path: Path, folder: Path, accent: str) -> Source:
    split = _SPLITS.get(path.stem)
    if row.problem is not None:
        return Source(path, "", row.where, UNKNOWN, accent, split, row.problem)
    # old releases name clips without the suffix, some mirrors with the folder
    name = (row.text("path") or "").removeprefix("clips/")
    audio = folder / "clips" / name
    if audio.suffix.lower() not in (*SUFFIXES, *av_audio.SUFFIXES):
        audio = audio.with_name(f"{audio.name}.mp3")
    problem = None if audio.is_file() else _missing(f"clips/{audio.name}", row.where)
    return Source(
        audio,
        row.text("sentence") or "",
        row.where,
        _client(row.text("client_id") or UNKNOWN),
        row.text(*_ACCENT_NAMES) or accent,
        split,
        problem,
    )


def _client(client_id: str) -> str:
    """Return a short name for a client id of Common Voice: 128 hexadecimal digits otherwise."""
    digits = _CLIENT_DIGITS.fullmatch(client_id)
    return f"cv-{client_id[:_CLIENT_SHOWN] if digits else client_id}"
