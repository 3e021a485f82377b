"""One attempt: gate -> provision -> press -> train -> collect -> score -> release.

`run_attempt` always ends with a result in the run folder, and always releases the phone if it can
still be reached, whatever happened before.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from harness.adb.errors import AdbError
from harness.lab.attempt.score import Scorer
from harness.lab.attempt.state import AttemptEnd, AttemptRequest, make_result
from harness.lab.attempt.steps import RAW_SAMPLES, AttemptSteps
from harness.lab.attempt.teller import AttemptTeller
from harness.lab.attempt.trainer_control import end_trainer
from harness.lab.clock import Clock, StopSignal, SystemClock
from harness.lab.failures import failure_of, failure_record, host_error
from harness.lab.ports import NoProgress, Progress, Tools
from harness.log import about
from harness.results.model import AttemptResult, FailureRecord

_LOG = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 10.0


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
        StoreError: This host cannot write or read its files (a full disk): no failure of phone or
            job. The phone was released before.
    """
    clock = clock or SystemClock()
    teller = AttemptTeller(request, tools, clock, progress or NoProgress(), on_step)
    steps = AttemptSteps(request, tools, scorer, stop, clock, teller)
    attempt = _Attempt(steps, tools, stop, clock)
    with about(serial=request.phone.serial, job=request.spec.job_id, attempt=request.attempt):
        return attempt.run()


class _Attempt:
    def __init__(self, steps: AttemptSteps, tools: Tools, stop: StopSignal, clock: Clock) -> None:
        self.steps = steps
        self.request = steps.request
        self.phone = steps.phone
        self.folder = steps.folder
        self.state = steps.state
        self.teller = steps.teller
        self.tools = tools
        self.stop = stop
        self.clock = clock
        self.begun = clock.monotonic()

    # -- the way ----------------------------------------------------------------------------------

    def run(self) -> AttemptEnd | None:
        if self.request.rejoin and not self.steps.recall():
            return None
        self.folder.make()
        with self.teller.ticking():
            failure, clean = self._go()
        result = self._write(failure)
        if failure is None:  # of a failed attempt the raw frames may be evidence
            (self.folder.path / RAW_SAMPLES).unlink(missing_ok=True)
        self.teller.say(step="done" if failure is None else failure.kind)
        return AttemptEnd(result, clean)

    def _go(self) -> tuple[FailureRecord | None, bool]:
        """Go through the steps and release; return the failure and whether the phone is clean."""
        failure: FailureRecord | None = None
        clean = False
        try:
            try:
                self._do_steps()
            except Exception as error:  # noqa: BLE001 - outermost of a job: recorded as its result
                failure = self._failure(error)
                self._salvage(failure)
            # Before the release: a host that dies in it has finished the attempt all the same.
            self._write(failure)
        finally:
            # Also on KeyboardInterrupt and SystemExit: a phone is never left pressed.
            self.teller.enter("release")
            clean = self._release(failure)
        return failure, clean

    def _do_steps(self) -> None:
        before = [] if self.request.rejoin else self.steps.before_training()
        for name, step in (*before, *self.steps.from_training()):
            self.teller.enter(name)
            self.stop.check()
            step()

    def _write(self, failure: FailureRecord | None) -> AttemptResult:
        seconds = self.steps.before_s + self.clock.monotonic() - self.begun
        started_utc = self.steps.started_utc
        result = make_result(self.request, self.state, started_utc, seconds, failure)
        self.folder.write_result(result)
        return result

    def _failure(self, error: Exception) -> FailureRecord:
        """Return what an error is called in the result.

        Raises:
            StoreError: It is one of this host's disk: no failure of phone or job.
        """
        trouble = host_error(error)
        if trouble is not None:
            _LOG.error("this host fails, in %s: %s", self.teller.step, trouble)
            raise trouble from error
        failure = failure_of(error, self.teller.step, self.stop.why)
        if failure is not None:
            return failure
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.folder.write_text("error.txt", text)
        _LOG.error("not a failure that is known, in %s", self.teller.step, exc_info=error)
        return failure_record(
            "InternalError", f"{type(error).__name__}: {error}", text.splitlines()[-12:]
        )

    # -- ways out ---------------------------------------------------------------------------------

    def _salvage(self, failure: FailureRecord) -> None:
        """After a failure: keep what there is, without failing again."""
        if self.state.pressure is None:
            self.steps.attempt("release the pressure", self.steps.end_pressure)
        if self.state.samples.record is None:
            self.steps.attempt("save the samples", self.steps.end_sampling)
        if failure.kind != "DeviceLost":
            self.steps.attempt("save the log", self.steps.fetch_log)
        if not self.state.scored and self.state.log.events:
            self.steps.attempt("score the epochs", self.steps.score)

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
        deeds = [
            self.steps.attempt("release the pressure", self.steps.end_pressure),
            self.steps.attempt("end the trainer", lambda: end_trainer(self.tools, self.phone)),
        ]
        if self.steps.sampler is not None:
            deeds.append(self.steps.attempt("end the sampling", self.steps.sampler.stop))
            deeds.append(self.steps.attempt("remove the sampler", self.steps.sampler.teardown))
        deeds.append(self.steps.attempt("restore settings", self._ungate))
        if not self.request.keep:
            deeds.append(self.steps.attempt("remove the attempt's files", self._remove))
        return all(deeds)

    def _ungate(self) -> None:
        self.state.notes.extend(self.tools.ungate(self.phone))

    def _remove(self) -> None:
        paths = list(dict.fromkeys((self.steps.layout.folder, self.steps.layout.outputs)))
        if self.request.forget_speech:
            paths += [self.steps.layout.cas(file) for file in self.request.material.speech()]
        paths += [self.steps.layout.cas_name(name) for name in self.request.outdated]
        self.tools.remove(self.phone, paths)

    def _answers(self) -> bool:
        try:
            self.tools.shell(self.phone, ["true"], PROBE_TIMEOUT_S)
        except AdbError:
            return False
        return True
