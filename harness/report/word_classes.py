"""Word errors of rare and of common words, and of characters, by training and by epoch (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.werr import relative_reduction_percent
from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed
from harness.report.outcome import Change, changes
from harness.report.rounds import of_run
from harness.report.sub_models import RankedSubModel
from harness.report.text import plural
from harness.results.files import StoreError
from harness.results.scoring import Kind, Scoring
from harness.results.store import HypothesisRow
from harness.results.wer_interval import Utterance, WerInterval, wer_interval
from harness.results.word_list import words_in

KIND_WORDS: Mapping[Kind, str] = {
    "all": "all words",
    "rare": "rare words",
    "common": "common words",
    "characters": "characters",
}
"""What a page calls what errors are counted of."""


@dataclass(frozen=True)
class KindFigures:
    """Errors of one kind, over the repeats of a training together."""

    kind: Kind
    before: WerInterval | None
    """None: nothing of the kind is said, or what was heard is not held."""
    after: WerInterval | None

    @property
    def reduction_percent(self) -> float | None:
        """WERR of the training against its start."""
        before, after = percent(self.before), percent(self.after)
        if before is None or after is None:
            return None
        return relative_reduction_percent(before, after)


@dataclass(frozen=True)
class EpochFigures:
    """Errors of all kinds in one epoch, or in one federated round."""

    epoch: int
    kept: bool
    kinds: tuple[tuple[Kind, WerInterval | None], ...]


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a training: of an epoch, or of the model of a federated round."""

    number: int
    attempts: tuple[Attempt, ...]
    epoch: int
    """Of the attempts: 0 where each only listens."""
    kept: bool
    """Whether the weights of all repeats are kept that were evaluated."""


