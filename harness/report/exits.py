"""At which exits utterances left, by rule, over repeats (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median

from harness.report.evaluation import Evaluation, first_answered
from harness.report.figures.depth import DepthLine
from harness.report.leaving import (
    LOOKS,
    THRESHOLDED,
    JudgedWay,
    could_have_been,
    judged_ways,
    points,
    say_words,
)
from harness.report.load import Attempt
from harness.report.numbers import fixed, middle, signed
from harness.report.text import plural
from harness.results.files import StoreError
from harness.results.model import ExitRecord, ExitsRecord
from harness.results.wer_difference import wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval

TOLD = 6
"""So many groups have a sentence."""


@dataclass(frozen=True)
class RuleRow:
    """A rule on one speaker, model and kind of phone, over its repeats: medians."""

    rule: str
    speaker: str
    model: str
    phone: str
    run: str
    attempts: tuple[Attempt, ...]
    records: tuple[ExitsRecord, ...]

    @property
    def kind(self) -> str:
        """The rule without its threshold or exit."""
        return str(self.records[0].rule.get("rule", self.rule))

    @property
    def whom(self) -> tuple[str, str, str, str]:
        """What rules are compared within: speaker, model, phone, run."""
        return self.speaker, self.model, self.phone, self.run

    @cached_property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """Of its attempts, those that can be read; the page names the others' damaged files."""
        return tuple(each for attempt in self.attempts if (each := evaluation_of(attempt)))

    @cached_property
    def interval(self) -> WerInterval | None:
        """How sure the WER is, over all repeats."""
        return wer_interval(self.left)

    @cached_property
    def left(self) -> tuple[Utterance, ...]:
        """Word errors of what was heard where utterances left, in all repeats."""
        return tuple(heard for each in self.evaluations for heard in each.left)

    @property
    def share_percent(self) -> tuple[float, ...]:
        """Of the utterances that left at each exit, from the shallowest."""
        return tuple(each.share_percent for each in self.by_exit)

    @property
    def wer_percent(self) -> float | None:
        """Of what was heard where utterances left."""
        return middle(record.wer_percent for record in self.records)

    @property
    def mean_depth(self) -> float:
        """Layers."""
        return median(record.mean_depth for record in self.records)

    @property
    def mean_seconds(self) -> float:
        """Of the segments that ran, for a batch."""
        return median(record.mean_seconds for record in self.records)

    @property
    def mean_rule_seconds(self) -> float:
        """Of decoding and rule, for an utterance."""
        return median(record.mean_rule_seconds for record in self.records)

    @property
    def by_exit(self) -> tuple[ExitFigures, ...]:
        """From the shallowest exit."""
        names = dict.fromkeys(each.exit for record in self.records for each in record.by_exit)
        return tuple(
            ExitFigures.of(
                [each for record in self.records for each in record.by_exit if each.exit == name]
            )
            for name in names
        )


@dataclass(frozen=True)
class ExitFigures:
    """One exit, over repeats."""

    exit: str
    depth: int
    share_percent: float
    utterances: int
    wer_percent: float | None
    seconds: float | None
    rule_seconds: float | None

    @classmethod
    def of(cls, records: list[ExitRecord]) -> ExitFigures:
        """Take the medians of repeats; shares are their mean."""
        return cls(
            exit=records[0].exit,
            depth=records[0].depth,
            share_percent=fmean(record.share_percent for record in records),
            utterances=sum(record.utterances for record in records),
            wer_percent=middle(record.wer_percent for record in records),
            seconds=middle(record.seconds for record in records),
            rule_seconds=middle(record.rule_seconds for record in records),
        )


def evaluation_of(attempt: Attempt) -> Evaluation | None:
    """Return what an attempt tells of exits; None where it does not, or cannot be read."""
    try:
        return Evaluation.of(attempt)
    except StoreError:
        return None


def rule_rows(attempts: Iterable[Attempt]) -> tuple[RuleRow, ...]:
    """Return the rules that attempts had, in the order of the attempts."""
    groups: dict[tuple[str, str, str, str, str], list[tuple[Attempt, ExitsRecord]]] = {}
    for attempt in attempts:
        result = attempt.result
        if result.exits is not None and result.exits.by_exit:
            key = (
                result.exits.label,
                result.speaker,
                _written_by(result.model_name, result.exits),
                result.phone.profile,
                result.run_id,
            )
            groups.setdefault(key, []).append((attempt, result.exits))
    return tuple(
        RuleRow(
            *key,
            attempts=tuple(attempt for attempt, _ in members),
            records=tuple(record for _, record in members),
        )
        for key, members in groups.items()
    )


