"""One attempt on a scripted phone: what goes wrong gets its name, and the phone is given back."""

from __future__ import annotations

import errno
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.adb.errors import DeviceLost
from harness.devices.gates import parse_gates
from harness.lab.attempt import attempt as attempt_module
from harness.lab.attempt import steps as steps_module
from harness.lab.attempt.attempt import run_attempt
from harness.lab.attempt.state import AttemptEnd
from harness.lab.attempt.teller import AWAY, WAITS
from harness.lab.clock import StopSignal
from harness.lab.plan_rules import step_limit_s
from harness.lab.ports import NoProgress, PhoneStatus
from harness.results.files import DiskFullError
from harness.results.model import AttemptResult
from harness.results.store import AttemptFolder
from tests.unit.lab.fakes import (
    CHECKPOINT_SHA,
    PACKAGE,
    PID,
    FakeClock,
    FakePressure,
    FakeSampler,
    FakeTools,
    Output,
    World,
    fake_scorer,
    good_training,
    line,
    make_request,
    make_spec,
)

LMKD = (
    f"01-01 00:00:01.000  100  100 I lowmemorykiller: Kill '{PACKAGE}' ({PID}), uid 10123, "
    "oom_score_adj 200 to free 204800kB rss, 0kB swap; reason: low watermark is breached\n"
)


class StopAt(list[str]):
    """Steps; Ctrl-C comes at one of them."""

    def __init__(self, step: str, stop: StopSignal) -> None:
        super().__init__()
        self._step, self._stop = step, stop

    def append(self, step: str) -> None:
        super().append(step)
        if step == self._step:
            self._stop.press()


