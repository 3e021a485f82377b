"""Tables of recordings and transcripts: CSV, TSV and JSON lines, read strictly (no audio).

A row is a line. A quote that is not closed on its line is an error there, so that it can never join
rows; what is wrong with one row is said with its line and need not cost the others.
"""

from __future__ import annotations

import codecs
import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import InputError

SUFFIXES: Final = (".csv", ".tsv", ".jsonl")
AUDIO_NAMES: Final = ("file", "audio", "path", "filename", "wav", "audio_filepath")
TEXT_NAMES: Final = ("text", "sentence", "transcript", "transcription")

_PIECE_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        where: File and line.
        cells: By column name in lower case; empty where ``problem`` says why.
        problem: Why the line cannot be read.
    """

    where: str
    cells: Mapping[str, Any]
    problem: InputError | None = None

    def text(self, *names: str) -> str | None:
        """Return the first of these columns that holds a word or a number, as text."""
        for name in names:
            value = self.cells.get(name)
            if isinstance(value, bool):
                continue
            if isinstance(value, float) and value.is_integer():
                value = int(value)  # how a spreadsheet or a data frame writes the id 12
            if isinstance(value, (str, int, float)):
                return str(value).strip()
        return None

    def seconds(self, *names: str) -> float | None:
        """Return the first of these columns that is there, as seconds; None if none is.

        Raises:
            InputError: It is no time.
        """
        name = next((name for name in names if self.cells.get(name) not in (None, "")), None)
        if name is None:
            return None
        value = self.cells[name]
        try:
            seconds = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            raise InputError(
                f"{name} is {value!r}, which is no time in seconds",
                where=self.where,
                hint="Write seconds, such as 2.87.",
            )
        return seconds


def read_rows(table: Path) -> Iterator[Row]:
    """Return the rows of a table by its kind (``.csv``, ``.tsv``, ``.jsonl`` or ``.json``).

    Raises:
        InputError: It cannot be read, or its first line names no columns that are needed.
    """
    if table.suffix.lower() in (".jsonl", ".json"):
        return json_rows(table)
    return column_rows(table)


def column_rows(
    table: Path, *, quoted: bool = True, needed: Iterable[tuple[str, ...]] = ()
) -> Iterator[Row]:
    """Return the rows below a line of column names.

    Args:
        table: CSV or, by its suffix, TSV.
        quoted: Cells may be in double quotes; else a quote is a letter like any other.
        needed: Groups of names; the first line has one of each. By default file and text.

    Raises:
        InputError: It cannot be read, or its first line lacks a column.
    """
    lines = _lines(table)
    _, first = next(lines, (1, ""))
    delimiter = _delimiter(table, first)
    header = [name.strip().lower() for name in _cells(first, delimiter, quoted, f"{table}:1")]
    wanted = tuple(needed) or (AUDIO_NAMES, TEXT_NAMES)
    if not all(set(header) & set(names) for names in wanted):
        raise InputError(
            f"its first line names no columns {' and '.join(names[0] for names in wanted)}: "
            f"{', '.join(header) or 'empty'}",
            where=f"{table}:1",
            hint=f"Begin the table with a line such as: {','.join(n[0] for n in wanted)}",
        )
    for number, line in lines:
        where = f"{table}:{number}"
        try:
            yield Row(where, _row(_cells(line, delimiter, quoted, where), header, where))
        except InputError as error:
            yield Row(where, {}, error)


def _delimiter(table: Path, first: str) -> str:
    if table.suffix.lower() == ".tsv":
        return "\t"
    # how spreadsheets save CSV where the comma is the decimal point
    return ";" if ";" in first and "," not in first else ","


def _cells(line: str, delimiter: str, quoted: bool, where: str) -> list[str]:
    if not quoted:
        return line.split(delimiter)
    reader = csv.reader([line], delimiter=delimiter, strict=True)
    try:
        return next(reader, [])
    except csv.Error as error:
        raise InputError(
            f"a quote in this line is not closed, or has something after it: {error}",
            where=where,
            hint='A cell in quotes ends with a quote, on the same line; a quote inside is "".',
        ) from error


def _row(cells: list[str], header: list[str], where: str) -> dict[str, str]:
    if len(cells) != len(header):
        raise InputError(
            f"{len(cells)} cells; the first line names {len(header)} columns",
            where=where,
            hint='A text that has the separator in it must be in quotes: "...".',
        )
    return dict(zip(header, cells, strict=True))


def json_rows(table: Path) -> Iterator[Row]:
    """Return one row for each line, which is a JSON object.

    Raises:
        InputError: It cannot be read.
    """
    for number, line in _lines(table):
        where = f"{table}:{number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            problem = InputError(f"not JSON: {error}", where=where, hint="One object a line.")
            yield Row(where, {}, problem)
            continue
        if not isinstance(row, dict):
            problem = InputError("not a JSON object", where=where, hint="One object a line.")
            yield Row(where, {}, problem)
            continue
        yield Row(where, {str(key).lower(): value for key, value in row.items()})


def _lines(table: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank; however a line ends.

    Raises:
        InputError: It cannot be read, or is not UTF-8 (the line is said).
    """
    _check_utf8(table)
    try:
        with table.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.removesuffix("\n")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(table)) from error


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                decoder.decode(piece)
                before += piece.count(b"\n")
            decoder.decode(b"", final=True)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path, before, error) from error


def _not_utf8(path: Path, lines_before: int, error: UnicodeDecodeError) -> InputError:
    line = lines_before + error.object[: error.start].count(b"\n") + 1
    return InputError("is not UTF-8 text", where=f"{path}:{line}", hint="Save it as UTF-8.")


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        InputError: It cannot be read, or is not UTF-8 (the line is said).
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path, 0, error) from error
