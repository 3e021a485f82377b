"""What an import says: what is in the corpus, what is not and why."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import InputError
from harness.speech.manifest import Corpus

_MOST_SAID = 10


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


@dataclass(frozen=True)
class Imported:
    """What became of an import."""

    corpus: Corpus
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out for which reason."""
        return dict(Counter(clip.reason for clip in self.left_out).most_common())


def report(imported: Imported) -> dict[str, Any]:
    """Return an import as JSON: what is in the corpus, what is not and why."""
    corpus = imported.corpus
    speakers: dict[str, dict[str, Any]] = {}
    for utterance in corpus.utterances:
        entry = speakers.setdefault(
            utterance.speaker, {"accent": utterance.accent, "seconds": 0, "rounds": {}}
        )
        entry["seconds"] += utterance.duration_s
        entry["rounds"].setdefault(str(utterance.round), Counter())[utterance.split] += 1
    for entry in speakers.values():
        entry["seconds"] = round(entry["seconds"], 1)
    return {
        "sha256": corpus.sha256,
        "utterances": len(corpus.utterances),
        "seconds": round(sum(clip.duration_s for clip in corpus.utterances), 1),
        "longest_s": max(clip.duration_s for clip in corpus.utterances),
        "speakers": speakers,
        "warnings": list(imported.warnings),
        "reasons": imported.reasons,
        "left_out": [dataclasses.asdict(clip) for clip in imported.left_out],
    }


def refuse(problems: Iterable[InputError | None]) -> None:
    """Raise one error that names all that is wrong (ten at most), if anything is.

    Raises:
        InputError: The first problem; the others are in its hint.
    """
    refused = [problem for problem in problems if problem is not None]
    if not refused:
        return
    first, *rest = refused
    lines = [first.hint] if first.hint else []
    lines += [f"{problem.where}: {problem.what}" for problem in rest[: _MOST_SAID - 1]]
    if len(rest) >= _MOST_SAID:
        lines.append(f"... and {len(rest) - _MOST_SAID + 1} more")
    lines.append("With --skip-bad all such recordings are left out.")
    raise InputError(first.what, where=first.where, hint="\n  ".join(lines))


def require(taken: Sequence[object], left: Sequence[LeftOut]) -> None:
    """Check that a recording is left.

    Raises:
        InputError: None is; it says why.
    """
    if taken:
        return
    reasons = Counter(clip.reason for clip in left).most_common(3)
    summary = ", ".join(f"{reason} ({count})" for reason, count in reasons)
    raise InputError(
        f"no recording is left: {summary}",
        where=left[0].where if left else "",
        hint="Look at --min-seconds and --max-seconds, or mend what is named.",
    )
