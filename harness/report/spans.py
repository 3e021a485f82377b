"""What a phone with little memory should train: WER of each sub-model against what it needs (pure).

Sub-models are compared within a model, a kind of phone and a setting, over speakers that all of
them were tried on. Whether two can be told apart is asked of the same utterances.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from harness.contract.network import Network, NetworkError
from harness.report.axes import PROFILE, facets, keys_at, settings_at, varying
from harness.report.load import Attempt
from harness.report.numbers import Spread, fixed, signed, spread
from harness.report.sub_models import RankedSubModel
from harness.report.text import listed, plural
from harness.report.wer import heard_after, heard_before
from harness.results.wer_difference import WerDifference, wer_difference
from harness.results.wer_interval import Utterance, WerInterval, wer_interval

EVERYBODY = "all speakers"


@dataclass(frozen=True)
class Span:
    """One sub-model, over the speakers of a group and their repeats."""

    sub_model: RankedSubModel
    words: str
    """Which part of the network it is: ``the lower 3 of 7 layers``."""
    attempts: tuple[Attempt, ...]

    @cached_property
    def before(self) -> tuple[Utterance, ...]:
        """What was heard before training; empty where it was kept on the phone."""
        return tuple(heard for attempt in self.attempts for heard in heard_before(attempt))

    @cached_property
    def after(self) -> tuple[Utterance, ...]:
        """What was heard by the weights that are kept."""
        return tuple(heard for attempt in self.attempts for heard in heard_after(attempt))

    @cached_property
    def before_percent(self) -> float | None:
        """WER before training, errors by words."""
        known = [attempt.result.wer_before_percent for attempt in self.attempts]
        return _percent(self.before, known)

    @cached_property
    def after_percent(self) -> float:
        """WER after training, errors by words."""
        found = _percent(self.after, [a.result.wer_after_percent for a in self.attempts])
        assert found is not None  # attempts without it are no part of a span
        return found

    @cached_property
    def before_interval(self) -> WerInterval | None:
        """How sure the WER before is."""
        return wer_interval(self.before)

    @cached_property
    def after_interval(self) -> WerInterval | None:
        """How sure the WER after is."""
        return wer_interval(self.after)

    @cached_property
    def change(self) -> WerDifference | None:
        """WER after less before, by utterances that were heard both times."""
        return wer_difference(self.before, self.after)

    @cached_property
    def predicted_mb(self) -> float | None:
        """Need by which a trainer chooses, MiB."""
        return max((n for a in self.attempts if (n := a.result.need_mb) is not None), default=None)

    @cached_property
    def took_mb(self) -> Spread | None:
        """What training added to the trainer at its peak, MiB."""
        return spread(attempt.result.measured_need_mb for attempt in self.attempts)

    @cached_property
    def needs_mb(self) -> float | None:
        """MiB that must be free: the need it is chosen by, or what it took where that is more."""
        took = self.took_mb.median if self.took_mb else None
        return max(
            (value for value in (self.predicted_mb, took) if value is not None), default=None
        )

    @cached_property
    def seconds(self) -> Spread | None:
        """Of training alone, all epochs of an attempt."""
        return spread(_training_seconds(attempt) for attempt in self.attempts)

    @property
    def median_seconds(self) -> float | None:
        """The median of them."""
        return self.seconds.median if self.seconds else None


@dataclass(frozen=True)
class Step:
    """What is best from so much free memory on."""

    from_mb: float
    until_mb: float | None
    """None: however much more is free."""
    best: Span
    """The lowest WER of those that fit."""
    as_good: tuple[Span, ...]
    """Others that fit and cannot be told from it."""


@dataclass(frozen=True)
class SpanGroup:
    """Sub-models that were tried on the same speakers, by the same model and setting."""

    key: str
    """For ids; unique on the page."""
    speakers: tuple[str, ...]
    who: str
    model: str
    phone: str
    settings: tuple[tuple[str, str], ...]
    spans: tuple[Span, ...]
    """From the largest to the smallest."""

    @property
    def name(self) -> str:
        """Whose speech, by which model, on what."""
        parts = [f"{self.who} by {self.model} on {self.phone}"]
        return ", ".join([*parts, *(f"{name} {value}" for name, value in self.settings)])

    @cached_property
    def front_by_memory(self) -> tuple[Span, ...]:
        """Spans to which no other is better in both memory and WER, the smallest need first."""
        return front((span, span.needs_mb) for span in self.spans)

    @cached_property
    def front_by_seconds(self) -> tuple[Span, ...]:
        """Spans to which no other is better in both time and WER, the quickest first."""
        return front((span, span.median_seconds) for span in self.spans)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What is best, from little free memory to much; empty where no need is known."""
        known = [(span.needs_mb, span) for span in self.spans if span.needs_mb is not None]
        found: list[Step] = []
        for from_mb in sorted({need for need, _ in known}):
            fitting = [span for need, span in known if need <= from_mb]
            best = min(fitting, key=lambda span: (span.after_percent, span.needs_mb))
            as_good = tuple(s for s in fitting if s is not best and not told_apart(best, s))
            if found and (found[-1].best, found[-1].as_good) == (best, as_good):
                continue
            found.append(Step(from_mb, None, best, as_good))
        ends = [*(step.from_mb for step in found[1:]), None]
        return tuple(
            Step(step.from_mb, end, step.best, step.as_good)
            for step, end in zip(found, ends, strict=True)
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """The steps in words."""
        return tuple(_step_in_words(step) for step in self.steps)


def front(points: Iterable[tuple[Span, float | None]]) -> tuple[Span, ...]:
    """Return the spans to which none with at most as much has a WER at most as high.

    Args:
        points: Spans and what they cost; one whose cost is not known is left out.
    """
    known = [(cost, span.after_percent, span) for span, cost in points if cost is not None]
    found: list[tuple[float, Span]] = []
    for _, wer, span in sorted(known, key=lambda point: point[:2]):
        if not found or wer < found[-1][0]:
            found.append((wer, span))
    return tuple(span for _, span in found)


def told_apart(first: Span, second: Span) -> bool:
    """Say whether the WER of two spans differs for sure; never, where hypotheses are not held."""
    difference = wer_difference(first.after, second.after)
    return difference is not None and difference.clear


def span_groups(attempts: Sequence[Attempt]) -> tuple[SpanGroup, ...]:
    """Return the sub-models that can be compared, by model, phone, setting and speakers.

    Args:
        attempts: The last ones of jobs that are no part of a federated training.
    """
    finished = [
        attempt
        for attempt in attempts
        if attempt.finished and attempt.sub_model.name and _has_trained(attempt)
    ]
    axes = varying(finished)
    paths = [PROFILE, "model.name", "trainer.batch_size"]
    paths += [axis.path for axis in facets(axes) if axis.path not in paths]
    alike: dict[tuple[object, ...], list[Attempt]] = {}
    for attempt in finished:
        alike.setdefault((keys_at(attempt, paths), attempt.result.round), []).append(attempt)
    shown = [path for path in paths if path in {axis.path for axis in axes}]
    shown = [path for path in shown if path not in (PROFILE, "model.name")]
    found: list[SpanGroup] = []
    for members in alike.values():
        for who, speakers in _speaker_groups(members):
            spans = _spans(members, speakers)
            if len(spans) < 2:
                continue
            first = spans[0].attempts[0]
            settings = settings_at(first, shown)
            if any(attempt.result.round > 1 for attempt in finished):
                settings += (("round", str(first.result.round)),)
            found.append(
                SpanGroup(
                    f"spans{len(found) + 1}",
                    speakers,
                    who,
                    first.result.model_name,
                    first.result.phone.profile,
                    settings,
                    spans,
                )
            )
    return tuple(found)


def _has_trained(attempt: Attempt) -> bool:
    return attempt.result.wer_after_percent is not None and attempt.result.epochs_planned > 0


def _speaker_groups(members: Sequence[Attempt]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (name, speakers) of each accent, then of all; speakers that all sub-models heard."""
    heard: dict[str, set[str]] = {}
    accents: dict[str, str] = {}
    for attempt in members:
        heard.setdefault(attempt.sub_model.label, set()).add(attempt.result.speaker)
        accents.setdefault(attempt.result.speaker, attempt.result.accent)
    common = [speaker for speaker in accents if all(speaker in own for own in heard.values())]
    by_accent: dict[str, list[str]] = {}
    for speaker in common:
        by_accent.setdefault(accents[speaker] or speaker, []).append(speaker)
    groups = [
        (own[0] if len(own) == 1 else f"{accent} ({plural(len(own), 'speaker')})", tuple(own))
        for accent, own in by_accent.items()
    ]
    if len(groups) > 1:
        groups.append((EVERYBODY, tuple(common)))
    return groups


def _spans(members: Sequence[Attempt], speakers: Sequence[str]) -> tuple[Span, ...]:
    own: dict[RankedSubModel, list[Attempt]] = {}
    for attempt in members:
        if attempt.result.speaker in speakers:
            own.setdefault(attempt.sub_model, []).append(attempt)
    return tuple(
        Span(sub_model, part_in_words(own[sub_model][0].network, sub_model.label), tuple(tried))
        for sub_model, tried in sorted(own.items(), key=lambda pair: pair[0])
    )


def part_in_words(network: Network, name: str) -> str:
    """Return which part of a network a sub-model trains, in words; its name if it is not there."""
    try:
        sub_model = network.sub_model(name)
    except NetworkError:
        return name
    if sub_model.weights == "biases":
        return "biases alone"
    trunk = network.trunk
    trained = [place for place, layer in enumerate(trunk) if layer in sub_model.layers]
    if not trained:
        return "heads alone"
    if len(trained) == len(trunk):
        return "everything"
    count = f"{len(trained)} of {plural(len(trunk), 'layer')}"
    if trained == list(range(len(trained))):
        return f"the lower {count}"
    if trained == list(range(len(trunk) - len(trained), len(trunk))):
        return f"the upper {count}"
    return count


def _training_seconds(attempt: Attempt) -> float | None:
    spans = [span for span in attempt.result.phases if span.phase == "train"]
    return sum(span.end_s - span.begin_s for span in spans) if spans else None


def _percent(heard: Sequence[Utterance], told: Iterable[float | None]) -> float | None:
    """Return the WER of utterances; where none are held, the mean of what attempts came to."""
    words = sum(utterance.words for utterance in heard)
    if words:
        return 100 * sum(utterance.errors for utterance in heard) / words
    known = [value for value in told if value is not None]
    return fmean(known) if known else None


def _step_in_words(step: Step) -> str:
    best = step.best
    until = "or more" if step.until_mb is None else f"to {fixed(step.until_mb)}"
    said = f"With {fixed(step.from_mb)} {until} MiB free: {_named(best)}"
    if step.as_good:
        others = listed([_named(span) for span in step.as_good])
        said += f"; it cannot be told from {others}"
        cheaper = min(step.as_good, key=lambda span: span.needs_mb or 0.0)
        if cheaper.needs_mb is not None and best.needs_mb and cheaper.needs_mb < best.needs_mb:
            said += f", of which {cheaper.sub_model.label} needs {fixed(cheaper.needs_mb)} MiB"
    return f"{said}.{_against_start(best)}"


def _named(span: Span) -> str:
    ends = span.after_interval.ends if span.after_interval else None
    sure = f" ({fixed(ends[0], 1)}–{fixed(ends[1], 1)})" if ends else ""
    name = span.sub_model.label
    words = span.words if span.words == name else f"{span.words} ({name})"
    return f"{words}, {fixed(span.after_percent, 1)} %{sure}"


def _against_start(span: Span) -> str:
    """Return that a span is not surely better than no training; nothing where it is."""
    if span.before_percent is None:
        return ""
    start = f"{fixed(span.before_percent, 1)} % before"
    if span.change is None:
        return f" Whether training helps cannot be said ({start})."
    if span.change.high_points < 0:
        return ""
    ends = f"{signed(span.change.low_points, 1)} to {signed(span.change.high_points, 1)} points"
    return f" It is not surely better than no training ({start}, change {ends})."
