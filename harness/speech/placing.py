"""Recordings that were read become the utterances of a corpus: each once, each in its place.

What is known of them lies in a spool, since there may be a million.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import InputError
from harness.speech.audio import CLIPPED_SHARE
from harness.speech.import_report import LeftOut, LeftOuts, refuse
from harness.speech.languages import DEFAULT
from harness.speech.manifest import Utterance
from harness.speech.sources import Source
from harness.speech.splitting import rank, split_speaker
from harness.speech.spool import Spool, packed, unpacked

_TABLES: Final = (
    """CREATE TABLE reads (number INTEGER PRIMARY KEY, audio BLOB, place BLOB, speaker TEXT,
    accent BLOB, split TEXT, text TEXT, sha256 TEXT, recording TEXT, seconds REAL, clipped REAL,
    rank BLOB)""",
    # of one file several times: the first of them, and how many texts they have
    "CREATE TABLE repeated (first INTEGER PRIMARY KEY, recording TEXT UNIQUE, texts INTEGER)",
    "CREATE TABLE speakers (speaker TEXT PRIMARY KEY, first INTEGER) WITHOUT ROWID",
    "CREATE TABLE places (number INTEGER PRIMARY KEY, split TEXT, round INTEGER)",
    "CREATE TABLE ids (name TEXT PRIMARY KEY, used INTEGER) WITHOUT ROWID",
)
_SENTENCES: Final = "SELECT rank, number FROM reads WHERE speaker = ? ORDER BY rank, number"
_SAME: Final = "SELECT number, audio, place, text FROM reads WHERE recording = ? ORDER BY number"
_CORPUS: Final = """
    SELECT {} FROM places p JOIN reads r ON r.number = p.number
    JOIN speakers s ON s.speaker = r.speaker ORDER BY {}
"""


@dataclass(frozen=True, slots=True)
class Read:
    """A source whose recording was converted."""

    source: Source
    text: str
    sha256: str
    recording: str
    """Key of the original's content."""
    seconds: float
    clipped: float


@dataclass(frozen=True)
class Cut:
    """How recordings are placed.

    Attributes:
        train: Training recordings a speaker and round; None = all.
        validation: Validation recordings; None = one of four.
        rounds: Disjoint rounds.
        seed: Of the cut.
        resplit: Cut by speaker even where the layout has splits of its own.
        skip_bad: Leave out what cannot be used, rather than refuse it all.
        language: Code of the language that all of it is in.
    """

    train: int | None = None
    validation: int | None = None
    rounds: int = 1
    seed: int = 0
    resplit: bool = False
    skip_bad: bool = False
    language: str = DEFAULT


