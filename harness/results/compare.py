"""Whether a run got worse than good runs of the same jobs before it (pure).

A question a figure and phone: is tonight's WER (or time, memory, ...) on this phone larger than
before, by more than this phone's own noise, and by enough to matter? `docs/nightly.md` says how
often the answers are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from pydantic import Field

from harness.results.compare_stats import (
    Block,
    least_p,
    mean_change,
    nights_p,
    permutation_p,
    tarone,
)
from harness.results.model import Record
from harness.results.wer_interval import Utterance, wer_interval

ALPHA: Final = 0.05
"""Accepted chance that a night in which nothing changed is called worse."""
NIGHTS: Final = 3
"""From so many runs before on, whole nights are compared too."""

WER: Final = "wer_percent"

Judgement = Literal["worse", "better", "no change found", "too few to tell"]


@dataclass(frozen=True)
class Metric:
    """A figure that is compared; larger is worse.

    Args:
        name: As results and the command line call it.
        label: In words.
        unit: Of its values.
        ratio: Changes are shares of the value (time, memory), not differences (WER).
        minimum: The smallest change that matters: a share, or in the unit.
        exchange: Which values are alike but for noise. WER depends on the order of training, so
            that only repeats of the same seed are; failures may come on any job.
        digits: Decimals to show.
    """

    name: str
    label: str
    unit: str
    ratio: bool
    minimum: float
    exchange: Literal["job", "settings", "phone"]
    digits: int


METRICS: Final = (
    Metric(WER, "WER after", "%", False, 1.0, "job", 1),
    Metric("rare_wer_percent", "WER of rare words", "%", False, 1.0, "job", 1),
    Metric("common_wer_percent", "WER of common words", "%", False, 1.0, "job", 1),
    Metric("cer_percent", "CER after", "%", False, 0.5, "job", 1),
    Metric("minutes_per_epoch", "minutes an epoch", "min", True, 0.05, "settings", 3),
    Metric("peak_rss_mb", "peak RSS", "MiB", True, 0.03, "settings", 0),
    Metric("battery_mah_per_epoch", "charge an epoch", "mAh", True, 0.10, "settings", 2),
    Metric("battery_percent_per_epoch", "battery an epoch", "%", False, 0.5, "settings", 2),
    Metric("layers_computed", "layers computed", "", False, 0.1, "job", 2),
    Metric("seconds_per_utterance", "seconds an utterance", "s", True, 0.05, "settings", 4),
    Metric("real_time_factor", "real-time factor", "", True, 0.05, "settings", 3),
    Metric("last_word_ms", "last word after speech", "ms", False, 20.0, "settings", 0),
    Metric("failed_attempts", "failed attempts a job", "", False, 0.1, "phone", 2),
)


@dataclass(frozen=True)
class Observation:
    """What one job of one run came to."""

    run_id: str
    phone: str
    """The same phone has the same name in all runs."""
    job: str
    """The same job has the same name in all runs, on whatever phone."""
    settings: str
    """What the matrix varies, without repeat and phone."""
    values: Mapping[str, float]
    """Metric name -> value, where there is one."""
    utterances: tuple[Utterance, ...] = ()
    """What the WER is of, where the hypotheses are held."""


class Finding(Record):
    """One figure on one phone."""

    metric: str
    label: str
    unit: str
    phone: str
    judgement: Judgement
    before: float | None = None
    """Median of the runs before."""
    now: float | None = None
    change: float | None = None
    """Now less before, over the same jobs: in the unit, or as a share where ``ratio``."""
    ratio: bool
    minimum: float
    """The smallest change that matters."""
    p: float | None = None
    """Chance of so large a change (in its own direction) if nothing changed."""
    p_nights: float | None = None
    """The same by whole nights; None with fewer than `NIGHTS` before."""
    n_before: int = 0
    n_now: int = 0
    nights: int = 0
    why: str
    """The judgement's reason, in words."""
    before_interval: tuple[float, float] | None = None
    """WER only: `harness.results.wer_interval.METHOD`; None where it cannot be said."""
    now_interval: tuple[float, float] | None = None

    @property
    def change_text(self) -> str:
        """The change as a reader wants it: ``+23.1 %``, ``+2.4 MiB``."""
        if self.change is None:
            return "–"
        return _signed(self.change, self.unit, self.ratio)


