"""From what was followed and sampled to the figures of a result (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    OtherSpeakerHeard,
    Phase,
    PhaseChange,
    ReadBack,
    Selected,
    Started,
    Step,
    Stopped,
)
from harness.contract.job import Keep
from harness.metrics.words import WordErrors
from harness.results.model import (
    EpochRecord,
    OtherSpeakerRecord,
    PhaseRecord,
    SelectionRecord,
    StoredRecord,
)
from harness.results.store import HypothesisRow, OtherSpeakerRow
from harness.sampling.rows import PhaseInterval, phase_intervals

NEAR_MS = 1500
"""A sample this near to a moment may speak for it (samples are a second apart)."""


@dataclass(frozen=True)
class Samples:
    """The columns of the samples that figures are made from, as plain lists."""

    t_boot_ms: list[int]
    rss_mb: list[float | None]
    cpu_percent: list[float | None]
    available_mb: list[float | None]

    @classmethod
    def of(cls, table: Any) -> Samples:
        """Take them from a table with ``SAMPLE_SCHEMA``."""
        return cls(
            table.column("t_boot_ms").to_pylist(),
            table.column("trainer_rss_mb").to_pylist(),
            table.column("trainer_cpu_percent_one_core").to_pylist(),
            table.column("available_mb").to_pylist(),
        )

    @property
    def origin_ms(self) -> int | None:
        """Boot time of the first sample: second 0 of the attempt's axis."""
        return self.t_boot_ms[0] if self.t_boot_ms else None

    def rss_change(self, begin_ms: int, end_ms: int) -> float | None:
        """Return how the trainer's RSS changed between two moments.

        By the samples nearest to them; None if none is near, or if one sample is nearest to both:
        what is shorter than a second was not seen, which is not the same as no change.
        """
        before, after = self._nearest(begin_ms), self._nearest(end_ms)
        if before is None or after is None or before == after:
            return None
        return self._rss(after) - self._rss(before)

    def _nearest(self, t_ms: int) -> int | None:
        known = [
            (abs(t - t_ms), index)
            for index, t in enumerate(self.t_boot_ms)
            if self.rss_mb[index] is not None and abs(t - t_ms) <= NEAR_MS
        ]
        return min(known)[1] if known else None

    def _rss(self, index: int) -> float:
        return self.rss_mb[index] or 0.0


def first_of(events: Sequence[Any], kind: type) -> Any:
    """Return the first event of a type, or None."""
    return next((event for event in events if isinstance(event, kind)), None)


def epoch_events(events: Sequence[Any]) -> list[Epoch]:
    """Return the evaluated epochs in order, each once.

    A trainer that was killed and started again evaluates an epoch anew whose checkpoint it had not
    written; the later event counts.
    """
    last = {event.epoch: event for event in events if isinstance(event, Epoch)}
    return [last[epoch] for epoch in sorted(last)]


def selection_record(events: Sequence[Any]) -> SelectionRecord | None:
    """Return the trainer's decision; None where nothing was to be trained."""
    selected = first_of(events, Selected)
    if selected is None or any(
        isinstance(event, Stopped) and event.reason == "evaluated" for event in events
    ):
        return None
    return SelectionRecord(
        sub_model=selected.sub_model,
        forced=selected.forced,
        available_mb=selected.available_mb,
        need_mb=dict(selected.need_mb),
    )


def phase_records(events: Sequence[Any], samples: Samples) -> tuple[PhaseRecord, ...]:
    """Return the trainer's phases on the attempt's axis, with what the samples saw in them.

    A phase without an end (the trainer was ended in it) ends with the last event or sample.
    """
    origin = samples.origin_ms
    if origin is None:
        return ()
    last = max([samples.t_boot_ms[-1], *(event.t_boot_ms for event in events)])
    return tuple(_phase(interval, samples, origin, last) for interval in phase_intervals(events))


def _phase(interval: PhaseInterval, samples: Samples, origin: int, last: int) -> PhaseRecord:
    end = last if interval.end_ms is None else interval.end_ms
    inside = [n for n, t in enumerate(samples.t_boot_ms) if interval.begin_ms <= t <= end]
    rss = [value for n in inside if (value := samples.rss_mb[n]) is not None]
    cpu = [value for n in inside if (value := samples.cpu_percent[n]) is not None]
    change = interval.rss_change_mb
    return PhaseRecord(
        phase=interval.phase,
        epoch=interval.epoch,
        begin_s=(interval.begin_ms - origin) / 1000,
        end_s=(end - origin) / 1000,
        rss_delta_mb=samples.rss_change(interval.begin_ms, end) if change is None else change,
        rss_peak_mb=max(rss, default=None),
        cpu_mean_percent_one_core=sum(cpu) / len(cpu) if cpu else None,
    )


