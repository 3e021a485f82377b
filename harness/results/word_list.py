"""Words in the order of their frequency: of a file, or of the sentences that a run trained on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.metrics.rare_words import Vocabulary
from harness.results.files import StoreError, said, write_bytes
from harness.results.store import RunFolder
from harness.scenario.report import RareWords
from harness.speech.text import normalise_text

NAME = "words.tsv"
"""Where a run folder keeps the list of its scenario."""


def read_words(path: Path, spoken: Set[str], where: str = "") -> Vocabulary:
    """Read a list of words, one a line, each with its count or none with one.

    With counts the most frequent come first whatever the order of the lines; without, the lines'
    order is that of frequency. A word is spelt as transcripts spell it: in lower case, and without
    apostrophes and marks unless it is said with them.

    Args:
        path: The file: ``word`` or ``word<tab>count`` a line.
        spoken: Words of the transcripts.
        where: The file and what names it, for messages; the file alone if empty.

    Raises:
        InputError: It cannot be read, or is no such list; with file and line.
    """
    where = where or str(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from error
    except UnicodeDecodeError as error:
        raise InputError("is no text in UTF-8", where=where) from error
    entries = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    if not entries:
        raise InputError("has no word", where=where)
    columns = len(entries[0][1])
    counts: dict[str, int] = {}
    for number, entry in entries:
        if len(entry) != columns or columns > 2 or (columns == 2 and not entry[1].isdecimal()):
            raise InputError(
                f"is no list of words: {' '.join(entry)[:60]!r}",
                where=f"{where}:{number}",
                hint="Write a word a line, and a tab and its count behind each or behind none.",
            )
        word = _spelt(entry[0], spoken)
        if word:
            counts[word] = counts.get(word, 0) + (int(entry[1]) if columns == 2 else 0)
    if columns == 1:
        return Vocabulary(tuple(counts))
    ranked = sorted(counts.items(), key=lambda item: -item[1])  # stable: the file's order of equals
    return Vocabulary(tuple(word for word, _ in ranked), tuple(count for _, count in ranked))


def _spelt(word: str, spoken: Set[str]) -> str:
    lower = word.casefold()
    return lower if lower in spoken else normalise_text(lower).replace(" ", "")


def write_words(folder: RunFolder, words: Vocabulary) -> None:
    """Keep a list in a run folder.

    Raises:
        StoreError: It cannot be written.
    """
    counts = words.counts or ("",) * len(words.words)
    lines = (f"{word}\t{count}".rstrip() for word, count in zip(words.words, counts, strict=True))
    write_bytes(folder.path / NAME, ("\n".join(lines) + "\n").encode())


def words_of(folder: RunFolder, spoken: Set[str]) -> Vocabulary:
    """Return the list that a run folder keeps, else the words of what its jobs trained on.

    Args:
        folder: The run folder.
        spoken: Words of the transcripts.

    Returns:
        Without a word where the run tells nobody what was said.

    Raises:
        InputError: The list in the folder is none.
        StoreError: A job of the run cannot be read.
    """
    kept = folder.path / NAME
    if kept.exists():
        return read_words(kept, spoken)
    texts: dict[tuple[str, str], str] = {}
    for attempt in folder.attempts():
        data = _job_data(attempt.path / "job.json")
        texts |= {(data["speaker"], each["id"]): each["text"] for each in data["train"]}
    return Vocabulary.counted(texts.values())


def _job_data(path: Path) -> dict[str, Any]:
    """Return whose speech a job had, and what of it; nothing where the attempt ended before."""
    if not path.exists():
        return {"speaker": "", "train": []}
    with said(path, "read"):
        text = path.read_bytes()
    try:
        data: dict[str, Any] = json.loads(text)["data"]
        return {"speaker": str(data["speaker"]), "train": [dict(each) for each in data["train"]]}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not a job ({error})") from error


def rare_words(
    words: Vocabulary, rule: RareWords, texts: Iterable[str], where: str = "report.rare_words"
) -> frozenset[str]:
    """Return which words are rare.

    Args:
        words: In the order of their frequency.
        rule: By what.
        texts: What is said where errors are counted.
        where: What asks for it, for messages.

    Raises:
        InputError: The rule counts, and the words have no counts.
    """
    if rule.vocabulary_rank is not None:
        return words.outside_of(rule.vocabulary_rank, texts)
    assert rule.max_count is not None, "one of both is given"
    if not words.counts:
        raise InputError(
            "max_count goes by counts, and the list of words has none",
            where=where,
            hint="Write each word's count behind it, or use vocabulary_rank.",
        )
    return words.at_most(rule.max_count, texts)


def words_in(texts: Iterable[str]) -> set[str]:
    """Return the words of texts."""
    return {word for text in texts for word in text.split()}


def check_list(
    words: Vocabulary, rule: RareWords, texts: Sequence[str], where: str = "report.rare_words"
) -> None:
    """Check that a list tells rare words from common ones in what is listened to.

    Args:
        words: In the order of their frequency.
        rule: By what words are rare.
        texts: What is said where errors are counted.
        where: What asks for it, for messages.

    Raises:
        InputError: It is of another corpus, has no counts where they are needed, or leaves a class
            without a word.
    """
    spoken = words_in(texts)
    if not spoken:
        raise InputError(
            "nothing of what was heard is held, so that no word can be told from another",
            where=where,
            hint="Federated training keeps it on the phones unless it says hypotheses: true.",
        )
    if spoken.isdisjoint(words.words):
        some = ", ".join(repr(word) for word in sorted(spoken, key=lambda w: (len(w), w))[-3:])
        raise InputError(
            f"none of the {_plural(len(words.words))} of {rule.words or 'the training sentences'} "
            f"is said in what is listened to, such as {some}",
            where=where,
            hint="It is a list of another corpus or language: name the one of these recordings, or "
            "leave words out to count their training sentences.",
        )
    rare = spoken & rare_words(words, rule, texts, where)
    if rare and rare != spoken:
        return
    counts = f"The list has {_plural(len(words.words))}"
    if words.counts:
        counts += f", met {min(words.counts)} to {max(words.counts)} times"
    if not rare:
        raise InputError(
            f"no word of the {len(spoken)} that are listened to is rare ({rule.label})",
            where=where,
            hint=f"{counts}. Take a smaller vocabulary_rank or a larger max_count.",
        )
    raise InputError(
        f"all of the {len(spoken)} words that are listened to are rare ({rule.label})",
        where=where,
        hint=f"{counts}. Take a larger vocabulary_rank or a smaller max_count.",
    )


def _plural(count: int) -> str:
    return f"{count} word" if count == 1 else f"{count} words"
