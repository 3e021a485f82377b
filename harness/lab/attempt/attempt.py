"""One attempt: gate -> provision -> press -> train -> collect -> score -> release.

`run_attempt` always ends with a result in the run folder, and always releases the phone if it can
still be reached, whatever happened before.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.adb.errors import AdbError
from harness.contract.events import Epoch, PhaseChange, Selected
from harness.devices.gate_wait import GateTimedOut
from harness.devices.preparing import NotAllowedError, Wishes
from harness.devices.trainer_app import PROBLEM
from harness.lab.attempt.collect import fetch_checkpoint
from harness.lab.attempt.evidence import clear_log, gather
from harness.lab.attempt.jobfile import PhoneLayout, job_file
from harness.lab.attempt.outcome import (
    Samples,
    last_sample_lines,
)
from harness.lab.attempt.rejoin import JOURNAL, Memory, look, recall
from harness.lab.attempt.score import Scorer, check_agreement, score_epochs
from harness.lab.attempt.state import AttemptEnd, AttemptRequest, AttemptState, make_result
from harness.lab.attempt.trainer_control import end_trainer, start_trainer
from harness.lab.attempt.watch import DamagedLogError, TrainWatch
from harness.lab.clock import (
    Clock,
    StopSignal,
    SystemClock,
    seconds_between,
)
from harness.lab.failures import StepFailed, failure_of, failure_record
from harness.lab.ports import (
    NoProgress,
    PhoneStatus,
    Progress,
    Tools,
)
from harness.log import about
from harness.pressure import Pressure
from harness.results.model import (
    AttemptResult,
    FailureRecord,
)
from harness.sampling import Sampler

_LOG = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 10.0
TICK_S = 1.0
RAW_SAMPLES = "samples.txt"
WAITS = "waiting for the hub"
"""Said instead of the step in which a phone waits for others of its hub."""


def run_attempt(
    request: AttemptRequest,
    *,
    tools: Tools,
    scorer: Scorer,
    stop: StopSignal,
    clock: Clock | None = None,
    progress: Progress | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> AttemptEnd | None:
    """Run one attempt on one leased phone, or go on with it (`AttemptRequest.rejoin`).

    Args:
        request: What to do.
        tools: How to talk to the phone.
        scorer: The host's word error counter.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        progress: Who wants to know.
        on_step: Called as each step begins (for the ledger).

    Returns:
        How it ended; None if nothing was left to go on with.

    Raises:
        StoreError: The run folder cannot be written; the phone was released before.
    """
    attempt = _Attempt(
        request, tools, scorer, stop, clock or SystemClock(), progress or NoProgress(), on_step
    )
    with about(serial=request.phone.serial, job=request.spec.job_id, attempt=request.attempt):
        return attempt.run()


class _Attempt:
    def __init__(
        self,
        request: AttemptRequest,
        tools: Tools,
        scorer: Scorer,
        stop: StopSignal,
        clock: Clock,
        progress: Progress,
        on_step: Callable[[str], None],
    ) -> None:
        self.request = request
        self.spec = request.spec
        self.phone = request.phone
        self.folder = request.folder
        self.tools = tools
        self.scorer = scorer
        self.stop = stop
        self.clock = clock
        self.progress = progress
        self.on_step = on_step
        self.layout = PhoneLayout(
            request.phone.work_dir, request.spec.job_id, request.attempt, request.phone.trainer_dir
        )
        self.state = AttemptState()
        self.step = "gate"
        self.saying = threading.Lock()
        self.started_utc = clock.utc()
        self.begun = clock.monotonic()
        self.before_s = 0.0
        """How long it had gone on when this process took it up."""
        self.sampler: Sampler | None = None
        self.presser: Pressure | None = None
        self.status = PhoneStatus(
            serial=request.phone.serial,
            profile=request.phone.record.profile,
            job_id=request.spec.job_id,
            axes=", ".join(f"{k}={v}" for k, v in request.spec.axes.items()),
            attempt=request.attempt,
            epochs=request.spec.content.trainer.epochs,
        )

    # -- the way ----------------------------------------------------------------------------------

    def run(self) -> AttemptEnd | None:
        self.begun = self.clock.monotonic()
        if self.request.rejoin and not self._recall():
            return None
        self.folder.make()
        failure: FailureRecord | None = None
        clean = False
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over,), name="ticker", daemon=True)
        ticker.start()
        try:
            try:
                for name, step in self._steps():
                    self._enter(name)
                    self.stop.check()
                    step()
            except Exception as error:  # noqa: BLE001 - outermost of a job: recorded as its result
                failure = self._failure(error)
                self._salvage(failure)
            # Before the release: a host that dies in it has finished the attempt all the same.
            self._write(failure)
        finally:
            # Also on KeyboardInterrupt and SystemExit: a phone is never left pressed.
            self._enter("release")
            clean = self._release(failure)
            over.set()
            ticker.join()
        result = self._write(failure)
        if failure is None:  # of a failed attempt the raw frames may be evidence
            (self.folder.path / RAW_SAMPLES).unlink(missing_ok=True)
        self._say(step="done" if failure is None else failure.kind)
        return AttemptEnd(result, clean)

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        before: list[tuple[str, Callable[[], None]]] = [
            ("gate", self._gate),
            ("provision", self._provision),
            ("press", self._press),
        ]
        return [
            *([] if self.request.rejoin else before),
            ("train", self._rejoin if self.request.rejoin else self._train),
            ("collect", self._collect),
            ("score", self._score),
        ]

    def _write(self, failure: FailureRecord | None) -> AttemptResult:
        seconds = self.before_s + self.clock.monotonic() - self.begun
        result = make_result(self.request, self.state, self.started_utc, seconds, failure)
        self.folder.write_result(result)
        return result

    def _enter(self, step: str) -> None:
        self.step = step
        self.on_step(step)
        self._say(step=step)

    def _tick(self, over: threading.Event) -> None:
        """Show what is newly available once a second, also while a step waits."""
        while not over.wait(TICK_S):
            if self.sampler is not None:
                self._say()

    def _say(self, **changes: Any) -> None:
        with self.saying:
            if self.sampler is not None:
                changes.setdefault("available_mb", self.sampler.available_mb())
            self.status = replace(self.status, **changes)
            self.progress.phone(self.status)

    def _failure(self, error: Exception) -> FailureRecord:
        known = failure_of(error, self.step)
        if known is not None:
            return known
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.folder.write_text("error.txt", text)
        _LOG.error("not a failure that is known, in %s", self.step, exc_info=error)
        return failure_record(
            "InternalError", f"{type(error).__name__}: {error}", text.splitlines()[-12:]
        )

    # -- steps ------------------------------------------------------------------------------------

    def _gate(self) -> None:
        content = self.spec.content
        if problem := self.phone.said.get(PROBLEM):
            raise StepFailed("ProvisionFailed", problem)
        try:
            self.state.gates, notes = self.tools.gate(
                self.phone,
                self.request.gates,
                Wishes(**content.settings.model_dump()),
                content.limits.gate_s,
                self.stop.gentle,
            )
        except GateTimedOut as error:
            self.state.gates = error.records
            self.stop.check()  # Ctrl-C ends the wait too
            raise StepFailed("GateTimedOut", str(error)) from error
        except NotAllowedError as error:
            self.state.notes.extend(error.notes)
            raise StepFailed("GateTimedOut", str(error)) from error
        self.state.notes.extend(notes)
        for gate in self.state.gates:
            _LOG.info(
                "gate %s %s after %.0f s: %s", gate.name, gate.outcome, gate.waited_s, gate.detail
            )

    def _provision(self) -> None:
        limit_s = self.spec.content.limits.provision_s
        self.state.transfer = self.tools.push(
            self.phone,
            self.request.material.files(),
            limit_s,
            self.stop.gentle,
            self._waits,
            keep=self.request.keep,
        )
        _LOG.info(
            "pushed %d files (%d bytes) in %.1f s, %d were there",
            self.state.transfer.pushed_files,
            self.state.transfer.pushed_bytes,
            self.state.transfer.seconds,
            self.state.transfer.skipped_files,
        )
        job = job_file(self.spec, self.request.material, self.layout)
        text = job.model_dump_json(indent=1) + "\n"
        self.tools.write(self.phone, self.layout.job, text.encode())
        self.folder.write_text("job.json", text)
        self.state.notes.extend(clear_log(self.tools, self.phone))

    def _waits(self, waiting: bool) -> None:
        """Say that other phones of the hub are pushed to first, which may take long."""
        self.on_step(WAITS if waiting else self.step)
        self._say(step=WAITS if waiting else self.step)

    def _press(self) -> None:
        # Sampling begins before the pressure, so that its approach is seen too.
        self.sampler = self._make_sampler()
        self._make_presser()
        self.sampler.start()
        if self.presser is not None:
            self.presser.start()

    def _make_sampler(self) -> Sampler:
        return self.tools.sampler(
            self.phone,
            self.layout.sampler,
            self.folder.path / RAW_SAMPLES,
            self.spec.content.sampling.period_s,
        )

    def _make_presser(self) -> None:
        content = self.spec.content
        if self.request.goal is None or content.pressure is None:
            return
        self.presser = self.tools.pressure(
            self.phone,
            self.request.goal,
            content.pressure.by,
            content.pressure.apps,
            content.limits.pressure_s,
            self.folder.path / JOURNAL,
        )

    def _train(self) -> None:
        state = self.state
        notes = tuple(state.notes)
        Memory(
            started_utc=self.started_utc, gates=state.gates, transfer=state.transfer, notes=notes
        ).write(self.folder)
        self._watch(lambda: start_trainer(self.tools, self.phone, self.layout.job))

    def _watch(self, begin: Callable[[], None]) -> None:
        watch = TrainWatch(
            tools=self.tools,
            phone=self.phone,
            layout=self.layout,
            folder=self.folder,
            limits=self.spec.content.limits,
            stop=self.stop,
            clock=self.clock,
            on_event=self._event,
            last_samples=self._last_samples,
            log=self.state.log,
        )
        try:
            begin()
            watch.run()
        finally:
            self.state.pid = watch.pid

    # -- an attempt whose host died ---------------------------------------------------------------

    def _recall(self) -> bool:
        """Find the attempt on its phone; return whether there is something to go on with."""
        memory = recall(self.folder)
        if memory is None:
            return False
        found = look(
            self.tools,
            self.phone,
            self.layout,
            patience_s=self.spec.content.limits.lost_s,
            clock=self.clock,
            stop=self.stop,
        )
        if found is None or not found.worth_rejoining:
            return False
        self.started_utc = memory.started_utc
        self.before_s = seconds_between(memory.started_utc, self.clock.utc())
        self.state.gates, self.state.transfer = memory.gates, memory.transfer
        self.state.notes.extend(memory.notes)
        self.state.notes.append(
            f"Its host died; another process went on with it at {self.clock.utc()}."
        )
        return True

    def _rejoin(self) -> None:
        """Follow sampler, ballast and trainer from where the dead host was."""
        self.sampler = self._make_sampler()
        self._make_presser()
        self._watch(self._take_up)

    def _take_up(self) -> None:
        if self.folder.events_size():
            try:
                self.state.log.feed(self.folder.events_path.read_bytes())
            except DamagedLogError:  # a broken line that the dead host did not take again
                self.folder.cut_events(self.state.log.size)
            for event in self.state.log.events:
                self._event(event)
        assert self.sampler is not None
        self.sampler.rejoin()
        if self.presser is not None:
            self.presser.rejoin()

    def _event(self, event: Any) -> None:
        if isinstance(event, PhaseChange):
            self._say(phase=event.phase if event.state == "begin" else None)
        elif isinstance(event, Selected):
            self._say(sub_model=event.sub_model or "none fits")
        elif isinstance(event, Epoch):
            self._say(epoch=event.epoch, wer_percent=event.wer_percent)
        else:
            self._say()

    def _collect(self) -> None:
        self._end_pressure()
        self._end_sampling()
        self.state.checkpoint_sha256 = fetch_checkpoint(
            self.tools,
            self.phone,
            self.layout,
            self.state.log.events,
            self.folder.checkpoint_path,
            self.spec.content.limits.collect_s,
        )
        # Nothing of the result hangs on it: a training that ended well is not lost for a slow log.
        self._attempt("save the log", self._fetch_log)

    def _score(self) -> None:
        references = {name: text for name, text, _ in self.request.material.validation}
        self.state.scored = score_epochs(self.state.log.events, references, self.scorer)
        rows = [row for epoch in self.state.scored.values() for row in epoch]
        self.folder.write_hypotheses(rows)
        check_agreement(self.state.log.events, self.state.scored)

    # -- parts of them ----------------------------------------------------------------------------

    def _end_pressure(self) -> None:
        if self.presser is not None and self.state.pressure is None:
            origin = None if self.sampler is None else self.sampler.origin_boot_ms
            self.state.pressure = self.presser.stop(origin)
            self.state.notes.extend(self.presser.notes)

    def _end_sampling(self) -> None:
        if self.sampler is None:
            return
        self.sampler.stop()
        self.state.samples = self.sampler.collect(self.state.log.events)
        self.folder.write_samples(self.state.samples.table)
        self.state.notes.extend(self.sampler.notes)

    def _fetch_log(self) -> None:
        if self.state.evidence is None:
            self.state.evidence = gather(self.tools, self.phone)
            self.folder.write_text("logcat.txt", self.state.evidence.logcat)
            if self.state.evidence.exit_info.strip():
                self.folder.write_text("exit-info.txt", self.state.evidence.exit_info)

    def _last_samples(self) -> list[str]:
        if self.sampler is None:
            return []
        return last_sample_lines(Samples.of(self.sampler.collect(self.state.log.events).table))

    # -- ways out ---------------------------------------------------------------------------------

    def _salvage(self, failure: FailureRecord) -> None:
        """After a failure: keep what there is, without failing again."""
        if self.state.pressure is None:
            self._attempt("release the pressure", self._end_pressure)
        if self.state.samples.record is None:
            self._attempt("save the samples", self._end_sampling)
        if failure.kind != "DeviceLost":
            self._attempt("save the log", self._fetch_log)
        if not self.state.scored and self.state.log.events:
            self._attempt("score the epochs", self._score)

    def _release(self, failure: FailureRecord | None) -> bool:
        """Give the phone back as it was; return whether that was possible."""
        if failure is not None and failure.kind == "DeviceLost" and not self._answers():
            self.state.notes.append(
                "The phone was gone at the end: pressure, trainer and files are removed when it "
                "is back (the trainer's ballast ends by itself with its package)."
            )
            return False
        if self.stop.hard.is_set():
            self.state.notes.append("Left at once (second Ctrl-C): `harness resume` cleans up.")
            return False
        done = [
            self._attempt("release the pressure", self._end_pressure),
            self._attempt("end the trainer", lambda: end_trainer(self.tools, self.phone)),
        ]
        if self.sampler is not None:
            done.append(self._attempt("end the sampling", self.sampler.stop))
            done.append(self._attempt("remove the sampler", self.sampler.teardown))
        done.append(self._attempt("restore settings", self._ungate))
        if not self.request.keep:
            done.append(self._attempt("remove the attempt's files", self._remove))
        return all(done)

    def _ungate(self) -> None:
        self.state.notes.extend(self.tools.ungate(self.phone))

    def _remove(self) -> None:
        paths = list(dict.fromkeys((self.layout.folder, self.layout.outputs)))
        if self.request.forget_speech:
            paths += [self.layout.cas(file) for file in self.request.material.speech()]
        self.tools.remove(self.phone, paths)

    def _answers(self) -> bool:
        try:
            self.tools.shell(self.phone, ["true"], PROBE_TIMEOUT_S)
        except AdbError:
            return False
        return True

    def _attempt(self, deed: str, do: Callable[[], object]) -> bool:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - one failed deed must not keep from the next
            self.state.notes.append(f"Could not {deed}: {type(error).__name__}: {error}")
            _LOG.warning("could not %s: %s: %s", deed, type(error).__name__, error)
            return False
        return True