class Lab:
    """A world and a way to run one attempt in it."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.world = World(FakeClock(), script=good_training())
        self.stop = StopSignal()
        self.steps: list[str] = []

    def run(self, progress: NoProgress | None = None, **changes: Any) -> AttemptEnd:
        self.request = make_request(self.tmp_path, **changes)
        if self.request.goal is None:
            self.world.calls.append("no-pressure")
        end = run_attempt(
            self.request,
            tools=FakeTools(self.world),
            scorer=fake_scorer,
            stop=self.stop,
            clock=self.world.clock,
            progress=progress,
            on_step=self.steps.append,
        )
        assert end is not None
        assert self.request.folder.result() == end.result
        return end

    def failed(self, kind: str, **changes: Any) -> AttemptResult:
        end = self.run(**changes)
        assert end.result.failure is not None, "the attempt did not fail"
        assert end.result.failure.kind == kind, end.result.failure
        assert end.result.status == "failed"
        return end.result


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_the_gates_are_those_that_the_plan_read(lab: Lab) -> None:
    gates = parse_gates({"preset": "strict", "mode": "note"})
    lab.run(gates=gates)
    assert lab.world.gates is gates


def test_a_good_attempt_ends_with_all_its_figures(lab: Lab) -> None:
    end = lab.run()
    result = end.result
    assert end.clean
    assert result.failure is None, result.failure
    assert lab.steps == ["gate", "provision", "press", "train", "collect", "score", "release"]
    assert [epoch.wer_percent for epoch in result.epochs] == [100.0, 50.0]
    assert (result.wer_before_percent, result.wer_after_percent) == (100.0, 50.0)
    assert result.epochs[1].deletions == 2
    assert result.kept_epoch == 1
    assert result.stop_reason == "epochs_done"
    assert result.minutes_per_epoch == pytest.approx(0.2)
    assert result.checkpoint_sha256 == CHECKPOINT_SHA
    assert result.selection is not None
    assert result.selection.sub_model == "S5"
    assert result.peak_rss_mb == 512.0
    assert result.need_mb == 200.0
    assert result.measured_need_mb == pytest.approx(512.0 - 95.0)
    assert result.pressure is not None
    assert result.sampling is not None
    assert result.gates[0].name == "battery"
    assert [(phase.phase, phase.epoch) for phase in result.phases] == [
        ("evaluate", 0),
        ("train", 1),
    ]
    assert result.phases[0].begin_s == pytest.approx(1.6)
    assert result.phases[1].rss_peak_mb == 300.0
    assert result.phases[0].rss_delta_mb is None  # shorter than a sample: not seen, not zero
    folder = lab.request.folder
    whole = b"".join(data for _, data in good_training())
    assert folder.events_path.read_bytes() == whole
    assert folder.checkpoint_path.read_bytes() == b"weights"
    assert len(folder.hypotheses()) == 4
    assert folder.samples().num_rows == 6
    lab.world.assert_released()


def test_waiting_for_the_hub_is_a_step_of_its_own_and_hears_ctrl_c(lab: Lab) -> None:
    lab.world.hub_is_busy = True
    assert lab.run().result.failure is None
    assert lab.steps[1:5] == ["provision", WAITS, "provision", "press"]
    content = lab.request.spec.content
    assert step_limit_s(content, WAITS) == math.inf  # each of those before has a limit of its own
    assert step_limit_s(content, "provision") < math.inf


def test_ctrl_c_while_waiting_for_the_hub(lab: Lab) -> None:
    lab.world.hub_is_busy = True
    lab.steps = StopAt(WAITS, lab.stop)
    lab.failed("Interrupted")
    lab.world.assert_released()


def test_pressure_and_sampling_come_before_the_trainer(lab: Lab) -> None:
    lab.run()
    calls = lab.world.calls
    assert calls.index("gate") < calls.index("push")
    started = next(n for n, call in enumerate(calls) if call.startswith("am start-foreground"))
    assert calls.index("push") < started  # the fake asserts pressure and files at the start itself


def test_without_pressure_there_is_none(lab: Lab) -> None:
    end = lab.run(goal=None, spec=make_spec(pressure=None))
    assert end.result.failure is None
    assert end.result.pressure is None


def test_a_killed_trainer_is_told_from_a_crashed_one(lab: Lab) -> None:
    lab.world.script = good_training()[:4]
    lab.world.dies_after = 4.5
    lab.world.logcat = LMKD
    result = lab.failed("TrainerKilled")
    failure = result.failure
    assert failure is not None
    assert "low watermark is breached" in failure.message
    assert any("lowmemorykiller" in text for text in failure.evidence)
    assert any("sample at" in text for text in failure.evidence)
    assert result.pressure is not None
    assert [kill.role for kill in result.pressure.kills] == ["trainer"]
    # What had been learnt by then is there, scored by the host.
    assert [epoch.wer_percent for epoch in result.epochs] == [100.0]
    assert result.wer_after_percent is None
    lab.world.assert_released()


@pytest.mark.parametrize(
    ("exit_info", "kind"),
    [
        ("reason=3 (LOW_MEMORY) status=0", "TrainerKilled"),
        ("reason=13 (OTHER KILLS BY SYSTEM) status=0", "TrainerKilled"),
        ("reason=2 (SIGNALED) status=9", "TrainerKilled"),
        ("reason=2 (SIGNALED) status=11", "TrainerCrashed"),
        ("reason=5 (NATIVE CRASH) status=11", "TrainerCrashed"),
    ],
)
def test_the_exit_record_decides_where_the_log_is_silent(
    lab: Lab, exit_info: str, kind: str
) -> None:
    lab.world.script = good_training()[:3]
    lab.world.dies_after = 4.0
    lab.world.exit_info = (
        "ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)\n"
        f"  package: {PACKAGE}\n"
        "      ApplicationExitInfo #0:\n"
        f"        timestamp=2026-01-01 00:00:01.000 pid={PID} realUid=10123 packageUid=10123 "
        f"definingUid=10123 user=0 process={PACKAGE} {exit_info} importance=125 pss=0,00 rss=0,00\n"
    )
    failure = lab.failed(kind).failure
    assert failure is not None
    assert any("exit-info: pid 4242" in text for text in failure.evidence)
    lab.world.assert_released()


def test_a_phone_that_rebooted_is_lost_not_a_crash_of_the_trainer(lab: Lab) -> None:
    lab.world.script = good_training()[:3]
    lab.world.dies_after = 4.0
    lab.world.restarts_at = lab.world.clock.now + 3.5
    failure = lab.failed("DeviceLost").failure
    assert failure is not None
    assert "rebooted" in failure.message
    lab.world.assert_released()


def test_event_times_of_another_clock_are_no_reboot(lab: Lab) -> None:
    """A replayed trainer's clock may be ahead of its phone's."""
    lab.world.script = good_training()[:3]
    lab.world.dies_after = 4.0
    lab.world.uptime_s = -990.0  # up for 10 s; the events say 11 s
    lab.world.logcat = LMKD
    lab.failed("TrainerKilled")


def test_a_phone_that_rebooted_while_its_host_was_dead_is_lost(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_training(lab, monkeypatch, 4.2)
    lab.world.restarts_at = lab.world.clock.now + 5.0
    lab.world.script = lab.world.script[:5]
    lab.world.dies_after = 30.0
    end = rejoin(lab)
    assert end is not None
    assert end.result.failure is not None
    assert end.result.failure.kind == "DeviceLost"


# -- what is told meanwhile -----------------------------------------------------------------------


class Watcher(NoProgress):
    """Keeps what a phone was said to do."""

    def __init__(self) -> None:
        self.statuses: list[PhoneStatus] = []

    def phone(self, status: PhoneStatus) -> None:
        self.statuses.append(status)


def test_a_phone_that_is_away_is_said_so_until_it_is_back(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.world.lost = (3.2, 5.2)
    watcher = Watcher()
    assert lab.run(progress=watcher).result.failure is None
    away = f"{AWAY} since 00:00:03, until 00:02:03 UTC at most"
    assert lab.steps[2:6] == ["press", "train", away, "train"]
    steps = [status.step for status in watcher.statuses]
    assert steps.index(AWAY) < steps.index("collect")
    told = next(status for status in watcher.statuses if status.step == AWAY)
    assert told.note == "since 00:00:03, until 00:02:03 UTC at most"
    assert watcher.statuses[-1].note == ""
    assert AWAY in caplog.text
    assert step_limit_s(lab.request.spec.content, away) < math.inf


def test_a_shut_gate_says_what_it_wants_and_how_long_it_waits(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.world.gate_opens_after = 120.0
    watcher = Watcher()
    assert lab.run(progress=watcher).result.failure is None
    words = "battery_percent_min: wanted at least 40, is 12; waits for 120 s at most"
    assert lab.steps[:3] == ["gate", f"gate: {words}", "provision"]
    assert words in [status.note for status in watcher.statuses if status.step == "gate"]
    assert watcher.statuses[-1].note == ""
    assert words in caplog.text
    content = lab.request.spec.content
    assert step_limit_s(content, f"gate: {words}") == step_limit_s(content, "gate")


# -- this host's disk -----------------------------------------------------------------------------


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def lost_for_a_full_disk(*_: Any, **__: Any) -> None:
    """As an error of this host looks that was taken for one of the phone's link."""
    try:
        full()
    except OSError as error:
        raise DeviceLost("gone", serial="SER1") from error


