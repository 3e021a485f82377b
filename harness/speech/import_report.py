"""What an import says: what is in the corpus, what is not and why.

None of it is held in memory: a line for each recording may be a million lines.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import InputError
from harness.speech.json_pieces import Pairs, json_pieces
from harness.speech.manifest import Corpus, Utterance, load_manifest
from harness.speech.spool import Spool, SpooledList, packed, unpacked

_MOST_SAID: Final = 10


@dataclass(frozen=True)
class LeftOut:
    """A recording that is not in the corpus."""

    where: str
    reason: str
    """In a word or two, for counting."""
    detail: str

    @classmethod
    def because(cls, error: InputError, where: str = "") -> LeftOut:
        """Return what an error says of a recording that is skipped for it."""
        return cls(error.where or where, error.what.partition(":")[0], error.what)


class LeftOuts(Collection[LeftOut]):
    """Recordings that are not in the corpus, on disk, and how many there are of each reason.

    Args:
        spool: Where they are kept.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._length = 0
        spool.run(
            "CREATE TABLE left_out (number INTEGER PRIMARY KEY, place BLOB, reason BLOB, "
            "detail BLOB)"
        )

    def append(self, left: LeftOut) -> None:
        """Add one."""
        self._spool.run(
            "INSERT INTO left_out VALUES (NULL, ?, ?, ?)",
            *map(packed, (left.where, left.reason, left.detail)),
        )
        self._length += 1

    def extend(self, several: Iterable[LeftOut]) -> None:
        """Add several."""
        for left in several:
            self.append(left)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[LeftOut]:
        for texts in self._spool.rows("SELECT place, reason, detail FROM left_out ORDER BY number"):
            yield LeftOut(*map(unpacked, texts))

    def __contains__(self, left: object) -> bool:
        return any(own == left for own in self)

    def reasons(self) -> Iterator[tuple[LeftOut, int]]:
        """Yield the first of each reason and how many there are, the most frequent reason first."""
        rows = self._spool.rows(
            "SELECT place, l.reason, detail, count FROM left_out l JOIN (SELECT MIN(number) AS "
            "first, COUNT(*) AS count FROM left_out GROUP BY reason) ON number = first "
            "ORDER BY count DESC, first"
        )
        for place, reason, detail, count in rows:
            yield LeftOut(unpacked(place), unpacked(reason), unpacked(detail)), count


@dataclass(frozen=True)
class SpeakerSpeech:
    """What a corpus has of a speaker.

    Attributes:
        speaker: Who.
        accent: Of the first recording.
        seconds: Of all recordings.
        counts: Recordings by (round, split), in order of appearance.
    """

    speaker: str
    accent: str
    seconds: float
    counts: Counter[tuple[int, str]]


class Contents:
    """What is in a corpus, added up as its utterances come.

    Args:
        spool: Where what is known of each speaker is kept.
    """

    def __init__(self, spool: Spool) -> None:
        self.utterances = 0
        self.seconds = 0.0
        self.longest_s = 0.0
        self._spool = spool
        # a row for each speaker, round and split: the first of them has the speaker's accent
        spool.run(
            "CREATE TABLE speech (speaker TEXT, round INTEGER, split TEXT, accent BLOB, "
            "first INTEGER, count INTEGER, seconds REAL, PRIMARY KEY (speaker, round, split)) "
            "WITHOUT ROWID"
        )

    def add(self, utterance: Utterance) -> None:
        """Add an utterance."""
        self.utterances += 1
        self.seconds += utterance.duration_s
        self.longest_s = max(self.longest_s, utterance.duration_s)
        key = (utterance.speaker, utterance.round, utterance.split)
        self._spool.run(
            "INSERT OR IGNORE INTO speech VALUES (?, ?, ?, ?, ?, 0, 0)",
            *(*key, packed(utterance.accent), self.utterances),
        )
        self._spool.run(
            "UPDATE speech SET count = count + 1, seconds = seconds + ? "
            "WHERE speaker = ? AND round = ? AND split = ?",
            *(utterance.duration_s, *key),
        )

    def by_speaker(self) -> Iterator[SpeakerSpeech]:
        """Yield what there is of each speaker, in order of appearance."""
        rows = self._spool.rows(
            "SELECT speaker, round, split, accent, count, seconds FROM speech JOIN (SELECT speaker "
            "AS own, MIN(first) AS begins FROM speech GROUP BY speaker) ON own = speaker "
            "ORDER BY begins, first"
        )
        for speaker, parts in itertools.groupby(rows, key=lambda row: str(row[0])):
            accent, seconds = None, 0.0
            counts: Counter[tuple[int, str]] = Counter()
            for _, round_, split, packed_accent, count, own_seconds in parts:
                accent = unpacked(packed_accent) if accent is None else accent
                counts[round_, split] = count
                seconds += own_seconds
            yield SpeakerSpeech(speaker, accent or "", seconds, counts)


