"""One attempt as a Perfetto trace: counters of the samples, slices of phases and epochs (pure).

Times are the phone's boot clock, so that a trace that the phone itself recorded meanwhile fits
beside it. Source of the field numbers: perfetto's ``protos/perfetto/trace`` (``trace_packet``,
``track_event/track_descriptor``, ``track_event``, ``counter_descriptor``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from harness import protobuf
from harness.readings.declared import Column
from harness.results.model import AttemptResult
from harness.results.samples import all_columns


def counters() -> tuple[Column, ...]:
    """Return the columns of the samples that have a track."""
    return tuple(column for column in all_columns() if column.track)


def trace_columns() -> tuple[str, ...]:
    """Return the columns that a trace is made from."""
    return ("t_s", "t_boot_ms", *(column.name for column in counters()))


_SEQUENCE = 1
_BEGIN, _END, _INSTANT, _COUNTER = 1, 2, 3, 4
_EXPLICIT = 3
_PROCESS, _PHASES, _EPOCHS, _KILLS, _FIRST_COUNTER = 1, 2, 3, 4, 100


@dataclass
class _Trace:
    packets: list[bytes] = field(default_factory=list)

    def packet(self, content: bytes) -> None:
        self.packets.append(protobuf.message(1, content + protobuf.number(10, _SEQUENCE)))

    def track(self, uuid: int, name: str, rank: int = 0, extra: bytes = b"") -> None:
        parent = protobuf.number(5, _PROCESS) if uuid != _PROCESS else b""
        content = (
            protobuf.number(1, uuid)
            + protobuf.text(2, name)
            + parent
            + protobuf.number(12, rank)
            + extra
        )
        self.packet(protobuf.message(60, content))

    def event(self, at_ns: int, kind: int, uuid: int, extra: bytes = b"") -> None:
        content = protobuf.number(9, kind) + protobuf.number(11, uuid) + extra
        self.packet(protobuf.number(8, at_ns) + protobuf.message(11, content))

    def slice(self, begin_ns: int, end_ns: int, uuid: int, name: str) -> None:
        self.event(begin_ns, _BEGIN, uuid, protobuf.text(22, "trainer") + protobuf.text(23, name))
        self.event(max(begin_ns, end_ns), _END, uuid)


def trace_of(result: AttemptResult, samples: pa.Table) -> bytes:
    """Return an attempt as a trace that Perfetto's UI and trace processor open.

    Args:
        result: Phases, epochs and kills come from here.
        samples: With at least `trace_columns`; may be empty, then times begin at 0.
    """
    origin_ms = _origin_ms(samples)

    def at(seconds: float) -> int:
        return max(0, round((origin_ms + seconds * 1000) * 1_000_000))

    trace = _Trace()
    chosen = result.selection.sub_model if result.selection else None
    name = f"{chosen or 'trainer'}, {result.speaker} on {result.phone.profile} ({result.job_id})"
    process = protobuf.message(3, protobuf.number(1, 1) + protobuf.text(6, name))
    trace.track(_PROCESS, name, 0, process + protobuf.number(11, _EXPLICIT))
    trace.track(_PHASES, "phases", 1)
    trace.track(_EPOCHS, "epochs", 2)
    for phase in result.phases:
        shown = phase.phase if phase.epoch is None else f"{phase.phase} {phase.epoch}"
        trace.slice(at(phase.begin_s), at(phase.end_s), _PHASES, shown)
    for title, begin, end in _epochs(result):
        trace.slice(at(begin), at(end), _EPOCHS, title)
    kills = result.pressure.kills if result.pressure else ()
    if kills:
        trace.track(_KILLS, "kills", 3)
    for kill in kills:
        shown = f"{kill.process} killed ({kill.reason})"
        trace.event(at(kill.t_s), _INSTANT, _KILLS, protobuf.text(23, shown))
    for number, column in enumerate(counters()):
        _counter(trace, samples, column, _FIRST_COUNTER + number)
    return b"".join(trace.packets)


def _origin_ms(samples: pa.Table) -> float:
    """Return the boot clock at second 0 of the attempt."""
    if samples.num_rows == 0:
        return 0.0
    return float(samples["t_boot_ms"][0].as_py()) - 1000 * float(samples["t_s"][0].as_py())


def _counter(trace: _Trace, samples: pa.Table, column: Column, uuid: int) -> None:
    pairs = zip(samples["t_boot_ms"].to_pylist(), samples[column.name].to_pylist(), strict=True)
    known = [(ms, value) for ms, value in pairs if value is not None and math.isfinite(value)]
    if not known:
        return
    name = f"{column.track}, {column.unit}" if column.unit else column.track
    trace.track(uuid, name, uuid, protobuf.message(8, protobuf.text(6, column.unit)))
    for ms, value in known:
        trace.event(ms * 1_000_000, _COUNTER, uuid, protobuf.double(44, float(value)))


def _epochs(result: AttemptResult) -> Iterator[tuple[str, float, float]]:
    wer = {epoch.epoch: epoch.wer_percent for epoch in result.epochs}
    for epoch in sorted({phase.epoch for phase in result.phases if phase.epoch is not None}):
        own = [phase for phase in result.phases if phase.epoch == epoch]
        title = f"epoch {epoch}" + (f", WER {wer[epoch]:.1f} %" if epoch in wer else "")
        if epoch == result.kept_epoch:
            title += ", kept"
        yield title, min(phase.begin_s for phase in own), max(phase.end_s for phase in own)
