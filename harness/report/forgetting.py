"""What a training did to its owner and to other speakers, who use the same phone (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.load import Attempt
from harness.report.numbers import Spread, fixed, signed, spread
from harness.report.outcome import Change
from harness.report.text import listed, plural
from harness.results.files import StoreError
from harness.results.model import OtherSpeakerRecord
from harness.results.wer_interval import Utterance, WerInterval, utterances_of, wer_interval


@dataclass(frozen=True)
class Voice:
    """WER of somebody before and after a training, over its repeats."""

    name: str
    accent: str
    before: Spread | None
    after: Spread | None
    before_interval: WerInterval | None
    after_interval: WerInterval | None

    @property
    def difference(self) -> float | None:
        """After minus before, in percentage points of WER."""
        if self.before is None or self.after is None:
            return None
        return self.after.median - self.before.median


@dataclass(frozen=True)
class Forgetting:
    """One training, over its repeats, and who was listened to."""

    change: Change
    owner: Voice
    others: tuple[Voice, ...]
    together: Voice
    """All others: their errors over their words."""


def forgetting(changes: Iterable[Change]) -> tuple[Forgetting, ...]:
    """Return what trainings did to others, of those that listened to any."""
    return tuple(
        _forgetting(change)
        for change in changes
        if any(attempt.result.others for attempt in change.attempts)
    )


def _forgetting(change: Change) -> Forgetting:
    own = Voice(
        change.speaker,
        change.accent,
        change.before,
        change.after,
        change.before_interval,
        change.after_interval,
    )
    accents = {
        record.speaker: record.accent
        for attempt in change.attempts
        for record in attempt.result.others
    }
    others = tuple(_voice(change.attempts, (name,), name, accents[name]) for name in accents)
    count = plural(len(accents), "other")
    return Forgetting(change, own, others, _voice(change.attempts, tuple(accents), count, ""))


def _voice(attempts: Sequence[Attempt], names: tuple[str, ...], name: str, accent: str) -> Voice:
    before = [(attempt, 0) for attempt in attempts]
    after = [
        (attempt, epoch) for attempt in attempts if (epoch := attempt.result.kept_epoch) is not None
    ]
    return Voice(
        name=name,
        accent=accent,
        before=spread(_wer_percent(*heard, names) for heard in before),
        after=spread(_wer_percent(*heard, names) for heard in after),
        before_interval=_interval(before, names),
        after_interval=_interval(after, names),
    )


def _wer_percent(attempt: Attempt, epoch: int, names: tuple[str, ...]) -> float | None:
    """Return the WER of some together; None unless all of them were heard."""
    records = [
        record
        for record in attempt.result.others
        if record.epoch == epoch and record.speaker in names
    ]
    words = sum(record.reference_words for record in records)
    if len(records) < len(names) or not words:
        return None
    return 100 * sum(map(_errors, records)) / words


def _errors(record: OtherSpeakerRecord) -> int:
    return record.substitutions + record.deletions + record.insertions


def _interval(
    evaluations: Iterable[tuple[Attempt, int]], names: tuple[str, ...]
) -> WerInterval | None:
    utterances: list[Utterance] = []
    for attempt, epoch in evaluations:
        try:
            rows = attempt.read_others()
        except StoreError:
            return None  # the page names the damaged file among its problems
        for name in names:
            own = [row for row in rows if row.speaker == name]
            utterances += utterances_of(own, epoch, name)
    return wer_interval(utterances)


def in_words(rows: Sequence[Forgetting]) -> str:
    """Return in a sentence what the trainings did to owners and to others."""
    known = [
        (own, others)
        for row in rows
        if (own := row.owner.difference) is not None
        and (others := row.together.difference) is not None
    ]
    if not known:
        return "The trainings ended before others could be listened to again."
    fell = sum(own < 0 for own, _ in known)
    rose = sum(others > 0 for _, others in known)
    own_all, others_all = spread(own for own, _ in known), spread(others for _, others in known)
    assert own_all is not None
    assert others_all is not None
    if len(known) == 1:
        return (
            f"WER changed by {signed(own_all.median, 1)} points for the owner and by "
            f"{signed(others_all.median, 1)} points for others."
        )
    return (
        f"WER fell for {fell} of {len(known)} owners and rose for others in {rose} of "
        f"{len(known)} trainings: by {signed(own_all.median, 1)} points for the owner and "
        f"{signed(others_all.median, 1)} points for others in the median "
        f"({fixed(others_all.low, 1)} to {fixed(others_all.high, 1)})."
    )


def who(rows: Sequence[Forgetting]) -> str:
    """Return who was listened to, in words."""
    names = dict.fromkeys(voice.name for row in rows for voice in row.others)
    return listed(list(names))
