"""Runs the public hypotheses of fbai-speech through our scorer of rare and common words.

    git clone https://github.com/facebookresearch/fbai-speech
    script/bench rare_words fbai-speech

Its ``is21_deep_bias`` holds what a recogniser heard of LibriSpeech's test sets with 21 ways of
biasing, the rare words of each utterance, and the printed WER, U-WER and B-WER with their counts.
Nothing of it is kept here. Two things are checked: every printed digit and count, and that our own
rule, outside of the 5,000 words of its list of common ones, finds the rare words of each utterance.
By the first 5,000 of its list of counts a few utterances differ, which is told: it has words of the
same count on both sides of the 5,000th, and the common ones are others of them. Exit code 1 where
anything else differs.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.metrics.rare_words import ByClass, Vocabulary, by_class
from harness.metrics.words import WordErrors

FOLDER = "is21_deep_bias"
RANK = 5_000
_RESULT = re.compile(
    r"(WER|U-WER|B-WER): error_rate=([0-9.]+), ref_words=(\d+), subs=(\d+), ins=(\d+), dels=(\d+)"
)


@dataclass(frozen=True)
class Said:
    """One utterance of a test set."""

    text: str
    rare: frozenset[str]
    """Its rare words, as the file lists them."""


def references(folder: Path, name: str) -> dict[str, Said]:
    """Return the utterances of a test set by their ids; all sizes of biasing list have the same."""
    file = next(iter(sorted((folder / "ref").glob(f"{name}.biasing_*.tsv"))), None)
    if file is None:
        raise SystemExit(f"{folder / 'ref'}: no {name}.biasing_*.tsv")
    said = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        utterance, text, rare = line.split("\t")[:3]
        said[utterance] = Said(text, frozenset(json.loads(rare)))
    return said


def hypotheses(file: Path) -> dict[str, str]:
    """Return what was heard by the ids of the utterances."""
    lines = (line.partition("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return {utterance: text.strip() for utterance, _, text in lines}


def common_words(folder: Path, name: str) -> Vocabulary:
    """Return the words of one of its lists; the first column, counts left aside."""
    lines = (folder / "words" / name).read_text(encoding="utf-8").splitlines()
    return Vocabulary(tuple(line.split("\t")[0] for line in lines))


def unlike(said: Mapping[str, Said], words: Vocabulary) -> int:
    """Return in how many utterances the words outside of the first `RANK` are not those listed."""
    rare = words.outside_of(RANK, (each.text for each in said.values()))
    return sum(each.rare != rare & set(each.text.split()) for each in said.values())


def printed(file: Path) -> dict[str, tuple[str, ...]]:
    """Return name -> (rate, words, substitutions, insertions, deletions) as printed."""
    return {name: tuple(rest) for name, *rest in _RESULT.findall(file.read_text(encoding="utf-8"))}


def as_printed(errors: WordErrors) -> tuple[str, ...]:
    """Return counts as ``score.py`` prints them."""
    counts = (errors.substitutions, errors.insertions, errors.deletions)
    return (str(errors.wer_percent), str(errors.reference_words), *map(str, counts))


def scored(said: dict[str, Said], heard: dict[str, str]) -> ByClass:
    """Return the errors of a test set, as ``score.py`` counts them."""
    return sum(
        (
            by_class(each.text, heard[name], each.rare, listed="per_utterance", costs="4/3/3")
            for name, each in said.items()
        ),
        ByClass(),
    )


def main() -> None:
    """Score all files, print what comes, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path, help="A copy of facebookresearch/fbai-speech.")
    folder = parser.parse_args().repository / FOLDER
    files = sorted((folder / "results").glob("*.result"))
    if not files:
        raise SystemExit(f"{folder / 'results'}: no results; is this a copy of fbai-speech?")
    sets = {name: references(folder, name) for name in ("test-clean", "test-other")}
    everything = {name: said for own in sets.values() for name, said in own.items()}
    by_list = unlike(everything, common_words(folder, "common_words_5k.txt"))
    by_counts = unlike(everything, common_words(folder, "all_words.count.txt"))
    began = time.perf_counter()
    differs = figures = 0
    for file in files:
        name = file.name.removesuffix(".result")
        found = scored(sets[name.split(".")[0]], hypotheses(folder / "hyp" / name))
        theirs = printed(file)
        ours = {
            "WER": as_printed(found.both),
            "U-WER": as_printed(found.common),
            "B-WER": as_printed(found.rare),
        }
        figures += sum(map(len, ours.values()))
        wrong = [
            f"{what} {ours[what]} for {theirs.get(what)}"
            for what in ours
            if ours[what] != theirs.get(what)
        ]
        differs += len(wrong)
        rates = "  ".join(f"{what} {values[0]}" for what, values in ours.items())
        print(f"{name}: {'; '.join(wrong) or rates}")
    print(
        f"{len(files)} files, {figures} printed figures: {differs} lines differ. Rare words of "
        f"{len(everything)} utterances: {by_list} differ by the list of common words, {by_counts} "
        f"by that of counts. {time.perf_counter() - began:.1f} s"
    )
    raise SystemExit(int(differs > 0 or by_list > 0))


if __name__ == "__main__":
    main()
