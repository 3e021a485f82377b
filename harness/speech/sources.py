"""Where recordings and their transcripts come from: what ``corpus import`` finds.

A layout (`harness.speech.layouts`) only lists what is there; nothing is decoded here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.errors import InputError
from harness.speech.audio import Segment
from harness.speech.speaker_names import person, speaker_name, speaker_names

Layout = Literal["folder", "librispeech", "commonvoice"]

UNKNOWN = "unknown"
"""The accent of recordings of which nobody says it."""


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


def find_sources(
    folder: Path,
    layout: Layout,
    *,
    transcripts: Path | None = None,
    speaker: str | None = None,
    accent: str | None = None,
    by_speaker: bool = False,
    leave: Path | None = None,
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
    tree = Tree(folder, leave)
    if layout == "librispeech":
        sources = list(layouts.librispeech(tree, accent))
        missing = "no *.trans.txt below: not LibriSpeech's layout"
    elif layout == "commonvoice":
        sources = list(layouts.commonvoice(folder, accent, transcripts, by_speaker))
        missing = "its tables list nothing"
    else:
        table = transcripts or layouts.only_table(folder)
        sources = list(
            layouts.table(table, tree, own, accent)
            if table
            else layouts.sidecars(tree, own, accent)
        )
        missing = "no recordings here"
    if not any(not source.passed_over for source in sources):
        raise InputError(
            missing,
            where=str(folder),
            hint="It takes recordings with a .txt beside each, or one CSV, TSV or JSON-lines table "
            "with the columns file and text; or say --layout librispeech or commonvoice.",
        )
    names = speaker_names({source.speaker for source in sources})
    return [replace(source, speaker=names[person(source.speaker)]) for source in sources]


class Tree:
    """The files below a folder, linked folders too, each folder once.

    Args:
        folder: Where to begin.
        leave: A folder below it that is not looked into.
    """

    def __init__(self, folder: Path, leave: Path | None = None) -> None:
        self.folder = folder
        self._leave = None if leave is None else leave.resolve()

    def files(self) -> list[Path]:
        """Return all files but hidden ones, sorted."""
        return sorted(self._walk())

    def parts(self, path: Path) -> tuple[str, ...]:
        """Return the names of the folders between the tree's own and a file, and the file's."""
        return path.relative_to(self.folder).parts

    def _walk(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for root, folders, files in os.walk(self.folder, followlinks=True):
            here = Path(root).resolve()
            if here in seen or here == self._leave:
                folders.clear()
                continue
            seen.add(here)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(root) / name for name in files if not name.startswith("."))