@pytest.mark.parametrize(
    "place",
    [
        "gate",
        "push",
        "write",
        "sampler start",
        "sampler trouble",
        "pressure trouble",
        "follow",
        "pull",
        "hypotheses",
        "log",
    ],
)
def test_a_full_disk_of_this_host_is_no_failure_of_the_phone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    trouble = DiskFullError("the disk is full. Make room, then `harness resume` the run")
    patches: dict[str, tuple[Any, str, Any]] = {
        "gate": (FakeTools, "gate", full),
        "push": (FakeTools, "push", lost_for_a_full_disk),
        "write": (FakeTools, "write", full),
        "sampler start": (FakeSampler, "start", full),
        "sampler trouble": (FakeSampler, "trouble", trouble),
        "pressure trouble": (FakePressure, "trouble", trouble),
        "follow": (AttemptFolder, "append_events", full),
        "pull": (FakeTools, "pull", lost_for_a_full_disk),
        "hypotheses": (AttemptFolder, "write_hypotheses", full),
        "log": (steps_module, "gather", full),
    }
    monkeypatch.setattr(*patches[place])
    with pytest.raises(DiskFullError, match=r"resume` the run"):
        lab.run()
    assert not lab.request.folder.result_path.exists()
    lab.world.assert_released()


@pytest.mark.parametrize(("keep", "kept"), [("best", None), ("last", 1)])
def test_without_a_clean_end_the_job_says_what_counts(
    lab: Lab, keep: str, kept: int | None
) -> None:
    script = good_training()[:8]
    lab.world.script = [*script[:7], (8.0, script[7][1].replace(b'"best": true', b'"best": false'))]
    lab.world.dies_after = 9.0
    spec = make_spec(trainer={"keep": keep})
    assert lab.failed("TrainerEnded", spec=spec).kept_epoch == kept


