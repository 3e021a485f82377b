"""Settings from the best to the worst, and which of them can be told apart (pure).

A setting is what a matrix varies beside who speaks and on which phone. Its WER is of all that it
heard: errors by words over its speakers, phones and repeats, so that no mean is taken over
settings. Settings are ranked by speakers and phones that they were all tried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.report.axes import (
    PROFILE,
    SPEAKER,
    SUB_MODEL,
    is_phone,
    key_at,
    keys_at,
    label_of,
    settings_at,
    varying,
)
from harness.report.facets import Facets
from harness.report.load import Attempt
from harness.report.wer import heard_after, heard_before, unknown_speakers
from harness.results.wer_difference import WerDifference, wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval


@dataclass(frozen=True)
class Setting:
    """One combination of what varies."""

    values: tuple[tuple[str, str], ...]
    """(setting, value) in words."""
    before_percent: float | None
    after_percent: float
    interval: WerInterval | None
    behind: WerDifference | None
    """Its WER less that of the best; None for the best, and where no hypotheses are held."""
    attempts: tuple[Attempt, ...]

    @property
    def name(self) -> str:
        """What tells it from the others: ``S1, batch size 5``."""
        return ", ".join(
            value if path == label_of(SUB_MODEL) else f"{path} {value}"
            for path, value in self.values
        )


@dataclass(frozen=True)
class Ranking:
    """Settings by WER, the lowest first."""

    settings: tuple[Setting, ...]
    speakers: tuple[str, ...]
    unranked: int
    """Settings that were not tried on all speakers and phones, or came to no WER."""

    @property
    def best(self) -> Setting:
        """The one with the lowest WER."""
        return self.settings[0]

    @property
    def as_good(self) -> int:
        """How many others may be as good as the best, by the words that were heard."""
        return sum(
            setting.behind is None or not setting.behind.clear for setting in self.settings[1:]
        )


def ranking(final: Sequence[Attempt], page_facets: Facets) -> Ranking | None:
    """Return the settings by WER; None where fewer than two were tried alike.

    Args:
        final: The last attempt of each job.
        page_facets: The settings that the page can filter by; no other counts.
    """
    finished = [
        attempt
        for attempt in final
        if attempt.finished and attempt.result.wer_after_percent is not None
    ]
    unknown = unknown_speakers(finished)
    known = [attempt for attempt in finished if attempt.result.speaker not in unknown]
    offered = {path for _, path in page_facets.paths}
    paths = [
        axis.path
        for axis in varying(known)
        if axis.path in offered and axis.path != SPEAKER and not is_phone(axis.path)
    ]
    if not paths:
        return None
    groups: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in known:
        groups.setdefault(keys_at(attempt, paths), []).append(attempt)
    alike = _alike(list(groups.values()))
    every = {keys_at(attempt, paths) for attempt in final if attempt.result.speaker not in unknown}
    if len(alike) < 2:
        return None
    heard = {id(members): _heard(members) for members in alike}
    alike.sort(key=lambda members: _wer_percent(members, heard[id(members)]))
    best = heard[id(alike[0])]
    return Ranking(
        tuple(
            _setting(members, heard[id(members)], best if number else (), paths)
            for number, members in enumerate(alike)
        ),
        tuple(sorted({attempt.result.speaker for members in alike for attempt in members})),
        len(every) - len(alike),
    )


def _alike(groups: Sequence[list[Attempt]]) -> list[list[Attempt]]:
    """Return the settings with the speakers and phones that all were tried on.

    Where these are fewer than half, the settings that were tried on all, if there are two.
    """
    tried = [{_on_whom(attempt) for attempt in members} for members in groups]
    whom = set[tuple[str, str]]().union(*tried)
    common = set.intersection(*tried) if tried else set()
    whole = [members for members, own in zip(groups, tried, strict=True) if own == whom]
    if 2 * len(common) < len(whom) and len(whole) > 1:
        return whole
    cut = [[attempt for attempt in members if _on_whom(attempt) in common] for members in groups]
    return [members for members in cut if members]


def _on_whom(attempt: Attempt) -> tuple[str, str]:
    return key_at(attempt, SPEAKER), key_at(attempt, PROFILE)


def _setting(
    members: Sequence[Attempt],
    heard: tuple[Utterance, ...],
    best: Sequence[Utterance],
    paths: Sequence[str],
) -> Setting:
    before = [
        attempt.result.wer_before_percent
        for attempt in members
        if attempt.result.wer_before_percent is not None
    ]
    heard_first = tuple(row for attempt in members for row in heard_before(attempt))
    return Setting(
        values=settings_at(members[0], paths),
        before_percent=_of(heard_first) if heard_first else (fmean(before) if before else None),
        after_percent=_wer_percent(members, heard),
        interval=wer_interval(heard),
        behind=wer_difference(best, heard) if best else None,
        attempts=tuple(members),
    )


def _heard(members: Sequence[Attempt]) -> tuple[Utterance, ...]:
    """Return what all members heard; nothing if one of them does not say."""
    each = [heard_after(attempt) for attempt in members]
    return tuple(row for rows in each for row in rows) if all(each) else ()


def _wer_percent(members: Sequence[Attempt], heard: Sequence[Utterance]) -> float:
    if heard and sum(row.words for row in heard):
        return _of(heard)
    return fmean(attempt.result.wer_after_percent or 0.0 for attempt in members)


def _of(heard: Sequence[Utterance]) -> float:
    return 100 * sum(row.errors for row in heard) / max(1, sum(row.words for row in heard))
