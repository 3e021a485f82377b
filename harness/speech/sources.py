"""Where recordings and their transcripts come from: what ``corpus import`` finds.

A layout (`harness.speech.layouts`) only lists what is there; nothing is decoded here.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from harness.errors import InputError
from harness.speech.audio import Segment
from harness.speech.speaker_names import person, speaker_name, told_apart
from harness.speech.spool import Spool, SpooledList, SpooledSet, packed

Layout = Literal["folder", "librispeech", "commonvoice"]

UNKNOWN = "unknown"
"""The accent of recordings of which nobody says it."""
_BETWEEN: Final = "\0"
"""Between the parts of a path: in no name, and before all letters when names are sorted."""


@dataclass(frozen=True, slots=True)
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
        segment: The part of the file that the transcript belongs to; None = all of it.
        passed_over: Nobody asked for it: with a problem it is counted, and refuses nothing.
    """

    audio: Path
    text: str
    where: str
    speaker: str
    accent: str
    split: str | None = None
    problem: InputError | None = None
    segment: Segment | None = None
    passed_over: bool = False


_OTHERS: Final = tuple(field.name for field in fields(Source) if field.name != "audio")


def find_sources(
    folder: Path,
    layout: Layout,
    *,
    transcripts: Path | None = None,
    speaker: str | None = None,
    accent: str | None = None,
    by_speaker: bool = False,
    leave: Path | None = None,
) -> Sources:
    """List the recordings of a folder, in a fixed order; the list is on disk.

    Args:
        folder: Where they lie.
        layout: ``folder`` (a transcript beside each recording, or one table), ``librispeech`` or
            ``commonvoice``, both as they are downloaded.
        transcripts: The table, for ``folder`` and ``commonvoice``.
        speaker: Who speaks where nothing says it; by default named like the folder.
        accent: Accent where nothing says it.
        by_speaker: The caller does not want the layout's own splits (``commonvoice`` then has
            everything that was validated, not only its balanced subsets).
        leave: A folder that is not looked into: where the corpus is written to.

    Raises:
        InputError: No such folder, or it is not laid out like this (file and line said).
    """
    from harness.speech import layouts

    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder))
    own = (speaker or folder.resolve().name).strip() or UNKNOWN
    speaker_name(own)  # refuses what is no name before anything is read
    accent = accent or UNKNOWN
    spool = Spool()
    tree = Tree(folder, spool, leave)
    if layout == "librispeech":
        sources = layouts.librispeech(tree, accent)
        missing = "no *.trans.txt below: not LibriSpeech's layout"
    elif layout == "commonvoice":
        sources = layouts.commonvoice(folder, accent, transcripts, by_speaker)
        missing = "its tables list nothing"
    else:
        table = transcripts or layouts.only_table(folder)
        sources = (
            layouts.table(table, tree, own, accent)
            if table
            else layouts.sidecars(tree, own, accent)
        )
        missing = "no recordings here"
    listed = Sources(spool)
    for source in sources:
        listed.append(source)
    if not listed.asked_for:
        raise InputError(
            missing,
            where=str(folder),
            hint="It takes recordings with a .txt beside each, or one CSV, TSV or JSON-lines table "
            "with the columns file and text; or say --layout librispeech or commonvoice.",
        )
    return listed


class Sources(Collection[Source]):
    """Recordings in the order in which their layout lists them, on disk; each person has a name.

    Args:
        spool: Where they are kept.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._listed: SpooledList[tuple[Any, ...]] = spool.new_list()
        self.asked_for = 0
        """How many of them somebody asked for."""
        spool.run("CREATE TABLE people (person BLOB PRIMARY KEY, name TEXT) WITHOUT ROWID")

    def append(self, source: Source) -> None:
        """Add a recording, with its speaker as its layout has it.

        Raises:
            InputError: That is no name.
        """
        # plain values, which take less time and room than objects
        self._listed.append((str(source.audio), *(getattr(source, field) for field in _OTHERS)))
        self.asked_for += not source.passed_over
        self._spool.run(
            "INSERT OR IGNORE INTO people VALUES (?, ?)",
            packed(person(source.speaker)),
            speaker_name(source.speaker),
        )

    def __iter__(self) -> Iterator[Source]:
        # once all are known, or it would have nothing to go by for each speaker
        self._spool.run("CREATE INDEX IF NOT EXISTS people_name ON people (name)")
        name = functools.lru_cache(maxsize=256)(self._name)
        for audio, text, where, speaker, *others in self._listed:
            yield Source(Path(audio), text, where, name(speaker), *others)

    def _name(self, speaker: str) -> str:
        spelling = person(speaker)
        query = "SELECT COUNT(*) FROM people WHERE name = ?"
        return told_apart(spelling, self._spool.count(query, speaker_name(spelling)))

    def __len__(self) -> int:
        return len(self._listed)

    def __contains__(self, source: object) -> bool:
        return any(own == source for own in self)


class Tree:
    """The files below a folder, linked folders too, each folder once; their names are on disk.

    Args:
        folder: Where to begin.
        spool: Where names are kept.
        leave: A folder below it that is not looked into.
    """

    def __init__(self, folder: Path, spool: Spool, leave: Path | None = None) -> None:
        self.folder = folder
        self.spool = spool
        self._leave = None if leave is None else leave.resolve()

    def files(self) -> Iterator[Path]:
        """Yield all files but hidden ones, sorted."""
        return map(self._path, self._names)

    def beside(self, path: Path) -> Iterator[Path]:
        """Yield the files that are named like one but for the suffix."""
        start = self._name(path.with_suffix("")) + "."
        for name in self._names.between(start, start[:-1] + chr(ord(".") + 1)):
            other = self._path(name)
            if other.with_suffix("") == path.with_suffix(""):
                yield other

    def __contains__(self, path: Path) -> bool:
        if not path.is_relative_to(self.folder) or _BETWEEN in str(path):
            return False
        return self._name(path) in self._names

    def parts(self, path: Path) -> tuple[str, ...]:
        """Return the names of the folders between the tree's own and a file, and the file's."""
        return path.relative_to(self.folder).parts

    def _name(self, path: Path) -> str:
        return _BETWEEN.join(self.parts(path))

    def _path(self, name: str) -> Path:
        return self.folder.joinpath(*name.split(_BETWEEN))

    @functools.cached_property
    def _names(self) -> SpooledSet:
        names = self.spool.new_set()
        seen: set[Path] = set()
        folders = [self.folder]
        while folders:
            folder = folders.pop()
            here = folder.resolve()
            if here in seen or here == self._leave:
                continue
            seen.add(here)
            below = []
            for entry in _entries(folder):
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    below.append(entry.name)
                else:
                    names.add(self._name(folder / entry.name))
            folders += (folder / name for name in sorted(below, reverse=True))
        return names


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; nothing of one that may not be read."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
