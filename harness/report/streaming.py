"""What hearing recordings while they went on came to, over repeats and beside another run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from typing import Any

from harness.report.axes import PROFILE, SERIAL, SPEAKER
from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed, middle, signed
from harness.report.text import plural
from harness.report.wer import heard_after, interval_text
from harness.results.model import AttemptResult, StreamingRecord
from harness.results.wer_difference import wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval
from harness.scenario.paths import axis_words

TOLD = 6
"""So many rows have a sentence."""

Pair = tuple[str, str]
"""Before, now."""
_IN_COLUMNS = (SPEAKER, PROFILE, SERIAL, "model", "trainer.streaming.beam", "trainer.streaming")
"""What a matrix varies that has a column of its own."""

Member = tuple[Attempt, StreamingRecord]


@dataclass(frozen=True)
class Key:
    """What is heard alike: repeats differ in nothing of it."""

    beam: int
    speaker: str
    model: str
    phone: str
    run: str
    """Empty: of several runs together."""
    others: str
    """What else the matrix varies, as JSON."""

    @staticmethod
    def of(result: AttemptResult, record: StreamingRecord) -> Key:
        """Return that of an attempt."""
        phone = result.phone.profile or result.phone.model
        others = json.dumps(_others(result), sort_keys=True, default=str)
        return Key(record.beam, result.speaker, result.model_name, phone, result.run_id, others)


@dataclass(frozen=True)
class StreamRow:
    """What is heard alike, over its repeats: medians."""

    key: Key
    attempts: tuple[Attempt, ...]
    records: tuple[StreamingRecord, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """What the matrix varies beside speaker, model, phone and beam: path -> value."""
        return _others(self.attempts[0].result)

    @cached_property
    def heard(self) -> tuple[Utterance, ...]:
        """Word errors of what was heard, in all repeats."""
        return tuple(each for attempt in self.attempts for each in heard_after(attempt))

    @cached_property
    def interval(self) -> WerInterval | None:
        """How sure the WER is, over all repeats."""
        return wer_interval(self.heard)

    @property
    def wer_percent(self) -> float | None:
        """Of what was heard while it went on."""
        return middle(attempt.result.wer_after_percent for attempt in self.attempts)

    @property
    def real_time_factor(self) -> float:
        """Time of all steps by time of the recordings."""
        return median(record.real_time_factor for record in self.records)

    @property
    def step_ms(self) -> float:
        """Of a segment."""
        return median(record.step_ms for record in self.records)

    @property
    def last_word_ms(self) -> float | None:
        """From the end of speech to the last change of the text, of an utterance in the middle."""
        return middle(record.last_word_ms_median for record in self.records)

    @property
    def last_word_ms_p90(self) -> float | None:
        """The same, of the utterance that nine of ten are not above."""
        return middle(record.last_word_ms_p90 for record in self.records)

    @property
    def peak_rss_mb(self) -> float | None:
        """The highest of all repeats."""
        known = [a.result.peak_rss_mb for a in self.attempts if a.result.peak_rss_mb is not None]
        return max(known) if known else None

    @property
    def utterances(self) -> int:
        """Heard, in all repeats."""
        return sum(record.utterances for record in self.records)

    @property
    def audio_s(self) -> float:
        """Seconds of recordings, in all repeats."""
        return sum(record.audio_s for record in self.records)


def stream_rows(attempts: Iterable[Attempt]) -> tuple[StreamRow, ...]:
    """Return what attempts heard while it went on, in the order of the attempts."""
    groups: dict[Key, list[Member]] = {}
    for attempt in attempts:
        record = attempt.result.streaming
        if record is not None:
            groups.setdefault(Key.of(attempt.result, record), []).append((attempt, record))
    return tuple(_row(key, members) for key, members in groups.items())


def in_words(rows: Sequence[StreamRow]) -> tuple[str, ...]:
    """Return a sentence a row: whether it keeps up with speech, and how late its last word is."""
    return tuple(_sentence(row) for row in rows[:TOLD])


@dataclass(frozen=True)
class StreamBeside:
    """What both runs heard alike."""

    now: StreamRow
    wer: Pair
    change: str
    """Of the WER, points, over the utterances that both heard; empty where none are held."""
    real_time_factor: Pair
    step_ms: Pair
    last_word_ms: Pair
    peak_rss_mb: Pair


def streams_beside(runs: Sequence[RunData]) -> tuple[StreamBeside, ...]:
    """Return what the last run has that the others together have too.

    Args:
        runs: The one in question last.
    """
    if len(runs) < 2:
        return ()
    old = {row.key: row for row in _pooled(runs[:-1])}
    return tuple(_beside(old[row.key], row) for row in _pooled(runs[-1:]) if row.key in old)


def _pooled(runs: Sequence[RunData]) -> list[StreamRow]:
    """Return the rows of several runs, alike ones as one."""
    groups: dict[Key, list[Member]] = {}
    for row in stream_rows(attempt for run in runs for attempt in run.final):
        members = zip(row.attempts, row.records, strict=True)
        groups.setdefault(replace(row.key, run=""), []).extend(members)
    return [_row(key, members) for key, members in groups.items()]


def _row(key: Key, members: Sequence[Member]) -> StreamRow:
    attempts = tuple(attempt for attempt, _ in members)
    return StreamRow(key, attempts, tuple(record for _, record in members))


def _others(result: AttemptResult) -> dict[str, Any]:
    return {path: value for path, value in result.axes.items() if path not in _IN_COLUMNS}


def _beside(before: StreamRow, now: StreamRow) -> StreamBeside:
    both = (before, now)
    difference = wer_difference(before.heard, now.heard)

    def pair(figure: Callable[[StreamRow], float | None], digits: int) -> Pair:
        first, second = (fixed(figure(row), digits) for row in both)
        return first, second

    change = ""
    if difference is not None:
        ends = f"{signed(difference.low_points, 1)} to {signed(difference.high_points, 1)}"
        change = f"{signed(difference.points, 1)} ({ends})"
    return StreamBeside(
        now=now,
        wer=(_wer(before), _wer(now)),
        change=change,
        real_time_factor=pair(lambda row: row.real_time_factor, 3),
        step_ms=pair(lambda row: row.step_ms, 1),
        last_word_ms=pair(lambda row: row.last_word_ms, 0),
        peak_rss_mb=pair(lambda row: row.peak_rss_mb, 0),
    )


def _wer(row: StreamRow) -> str:
    sure = interval_text(row.interval)
    return fixed(row.wer_percent, 1) + (f" ({sure})" if sure else "")


def _sentence(row: StreamRow) -> str:
    search = "greedy decoding" if row.key.beam == 1 else f"a beam of {row.key.beam}"
    if row.settings:
        search += f" ({', '.join(f'{name} {value}' for name, value in axis_words(row.settings))})"
    keeps_up = "keeps up with speech" if row.real_time_factor < 1 else "falls behind speech"
    late = "nothing was heard"
    if row.last_word_ms is not None:
        when = "before" if row.last_word_ms < 0 else "after"
        late = f"its last word stands {fixed(abs(row.last_word_ms), 0)} ms {when} speech ends"
    heard = plural(row.utterances, "utterance")
    return (
        f"{row.key.speaker} on {row.key.phone}: {search} {keeps_up} (real-time factor "
        f"{fixed(row.real_time_factor, 3)}); {late} (median, {heard})."
    )