def epoch_records(
    events: Sequence[Any], scored: Mapping[int, tuple[HypothesisRow, ...]]
) -> tuple[EpochRecord, ...]:
    """Return the epochs with the host's own score.

    Args:
        events: The event log.
        scored: Epoch -> scored hypotheses; an epoch without them, and without counts of the
            trainer's own, is left out.
    """
    taken = {(event.epoch, event.step) for event in events if isinstance(event, Step)}
    return tuple(
        _epoch(event, scored.get(event.epoch, ()), sum(epoch <= event.epoch for epoch, _ in taken))
        for event in epoch_events(events)
        if event.epoch in scored or (event.errors and event.errors.reference_words)
    )


def other_events(events: Sequence[Any]) -> list[OtherSpeakerHeard]:
    """Return what was heard of other speakers, each speaker and epoch once; the last counts."""
    last = {
        (event.epoch, event.speaker): event
        for event in events
        if isinstance(event, OtherSpeakerHeard)
    }
    return list(last.values())


def read_back_event(events: Sequence[Any]) -> ReadBack | None:
    """Return what was heard with the kept checkpoint as it was stored; the last counts."""
    every = [event for event in events if isinstance(event, ReadBack)]
    return every[-1] if every else None


def stored_record(
    events: Sequence[Any], rows: Sequence[HypothesisRow], kept_epoch: int | None
) -> StoredRecord | None:
    """Return what was stored in fewer bits; None where nothing was, or nothing is kept.

    Args:
        events: The event log.
        rows: Scored, of what was heard with it; empty if nothing was.
        kept_epoch: Whose checkpoint counts.
    """
    saved = [e for e in events if isinstance(e, Checkpoint) and e.epoch == kept_epoch]
    event = saved[-1] if saved else None
    told = None if event is None else event.written
    if event is None or told is None:
        return None
    own = [row for row in rows if row.epoch == kept_epoch]
    return StoredRecord(
        epoch=event.epoch,
        size_bytes=event.size_bytes,
        coding=told.coding,
        variables=told.variables,
        error=told.error,
        float32_bytes=told.float32_bytes,
        wer_percent=wer_percent(own) if own else None,
    )


def other_records(
    events: Sequence[Any],
    scored: Sequence[OtherSpeakerRow],
    accents: Mapping[str, str],
    kept_epoch: int | None,
) -> tuple[OtherSpeakerRecord, ...]:
    """Return what was heard of other speakers before training and with the weights kept.

    Args:
        events: The event log.
        scored: Scored hypotheses; who has none is left out.
        accents: Accent by speaker.
        kept_epoch: Whose checkpoint counts. A trainer that was killed and went on may have heard
            with the weights of another one, which nobody has.
    """
    records = []
    for event in other_events(events):
        rows = [row for row in scored if (row.epoch, row.speaker) == (event.epoch, event.speaker)]
        if rows and event.epoch in (0, kept_epoch):
            records.append(_other(event, rows, accents[event.speaker]))
    return tuple(records)


def _other(
    event: OtherSpeakerHeard, rows: Sequence[OtherSpeakerRow], accent: str
) -> OtherSpeakerRecord:
    return OtherSpeakerRecord(
        epoch=event.epoch,
        speaker=event.speaker,
        accent=accent,
        wer_percent=wer_percent(rows),
        substitutions=sum(row.substitutions for row in rows),
        deletions=sum(row.deletions for row in rows),
        insertions=sum(row.insertions for row in rows),
        reference_words=sum(row.reference_words for row in rows),
        utterances=len(rows),
        evaluate_seconds=event.evaluate_seconds,
    )


def _epoch(event: Epoch, rows: Sequence[HypothesisRow], steps: int) -> EpochRecord:
    errors = word_errors_of(rows)
    if event.errors is not None:  # what was heard stayed on the phone
        errors = WordErrors(**event.errors.model_dump())
    return EpochRecord(
        epoch=event.epoch,
        wer_percent=errors.known_wer_percent,
        substitutions=errors.substitutions,
        deletions=errors.deletions,
        insertions=errors.insertions,
        reference_words=errors.reference_words,
        train_loss=event.train_loss,
        train_seconds=event.train_seconds,
        evaluate_seconds=event.evaluate_seconds,
        battery_percent=event.battery_percent,
        available_mb=event.available_mb,
        best=event.best,
        steps=steps,
    )


def wer_percent(rows: Sequence[HypothesisRow]) -> float:
    """Return the word error rate over all rows, in percent.

    Raises:
        InputError: No reference has a word.
    """
    return word_errors_of(rows).known_wer_percent


