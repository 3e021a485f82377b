"""Figures of a result from events and samples."""

from __future__ import annotations

import json
from typing import Any

from harness.contract import parse_event
from harness.lab.attempt.outcome import (
    Samples,
    epoch_events,
    event_figures,
    event_notes,
    last_sample_lines,
    memory_figures,
    phase_records,
)


def event(seq: int, t_ms: int, type_: str, **fields: Any) -> Any:
    return parse_event(json.dumps({"seq": seq, "t_boot_ms": t_ms, "type": type_, **fields}))


def selected(rss_mb: float | None = 60.0) -> Any:
    return event(
        0,
        1000,
        "selected",
        sub_model="S5",
        policy="first_fit",
        forced=False,
        available_mb=250.0,
        need_mb={"S1": 300.0, "S5": 170.0},
        rss_mb=rss_mb,
    )


def epoch(seq: int, number: int, wer: float = 50.0) -> Any:
    return event(
        seq,
        2000,
        "epoch",
        epoch=number,
        wer_percent=wer,
        train_loss=1.0,
        train_seconds=6.0,
        evaluate_seconds=1.0,
        battery_percent=None,
        available_mb=None,
        best=True,
        hypotheses=[],
    )


STEP = event(1, 1500, "step", epoch=1, step=0, loss=1.0, seconds=0.1, utterances=5)


def test_measured_need_is_the_peak_above_what_was_held_at_the_choice() -> None:
    figures = memory_figures([selected(), STEP], 240.0)
    assert figures == {
        "peak_rss_mb": 240.0,
        "need_mb": 170.0,
        "measured_need_mb": 180.0,
        "load_peak_mb": None,
        "train_peak_mb": None,
    }


def test_peaks_of_loading_and_of_training_are_told_apart() -> None:
    def ended(seq: int, phase: str, peak_mb: float, epoch: int | None = None) -> Any:
        told = {"phase": phase, "state": "end", "epoch": epoch, "peak_rss_mb": peak_mb}
        return event(seq, seq, "phase", **told)

    begun = event(2, 2, "phase", phase="load", state="begin", epoch=None, peak_rss_mb=70.0)
    log = [selected(), begun, ended(3, "load", 90.0), ended(4, "train", 200.0, 1), STEP]
    later = [ended(6, "train", 230.0, 2), ended(7, "load", 235.0)]
    figures = memory_figures([*log, *later], 240.0)
    assert (figures["load_peak_mb"], figures["train_peak_mb"]) == (30.0, 140.0)
    only_loaded = memory_figures(log[:3], 240.0)
    assert (only_loaded["load_peak_mb"], only_loaded["train_peak_mb"]) == (30.0, None)
    begins = event(0, 0, "started", trainer="t", trainer_version="1", runtime="r", pid=1, threads=1)
    twice = [begins, *log, begins, *later]
    assert memory_figures(twice, 240.0)["load_peak_mb"] is None


def test_without_a_step_or_a_peak_nothing_was_measured() -> None:
    assert memory_figures([selected()], 240.0)["measured_need_mb"] is None
    assert memory_figures([selected(None), STEP], 240.0)["measured_need_mb"] is None
    assert memory_figures([selected(), STEP], None)["measured_need_mb"] is None
    assert memory_figures([], None) == {
        "peak_rss_mb": None,
        "need_mb": None,
        "measured_need_mb": None,
        "load_peak_mb": None,
        "train_peak_mb": None,
    }


def test_an_epoch_evaluated_twice_counts_once_and_the_later_one() -> None:
    # A trainer that was killed before its checkpoint goes over that epoch again.
    events = [epoch(1, 0), epoch(2, 1, 40.0), epoch(3, 1, 30.0)]
    assert [(event.epoch, event.wer_percent) for event in epoch_events(events)] == [
        (0, 50.0),
        (1, 30.0),
    ]