class Comparison(Record):
    """A run against the runs before it."""

    now: str
    before: tuple[str, ...]
    alpha: float
    threshold: float
    """A single p counts below this, so that all together err at most ``alpha``."""
    findings: tuple[Finding, ...] = Field(default_factory=tuple)
    unmatched: tuple[str, ...] = ()
    """Jobs of tonight that none of the runs before has on the same phone."""

    def judged(self, judgement: Judgement) -> tuple[Finding, ...]:
        """Return the findings with this judgement."""
        return tuple(finding for finding in self.findings if finding.judgement == judgement)

    @property
    def worse(self) -> bool:
        """Whether anything got worse."""
        return bool(self.judged("worse"))


def compare(
    before: Sequence[Observation],
    now: Sequence[Observation],
    *,
    alpha: float = ALPHA,
    minimum: Mapping[str, float] | None = None,
) -> Comparison:
    """Judge the run ``now`` by the runs ``before``.

    Args:
        before: Observations of good runs of the same jobs.
        now: Observations of the run in question.
        alpha: Accepted chance of any false alarm, over all figures and phones.
        minimum: Metric name -> smallest change that matters, in place of `METRICS`' own.
    """
    questions = [
        _Question.of(metric, phone, before, now)
        for phone in sorted({observation.phone for observation in now})
        for metric in METRICS
        if any(
            metric.name in observation.values for observation in now if observation.phone == phone
        )
    ]
    threshold = tarone([question.least_p for question in questions if question.blocks], alpha)
    known = {(observation.job, observation.phone) for observation in before}
    return Comparison(
        now=now[0].run_id if now else "",
        before=tuple(dict.fromkeys(observation.run_id for observation in before)),
        alpha=alpha,
        threshold=threshold,
        findings=tuple(
            question.finding(
                threshold, (minimum or {}).get(question.metric.name, question.metric.minimum)
            )
            for question in questions
        ),
        unmatched=tuple(
            dict.fromkeys(
                observation.job
                for observation in now
                if (observation.job, observation.phone) not in known
            )
        ),
    )