def _written_by(model: str, exits: ExitsRecord) -> str:
    """Return a model's name; with attention decoders it answers as another one."""
    return f"{model} (decoders)" if exits.rule.get("decoder") == "attention" else model


@dataclass(frozen=True)
class ExitGroup:
    """Rules that heard the same speaker by the same model on the same kind of phone."""

    key: str
    """For ids; unique on the page."""
    rules: tuple[RuleRow, ...]

    @property
    def first(self) -> RuleRow:
        """Of the group."""
        return self.rules[0]

    @cached_property
    def answered(self) -> Evaluation | None:
        """An evaluation in which every exit answered every utterance that it tells of."""
        found = first_answered([each for row in self.rules for each in row.evaluations])
        return found[0] if found else None

    @property
    def exits(self) -> tuple[ExitFigures, ...]:
        """From the shallowest."""
        return max((row.by_exit for row in self.rules), key=len)

    @cached_property
    def lines(self) -> tuple[DepthLine, ...]:
        """WER over depth: what was measured, a line a kind of rule, and what could have been."""
        lines = [*self._measured()]
        if self.answered is not None and say_words(self.answered.heard):
            lines += could_have_been(self.answered, self.answered.heard)
        return tuple(lines)

    def _measured(self) -> Iterable[DepthLine]:
        by_kind: dict[str, list[tuple[float, float, tuple[float, float] | None]]] = {}
        for row in self.rules:
            if row.wer_percent is not None:
                ends = row.interval.ends if row.interval else None
                point = (row.mean_depth, row.wer_percent, ends)
                by_kind.setdefault(row.kind, []).append(point)
        for kind, own in by_kind.items():
            own.sort(key=lambda point: point[:2])
            yield DepthLine(
                kind,
                tuple((depth, wer) for depth, wer, _ in own),
                *LOOKS.get(kind, ("phone", "x")),
                between=tuple(ends for _, _, ends in own),
            )

    @cached_property
    def judged(self) -> tuple[JudgedWay, ...]:
        """Ways of leaving on the half that judges; nothing where no threshold can be chosen."""
        if self.answered is None or not any(points(self.answered, rule) for rule in THRESHOLDED):
            return ()
        return tuple(judged_ways(self.answered))

    @property
    def ticks(self) -> tuple[float, ...]:
        """Depths of the exits."""
        return tuple(float(exit_.depth) for exit_ in self.exits)


def exit_groups(rows: Iterable[RuleRow]) -> tuple[ExitGroup, ...]:
    """Return the rules by speaker, model, phone and run."""
    groups: dict[tuple[str, str, str, str], list[RuleRow]] = {}
    for row in rows:
        groups.setdefault(row.whom, []).append(row)
    return tuple(
        ExitGroup(f"exits{number}", tuple(own)) for number, own in enumerate(groups.values(), 1)
    )


def in_words(groups: Sequence[ExitGroup]) -> tuple[str, ...]:
    """Return in a sentence each how early a group's utterances may leave, the first few groups."""
    more = len(groups) - TOLD
    rest = (f"{plural(more, 'more speaker or phone', 'more speakers or phones')}: below.",)
    return tuple(map(_sentence, groups[:TOLD])) + (rest if more > 0 else ())


def _sentence(group: ExitGroup) -> str:
    whom = f"{group.first.speaker} by {group.first.model}"
    deepest = max(group.ticks)
    last = next((row for row in group.rules if row.kind == "last"), None)
    others = [row for row in group.rules if row is not last]
    if last is None or not others:
        shallow = min(group.rules, key=lambda row: row.mean_depth)
        return (
            f"{whom}: by {shallow.rule} utterances left after {fixed(shallow.mean_depth, 1)} of "
            f"{fixed(deepest)} layers in the mean, WER {fixed(shallow.wer_percent, 1)} %."
        )
    differences = {row.rule: wer_difference(last.left, row.left) for row in others}
    good = [row for row in others if (d := differences[row.rule]) and d.low_points <= 0]
    if not good:
        return (
            f"{whom}: no rule can be said to hear as well as the last exit "
            f"(WER {fixed(last.wer_percent, 1)} %)."
        )
    best = min(good, key=lambda row: (row.mean_depth, row.wer_percent or 0.0))
    difference = differences[best.rule]
    assert difference is not None
    return (
        f"{whom}: of the rules that cannot be said to hear worse than the last exit, {best.rule} "
        f"leaves earliest, after {fixed(best.mean_depth, 1)} of {fixed(deepest)} layers in the "
        f"mean, with WER {fixed(best.wer_percent, 1)} % instead of {fixed(last.wer_percent, 1)} % "
        f"(difference between {signed(difference.low_points, 1)} and "
        f"{signed(difference.high_points, 1)} points)."
    )