def test_the_last_checkpoint_counts_where_the_end_is_missing() -> None:
    best = {"path": "/c", "sha256": "0" * 64, "size_bytes": 1}
    events = [
        event(0, 1, "checkpoint", epoch=1, best=True, **best),
        event(1, 2, "checkpoint", epoch=2, best=False, **best),
    ]
    assert event_figures(events, [], "best")["kept_epoch"] == 1
    assert event_figures(events, [], "last")["kept_epoch"] == 2
    assert event_figures([], [], "last")["kept_epoch"] is None


def test_what_the_runtime_could_not_follow_is_noted() -> None:
    who = {"trainer": "java-jvm", "trainer_version": "1", "runtime": "tensorflow-lite 2.19.0"}
    plain = event(0, 1, "started", **who, pid=1, threads=2)
    assert event_notes([plain]) == event_notes([]) == ()
    (note,) = event_notes([event(0, 1, "started", **who, pid=1, threads=2, ignored=["ordered"])])
    assert note.startswith("tensorflow-lite 2.19.0 cannot run a model's operators in")


def samples() -> Samples:
    return Samples(
        t_boot_ms=[1000, 2000, 3000, 4000, 5000],
        rss_mb=[None, 100.0, 300.0, 200.0, None],
        cpu_percent=[None, 50.0, 150.0, 100.0, None],
        available_mb=[900.0, 800.0, 600.0, 700.0, None],
    )


def phase(seq: int, t_ms: int, name: str, state: str, rss_mb: float | None = None) -> Any:
    return event(seq, t_ms, "phase", phase=name, state=state, epoch=1, rss_mb=rss_mb)


def test_phases_lie_on_the_attempts_axis() -> None:
    events = [phase(0, 1900, "train", "begin"), phase(1, 3900, "train", "end")]
    (record,) = phase_records(events, samples())
    assert (record.begin_s, record.end_s) == (0.9, 2.9)
    assert record.rss_delta_mb == 100.0
    assert record.rss_peak_mb == 300.0
    assert record.cpu_mean_percent_one_core == 100.0


def test_a_phase_between_two_samples_was_not_seen() -> None:
    events = [phase(0, 2400, "save", "begin"), phase(1, 2450, "save", "end")]
    (record,) = phase_records(events, samples())
    assert (record.rss_delta_mb, record.rss_peak_mb, record.cpu_mean_percent_one_core) == (
        None,
        None,
        None,
    )


def test_what_the_trainer_saw_of_itself_is_better_than_the_nearest_samples() -> None:
    events = [phase(0, 2400, "load", "begin", 80.0), phase(1, 2450, "load", "end", 95.5)]
    (record,) = phase_records(events, samples())
    assert record.rss_delta_mb == 15.5


def test_a_phase_that_was_cut_off_ends_with_what_was_last_seen() -> None:
    (record,) = phase_records([phase(0, 2000, "train", "begin")], samples())
    assert record.end_s == 4.0
    assert record.rss_delta_mb == 100.0  # the last sample that still saw the trainer


def test_without_samples_there_is_no_axis() -> None:
    assert phase_records([phase(0, 1, "train", "begin")], Samples([], [], [], [])) == ()


def test_the_last_seconds_in_words() -> None:
    assert last_sample_lines(samples(), 2) == [
        "sample at 4.0 s after boot: trainer 200 MiB, available 700 MiB",
        "sample at 5.0 s after boot: trainer unknown, available unknown",
    ]


def test_codes_that_steps_changed_are_a_mean_and_absent_where_nobody_says_them() -> None:
    said = [
        event(n, 1500, "step", epoch=1, step=n, loss=1.0, seconds=0.1, utterances=5, **share)
        for n, share in enumerate(({"changed_codes": 0.25}, {"changed_codes": 0.0}, {}))
    ]
    assert event_figures(said, (), "best")["changed_codes"] == 0.125
    assert event_figures([STEP], (), "best")["changed_codes"] is None
    assert "changed_codes" not in STEP.model_dump_json()