@dataclass(frozen=True)
class _Question:
    """One figure on one phone, with the values that may be exchanged."""

    metric: Metric
    phone: str
    blocks: tuple[Block, ...]
    nights: tuple[float, ...]
    """Mean of each run before, less its jobs' means over all of them."""
    tonight: float
    before: tuple[float, ...]
    now: tuple[float, ...]
    before_interval: tuple[float, float] | None
    now_interval: tuple[float, float] | None

    @classmethod
    def of(
        cls,
        metric: Metric,
        phone: str,
        before: Sequence[Observation],
        now: Sequence[Observation],
    ) -> _Question:
        """Collect the values of one figure on one phone."""
        key = _KEYS[metric.exchange]
        old, new = _grouped(metric, phone, before, key), _grouped(metric, phone, now, key)
        both = [name for name in new if name in old]
        blocks = tuple(
            Block(tuple(v for _, v in old[name]), tuple(v for _, v in new[name])) for name in both
        )
        centred: dict[str, list[float]] = {}
        tonight: list[float] = []
        for name, block in zip(both, blocks, strict=True):
            mean = math.fsum(block.before) / len(block.before)
            for run, value in old[name]:
                centred.setdefault(run, []).append(value - mean)
            tonight += [value - mean for value in block.now]
        return cls(
            metric,
            phone,
            blocks,
            tuple(math.fsum(values) / len(values) for values in centred.values()),
            math.fsum(tonight) / len(tonight) if tonight else 0.0,
            _raw(metric, phone, before),
            _raw(metric, phone, now),
            _interval(metric, phone, before),
            _interval(metric, phone, now),
        )

    @property
    def least_p(self) -> float:
        """The smallest p that the repeats can give."""
        return least_p(self.blocks)

    def finding(self, threshold: float, minimum: float) -> Finding:
        """Answer the question."""
        if not self.blocks:
            return self._told("too few to tell", minimum, "no job has it here both before and now")
        effect = mean_change(self.blocks)
        sign = 1.0 if effect >= 0 else -1.0
        p = permutation_p([_times(sign, block) for block in self.blocks])
        p_nights: float | None = None
        if len(self.nights) >= NIGHTS:
            p_nights = nights_p([sign * night for night in self.nights], sign * self.tonight)
        change = math.expm1(effect) if self.metric.ratio else effect
        judgement, why = self._judged(change, p, p_nights, threshold, minimum)
        return self._told(judgement, minimum, why, change, p, p_nights)

    def _judged(
        self, change: float, p: float, p_nights: float | None, threshold: float, minimum: float
    ) -> tuple[Judgement, str]:
        if self.least_p > threshold:
            return "too few to tell", (
                f"so few repeats give p {self.least_p:.2g} at best, {threshold:.2g} is asked for"
            )
        if p > threshold:
            return "no change found", f"within the noise of repeats (p {p:.2g})"
        if p_nights is not None and p_nights > threshold:
            return "no change found", f"within what nights differ by (p {p_nights:.2g})"
        if abs(change) < minimum:
            least = _signed(minimum, self.metric.unit, self.metric.ratio).lstrip("+")
            return "no change found", f"measurable, but less than {least}"
        known = "" if p_nights is not None else "; how nights differ is not known yet"
        return ("worse" if change > 0 else "better"), f"p {p:.2g}{known}"

    def _told(
        self,
        judgement: Judgement,
        minimum: float,
        why: str,
        change: float | None = None,
        p: float | None = None,
        p_nights: float | None = None,
    ) -> Finding:
        return Finding(
            metric=self.metric.name,
            label=self.metric.label,
            unit=self.metric.unit,
            phone=self.phone,
            judgement=judgement,
            before=median(self.before) if self.before else None,
            now=median(self.now) if self.now else None,
            change=change,
            ratio=self.metric.ratio,
            minimum=minimum,
            p=p,
            p_nights=p_nights,
            n_before=len(self.before),
            n_now=len(self.now),
            nights=len(self.nights),
            why=why,
            before_interval=self.before_interval,
            now_interval=self.now_interval,
        )


_KEYS: Final[Mapping[str, Callable[[Observation], str]]] = {
    "job": lambda observation: observation.job,
    "settings": lambda observation: observation.settings,
    "phone": lambda observation: observation.phone,
}


def _grouped(
    metric: Metric,
    phone: str,
    observed: Sequence[Observation],
    key: Callable[[Observation], str],
) -> dict[str, list[tuple[str, float]]]:
    groups: dict[str, list[tuple[str, float]]] = {}
    for observation in observed:
        value = observation.values.get(metric.name)
        if observation.phone != phone or value is None or (metric.ratio and value <= 0):
            continue
        groups.setdefault(key(observation), []).append(
            (observation.run_id, math.log(value) if metric.ratio else value)
        )
    return groups


def _raw(metric: Metric, phone: str, observed: Sequence[Observation]) -> tuple[float, ...]:
    return tuple(
        observation.values[metric.name]
        for observation in observed
        if observation.phone == phone and metric.name in observation.values
    )


def _interval(
    metric: Metric, phone: str, observed: Sequence[Observation]
) -> tuple[float, float] | None:
    if metric.name != WER:
        return None
    interval = wer_interval(
        utterance
        for observation in observed
        if observation.phone == phone
        for utterance in observation.utterances
    )
    return interval.ends if interval else None


def _times(sign: float, block: Block) -> Block:
    if sign > 0:
        return block
    return Block(tuple(-v for v in block.before), tuple(-v for v in block.now))


def _signed(change: float, unit: str, ratio: bool) -> str:
    text = f"{100 * change:+.1f} %" if ratio else f"{change:+.2f} {_of_change(unit)}".rstrip()
    number, _, rest = text.partition(" ")
    if not number.strip("+-0."):
        number = number.lstrip("+-")  # zero has no sign
    return f"{number} {rest}".rstrip().replace("-", "−")


def _of_change(unit: str) -> str:
    return "points" if unit == "%" else unit
