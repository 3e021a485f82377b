"""Means to train with less, side by side: WER against bytes a round and against memory (pure).

A means is one federated training, or the attempts of one setting of personal training. Means are
compared if they heard the same speakers; whether a WER is surely above the lowest one is asked of
the same utterances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean
from typing import Any

from harness.report.axes import SPEAKER, label_of, shown
from harness.report.load import Attempt, RunData
from harness.report.variants import Variant, variants
from harness.report.wer import heard_after
from harness.results.networks import network_of
from harness.results.wer_difference import WerDifference, wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval

_NO_MEANS = (SPEAKER, "phones.profile", "phones.serial")
"""What a matrix may vary without training by other means."""
_SAVES = {
    "model": "model",
    "trainer.sub_model": "sub-model",
    "pressure.fits": "sub-model",
    "trainer.batch_size": "batch size",
    "trainer.exits": "exits",
}
"""What a matrix may vary to take less, by the beginning of its path."""


@dataclass(frozen=True)
class Means:
    """One way to train, what it took and what it came to."""

    name: str
    kind: str
    """What it saves by: codec, pruning, sub-model, ...; empty: by nothing."""
    speakers: frozenset[str]
    wer_percent: float
    heard: tuple[Utterance, ...]
    """Of all speakers with its last model; empty where it was kept on the phones."""
    bytes: float | None
    """A client and round, both ways; None: nothing travels."""
    peak_mb: float | None
    """The highest peak RSS of its trainers."""

    @cached_property
    def interval(self) -> WerInterval | None:
        """How sure its WER is."""
        return wer_interval(self.heard)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Between which percents its WER lies."""
        return self.interval.ends if self.interval else None


@dataclass(frozen=True)
class Buys:
    """Which means buys most of one cost.

    Attributes:
        lowest: The means with the lowest WER.
        cheapest: That which takes least among those whose WER is not surely above it.
    """

    lowest: Means
    cheapest: Means


@dataclass(frozen=True)
class SideBySide:
    """Means that heard the same speakers, from the lowest WER to the highest."""

    means: tuple[Means, ...]
    others: tuple[str, ...]
    """Names of means that heard other speakers."""

    @cached_property
    def above(self) -> tuple[WerDifference | None, ...]:
        """WER of each less the lowest one; None of that itself, or where nothing is held."""
        first = self.means[0]
        return (None, *(wer_difference(first.heard, means.heard) for means in self.means[1:]))

    def least(self, cost: Callable[[Means], float | None]) -> Buys | None:
        """Return which means takes least of a cost without a WER that is surely above the lowest.

        None where nothing that was heard is held, so that it cannot be said.
        """
        costs = [cost(means) for means in self.means]
        able = [
            (means, of)
            for means, of, above in zip(self.means, costs, self.above, strict=True)
            if of is not None and (above is None or above.low_points <= 0)
            if means is self.means[0] or above is not None
        ]
        if not self.means[0].heard or costs[0] is None or len({c for c in costs if c}) < 2:
            return None
        return Buys(self.means[0], min(able, key=lambda pair: pair[1])[0])


def side_by_side(runs: Sequence[RunData]) -> SideBySide | None:
    """Return the means of runs; None unless there are several ways to save."""
    forms = [_forms(run, own.result.model_name) for run in runs for own in run.attempts]
    usual_forms = frozenset.intersection(*forms) if forms else frozenset()
    found = [
        means
        for run in runs
        for means in (*_federated(run, runs, usual_forms), *_personal(run, runs, usual_forms))
    ]
    if not found:
        return None
    usual = Counter(means.speakers for means in found).most_common(1)[0][0]
    own = sorted((m for m in found if m.speakers == usual), key=lambda m: m.wer_percent)
    kinds = {means.kind for means in own}
    if len(own) < 2 or (len(kinds) < 2 and not any("," in kind for kind in kinds)):
        return None  # one setting against its cost stands with the other costs
    return SideBySide(tuple(own), tuple(m.name for m in found if m.speakers != usual))


# -- federated ------------------------------------------------------------------------------------


