"""The steps of an attempt, and what each leaves behind: gate to score."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from harness.contract.events import Epoch, PhaseChange, Selected
from harness.devices.gate_wait import GateTimedOut
from harness.devices.preparing import NotAllowedError, Wishes
from harness.devices.trainer_app import PROBLEM
from harness.lab.attempt.boot_clock import BootClock
from harness.lab.attempt.collect import fetch_checkpoint, fetch_update
from harness.lab.attempt.evidence import clear_log, gather
from harness.lab.attempt.exits import exit_rows
from harness.lab.attempt.jobfile import PhoneLayout, as_kept, job_file
from harness.lab.attempt.outcome import Samples, last_sample_lines
from harness.lab.attempt.rejoin import JOURNAL, AttemptMemory, look, recall
from harness.lab.attempt.score import (
    Scorer,
    check_agreement,
    check_counts,
    score_epochs,
    score_others,
    score_read_back,
)
from harness.lab.attempt.state import AttemptRequest, AttemptState
from harness.lab.attempt.teller import AttemptTeller
from harness.lab.attempt.trainer_control import start_trainer
from harness.lab.attempt.watch import DamagedLogError, TrainWatch
from harness.lab.clock import Clock, StopSignal, seconds_between
from harness.lab.failures import StepFailed, host_error
from harness.lab.ports import Tools
from harness.pressure import Pressure
from harness.sampling import Sampler
from harness.scenario.client_jobs import share_of

_LOG = logging.getLogger(__name__)

RAW_SAMPLES = "samples.txt"


class AttemptSteps:
    """The steps of one attempt.

    Args:
        request: What to do.
        tools: How to talk to the phone.
        scorer: The host's word error counter.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        teller: Tells how it goes.

    Attributes:
        state: What has been learnt so far.
        sampler: Once there is one.
        presser: Once there is one.
        started_utc: When it began, also if another process began it.
        before_s: How long it had gone on when this process took it up.
    """

    def __init__(
        self,
        request: AttemptRequest,
        tools: Tools,
        scorer: Scorer,
        stop: StopSignal,
        clock: Clock,
        teller: AttemptTeller,
    ) -> None:
        self.request = request
        self.spec = request.spec
        self.phone = request.phone
        self.folder = request.folder
        self.tools = tools
        self.scorer = scorer
        self.stop = stop
        self.clock = clock
        self.teller = teller
        self.layout = PhoneLayout(
            request.phone.work_dir, request.spec.job_id, request.attempt, request.phone.trainer_dir
        )
        self.state = AttemptState()
        self.sampler: Sampler | None = None
        self.presser: Pressure | None = None
        self.started_utc = clock.utc()
        self.before_s = 0.0

    def before_training(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the steps that make a phone ready."""
        return [("gate", self._gate), ("provision", self._provision), ("press", self._press)]

    def from_training(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the steps from the training on."""
        train = self._rejoin if self.request.rejoin else self._train
        return [("train", train), ("collect", self._collect), ("score", self.score)]

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
                self.teller.waits_for_gates,
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
            self.teller.waits_for_hub,
            lost_s=self.spec.content.limits.lost_s,
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
        kept = as_kept(job).model_dump_json(indent=1) + "\n"
        self.folder.write_text("job.json", kept)
        self.state.notes.extend(clear_log(self.tools, self.phone))

    def _press(self) -> None:
        # Sampling begins before the pressure, so that its approach is seen too.
        sampler = self._make_sampler()
        self._make_presser()
        sampler.start()
        if self.presser is not None:
            self.presser.start()

    def _make_sampler(self) -> Sampler:
        self.sampler = self.tools.sampler(
            self.phone,
            self.layout.sampler,
            self.folder.path / RAW_SAMPLES,
            self.spec.content.sampling.period_s,
        )
        self.teller.sampler = self.sampler
        return self.sampler

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
        self.state.boot_clock = BootClock.read(self.tools, self.phone, self.clock)
        AttemptMemory(
            started_utc=self.started_utc,
            gates=self.state.gates,
            transfer=self.state.transfer,
            notes=tuple(self.state.notes),
            uptime_s=self.state.boot_clock.uptime_s,
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
            on_turn=self._turn,
            boot_clock=self.state.boot_clock,
            last_samples=self._last_samples,
            log=self.state.log,
        )
        try:
            begin()
            watch.run()
        finally:
            self.state.pid = watch.pid

    def _turn(self) -> None:
        """Look at what goes on beside the training.

        Raises:
            StoreError: This host cannot write what is sampled.
        """
        self.teller.look_at_link()
        for part in (self.sampler, self.presser):
            if part is not None and part.trouble is not None:
                raise part.trouble

    # -- an attempt whose host died ---------------------------------------------------------------

    def recall(self) -> bool:
        """Find the attempt on its phone; return whether there is something to go on with."""
        memory = recall(self.folder)
        if memory is None:
            return False
        remains = look(
            self.tools,
            self.phone,
            self.layout,
            patience_s=self.spec.content.limits.lost_s,
            clock=self.clock,
            stop=self.stop,
        )
        if remains is None or not remains.worth_rejoining:
            return False
        self.started_utc = memory.started_utc
        self.before_s = seconds_between(memory.started_utc, self.clock.utc())
        self.state.gates, self.state.transfer = memory.gates, memory.transfer
        self.state.notes.extend(memory.notes)
        self.state.boot_clock = BootClock(memory.uptime_s)
        self.state.notes.append(
            f"Its host died; another process went on with it at {self.clock.utc()}."
        )
        return True

    def _rejoin(self) -> None:
        """Follow sampler, ballast and trainer from where the dead host was."""
        self._make_sampler()
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
            self.teller.say(phase=event.phase if event.state == "begin" else None)
        elif isinstance(event, Selected):
            none = "none" if self.spec.content.trainer.mode == "evaluate" else "none fits"
            self.teller.say(sub_model=event.sub_model or none)
        elif isinstance(event, Epoch):
            self.teller.say(epoch=event.epoch, wer_percent=event.wer_percent)
        else:
            self.teller.say()

    def _collect(self) -> None:
        self.end_pressure()
        self.end_sampling()
        way = (self.tools, self.phone, self.layout, self.state.log.events)
        limit_s = self.spec.content.limits.collect_s
        if share_of(self.spec) is None:
            path = self.folder.checkpoint_path
            self.state.checkpoint_sha256 = fetch_checkpoint(*way, path, limit_s)
        else:
            model = self.request.material.model.path
            self.state.update = fetch_update(*way, self.folder.update_path, limit_s, model)
        # Nothing of the result hangs on it: a training that ended well is not lost for a slow log.
        self.attempt("save the log", self.fetch_log)

    def score(self) -> None:
        """Count the word errors of what was heard, and compare them with the trainer's own."""
        share = share_of(self.spec)
        references = {name: text for name, text, _ in self.request.material.validation}
        if share is not None and not share.hypotheses:
            # what was heard stayed on the phone: the trainer's counts are what there is
            check_counts(self.state.log.events, references)
            return
        self.state.scored = score_epochs(self.state.log.events, references, self.scorer)
        rows = [row for epoch in self.state.scored.values() for row in epoch]
        self.folder.write_hypotheses(rows)
        said = {
            other.speaker: {name: text for name, text, _ in other.validation}
            for other in self.request.material.others
        }
        self.state.scored_others = score_others(self.state.log.events, said, self.scorer)
        if said:
            self.folder.write_others(self.state.scored_others)
        if self.spec.content.trainer.exits is not None:
            self.state.exits = exit_rows(self.state.log.events, references, self.state.scored)
            self.folder.write_exits(self.state.exits)
        check_agreement(self.state.log.events, self.state.scored, self.state.scored_others)
        self.state.scored_stored = score_read_back(self.state.log.events, references, self.scorer)

    def attempt(self, deed: str, act: Callable[[], object]) -> bool:
        """Do something whose failure must not keep from the next; return whether it was done.

        Raises:
            StoreError: This host's disk; the run cannot go on.
        """
        try:
            act()
        except Exception as error:
            trouble = host_error(error)
            if trouble is not None and self.teller.step != "release":
                raise trouble from error
            self.state.notes.append(f"Could not {deed}: {type(error).__name__}: {error}")
            _LOG.warning("could not %s: %s: %s", deed, type(error).__name__, error)
            return False
        return True

    # -- parts of them ----------------------------------------------------------------------------

    def end_pressure(self) -> None:
        """Release the pressure."""
        if self.presser is not None and self.state.pressure is None:
            origin = None if self.sampler is None else self.sampler.origin_boot_ms
            self.state.pressure = self.presser.stop(origin)
            self.state.notes.extend(self.presser.notes)

    def end_sampling(self) -> None:
        """End the sampling, and keep the samples."""
        if self.sampler is None:
            return
        self.sampler.stop()
        if self.sampler.trouble is not None:
            raise self.sampler.trouble
        self.state.samples = self.sampler.collect(self.state.log.events)
        self.folder.write_samples(self.state.samples.table)
        self.state.notes.extend(self.sampler.notes)

    def fetch_log(self) -> None:
        """Keep what the phone's log says."""
        if self.state.evidence is None:
            self.state.evidence = gather(self.tools, self.phone)
            self.folder.write_text("logcat.txt", self.state.evidence.logcat)
            if self.state.evidence.exit_info.strip():
                self.folder.write_text("exit-info.txt", self.state.evidence.exit_info)

    def _last_samples(self) -> list[str]:
        if self.sampler is None:
            return []
        return last_sample_lines(Samples.of(self.sampler.collect(self.state.log.events).table))