def word_errors_of(rows: Sequence[HypothesisRow]) -> WordErrors:
    """Return the word errors of all rows together."""
    counts = (
        WordErrors(row.substitutions, row.deletions, row.insertions, row.reference_words)
        for row in rows
    )
    return sum(counts, WordErrors())


def event_figures(
    events: Sequence[Any], epochs: Sequence[EpochRecord], keep: Keep
) -> dict[str, Any]:
    """Return the fields of a result that the event log alone decides.

    Args:
        events: The event log.
        epochs: The epochs with the host's own score.
        keep: Which checkpoint counts, as the job says.
    """
    started, finished = first_of(events, Started), first_of(events, Finished)
    stopped = [event for event in events if isinstance(event, Stopped)]
    by_epoch = {record.epoch: record for record in epochs}
    kept_epoch = finished.kept_epoch if finished else None
    if kept_epoch is None:
        # Without a clean end the last checkpoint that was written and counts is what there is.
        written = [event for event in events if isinstance(event, Checkpoint)]
        counting = [event.epoch for event in written if event.best or keep == "last"]
        kept_epoch = counting[-1] if counting else None
    trained = [record.train_seconds for record in epochs if record.epoch >= 1]
    return {
        "trainer": f"{started.trainer} {started.trainer_version}" if started else None,
        "runtime": started.runtime if started else None,
        "kept_epoch": kept_epoch,
        "wer_before_percent": by_epoch[0].wer_percent if 0 in by_epoch else None,
        "wer_after_percent": by_epoch[kept_epoch].wer_percent if kept_epoch in by_epoch else None,
        "stop_reason": stopped[-1].reason if stopped else None,
        "minutes_per_epoch": sum(trained) / len(trained) / 60 if trained else None,
        "changed_codes": _changed_codes(events),
    }


def _changed_codes(events: Sequence[Any]) -> float | None:
    """Return the share of codes that a step changed, on average; None: no step says it."""
    shares = [event.changed_codes for event in events if isinstance(event, Step)]
    said = [share for share in shares if share is not None]
    return sum(said) / len(said) if said else None


def event_notes(events: Sequence[Any]) -> tuple[str, ...]:
    """Return what a reader must know of how the trainer followed its job, in words."""
    started = first_of(events, Started)
    if started is None or "ordered" not in started.ignored:
        return ()
    return (
        f"{started.runtime} cannot run a model's operators in the file's own order, as the model's "
        "manifest asks: texts and losses are the same, peak memory may be higher.",
    )


def memory_figures(events: Sequence[Any], sampled_peak_mb: float | None) -> dict[str, Any]:
    """Return peak RSS, predicted and measured need, and the peaks of loading and of training.

    The measured need is the peak minus what the trainer held when it selected, by its own word: it
    selects within a second of its start, too soon for the samples to see. None if not one step was
    trained, since then the peak says nothing of training. Those of loading and of training are from
    the same moment on, until the model was loaded and until the first epoch was trained.
    """
    selected, finished = first_of(events, Selected), first_of(events, Finished)
    peaks = [sampled_peak_mb, finished.peak_rss_mb if finished else None]
    peak = max((value for value in peaks if value is not None), default=None)
    need = measured = loaded = stepped = None
    if selected is not None and selected.sub_model is not None:
        need = selected.need_mb.get(selected.sub_model)
        trained = any(isinstance(event, Step) for event in events)
        base = selected.rss_mb if trained else None
        measured = None if base is None or peak is None else peak - base
    if selected is not None and selected.rss_mb is not None:
        loaded = _peak_until(events, "load", selected.rss_mb)
        stepped = _peak_until(events, "train", selected.rss_mb)
    return {
        "peak_rss_mb": peak,
        "need_mb": need,
        "measured_need_mb": measured,
        "load_peak_mb": loaded,
        "train_peak_mb": stepped,
    }


def _peak_until(events: Sequence[Any], phase: Phase, base_mb: float) -> float | None:
    """Return the trainer's peak until a phase ended for the first time, less what it held before.

    None of a trainer that was started again: the later peaks are those of another process.
    """
    if sum(isinstance(event, Started) for event in events) > 1:
        return None
    ends = (
        event.peak_rss_mb
        for event in events
        if isinstance(event, PhaseChange) and event.phase == phase and event.state == "end"
    )
    peak = next(ends, None)
    return None if peak is None else peak - base_mb


def last_sample_lines(samples: Samples, count: int = 5) -> list[str]:
    """Return the last seconds in words, as evidence."""
    rows = list(zip(samples.t_boot_ms, samples.rss_mb, samples.available_mb, strict=True))[-count:]
    return [
        f"sample at {t / 1000:.1f} s after boot: trainer {_mb(rss)}, available {_mb(available)}"
        for t, rss, available in rows
    ]


def _mb(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MiB"