class Reads:
    """Recordings that were read, in the order in which their layout lists them.

    Args:
        spool: Where they are kept.
        cut: How they are placed.
    """

    def __init__(self, spool: Spool, cut: Cut) -> None:
        self._spool = spool
        self._cut = cut
        self._order = "s.first, p.round, p.split, p.number"
        for table in _TABLES:
            spool.run(table)

    def add(self, read: Read) -> None:
        """Add one."""
        source = read.source
        self._spool.run(
            "INSERT INTO reads VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            packed(str(source.audio)),
            packed(source.where),
            source.speaker,
            packed(source.accent),
            source.split,
            read.text,
            read.sha256,
            read.recording,
            read.seconds,
            read.clipped,
            rank(self._cut.seed, read.text),
        )

    def __len__(self) -> int:
        return self._spool.count("SELECT COUNT(*) FROM reads")

    @property
    def placed(self) -> int:
        """How many have a place in the corpus."""
        return self._spool.count("SELECT COUNT(*) FROM places")

    # -- each once --------------------------------------------------------------------------------

    def keep_once(self, left: LeftOuts) -> None:
        """Keep the first of recordings that are the same file: one could train, one validate.

        Raises:
            InputError: Their transcripts differ, so that at least one is wrong; where bad ones are
                skipped they are all left out.
        """
        run = self._spool.run
        run("CREATE INDEX reads_recording ON reads (recording, number)")
        run(
            "INSERT INTO repeated SELECT MIN(number), recording, COUNT(DISTINCT text) FROM reads "
            "GROUP BY recording HAVING COUNT(*) > 1"
        )
        if not self._cut.skip_bad:
            refuse(self._contradictions())
        left.extend(self._contradicted())
        left.extend(self._twice())
        run(
            "DELETE FROM reads WHERE EXISTS (SELECT 1 FROM repeated WHERE "
            "repeated.recording = reads.recording AND (texts > 1 OR first < number))"
        )

    def _repeated(self, *, contradicted: bool) -> Iterator[Iterator[tuple[str, str, str]]]:
        """Yield (audio, where, text) of all that are one file, file by file."""
        query = "SELECT recording FROM repeated WHERE (texts > 1) = ? ORDER BY first"
        for (recording,) in self._spool.rows(query, contradicted):
            rows = self._spool.rows(_SAME, recording)
            yield ((unpacked(audio), unpacked(where), text) for _, audio, where, text in rows)

    def _contradictions(self) -> Iterator[InputError]:
        for takes in self._repeated(contradicted=True):
            _, first_where, first_text = next(takes)
            for _, where, text in takes:
                if text != first_text:
                    yield InputError(
                        f"one recording with several texts: {first_text!r} and {text!r}",
                        where=where,
                        hint=f"{first_where} has the other. Give offset and duration of segments.",
                    )

    def _contradicted(self) -> Iterator[LeftOut]:
        for takes in self._repeated(contradicted=True):
            first, second = itertools.islice(takes, 2)
            detail = f"{first[1]} and {second[1]} say different things of it"
            for _, where, _ in itertools.chain((first, second), takes):
                yield LeftOut(where, "several texts of one recording", detail)

    def _twice(self) -> Iterator[LeftOut]:
        for takes in self._repeated(contradicted=False):
            first, _, _ = next(takes)
            for audio, _, _ in takes:
                yield LeftOut(audio, "twice", f"is the same file as {first}")

    # -- in their places --------------------------------------------------------------------------

    def place(self, left: LeftOuts) -> None:
        """Give every recording its split and round; note those that no split wants.

        Raises:
            InputError: A speaker has too few; where bad ones are skipped they are left out.
        """
        run, rows = self._spool.run, self._spool.rows
        run("INSERT INTO speakers SELECT speaker, MIN(number) FROM reads GROUP BY speaker")
        first = self._spool.row("SELECT split FROM reads ORDER BY number LIMIT 1")
        if not self._cut.resplit and first is not None and first[0] is not None:
            run("INSERT INTO places SELECT number, split, 1 FROM reads")
            self._order = "p.number"
            return
        run("CREATE INDEX reads_rank ON reads (speaker, rank, number)")
        for (speaker,) in rows("SELECT speaker FROM speakers ORDER BY first"):
            try:
                self._place_speaker(speaker)
            except InputError as error:
                if not self._cut.skip_bad:
                    raise
                reason, detail = "speaker has too few", error.what
            else:
                reason, detail = "not needed", "there are enough"
            unplaced = rows(
                "SELECT audio FROM reads WHERE speaker = ? AND "
                "number NOT IN (SELECT number FROM places) ORDER BY number",
                speaker,
            )
            left.extend(LeftOut(unpacked(audio), reason, detail) for (audio,) in unplaced)

    def _place_speaker(self, speaker: str) -> None:
        cut = self._cut
        places = split_speaker(
            lambda: (sum(1 for _ in takes) for takes in self._sentences(speaker)),
            speaker,
            rounds=cut.rounds,
            train=cut.train,
            validation=cut.validation,
        )
        for takes, (place, used) in zip(self._sentences(speaker), places, strict=True):
            for number in itertools.islice(takes, used):
                self._spool.run(
                    "INSERT INTO places VALUES (?, ?, ?)", number, place.split, place.round
                )

    def _sentences(self, speaker: str) -> Iterator[Iterator[int]]:
        """Yield the recordings of each sentence, by the sentences' rank."""
        rows = self._spool.rows(_SENTENCES, speaker)
        for _, takes in itertools.groupby(rows, key=operator.itemgetter(0)):
            yield (number for _, number in takes)

    # -- the corpus -------------------------------------------------------------------------------

    def utterances(self, wav: Path) -> Iterator[Utterance]:
        """Yield what the manifest lists, in its order.

        Args:
            wav: Folder of the converted recordings.
        """
        columns = (
            "r.audio, r.recording, r.text, r.speaker, r.accent, r.seconds, r.sha256, p.split, "
            "p.round"
        )
        for audio, recording, text, speaker, accent, seconds, sha256, split, round_ in self._rows(
            columns
        ):
            stem = re.sub(r"[^a-z0-9._-]+", "-", Path(unpacked(audio)).stem.lower()).strip("-.")
            yield Utterance(
                id=self._id(f"{speaker}-{stem or 'x'}"),
                audio=wav / f"{recording}.wav",
                text=text,
                speaker=speaker,
                accent=unpacked(accent),
                duration_s=round(seconds, 4),
                sha256=sha256,
                split=split,
                round=round_,
                language=self._cut.language,
            )

    def _id(self, name: str) -> str:
        used = 1 + self._spool.count("SELECT used FROM ids WHERE name = ?", name)
        self._spool.run("INSERT OR REPLACE INTO ids VALUES (?, ?)", name, used)
        return name if used == 1 else f"{name}~{used}"

    def warnings(self) -> Iterator[str]:
        """Yield what is odd and no reason to leave anything out."""
        for audio, clipped in self._rows("r.audio, r.clipped"):
            if clipped > CLIPPED_SHARE:
                yield f"{unpacked(audio)}: {100 * clipped:.1f} % of its samples are clipped"
        both = self._spool.count(
            "SELECT COUNT(*) FROM (SELECT 1 FROM places p JOIN reads r ON r.number = p.number "
            "GROUP BY r.text HAVING COUNT(DISTINCT p.split) > 1)"
        )
        if both:
            yield (
                f"{both} sentence(s) are in train and in validation, read by different speakers "
                "or so split by the layout"
            )

    def _rows(self, columns: str) -> Iterator[tuple[Any, ...]]:
        return self._spool.rows(_CORPUS.format(columns, self._order))