def test_another_process_killed_is_not_the_trainer(lab: Lab) -> None:
    lab.world.script = good_training()[:3]
    lab.world.dies_after = 4.0
    lab.world.logcat = LMKD.replace(PACKAGE, f"{PACKAGE}:ballast1").replace(str(PID), "77")
    lab.failed("TrainerEnded")


def test_a_trainer_that_says_why_it_failed(lab: Lab) -> None:
    lab.world.script = [
        *good_training()[:2],
        (3.0, line(3, "error", kind="BadModel", message="no signature train_s5", detail="a\nb")),
    ]
    failure = lab.failed("TrainerCrashed").failure
    assert failure is not None
    assert failure.message == "BadModel: no signature train_s5"
    assert failure.evidence == ("a", "b")
    lab.world.assert_released()


def test_a_trainer_that_will_not_start(lab: Lab) -> None:
    lab.world.start_output = Output("Error: Not found; no service started.", code=0)
    failure = lab.failed("TrainerCrashed").failure
    assert failure is not None
    assert "does not start" in failure.message
    lab.world.assert_released()


def test_a_trainer_that_never_says_anything_is_stalled(lab: Lab) -> None:
    lab.world.script = []
    failure = lab.failed("TrainerStalled").failure
    assert failure is not None
    assert "no event within 60 s" in failure.message
    lab.world.assert_released()


def test_a_silent_trainer_is_stalled_and_a_slow_one_is_not(lab: Lab) -> None:
    lab.world.script = good_training()[:6]
    spec = make_spec(limits={"stall_s": 30.0})
    failure = lab.failed("TrainerStalled", spec=spec).failure
    assert failure is not None
    assert failure.message == "no event for 30 s"
    assert "last event" in failure.evidence[0]
    lab.world.assert_released()


def test_slow_is_not_stalled(lab: Lab) -> None:
    lab.world.script = [(20 * at, data) for at, data in good_training()]
    assert lab.run(spec=make_spec(limits={"stall_s": 30.0})).result.failure is None


def test_a_training_that_never_ends(lab: Lab) -> None:
    steps = b"".join(
        line(n, "step", epoch=1, step=n, loss=1.0, seconds=1.0, utterances=1) for n in range(6, 7)
    )
    lab.world.script = [
        *good_training()[:5],
        (6.0, steps),
        *(
            (6.0 + n, line(6 + n, "step", epoch=1, step=n, loss=1.0, seconds=1.0, utterances=1))
            for n in range(1, 500)
        ),
    ]
    failure = lab.failed("TrainerStalled", spec=make_spec(limits={"train_s": 100.0})).failure
    assert failure is not None
    assert "still training after 100 s" in failure.message


def test_a_lost_cable_that_comes_back_loses_nothing(lab: Lab) -> None:
    lab.world.lost = (2.5, 60.0)
    end = lab.run()
    assert end.result.failure is None
    assert end.clean
    whole = b"".join(data for _, data in good_training())
    assert lab.request.folder.events_path.read_bytes() == whole
    lab.world.assert_released()


def test_a_phone_that_does_not_come_back_is_lost_and_said_to_be_unclean(lab: Lab) -> None:
    lab.world.lost = (2.5, 1e9)
    end = lab.run(spec=make_spec(limits={"lost_s": 50.0}))
    assert not end.clean
    assert end.result.failure is not None
    assert end.result.failure.kind == "DeviceLost"
    assert any("gone at the end" in note for note in end.result.notes)
    assert lab.request.folder.events_size() > 0


def test_a_gate_that_stays_shut(lab: Lab) -> None:
    lab.world.gate_shut = True
    result = lab.failed("GateTimedOut")
    assert [gate.outcome for gate in result.gates] == ["failed"]
    assert lab.world.started_at is None
    lab.world.assert_released()


def test_pressure_that_cannot_be_reached(lab: Lab) -> None:
    lab.world.unreachable = True
    failure = lab.failed("PressureUnreachable").failure
    assert failure is not None
    assert failure.message == "the phone has only 100 MB"
    assert failure.evidence == ("MemAvailable 100 MB",)
    assert lab.world.started_at is None
    lab.world.assert_released()


def test_a_disagreement_about_the_score_fails_the_attempt(lab: Lab) -> None:
    lab.world.script = [(at, data.replace(b"50.0,", b"50.02,")) for at, data in good_training()]
    result = lab.failed("ScoreMismatch")
    assert result.failure is not None
    assert result.failure.evidence == ("epoch 1: trainer 50.0200 %, host 50.0000 %",)
    assert result.epochs[1].wer_percent == 50.0
    lab.world.assert_released()


