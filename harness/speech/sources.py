"""Where recordings and their transcripts come from: the layouts that ``corpus import`` reads.

A layout only lists what is there; nothing is decoded here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import InputError
from harness.speech.audio import SUFFIXES

Layout = Literal["folder", "librispeech", "commonvoice"]

UNKNOWN = "unknown"
"""The accent of recordings of which nobody says it."""

_TABLES = (".csv", ".tsv", ".jsonl")
_AUDIO_NAMES = ("file", "audio", "path", "filename", "wav", "audio_filepath")
_TEXT_NAMES = ("text", "sentence", "transcript", "transcription")
_SPEAKER_NAMES = ("speaker", "speaker_id", "client_id")
_ACCENT_NAMES = ("accent", "accents")
_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Source:
    """One recording as its layout lists it.

    Attributes:
        audio: The file.
        text: As written there.
        where: File and line of the transcript, for messages.
        speaker: Fit for a scenario (see ``speaker_name``).
        accent: For example ``UK``.
        split: ``train``, ``validation`` or ``test`` where the layout says it, else None.
        problem: Why it cannot be used, if the layout shows it already.
    """

    audio: Path
    text: str
    where: str
    speaker: str
    accent: str
    split: str | None = None
    problem: InputError | None = None


def speaker_name(raw: str) -> str:
    """Return a speaker's name as scenarios write it: a-z, 0-9 and dashes.

    Raises:
        InputError: Nothing is left of it.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", raw.strip().lower()).strip("-._")[:60]
    if not name:
        raise InputError(f"{raw!r} is no name for a speaker", hint="Use letters a-z and digits.")
    return name


def find_sources(
    folder: Path,
    layout: Layout,
    *,
    transcripts: Path | None = None,
    speaker: str | None = None,
    accent: str | None = None,
    by_speaker: bool = False,
) -> list[Source]:
    """List the recordings of a folder, in a fixed order.

    Args:
        folder: Where they lie.
        layout: ``folder`` (a transcript beside each recording, or one table), ``librispeech`` or
            ``commonvoice``, both as they are downloaded.
        transcripts: The table, for ``folder`` and ``commonvoice``.
        speaker: Who speaks where nothing says it; by default named like the folder.
        accent: Accent where nothing says it.
        by_speaker: The caller does not want the layout's own splits (``commonvoice`` then has
            everything that was validated, not only its balanced subsets).

    Raises:
        InputError: No such folder, or it is not laid out like this (file and line said).
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder))
    name = speaker_name(speaker or folder.resolve().name)
    accent = accent or UNKNOWN
    if layout == "librispeech":
        found = list(_librispeech(folder, accent))
        missing = "no *.trans.txt below: not LibriSpeech's layout"
    elif layout == "commonvoice":
        found = list(_commonvoice(folder, accent, transcripts, by_speaker))
        missing = "its tables list nothing"
    else:
        table = transcripts or _only_table(folder)
        found = list(
            _table(table, folder, name, accent) if table else _sidecars(folder, name, accent)
        )
        missing = "no recordings here"
    if not found:
        raise InputError(
            missing,
            where=str(folder),
            hint="It takes recordings with a .txt beside each, or one CSV, TSV or JSON-lines table "
            "with the columns file and text; or say --layout librispeech or commonvoice.",
        )
    return found


# -- a person's folder ----------------------------------------------------------------------------


def recordings_below(folder: Path) -> list[Path]:
    """Return the recordings in a folder and its sub-folders, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _sidecars(folder: Path, speaker: str, accent: str) -> Iterator[Source]:
    for audio in recordings_below(folder):
        beside = audio.with_suffix(".txt")
        if beside.is_file():
            yield Source(audio, " ".join(_read(beside).split()), str(beside), speaker, accent)
            continue
        problem = InputError(
            "has no transcript",
            where=str(audio),
            hint=f"Write what is said into {beside.name} beside it, or give one table of all "
            "(columns file and text) by --transcripts.",
        )
        yield Source(audio, "", str(audio), speaker, accent, problem=problem)


def _only_table(folder: Path) -> Path | None:
    tables = sorted(p for p in folder.iterdir() if p.suffix.lower() in _TABLES and p.is_file())
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise InputError(
            f"several tables: {names}",
            where=str(folder),
            hint="Say by --transcripts which one has the transcripts.",
        )
    return tables[0] if tables else None


