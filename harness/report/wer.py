"""What a page says of a WER beside its figure: how sure it is, and what 100 % means (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.report.load import Attempt
from harness.report.numbers import Spread, fixed, spread
from harness.report.text import listed
from harness.results.files import StoreError
from harness.results.store import HypothesisRow
from harness.results.wer_interval import Utterance, WerInterval, utterances_of, wer_interval

NOTHING_HEARD_PERCENT: Final = 100.0
"""The WER of a recogniser that writes no word at all."""
NOTHING_HEARD: Final = "100 %: hears nothing"
"""What a figure calls it."""


def is_unknown_speech(before_percent: float | None) -> bool:
    """Say whether a baseline does not know the speech that it was tried on."""
    return before_percent is not None and before_percent >= NOTHING_HEARD_PERCENT


def before_by_speaker(attempts: Iterable[Attempt]) -> dict[str, Spread]:
    """Return the WER before any training by speaker: that of the first round where there is one."""
    values: dict[str, dict[int, list[float]]] = {}
    for attempt in attempts:
        result = attempt.result
        if result.wer_before_percent is not None:
            rounds = values.setdefault(result.speaker, {})
            rounds.setdefault(result.round, []).append(result.wer_before_percent)
    first = {speaker: spread(rounds[min(rounds)]) for speaker, rounds in values.items()}
    return {speaker: before for speaker, before in first.items() if before is not None}


def unknown_speakers(attempts: Iterable[Attempt]) -> dict[str, Spread]:
    """Return the speakers whose speech the baseline does not know, with their WER before."""
    return {
        speaker: before
        for speaker, before in before_by_speaker(attempts).items()
        if is_unknown_speech(before.median)
    }


def unknown_speech(attempts: Iterable[Attempt]) -> str:
    """Return that the baseline does not know some of the speech, in words; else nothing."""
    finished = [attempt for attempt in attempts if attempt.finished]
    unknown = unknown_speakers(finished)
    if not unknown:
        return ""
    after = {
        speaker: spread(
            attempt.result.wer_after_percent
            for attempt in finished
            if attempt.result.speaker == speaker
        )
        for speaker in unknown
    }
    named = []
    for speaker, before in unknown.items():
        trained = after[speaker]
        best = f", {fixed(trained.low, 1)} % at best after it" if trained else ""
        named.append(f"{speaker} (WER {fixed(before.median, 1)} % before training{best})")
    return (
        f"the baseline does not know the speech of {listed(named)}; "
        "a recogniser that hears nothing has 100 %"
    )


def interval_before(attempts: Iterable[Attempt]) -> WerInterval | None:
    """Return how sure the WER before training is, over attempts of one speaker and setting."""
    return _interval((attempt, 0) for attempt in attempts)


def interval_after(attempts: Iterable[Attempt]) -> WerInterval | None:
    """Return how sure the WER at the kept epoch is, over attempts of one speaker and setting."""
    return _interval((attempt, attempt.result.kept_epoch) for attempt in attempts)


def heard_before(attempt: Attempt) -> tuple[Utterance, ...]:
    """Return the utterances of the evaluation before training; nothing where none are held."""
    return _heard(attempt, 0)


def heard_after(attempt: Attempt) -> tuple[Utterance, ...]:
    """Return the utterances of the kept epoch's evaluation; nothing where none are held."""
    return _heard(attempt, attempt.result.kept_epoch)


def _heard(attempt: Attempt, epoch: int | None) -> tuple[Utterance, ...]:
    if epoch is None:
        return ()
    return utterances_of(_rows(attempt), epoch, attempt.result.speaker)


def _interval(evaluations: Iterable[tuple[Attempt, int | None]]) -> WerInterval | None:
    return wer_interval(
        utterance for attempt, epoch in evaluations for utterance in _heard(attempt, epoch)
    )


def _rows(attempt: Attempt) -> list[HypothesisRow]:
    try:
        return attempt.read_hypotheses()
    except StoreError:
        return []  # the page names the damaged file among its problems


def interval_text(interval: WerInterval | None) -> str:
    """Return ``28.1–41.6``; empty where there is no interval."""
    if interval is None or interval.low_percent is None:
        return ""
    return f"{fixed(interval.low_percent, 1)}–{fixed(interval.high_percent, 1)}"


def counts_text(interval: WerInterval | None) -> str:
    """Return ``S 31 D 2 I 1 of 100 words``; a dash where no hypotheses are held."""
    if interval is None:
        return "–"
    return (
        f"S\u00a0{interval.substitutions} D\u00a0{interval.deletions} "
        f"I\u00a0{interval.insertions} of {interval.words}\u00a0words"
    )
