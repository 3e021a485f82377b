"""What an attempt is asked to do, what it has learnt so far, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.devices.gates import Gates
from harness.lab.attempt.boot_clock import UNREAD, BootClock
from harness.lab.attempt.evidence import Evidence, kill_records
from harness.lab.attempt.exits import exits_record
from harness.lab.attempt.jobfile import Material
from harness.lab.attempt.outcome import (
    Samples,
    epoch_records,
    event_figures,
    event_notes,
    memory_figures,
    other_records,
    phase_records,
    selection_record,
    stored_record,
)
from harness.lab.attempt.streaming import streaming_record
from harness.lab.attempt.watch import EventLog
from harness.lab.ports import LabPhone
from harness.pressure.goal import Goal
from harness.results.model import (
    AttemptResult,
    ClientRecord,
    FailureRecord,
    GateRecord,
    PressureRecord,
    TransferRecord,
    UpdateRecord,
)
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import AttemptFolder, ExitsRow, HypothesisRow, OtherSpeakerRow
from harness.sampling.rows import Collected
from harness.scenario.spec import JobSpec


@dataclass(frozen=True)
class AttemptRequest:
    """Everything an attempt needs to know.

    Args:
        run_id: The run.
        spec: The job.
        attempt: 1, 2, ...
        phone: A leased phone.
        material: What to train with.
        goal: The pressure, None for none.
        gates: What the phone must be like.
        folder: Where the attempt's files go.
        keep: Leave the attempt's folder and recordings on the phone.
        forget_speech: Remove the recordings when done, not only when the phone is released.
        rejoin: An earlier process began the attempt: go on with it.
        outdated: Content-addressed files that no job needs any more: removed when done.
    """

    run_id: str
    spec: JobSpec
    attempt: int
    phone: LabPhone
    material: Material
    goal: Goal | None
    gates: Gates
    folder: AttemptFolder
    keep: bool = False
    forget_speech: bool = False
    rejoin: bool = False
    outdated: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended.

    Args:
        result: As written to the run folder.
        clean: Whether the phone was reached and released.
    """

    result: AttemptResult
    clean: bool


@dataclass
class AttemptState:
    """What has been learnt so far; a failed attempt reports what there is."""

    gates: tuple[GateRecord, ...] = ()
    transfer: TransferRecord | None = None
    pressure: PressureRecord | None = None
    samples: Collected = field(
        default_factory=lambda: Collected(SAMPLE_SCHEMA.empty_table(), None, None)
    )
    log: EventLog = field(default_factory=EventLog)
    pid: int | None = None
    evidence: Evidence | None = None
    boot_clock: BootClock = UNREAD
    """The phone's, before its trainer was started."""
    scored: dict[int, tuple[HypothesisRow, ...]] = field(default_factory=dict)
    scored_others: tuple[OtherSpeakerRow, ...] = ()
    scored_stored: tuple[HypothesisRow, ...] = ()
    exits: tuple[ExitsRow, ...] = ()
    checkpoint_sha256: str | None = None
    update: UpdateRecord | None = None
    notes: list[str] = field(default_factory=list)


def make_result(
    request: AttemptRequest,
    state: AttemptState,
    started_utc: str,
    seconds: float,
    failure: FailureRecord | None,
) -> AttemptResult:
    """Return the result of an attempt that has ended, from all that was learnt."""
    spec, material, events = request.spec, request.material, state.log.events
    samples = Samples.of(state.samples.table)
    epochs = epoch_records(events, state.scored)
    figures = event_figures(events, epochs, spec.content.trainer.keep)
    accents = {other.speaker: other.accent for other in material.others}
    rule, streaming = spec.content.trainer.exits, spec.content.trainer.streaming
    return AttemptResult(
        run_id=request.run_id,
        job_id=spec.job_id,
        attempt=request.attempt,
        status="finished" if failure is None else "failed",
        failure=failure,
        axes=spec.axes,
        repeat=spec.repeat,
        round=spec.round,
        started_utc=started_utc,
        seconds=seconds,
        phone=request.phone.record,
        model_name=material.model_name,
        model_sha256=material.model.sha256,
        start_sha256=None if material.checkpoint is None else material.checkpoint.sha256,
        speaker=material.speaker,
        accent=material.accent,
        batch_size=spec.content.trainer.batch_size,
        learning_rate=spec.content.trainer.settled_learning_rate,
        epochs_planned=spec.content.trainer.planned_epochs,
        stop_policy=spec.content.trainer.stop.policy,
        selection=selection_record(events),
        epochs=epochs,
        others=other_records(events, state.scored_others, accents, figures["kept_epoch"]),
        exits=exits_record(
            None if rule is None else rule.as_rule(),
            material.exits,
            state.exits,
            figures["kept_epoch"],
        ),
        streaming=streaming_record(
            None if streaming is None else streaming.beam, events, figures["kept_epoch"]
        ),
        stored=stored_record(events, state.scored_stored, figures["kept_epoch"]),
        phases=phase_records(events, samples),
        pressure=_pressure_record(state),
        transfer=state.transfer,
        sampling=state.samples.record,
        gates=state.gates,
        checkpoint_sha256=state.checkpoint_sha256,
        update=state.update,
        client=None if spec.client is None else ClientRecord(**spec.client.model_dump()),
        notes=(*state.notes, *event_notes(events)),
        **figures,
        **memory_figures(events, state.samples.peak_rss_mb),
    )


def _pressure_record(state: AttemptState) -> PressureRecord | None:
    """Return the pressure with the trainer's own death among the kills, if the phone killed it."""
    record = state.pressure
    if record is None or state.evidence is None:
        return record
    known = {kill.pid for kill in record.kills}
    samples = Samples.of(state.samples.table)
    seen = [t for t, rss in zip(samples.t_boot_ms, samples.rss_mb, strict=True) if rss is not None]
    t_s = (seen[-1] - samples.t_boot_ms[0]) / 1000 if seen else 0.0
    own = [kill for kill in kill_records(state.evidence, state.pid, t_s) if kill.pid not in known]
    return record.model_copy(update={"kills": (*record.kills, *own)}) if own else record