def _federated(
    run: RunData, runs: Sequence[RunData], usual_forms: frozenset[str]
) -> Iterable[Means]:
    for variant in variants(run):
        last = variant.last
        assert last is not None, "variants have a last round"
        assert last.mean_rate is not None, "which was evaluated"
        spent = variant.spent
        yield Means(
            name=_named(variant.name, run, runs),
            kind=_kinds(_kind(variant), run, variant.attempts, usual_forms),
            speakers=frozenset(last.rates),
            wer_percent=_wer(variant.heard, last.mean_rate),
            heard=variant.heard,
            bytes=spent.bytes,
            peak_mb=spent.peak_mb,
        )


def _kind(variant: Variant) -> list[str]:
    pruning = variant.pruning
    kinds = _saving(variant.beside)
    if variant.compression is not None:
        kinds.append("codec")
    if pruning is not None and pruning.level:
        kinds.append("masked pruning" if pruning.masked else "pruning")
    return kinds


def _kinds(
    kinds: Iterable[str], run: RunData, attempts: Iterable[Attempt], usual_forms: frozenset[str]
) -> str:
    """Return what is saved by: settings, and how the model was built, where others were not so."""
    forms = frozenset().union(*(_forms(run, own.result.model_name) for own in attempts))
    return ", ".join([*kinds, *sorted(forms - usual_forms)])


def _forms(run: RunData, model: str) -> frozenset[str]:
    """Return what a model's manifest says of how it trains with less."""
    manifest = run.record.models.get(model, {})
    forms = set()
    if manifest.get("resident", "float32") != "float32":
        forms.add("few bits while training")  # which recomputes, too
    elif manifest.get("recompute") or _is_switched(manifest):
        forms.add("gradient checkpointing")
    return frozenset(forms)


def _is_switched(manifest: Mapping[str, Any]) -> bool:
    """Return whether one signature trains all spans; older manifests do not say ``recompute``."""
    return any(sub_model.switch is not None for sub_model in network_of(manifest).sub_models)


def _saving(paths: Iterable[str]) -> list[str]:
    """Return what settings are varied that take less."""
    found = [
        name
        for path in paths
        for begin, name in _SAVES.items()
        if path == begin or path.startswith(f"{begin}.")
    ]
    return list(dict.fromkeys(found))


# -- personalised ---------------------------------------------------------------------------------


def _personal(
    run: RunData, runs: Sequence[RunData], usual_forms: frozenset[str]
) -> Iterable[Means]:
    groups: dict[tuple[tuple[str, str], ...], list[Attempt]] = {}
    for attempt in run.personal:
        if attempt.finished and attempt.result.wer_after_percent is not None:
            groups.setdefault(_settings(attempt), []).append(attempt)
    last = max((attempt.result.round for own in groups.values() for attempt in own), default=1)
    for settings, attempts in groups.items():
        own = [attempt for attempt in attempts if attempt.result.round == last]
        rates = [a.result.wer_after_percent for a in own if a.result.wer_after_percent is not None]
        if not rates:
            continue
        heard = tuple(utterance for attempt in own for utterance in heard_after(attempt))
        told = ", ".join(f"{name} {value}" for name, value in settings) or "personalised"
        peaks = [a.result.peak_rss_mb for a in own if a.result.peak_rss_mb is not None]
        yield Means(
            name=_named(told, run, runs),
            kind=_kinds(_saving(attempts[0].result.axes), run, attempts, usual_forms),
            speakers=frozenset(attempt.result.speaker for attempt in own),
            wer_percent=_wer(heard, mean(rates)),
            heard=heard,
            bytes=None,
            peak_mb=max(peaks, default=None),
        )


def _settings(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return tuple(
        (label_of(path), shown(value))
        for path, value in attempt.result.axes.items()
        if path not in _NO_MEANS
    )


def _named(name: str, run: RunData, runs: Sequence[RunData]) -> str:
    return f"{run.record.run_id}: {name}" if len(runs) > 1 else name


def _wer(heard: tuple[Utterance, ...], otherwise: float) -> float:
    """Return errors by words, %; where nothing is held, the mean of the speakers."""
    words = sum(utterance.words for utterance in heard)
    if not words:
        return otherwise
    return 100 * sum(utterance.errors for utterance in heard) / words
