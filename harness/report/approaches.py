"""Federated, personalised, and one after the other: WER by speaker side by side (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from statistics import mean

from harness.report.axes import SPEAKER, label_of, shown
from harness.report.load import Attempt, RunData
from harness.report.rounds import Training, of_run
from harness.report.text import plural
from harness.report.wer import heard_after, heard_before
from harness.results.wer_interval import Utterance, mean_wer_interval, wer_interval


@dataclass(frozen=True)
class Voice:
    """WER of one speaker under one approach, %, over its repeats."""

    before: float
    after: float
    words: frozenset[int]
    """Words of reference that were listened to."""
    heard: tuple[Utterance, ...]
    """In the evaluation after; empty where it was kept on the phone."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """How sure the WER after is, %."""
        found = wer_interval(self.heard)
        return found.ends if found else None


@dataclass(frozen=True)
class Approach:
    """One way to a model for each speaker."""

    name: str
    run_id: str
    settings: tuple[tuple[str, str], ...]
    voices: Mapping[str, Voice]
    """By speaker."""
    federated: bool


@dataclass(frozen=True)
class Summary:
    """An approach over the speakers that all approaches have."""

    before: float
    after: float
    interval: tuple[float, float] | None
    worst: str
    """The speaker with the highest WER after."""


@dataclass(frozen=True)
class SideBySide:
    """Approaches with speakers in common."""

    approaches: tuple[Approach, ...]
    speakers: tuple[str, ...]
    """All of them, those in common first."""
    common: tuple[str, ...]

    @cached_property
    def summaries(self) -> tuple[Summary, ...]:
        """Mean and worst of each approach."""
        return tuple(self._summary(approach) for approach in self.approaches)

    @property
    def best(self) -> tuple[Approach, Summary]:
        """The approach with the lowest mean WER."""
        return min(
            zip(self.approaches, self.summaries, strict=True), key=lambda pair: pair[1].after
        )

    @property
    def even(self) -> bool:
        """Whether none has a lower mean WER than another."""
        return len({round(summary.after, 1) for summary in self.summaries}) == 1

    @property
    def unlike(self) -> tuple[str, ...]:
        """Speakers who were not listened to with as many words everywhere."""
        return tuple(
            speaker
            for speaker in self.common
            if len(frozenset().union(*(a.voices[speaker].words for a in self.approaches))) > 1
        )

    @property
    def unheard(self) -> bool:
        """Whether what was heard is not held of some, so that they have no interval."""
        return any(not voice.heard for a in self.approaches for voice in a.voices.values())

    def _summary(self, approach: Approach) -> Summary:
        voices = [approach.voices[speaker] for speaker in self.common]
        return Summary(
            mean(voice.before for voice in voices),
            mean(voice.after for voice in voices),
            mean_wer_interval(voice.heard for voice in voices),
            max(self.common, key=lambda speaker: approach.voices[speaker].after),
        )


def side_by_side(runs: Sequence[RunData]) -> SideBySide | None:
    """Compare the approaches of runs; None unless one is federated and all share a speaker."""
    made = {m.sha256: m.round for run in runs for m in run.last_models}
    approaches = tuple(
        approach
        for run in runs
        for approach in (*_federated(run), *_personal(run, made))
        if approach.voices
    )
    if len(approaches) < 2 or not any(approach.federated for approach in approaches):
        return None
    speakers = list(dict.fromkeys(name for approach in approaches for name in approach.voices))
    common = [name for name in speakers if all(name in a.voices for a in approaches)]
    if not common:
        return None
    rest = [name for name in speakers if name not in common]
    return SideBySide(approaches, (*common, *rest), tuple(common))


# -- federated ------------------------------------------------------------------------------------


def _federated(run: RunData) -> Iterable[Approach]:
    for training in of_run(run):
        if len(training.evaluated) < 2 or not training.evaluated[-1].number:
            continue
        first, last = training.evaluated[0], training.evaluated[-1]
        voices = {
            client: Voice(
                first.rates[client],
                last.rates[client],
                _words([last.evaluations[client]]),
                heard_before(last.evaluations[client]),
            )
            for client in training.clients
            if client in first.rates and client in last.rates
        }
        name = f"federated, {plural(last.number, 'round')} of {training.strategy}"
        yield Approach(name, run.record.run_id, _settings_of(training), voices, federated=True)


def _settings_of(training: Training) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in training.settings if pair[0] != "strategy")


# -- personalised ---------------------------------------------------------------------------------


def _personal(run: RunData, made: Mapping[str, int]) -> Iterable[Approach]:
    groups: dict[tuple[tuple[str, str], ...], list[Attempt]] = {}
    for attempt in run.personal:
        if attempt.finished and attempt.result.wer_after_percent is not None:
            groups.setdefault(_settings(attempt), []).append(attempt)
    for settings, attempts in groups.items():
        voices = {}
        for speaker in dict.fromkeys(attempt.result.speaker for attempt in attempts):
            own = [attempt for attempt in attempts if attempt.result.speaker == speaker]
            voice = _voice(own)
            if voice is not None:
                voices[speaker] = voice
        name = _name(run, attempts, made)
        yield Approach(name, run.record.run_id, settings, voices, federated=False)


def _settings(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return tuple(
        (label_of(path), shown(value))
        for path, value in attempt.result.axes.items()
        if path not in (SPEAKER, "model.checkpoint")
    )


def _voice(attempts: Sequence[Attempt]) -> Voice | None:
    first = min(attempt.result.round for attempt in attempts)
    last = max(attempt.result.round for attempt in attempts)
    before = [
        attempt.result.wer_before_percent
        for attempt in attempts
        if attempt.result.round == first and attempt.result.wer_before_percent is not None
    ]
    ends = [attempt for attempt in attempts if attempt.result.round == last]
    after = [a.result.wer_after_percent for a in ends if a.result.wer_after_percent is not None]
    if not before or not after:
        return None
    heard = tuple(utterance for attempt in ends for utterance in heard_after(attempt))
    return Voice(mean(before), mean(after), _words(ends), heard)


def _words(attempts: Iterable[Attempt]) -> frozenset[int]:
    return frozenset(
        epoch.reference_words
        for attempt in attempts
        for epoch in attempt.result.epochs
        if epoch.epoch == 0
    )


def _name(run: RunData, attempts: Sequence[Attempt], made: Mapping[str, int]) -> str:
    starts = {attempt.result.start_sha256 for attempt in attempts}
    if starts <= made.keys():
        return "federated, then personalised"
    checkpoint = attempts[0].result.axes.get("model.checkpoint")
    model = run.record.scenario.get("model")
    if checkpoint is None and isinstance(model, dict):
        checkpoint = model.get("checkpoint")
    if checkpoint is None:
        return "personalised"
    return f"personalised from {PurePath(str(checkpoint)).name}"