def test_a_rounding_difference_is_no_disagreement(lab: Lab) -> None:
    lab.world.script = [(at, data.replace(b"50.0,", b"50.009,")) for at, data in good_training()]
    assert lab.run().result.failure is None


def test_hypotheses_for_other_utterances_are_a_mismatch(lab: Lab) -> None:
    lab.world.script = [(at, data.replace(b'"v2"', b'"v3"')) for at, data in good_training()]
    failure = lab.failed("ScoreMismatch").failure
    assert failure is not None
    assert failure.evidence == ("without one: v2", "not asked: v3")


def test_a_gap_in_the_events_is_found(lab: Lab) -> None:
    script = good_training()
    lab.world.script = [*script[:2], *script[5:]]
    failure = lab.failed("InternalError").failure
    assert failure is not None
    assert "event 6 follows 2" in failure.message
    lab.world.assert_released()


def test_a_line_that_is_no_event(lab: Lab) -> None:
    lab.world.script = [*good_training()[:2], (3.0, b'{"seq": 3, "type": "surprise"}\n')]
    failure = lab.failed("TrainerCrashed").failure
    assert failure is not None
    assert "line 4 of the event log" in failure.message


def test_what_came_damaged_is_read_again(lab: Lab) -> None:
    lab.world.garbled = (2.0, 6.0)
    result = lab.run().result
    assert result.failure is None
    written = b"".join(data for _, data in good_training())
    assert lab.request.folder.events_path.read_bytes() == written


def test_what_always_comes_damaged_is_a_failure(lab: Lab) -> None:
    lab.world.garbled = (2.0, 1e9)
    lab.failed("TrainerCrashed")
    lab.world.assert_released()


def test_a_checkpoint_that_is_not_the_one_written(lab: Lab) -> None:
    lab.world.checkpoint = b"other"
    failure = lab.failed("TrainerCrashed").failure
    assert failure is not None
    assert "not the one that was written" in failure.message


def test_a_checkpoint_path_outside_the_attempt_is_refused(lab: Lab) -> None:
    lab.world.script = [
        (at, data.replace(b"checkpoints/epoch-1.npz", b"checkpoints/../../../x"))
        for at, data in good_training()
    ]
    failure = lab.failed("TrainerCrashed").failure
    assert failure is not None
    assert "none that was written" in failure.message


def test_no_sub_model_fits_is_a_result(lab: Lab) -> None:
    lab.world.script = [
        good_training()[0],
        (2.0, line(2, "stopped", reason="no_sub_model_fits", epoch=0)),
    ]
    lab.world.dies_after = 3.0
    result = lab.run().result
    assert result.failure is None
    assert result.stop_reason == "no_sub_model_fits"
    assert result.wer_after_percent is None


def test_ctrl_c_stops_the_trainer_and_releases_the_phone(lab: Lab) -> None:
    def press(seconds: float) -> None:
        if seconds > 4 and not lab.stop.requested:
            lab.stop.press()

    lab.world.on_poll = press
    lab.world.on_stop = [line(5, "stopped", reason="command", epoch=0)]
    lab.world.script = good_training()[:3]
    result = lab.failed("Interrupted")
    assert lab.world.asked_to_stop
    assert result.stop_reason == "command"
    assert [epoch.wer_percent for epoch in result.epochs] == [100.0]
    lab.world.assert_released()


def test_ctrl_c_before_the_training_starts_nothing(lab: Lab) -> None:
    lab.stop.press()
    lab.failed("Interrupted")
    assert lab.world.started_at is None
    lab.world.assert_released()


def test_a_second_ctrl_c_leaves_at_once(lab: Lab) -> None:
    def press(seconds: float) -> None:
        if seconds > 4:
            lab.stop.press()

    lab.world.on_poll = press
    end = lab.run()
    assert not end.clean
    assert end.result.failure is not None
    assert end.result.failure.kind == "Interrupted"


def test_keep_leaves_files_and_rounds_forget_speech(lab: Lab) -> None:
    lab.run(keep=True)
    assert any("/attempts/" in path for path in lab.world.files)
    assert any(path.endswith(".wav") for path in lab.world.files)


def test_a_rounds_recordings_do_not_stay(lab: Lab) -> None:
    lab.run(forget_speech=True)
    assert not any(path.endswith(".wav") for path in lab.world.files)
    assert any(path.endswith(".tflite") for path in lab.world.files)