def _table(table: Path, folder: Path, speaker: str, accent: str) -> Iterator[Source]:
    rows = _json_lines(table) if table.suffix.lower() in (".jsonl", ".json") else _columns(table)
    for line, row in rows:
        where = f"{table}:{line}"
        audio, text = _pick(row, _AUDIO_NAMES), _pick(row, _TEXT_NAMES)
        if not audio or text is None:
            lacks = "file" if not audio else "text"
            raise InputError(
                f"no {lacks} in this line",
                where=where,
                hint=f"It has {', '.join(map(str, row)) or 'nothing'}; the table needs the "
                "columns file and text, and may have speaker, accent and split.",
            )
        split = _pick(row, ("split",))
        bases = (table.parent, folder)
        path = next((base / audio for base in bases if (base / audio).is_file()), None)
        yield Source(
            path or folder / audio,
            text,
            where,
            speaker_name(_pick(row, _SPEAKER_NAMES) or speaker),
            _pick(row, _ACCENT_NAMES) or accent,
            _split(split, where) if split else None,
            None if path else _missing(audio, where),
        )


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


def _pick(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    for name in names:
        value = row.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value).strip()
    return None


def _columns(table: Path, *, quoted: bool = True) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and fields by (lower-case) column name."""
    text = _read(table)
    delimiter = "\t" if table.suffix.lower() == ".tsv" else ","
    if delimiter == "," and ";" in text.partition("\n")[0] and "," not in text.partition("\n")[0]:
        delimiter = ";"  # how spreadsheets save CSV where the comma is the decimal point
    lines = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        if not (set(header) & set(_AUDIO_NAMES) and set(header) & set(_TEXT_NAMES)):
            raise InputError(
                f"its first line names no columns file and text: {', '.join(header) or 'empty'}",
                where=f"{table}:1",
                hint="Begin the table with a line such as: file,text",
            )
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise InputError(
                    f"{len(row)} cells; the first line names {len(header)} columns",
                    where=f"{table}:{lines.line_num}",
                    hint='A text that has the separator in it must be in quotes: "...".',
                )
            yield lines.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"not a table: {error}", where=f"{table}:{lines.line_num}") from error


def _json_lines(table: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_read(table).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{table}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"not JSON: {error}", where=where, hint="One object a line."
            ) from error
        if not isinstance(row, dict):
            raise InputError("not a JSON object", where=where, hint="One object a line.")
        yield number, {str(key).lower(): value for key, value in row.items()}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(
            "is not UTF-8 text", where=f"{path}:{line}", hint="Save it as UTF-8."
        ) from error


# -- public corpora -------------------------------------------------------------------------------


def _librispeech(folder: Path, accent: str) -> Iterator[Source]:
    """Yield what lies in ``[subset/]speaker/chapter/``: FLAC files and one ``*.trans.txt``.

    ``train-clean-100`` and the like give the split.
    """
    for table in sorted(folder.rglob("*.trans.txt")):
        subsets = [part.split("-")[0] for part in table.parts[:-3] if "-" in part]
        split = next((_SPLITS[name] for name in reversed(subsets) if name in _SPLITS), None)
        for number, line in enumerate(_read(table).splitlines(), 1):
            if not line.strip():
                continue
            where = f"{table}:{number}"
            name, _, text = line.strip().partition(" ")
            audio = table.parent / f"{name}.flac"
            speaker = speaker_name(f"ls-{name.split('-')[0]}")
            problem = None if audio.is_file() else _missing(audio.name, where)
            yield Source(audio, text, where, speaker, accent, split, problem)


def _commonvoice(
    folder: Path, accent: str, table: Path | None, by_speaker: bool
) -> Iterator[Source]:
    """Yield what the tables list: ``train``, ``dev`` and ``test``, or else ``validated``."""
    given = [folder / f"{name}.tsv" for name in ("train", "dev", "test")]
    whole = folder / "validated.tsv"
    if table is not None:
        tables = [table]
    elif whole.is_file() and (by_speaker or not any(path.is_file() for path in given)):
        tables = [whole]
    else:
        tables = [path for path in given if path.is_file()]
    if not tables:
        raise InputError(
            "no train.tsv, dev.tsv, test.tsv or validated.tsv: not Common Voice's layout",
            where=str(folder),
            hint="Give the folder of one language, which has clips/ and the tables.",
        )
    for path in tables:
        for line, row in _columns(path, quoted=False):
            where = f"{path}:{line}"
            name = _pick(row, ("path",)) or ""
            audio = folder / "clips" / name
            if not audio.suffix:
                audio = audio.with_name(f"{name}.mp3")  # old releases name clips without it
            yield Source(
                audio,
                _pick(row, ("sentence",)) or "",
                where,
                # 128 hexadecimal digits otherwise
                speaker_name(f"cv-{(_pick(row, ('client_id',)) or 'unknown')[:12]}"),
                _pick(row, _ACCENT_NAMES) or accent,
                _SPLITS.get(path.stem),
                None if audio.is_file() else _missing(f"clips/{audio.name}", where),
            )
