"""At which exits utterances left, by rule, over repeats (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, median

from harness.report.load import Attempt
from harness.report.numbers import fixed
from harness.report.text import plural
from harness.results.model import ExitRecord, ExitsRecord


@dataclass(frozen=True)
class RuleRow:
    """A rule on one speaker, model and kind of phone, over its repeats: medians."""

    rule: str
    speaker: str
    model: str
    phone: str
    attempts: tuple[Attempt, ...]
    records: tuple[ExitsRecord, ...]

    @property
    def wer_percent(self) -> float | None:
        """Of what was heard where utterances left."""
        known = [r.wer_percent for r in self.records if r.wer_percent is not None]
        return median(known) if known else None

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

        def middle(values: Iterable[float | None]) -> float | None:
            known = [value for value in values if value is not None]
            return median(known) if known else None

        return cls(
            exit=records[0].exit,
            depth=records[0].depth,
            share_percent=fmean(record.share_percent for record in records),
            utterances=sum(record.utterances for record in records),
            wer_percent=middle(record.wer_percent for record in records),
            seconds=middle(record.seconds for record in records),
            rule_seconds=middle(record.rule_seconds for record in records),
        )


def rule_rows(attempts: Iterable[Attempt]) -> tuple[RuleRow, ...]:
    """Return the rules that attempts had, in the order of the attempts."""
    groups: dict[tuple[str, str, str, str], list[tuple[Attempt, ExitsRecord]]] = {}
    for attempt in attempts:
        result = attempt.result
        if result.exits is not None:
            rule = " ".join(str(value) for value in result.exits.rule.values())
            key = (rule, result.speaker, result.model_name, result.phone.profile)
            groups.setdefault(key, []).append((attempt, result.exits))
    return tuple(
        RuleRow(
            *key,
            attempts=tuple(attempt for attempt, _ in members),
            records=tuple(record for _, record in members),
        )
        for key, members in groups.items()
    )


def in_words(rows: tuple[RuleRow, ...]) -> str:
    """Return in a sentence how early utterances left."""
    shallow = min(rows, key=lambda row: row.mean_depth)
    return (
        f"{plural(len({row.rule for row in rows}), 'rule')} heard "
        f"{plural(len({row.speaker for row in rows}), 'speaker')}. Utterances left earliest by "
        f"{shallow.rule} ({shallow.speaker}): after {fixed(shallow.mean_depth, 1)} layers in the "
        "mean."
    )