def test_a_fault_of_our_own_is_recorded_with_its_trace(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FakeTools, *_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(FakeTools, "push", broken)
    failure = lab.failed("InternalError").failure
    assert failure is not None
    assert "ZeroDivisionError: oops" in failure.message
    assert "oops" in (lab.request.folder.path / "error.txt").read_text()
    lab.world.assert_released()


# -- going on with what a dead host began --------------------------------------------------------


class HostDied(BaseException):
    """SIGKILL, as far as it can be had in one process: nothing is released."""


def die_in_training(lab: Lab, monkeypatch: pytest.MonkeyPatch, at_s: float) -> None:
    """Run an attempt whose host dies at a second of its training."""

    def die(seconds: float) -> None:
        if seconds >= at_s:
            raise HostDied

    lab.world.on_poll = die
    with monkeypatch.context() as patch:
        patch.setattr(attempt_module._Attempt, "_release", lambda *_: False)
        with pytest.raises(HostDied):
            lab.run()
    lab.world.on_poll = lambda _: None
    lab.request.folder.result_path.unlink(missing_ok=True)


def rejoin(lab: Lab) -> AttemptEnd | None:
    return run_attempt(
        replace(lab.request, rejoin=True),
        tools=FakeTools(lab.world),
        scorer=fake_scorer,
        stop=lab.stop,
        clock=lab.world.clock,
        on_step=lab.steps.append,
    )


def test_an_attempt_is_rejoined_where_its_host_died(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_training(lab, monkeypatch, 4.2)  # in the middle of a line
    lab.steps.clear()
    lab.world.calls.clear()
    lab.world.clock.now += 2.0
    end = rejoin(lab)
    assert end is not None
    assert end.clean
    assert end.result.failure is None
    assert lab.steps == ["train", "collect", "score", "release"]
    assert "push" not in lab.world.calls
    assert {"sampler rejoined", "pressure rejoined"} <= set(lab.world.calls)
    whole = b"".join(data for _, data in good_training())
    assert lab.request.folder.events_path.read_bytes() == whole
    assert [gate.name for gate in end.result.gates] == ["battery"]
    assert end.result.transfer is not None
    assert end.result.seconds > 6.0
    assert any("host died" in note for note in end.result.notes)
    lab.world.assert_released()


def test_a_training_that_ended_meanwhile_is_collected_and_scored(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_training(lab, monkeypatch, 4.2)
    lab.world.clock.now += 3600.0
    lab.world.dies_after = 10.0
    end = rejoin(lab)
    assert end is not None
    assert end.result.failure is None
    assert end.result.wer_after_percent == 50.0
    lab.world.assert_released()


def test_a_trainer_that_is_gone_without_a_word_is_nothing_to_rejoin(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_training(lab, monkeypatch, 4.2)
    lab.world.dies_after = 4.0
    lab.world.script = lab.world.script[:5]
    assert rejoin(lab) is None
    assert not lab.request.folder.result_path.exists()


def test_an_attempt_that_had_not_come_to_train_is_nothing_to_rejoin(lab: Lab) -> None:
    lab.request = make_request(lab.tmp_path)
    assert rejoin(lab) is None


def test_a_phone_that_is_away_is_waited_for_before_its_attempt_is_given_up(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_training(lab, monkeypatch, 4.2)
    lab.world.lost = (4.0, 60.0)
    end = rejoin(lab)
    assert end is not None
    assert end.result.failure is None
    die_again = Lab(lab.tmp_path / "again")
    die_again.tmp_path.mkdir()
    die_in_training(die_again, monkeypatch, 4.2)
    die_again.world.lost = (4.0, 1e9)
    assert rejoin(die_again) is None


def test_a_phone_that_does_not_answer_in_time_is_lost_whatever_it_was_asked(lab: Lab) -> None:
    lab.world.too_slow = "am start-foreground-service"
    failure = lab.failed("DeviceLost").failure
    assert failure is not None
    assert failure.evidence == ("during train",)


def test_a_training_that_ended_well_is_not_lost_for_a_slow_log(lab: Lab) -> None:
    lab.world.too_slow = "logcat -d"
    end = lab.run()
    assert end.clean
    assert end.result.failure is None
    assert any("Could not save the log" in note for note in end.result.notes)
