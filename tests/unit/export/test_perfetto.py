"""A trace read back with Perfetto's own classes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perfetto.protos.perfetto.trace import perfetto_trace_pb2

from harness import protobuf
from harness.export.perfetto import counters, trace_columns, trace_of
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import AttemptFolder, RunFolder
from tests.fixtures.report_run import RunShape, make_run

pb2: Any = perfetto_trace_pb2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> AttemptFolder:
    shape = RunShape(profiles=("redmi-note-7-pro",), speakers=("us-male",), sub_models=("S5",))
    run = make_run(tmp_path_factory.mktemp("runs"), shape)
    return next(iter(RunFolder.open(run).attempts()))


@pytest.fixture(scope="module")
def trace(folder: AttemptFolder) -> Any:
    read = pb2.Trace()
    read.ParseFromString(trace_of(folder.result(), folder.samples(trace_columns())))
    return read


def tracks(trace: Any) -> dict[int, str]:
    described = (one.track_descriptor for one in trace.packet if one.HasField("track_descriptor"))
    return {one.uuid: one.name for one in described}


def test_every_known_sample_is_a_count_on_its_track(trace: Any, folder: AttemptFolder) -> None:
    names = tracks(trace)
    counted = Counter(
        names[one.track_event.track_uuid]
        for one in trace.packet
        if one.track_event.type == pb2.TrackEvent.TYPE_COUNTER
    )
    samples = folder.samples()
    shown = 0
    for column in counters():
        known = samples[column.name].drop_null()
        finite = sum(value == value for value in known.to_pylist())
        assert counted[f"{column.track}, {column.unit}"] == finite, column
        shown += finite > 0
    assert shown >= 8


def test_values_and_times_are_the_samples(trace: Any, folder: AttemptFolder) -> None:
    names = tracks(trace)
    got = [
        (one.timestamp, one.track_event.double_counter_value)
        for one in trace.packet
        if names.get(one.track_event.track_uuid) == "available RAM, MiB"
    ]
    samples = folder.samples()
    times = [ms * 1_000_000 for ms in samples["t_boot_ms"].to_pylist()]
    assert got == list(zip(times, samples["available_mb"].to_pylist(), strict=True))


def test_phases_and_epochs_are_slices_that_end(trace: Any, folder: AttemptFolder) -> None:
    names = tracks(trace)
    open_slices: dict[int, list[tuple[str, int]]] = {}
    found: dict[str, list[tuple[str, float, float]]] = {"phases": [], "epochs": []}
    for one in trace.packet:
        event = one.track_event
        if event.type == pb2.TrackEvent.TYPE_SLICE_BEGIN:
            open_slices.setdefault(event.track_uuid, []).append((event.name, one.timestamp))
        elif event.type == pb2.TrackEvent.TYPE_SLICE_END:
            name, begin = open_slices[event.track_uuid].pop()
            found[names[event.track_uuid]].append((name, begin, one.timestamp))
    assert not any(open_slices.values())
    result = folder.result()
    assert len(found["phases"]) == len(result.phases)
    assert [name for name, _, _ in found["epochs"]][-1].startswith("epoch 4, WER ")
    assert sum(name.endswith(", kept") for name, _, _ in found["epochs"]) == 1
    first = result.phases[0]
    origin_ns = (folder.samples()["t_boot_ms"][0].as_py()) * 1_000_000
    assert found["phases"][0][1] == origin_ns + round(first.begin_s * 1e9)


def test_kills_are_marks_and_all_tracks_hang_on_the_trainer(trace: Any) -> None:
    names = tracks(trace)
    (kill,) = [
        one.track_event.name
        for one in trace.packet
        if one.track_event.type == pb2.TrackEvent.TYPE_INSTANT
    ]
    assert kill == "com.example.gallery killed (low memory)"
    roots = [
        one.track_descriptor
        for one in trace.packet
        if one.HasField("track_descriptor") and not one.track_descriptor.parent_uuid
    ]
    assert len(roots) == 1
    assert "S5, us-male on redmi-note-7-pro" in roots[0].process.process_name
    used = {one.track_event.track_uuid for one in trace.packet if one.HasField("track_event")}
    assert used <= set(names)


def test_an_attempt_that_was_never_sampled_is_a_trace_too(folder: AttemptFolder) -> None:
    read = pb2.Trace()
    empty = SAMPLE_SCHEMA.empty_table().select(list(trace_columns()))
    read.ParseFromString(trace_of(folder.result(), empty))
    assert len(read.packet) > 10


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_as_protobuf_writes_them(value: int) -> None:
    packet = pb2.TracePacket(timestamp=value)
    assert protobuf.number(8, value) == packet.SerializeToString() or value == 0


@given(st.text(max_size=300))
def test_texts_are_as_protobuf_writes_them(value: str) -> None:
    event = pb2.TrackEvent(name=value)
    assert protobuf.text(23, value) == event.SerializeToString()


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        protobuf.varint(-1)


def test_a_hostile_name_stays_a_name(tmp_path: Path, folder: AttemptFolder) -> None:
    result = folder.result().model_copy(update={"speaker": "a\ud800\x00b"})
    read = pb2.Trace()
    read.ParseFromString(trace_of(result, folder.samples(trace_columns())))
    assert "a?" in next(iter(tracks(read).values()))