@dataclass(frozen=True)
class ClassRow:
    """One training, or several of the same settings, over repeats."""

    name: str
    """The speaker, or how many."""
    phone: str
    settings: tuple[tuple[str, str], ...]
    sub_model: RankedSubModel
    round: int
    attempts: tuple[Attempt, ...]
    kinds: tuple[KindFigures, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class RunClasses:
    """What one run's scenario asks for."""

    run_id: str
    scoring: Scoring
    rows: tuple[ClassRow, ...]
    together: tuple[ClassRow, ...]
    """All speakers of the same settings, where there are several."""
    known_percent: float | None
    """Of the words said, how many the list has."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is counted."""
        return self.scoring.kinds


def percent(interval: WerInterval | None) -> float | None:
    """Return the rate that an interval is of."""
    if interval is None:
        return None
    errors = interval.substitutions + interval.deletions + interval.insertions
    return 100 * errors / interval.words


def run_classes(runs: Iterable[RunData]) -> tuple[RunClasses, ...]:
    """Return the runs whose scenario asks for rare words or characters, with their figures."""
    return tuple(
        found
        for run in runs
        if run.scoring is not None
        and run.scoring.kinds != ("all",)
        and (found := _classes(run, run.scoring)).rows
    )


def _classes(run: RunData, scoring: Scoring) -> RunClasses:
    found = changes(run.personal)
    rows = (
        *(_row(change.speaker, [change], scoring) for change in found),
        *_federated(run, scoring),
    )
    groups: dict[object, list[Change]] = {}
    for change in found:
        key = change.phone, change.settings, change.sub_model, change.round
        groups.setdefault(key, []).append(change)
    together = tuple(
        _row(plural(len(members), "speaker"), members, scoring)
        for members in groups.values()
        if len({change.speaker for change in members}) > 1
    )
    return RunClasses(run.record.run_id, scoring, rows, together, _known_percent(run, scoring))


def _row(name: str, members: Sequence[Change], scoring: Scoring) -> ClassRow:
    attempts = tuple(attempt for change in members for attempt in change.attempts)
    first = members[0]
    return ClassRow(
        name=name,
        phone=first.phone,
        settings=first.settings,
        sub_model=first.sub_model,
        round=first.round,
        attempts=attempts,
        kinds=tuple(
            KindFigures(
                kind,
                wer_interval(heard(scoring, attempts, kind, 0)),
                wer_interval(heard(scoring, attempts, kind)),
            )
            for kind in scoring.kinds
        ),
        evaluations=_by_epoch(attempts),
    )


def _by_epoch(attempts: tuple[Attempt, ...]) -> tuple[Evaluation, ...]:
    kept = {attempt.result.kept_epoch for attempt in attempts}
    numbers = {epoch.epoch for attempt in attempts for epoch in attempt.result.epochs}
    return tuple(Evaluation(n, attempts, n, kept == {n}) for n in sorted(numbers))


def _federated(run: RunData, scoring: Scoring) -> Iterator[ClassRow]:
    """Yield each federated training: its model before the first round, and after the last."""
    for training in of_run(run):
        rounds = training.evaluated
        if not rounds:
            continue
        evaluations = tuple(
            Evaluation(own.number, tuple(own.evaluations.values()), 0, own is rounds[-1])
            for own in rounds
        )
        first, last = evaluations[0], evaluations[-1]
        yield ClassRow(
            name=f"{plural(len(training.clients), 'client')}, {training.strategy}",
            phone="",
            settings=tuple(pair for pair in training.settings if pair[0] != "strategy"),
            sub_model=RankedSubModel(None),
            round=1,
            attempts=last.attempts,
            kinds=tuple(
                KindFigures(
                    kind,
                    wer_interval(heard(scoring, first.attempts, kind, 0)),
                    wer_interval(heard(scoring, last.attempts, kind, 0)) if rounds[1:] else None,
                )
                for kind in scoring.kinds
            ),
            evaluations=evaluations,
        )


def epochs_of(row: ClassRow, scoring: Scoring) -> tuple[EpochFigures, ...]:
    """Return what each evaluation of a training came to, over its repeats or clients together."""
    return tuple(
        EpochFigures(
            own.number,
            own.kept,
            tuple(
                (kind, wer_interval(heard(scoring, own.attempts, kind, own.epoch)))
                for kind in scoring.kinds
            ),
        )
        for own in row.evaluations
    )


def heard(
    scoring: Scoring, attempts: Iterable[Attempt], kind: Kind, epoch: int | None = None
) -> tuple[Utterance, ...]:
    """Return what was heard by attempts in an epoch; None: each in the one whose weights count."""
    found: list[Utterance] = []
    for attempt in attempts:
        own = attempt.result.kept_epoch if epoch is None else epoch
        if own is not None:
            found += scoring.utterances(rows_of(attempt), own, attempt.result.speaker, kind)
    return tuple(found)


def rows_of(attempt: Attempt) -> Sequence[HypothesisRow]:
    """Return what an attempt heard; nothing where its file is damaged."""
    try:
        return attempt.read_hypotheses()
    except StoreError:
        return []  # the page names the damaged file among its problems


def _known_percent(run: RunData, scoring: Scoring) -> float | None:
    if scoring.words is None:
        return None
    known = set(scoring.words.words)
    texts = {
        (attempt.result.speaker, row.id): row.reference
        for attempt in run.final
        for row in rows_of(attempt)
    }
    said = [word for text in texts.values() for word in text.split()]
    return 100 * sum(word in known for word in said) / len(said) if said else None


def in_words(found: RunClasses) -> str:
    """Return in a sentence how rare words did against common ones, or how characters did."""
    if found.scoring.asked.rare_words is None:
        return "Character error rates beside word error rates."
    pairs = [
        (rare, common)
        for row in found.rows
        for kinds in [{figures.kind: figures for figures in row.kinds}]
        if (rare := percent(kinds["rare"].after)) is not None
        and (common := percent(kinds["common"].after)) is not None
    ]
    if not pairs:
        return "No training has both rare and common words."
    higher = sum(rare > common for rare, common in pairs)
    lower = sum(rare < common for rare, common in pairs)
    if len(pairs) == 1:
        ((rare, common),) = pairs
        return (
            f"After training WER is {fixed(rare, 1)} % of rare words and {fixed(common, 1)} % of "
            "common ones."
        )
    return (
        f"After training rare words have the higher WER in {higher} of {len(pairs)} trainings, "
        f"common words in {lower}."
    )


def list_in_words(found: RunClasses) -> str:
    """Return what is rare by which list, in a sentence."""
    scoring = found.scoring
    rule = scoring.asked.rare_words
    if rule is None or scoring.words is None:
        return ""
    said = words_in(row.reference for own in found.rows for a in own.attempts for row in rows_of(a))
    rare = len(said & scoring.rare)
    verb = "is" if rare == 1 else "are"
    known = ""
    if found.known_percent is not None:
        known = f"; {fixed(found.known_percent, 1)} % of what is said is among them"
    return (
        f"Rare: {rule.label}, by {scoring.source}: "
        f"{plural(len(scoring.words.words), 'word')}{known}. "
        f"Of {plural(len(said), 'different word')} said, {rare} {verb} rare."
    )