@dataclass(frozen=True)
class Imported:
    """What became of an import.

    Attributes:
        manifest: Of the corpus.
        sha256: Of the manifest file.
        contents: What is in the corpus.
        left_out: What is not.
        warnings: What is odd.
    """

    manifest: Path
    sha256: str
    contents: Contents
    left_out: LeftOuts
    warnings: SpooledList[str]

    @property
    def corpus(self) -> Corpus:
        """The corpus, read again whole."""
        return load_manifest(self.manifest)


def report(imported: Imported) -> Iterator[str]:
    """Yield an import as pieces of JSON: what is in the corpus, what is not and why."""
    return json_pieces(Pairs(facts(imported)), indent=1)


def facts(imported: Imported) -> Iterator[tuple[str, object]]:
    """Yield names and values of a report, for `json_pieces`."""
    contents = imported.contents
    yield "sha256", imported.sha256
    yield "utterances", contents.utterances
    yield "seconds", round(contents.seconds, 1)
    yield "longest_s", contents.longest_s
    yield "speakers", Pairs((own.speaker, _speaker(own)) for own in contents.by_speaker())
    yield "warnings", iter(imported.warnings)
    reasons = imported.left_out.reasons()
    yield "reasons", Pairs((first.reason, count) for first, count in reasons)
    yield "left_out", map(dataclasses.asdict, imported.left_out)


def _speaker(speech: SpeakerSpeech) -> dict[str, object]:
    rounds: dict[str, dict[str, int]] = {}
    for (round_, split), count in speech.counts.items():
        rounds.setdefault(str(round_), {})[split] = count
    return {"accent": speech.accent, "seconds": round(speech.seconds, 1), "rounds": rounds}


def refuse(problems: Iterable[InputError]) -> None:
    """Raise one error that names all that is wrong (ten at most), if anything is.

    Raises:
        InputError: The first problem; the others are in its hint.
    """
    problems = iter(problems)
    named = list(itertools.islice(problems, _MOST_SAID))
    if not named:
        return
    more = sum(1 for _ in problems)
    first, *rest = named
    lines = [first.hint] if first.hint else []
    lines += [f"{problem.where}: {problem.what}" for problem in rest]
    if more:
        lines.append(f"... and {more} more")
    lines.append("With --skip-bad all such recordings are left out.")
    raise InputError(first.what, where=first.where, hint="\n  ".join(lines))


def require(taken: int, left: LeftOuts) -> None:
    """Check that a recording is left.

    Raises:
        InputError: None is; it says why.
    """
    if taken:
        return
    reasons = itertools.islice(left.reasons(), 3)
    summary = ", ".join(f"{first.reason} ({count})" for first, count in reasons)
    raise InputError(
        f"no recording is left: {summary}",
        where=next((first.where for first in left), ""),
        hint="Look at --min-seconds and --max-seconds, or mend what is named.",
    )
