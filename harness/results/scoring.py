"""What was heard in a run, counted as its scenario's ``report`` asks: by class, by character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from harness.errors import InputError
from harness.metrics.alignment import aligned, errors_of
from harness.metrics.characters import character_errors
from harness.metrics.rare_words import Vocabulary, by_class
from harness.metrics.words import WordErrors
from harness.results.files import StoreError
from harness.results.run import RunRecord
from harness.results.store import HypothesisRow, RunFolder
from harness.results.wer_interval import Utterance, utterances_of
from harness.results.word_list import NAME, check_list, rare_words, read_words, words_in, words_of
from harness.scenario.report import Report

Kind = Literal["all", "rare", "common", "characters"]
"""What errors are counted of: all words, rare ones, common ones; or characters."""


FIGURES: Final[Mapping[Kind, str]] = {
    "rare": "rare_wer_percent",
    "common": "common_wer_percent",
    "characters": "cer_percent",
}
"""Kind -> its rate after training, as expectations and comparisons call it."""


@dataclass(frozen=True)
class Scoring:
    """How errors are counted.

    Args:
        asked: What the scenario, or whoever scores a finished run again, asks for.
        words: The list of words that rare ones go by; None where nobody asks for them.
        rare: Rare words.
        source: Where the list is from, in words.
    """

    asked: Report
    words: Vocabulary | None = None
    rare: frozenset[str] = frozenset()
    source: str = ""
    _counted: dict[tuple[str, str], Mapping[Kind, WordErrors]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is counted, in the order of a table."""
        classes: tuple[Kind, ...] = () if self.words is None else ("rare", "common")
        return ("all", *classes, *(("characters",) if self.asked.characters else ()))

    def counts(self, reference: str, hypothesis: str) -> Mapping[Kind, WordErrors]:
        """Return the errors of one utterance by what they are counted of.

        Of ``characters`` the counts, also that of the reference, are of characters.
        """
        key = reference, hypothesis
        if key not in self._counted:
            self._counted[key] = dict(self._counts(*key))
        return self._counted[key]

    def _counts(self, reference: str, hypothesis: str) -> Iterator[tuple[Kind, WordErrors]]:
        costs, rule = self.asked.costs, self.asked.rare_words
        if rule is None:
            yield "all", errors_of(aligned(reference, hypothesis, costs))
        else:
            found = by_class(reference, hypothesis, self.rare, listed=rule.listed, costs=costs)
            yield "all", found.both
            yield "rare", found.rare
            yield "common", found.common
        if self.asked.characters:
            found_too = character_errors([(reference, hypothesis)])
            yield (
                "characters",
                WordErrors(
                    found_too.substitutions,
                    found_too.deletions,
                    found_too.insertions,
                    found_too.reference_characters,
                ),
            )

    def figures(self, rows: Iterable[HypothesisRow], epoch: int) -> dict[str, float]:
        """Return the rates of one evaluation by the names that expectations have for them.

        What has no rate, since nothing of its kind is said, is left out.
        """
        counted = [self.counts(row.reference, row.hypothesis) for row in rows if row.epoch == epoch]
        rates = {
            kind: sum((each[kind] for each in counted), WordErrors()).wer_percent
            for kind in self.kinds
            if kind in FIGURES
        }
        return {FIGURES[kind]: rate for kind, rate in rates.items() if rate is not None}

    def utterances(
        self, rows: Iterable[HypothesisRow], epoch: int, speaker: str, kind: Kind
    ) -> tuple[Utterance, ...]:
        """Return the errors of one kind in one evaluation, for an interval.

        Args:
            rows: Hypotheses of an attempt.
            epoch: 0 is before training.
            speaker: Whose utterances they are.
            kind: What errors are counted of.
        """
        if kind == "all" and self.asked.costs == "1/1/1":  # as the row was scored
            return utterances_of(rows, epoch, speaker)
        found = []
        for row in rows:
            if row.epoch == epoch:
                errors = self.counts(row.reference, row.hypothesis)[kind]
                found.append(
                    Utterance(
                        f"{speaker}/{row.id}",
                        errors.substitutions,
                        errors.deletions,
                        errors.insertions,
                        errors.reference_words,
                    )
                )
        return tuple(found)


def scoring_of(folder: RunFolder, asked: Report, *, checked: bool = False) -> Scoring:
    """Return how the errors of a run are counted.

    Args:
        folder: The run folder; its own list of words counts unless ``asked`` names one.
        asked: What is asked for.
        checked: It is asked for now, of a finished run: the list is the file that ``asked`` names,
            and one that tells nothing is refused.

    Raises:
        InputError: The list cannot be used.
        StoreError: A file of the run cannot be read.
    """
    rule = asked.rare_words
    if rule is None:
        return Scoring(asked)
    texts = _references(folder)
    source = rule.words or "the training sentences"
    if checked and rule.words is not None:
        words = read_words(Path(rule.words), words_in(texts))
    else:
        words = words_of(folder, words_in(texts))
        if (folder.path / NAME).exists():
            source = rule.words or "the run's own list"
    if checked:
        check_list(words, rule, texts, rule.words or str(folder.path))
    return Scoring(asked, words, rare_words(words, rule, texts), source)


def scoring_of_scenario(folder: RunFolder, record: RunRecord) -> Scoring | None:
    """Return how a run's scenario asks for errors to be counted; None where it asks for nothing.

    Raises:
        StoreError: A file of the run, or its list of words, is damaged, or its scenario asks for
            what is not known here.
    """
    asked = record.scenario.get("report")
    if asked is None:
        return None
    try:
        return scoring_of(folder, Report.model_validate(asked))
    except (InputError, ValidationError) as error:
        raise StoreError(f"{folder.record_path}: scenario.report: {error}") from error


def _references(folder: RunFolder) -> Sequence[str]:
    texts: dict[str, None] = {}
    for attempt in folder.attempts():
        for row in (*attempt.hypotheses(), *attempt.others()):
            texts[row.reference] = None
    return list(texts)
