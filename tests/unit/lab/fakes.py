"""A phone that is a script: strict (an unexpected command fails at once), on a clock of its own."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.adb.errors import CommandTimedOut, DeviceLost
from harness.adb.transfer import LocalFile
from harness.adb.turns import WaitStoppedError
from harness.devices.gate_wait import GateTimedOut
from harness.devices.gates import Gates
from harness.devices.inventory import PhoneInfo
from harness.devices.preparing import Wishes
from harness.lab.attempt.jobfile import Material
from harness.lab.attempt.state import AttemptRequest
from harness.lab.clock import StopSignal, utc_text
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.run_view import RunView
from harness.metrics.words import WordErrors
from harness.pressure.errors import PressureUnreachable
from harness.pressure.goal import Goal
from harness.results.files import StoreError
from harness.results.model import (
    CapabilitiesRecord,
    GateRecord,
    PressureRecord,
    SamplingRecord,
    TransferRecord,
)
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import RunFolder
from harness.sampling.rows import Collected
from harness.scenario.schema import JobContent
from harness.scenario.spec import JobSpec

PACKAGE = "org.mobileasr.trainer"
PID = 4242
NEED = {"S1": 400.0, "S5": 200.0, "S8": 100.0}


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> str:
        begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return utc_text(begin + timedelta(seconds=self.now - 1000))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event.is_set():
            return True
        self.now += seconds
        return event.is_set()


@dataclass(frozen=True)
class Output:
    stdout: str = ""
    stderr: str = ""
    code: int = 0


@dataclass
class World:
    """The phone's whole state, and what will happen to it."""

    clock: FakeClock
    script: list[tuple[float, bytes]] = field(default_factory=list)
    """(seconds after the trainer's start, bytes appended to the event log)."""
    dies_after: float | None = None
    lost: tuple[float, float] = (0.0, 0.0)
    """The phone is gone in [a, b) seconds after the trainer's start."""
    garbled: tuple[float, float] = (0.0, 0.0)
    """What is read of the event log in [a, b) comes damaged."""
    gates: Gates | None = None
    """What the phone was asked to be like."""
    logcat: str = ""
    exit_info: str = ""
    start_output: Output = field(default_factory=lambda: Output("Starting service: Intent"))
    unreachable: bool = False
    uptime_s: float = 1e6
    restarts_at: float | None = None
    """When the phone is started anew, by the world's clock."""
    gate_shut: bool = False
    gate_opens_after: float = 0.0
    """A gate is shut at first, and waited for for so long at most."""
    hub_is_busy: bool = False
    """Other phones are pushed to first."""
    too_slow: str = ""
    """A command with this in it does not end in time."""
    checkpoint: bytes = b"weights"
    started_at: float | None = None
    running: bool = False
    pressed: bool = False
    sampling: bool = False
    sampler_there: bool = False
    settings_changed: bool = False
    files: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    asked_to_stop: bool = False
    on_stop: list[bytes] = field(default_factory=list)
    on_poll: Callable[[float], None] = lambda _: None

    def since_start(self) -> float:
        return 0.0 if self.started_at is None else self.clock.now - self.started_at

    def check_link(self) -> None:
        begin, end = self.lost
        if self.started_at is not None and begin <= self.since_start() < end:
            raise DeviceLost("gone", serial="SER1")

    def assert_released(self) -> None:
        assert not self.pressed, "ballast is left"
        assert not self.running, "the trainer is left"
        assert not self.sampling, "the sampler still runs"
        assert not self.sampler_there, "the sampler's files are left"
        assert not self.settings_changed, "settings are left changed"
        left = [path for path in self.files if "/attempts/" in path]
        assert not left, f"files are left: {left}"


class FakeFeed:
    def __init__(self, world: World, offset: int, lost_s: float) -> None:
        self.world = world
        self.offset = offset
        self.lost_s = lost_s
        self.closed = False

    def poll(self, seconds: float) -> bytes:
        assert not self.closed
        world = self.world
        world.on_poll(world.since_start())
        begin, end = world.lost
        if begin <= world.since_start() < end:
            if world.since_start() - begin > self.lost_s:
                raise DeviceLost("did not come back", serial="SER1")
            world.clock.now += seconds
            return b""
        whole = b"".join(data for at, data in world.script if at <= world.since_start())
        if world.asked_to_stop:
            whole += b"".join(world.on_stop)
        data = whole[self.offset :]
        self.offset = len(whole)
        if not data:
            world.clock.now += seconds
        begin, end = world.garbled
        return data.replace(b"seq", b"s\xffq") if begin <= world.since_start() < end else data

    def close(self) -> None:
        self.closed = True


class FakeSampler:
    def __init__(self, world: World) -> None:
        self.world = world

    def start(self) -> None:
        self.world.check_link()
        self.world.sampling = self.world.sampler_there = True

    def rejoin(self) -> None:
        self.world.check_link()
        assert self.world.sampler_there, "nobody sampled"
        self.world.calls.append("sampler rejoined")

    @property
    def origin_boot_ms(self) -> int | None:
        return 10_000

    def available_mb(self) -> float | None:
        return 1234.0

    def sample_age_s(self) -> float | None:
        return 0.0

    def stop(self) -> None:
        self.world.check_link()
        self.world.sampling = False

    def collect(self, events: Sequence[Any]) -> Collected:
        rows = [
            {
                "seq": n,
                "t_s": float(n),
                "t_boot_ms": 10_000 + 1000 * n,
                "due_boot_ms": 10_000 + 1000 * n,
                "phase": "idle",
                "trainer_rss_mb": None if n == 0 else 100.0 * n,
                "trainer_cpu_percent_one_core": 10.0 * n,
                "available_mb": 900.0 - n,
            }
            for n in range(6)
        ]
        record = SamplingRecord(
            period_s=1.0,
            expected=6,
            missing=0,
            start_jitter_p99_ms=1.0,
            cost_mean_ms=2.0,
            sampler_cpu_percent_one_core=None,
        )
        return Collected(pa.Table.from_pylist(rows, schema=SAMPLE_SCHEMA), record, 512.0)

    def teardown(self) -> None:
        self.world.check_link()
        self.world.sampler_there = False

    notes = ("not sampled on this phone: thermal",)
    trouble: StoreError | None = None


class FakePressure:
    def __init__(self, world: World, goal: Goal) -> None:
        self.world = world
        self.goal = goal
        self.record: PressureRecord | None = None

    def start(self) -> None:
        if self.world.unreachable:
            raise PressureUnreachable("the phone has only 100 MB", ["MemAvailable 100 MB"])
        self.world.pressed = True

    def rejoin(self) -> None:
        assert self.world.pressed, "nobody pressed"
        self.world.calls.append("pressure rejoined")

    def stop(self, origin_boot_ms: int | None) -> PressureRecord:
        assert origin_boot_ms == 10_000
        if self.record is None:
            self.world.check_link()
            self.world.pressed = False
            self.record = PressureRecord(
                goal_mb=self.goal.available_mb,
                goal=self.goal.text,
                tolerance_mb=self.goal.tolerance_mb,
                reached_mb=self.goal.available_mb,
                settle_s=2.0,
                within_tolerance_percent=100.0,
                ballast_peak_mb=500.0,
                means=("ballast",),
            )
        return self.record

    notes = ()
    trouble: StoreError | None = None


class FakeTools:
    """Everything an attempt may do to the phone of one `World`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> Output:
        world = self.world
        world.check_link()
        words = list(command)
        world.calls.append(" ".join(words))
        if world.too_slow and world.too_slow in " ".join(words):
            raise CommandTimedOut(serial=phone.serial, command=words[0], timeout_s=timeout_s)
        if words == ["true"]:
            return Output()
        if words[:2] == ["am", "start-foreground-service"]:
            assert words[-1] in world.files, "the job file is not on the phone"
            assert world.pressed or "no-pressure" in world.calls
            if "Error" not in world.start_output.stdout:
                world.running, world.started_at = True, world.clock.now
            return world.start_output
        if words[:2] == ["am", "startservice"] and "stop" in words:
            world.asked_to_stop = True
            return Output()
        if words == ["am", "force-stop", PACKAGE]:
            world.running = world.pressed = False
            return Output()
        if words == ["pidof", PACKAGE]:
            if world.dies_after is not None and world.since_start() >= world.dies_after:
                world.running = False
            return Output(f"{PID}\n") if world.running else Output(code=1)
        if words[:2] == ["sh", "-c"] and "lease/note" in words[2]:
            return Output()
        if words[:2] == ["sh", "-c"]:  # what is left of an attempt
            assert words[2].startswith(
                "test -e /data/local/tmp/mobileasr/attempts/job-1-1/job.json"
            )
            if world.dies_after is not None and world.since_start() >= world.dies_after:
                world.running = False
            return Output(f"{PID}\n" if world.running else "")
        if words == ["cat", "/proc/uptime"]:
            restarted = world.restarts_at is not None and world.clock.now >= world.restarts_at
            since_boot = world.clock.now - (world.restarts_at if restarted else -world.uptime_s)
            return Output(f"{since_boot:.2f} 0.00\n")
        if words[0] == "logcat":
            return Output("" if "-c" in words else world.logcat)
        if words[:3] == ["dumpsys", "activity", "exit-info"]:
            return Output(world.exit_info)
        raise AssertionError(f"an unexpected command: {words}")

    def away_s(self, phone: LabPhone) -> float | None:
        begin, end = self.world.lost
        gone_s = self.world.since_start() - begin
        is_away = self.world.started_at is not None and begin <= self.world.since_start() < end
        return gone_s if is_away else None

    def tail(self, phone: LabPhone, path: str, lines: int, limit_s: float) -> str:
        self.world.check_link()
        world = self.world
        whole = b"".join(data for at, data in world.script if at <= world.since_start())
        return "".join(f"{line}\n" for line in whole.decode().splitlines()[-lines:])

    def gate(
        self,
        phone: LabPhone,
        gates: Gates,
        wishes: Wishes,
        limit_s: float,
        stop: threading.Event,
        on_shut: Callable[[str, float], None],
    ) -> tuple[tuple[GateRecord, ...], Sequence[str]]:
        self.world.calls.append("gate")
        if self.world.gate_opens_after:
            on_shut("battery_percent_min: wanted at least 40, is 12", self.world.gate_opens_after)
        self.world.gates = gates
        self.world.settings_changed = True
        shut = self.world.gate_shut
        record = GateRecord(
            name="battery", outcome="failed" if shut else "passed", waited_s=0.0, detail="80 %"
        )
        if shut:
            raise GateTimedOut("battery: 12 %", (record,))
        return (record,), ["The screen is kept on."]

    def ungate(self, phone: LabPhone) -> Sequence[str]:
        self.world.check_link()
        self.world.settings_changed = False
        return []

    def push(
        self,
        phone: LabPhone,
        files: Sequence[LocalFile],
        limit_s: float,
        stop: threading.Event,
        on_wait: Callable[[bool], None],
        *,
        lost_s: float,
        keep: bool,
    ) -> TransferRecord:
        self.world.calls.append("push")
        if self.world.hub_is_busy:
            on_wait(True)
            if stop.wait(0.0):
                raise WaitStoppedError("stopped")
            on_wait(False)
        self.world.files |= {file.on_phone(phone.work_dir) for file in files}
        return TransferRecord(
            pushed_files=len(files), pushed_bytes=1, skipped_files=0, skipped_bytes=0, seconds=0.1
        )

    def write(self, phone: LabPhone, path: str, data: bytes) -> None:
        job = json.loads(data)
        for item in (*job["data"]["train"], *job["data"]["validation"]):
            assert item["path"] in self.world.files, "an utterance is not on the phone"
        self.world.files.add(path)

    def remove(self, phone: LabPhone, paths: Sequence[str]) -> None:
        self.world.check_link()
        self.world.calls.append("remove")
        self.world.files = {
            file
            for file in self.world.files
            if not any(file == path or file.startswith(f"{path}/") for path in paths)
        }

    def pull(self, phone: LabPhone, path: str, local: Path, limit_s: float) -> None:
        self.world.check_link()
        local.write_bytes(self.world.checkpoint)

    def follow(self, phone: LabPhone, path: str, offset: int, lost_s: float) -> FakeFeed:
        return FakeFeed(self.world, offset, lost_s)

    def sampler(self, phone: LabPhone, folder: str, local: Path, period_s: float) -> FakeSampler:
        return FakeSampler(self.world)

    def pressure(
        self,
        phone: LabPhone,
        goal: Goal,
        means: Sequence[str],
        apps: Sequence[str],
        limit_s: float,
        journal: Path,
    ) -> FakePressure:
        return FakePressure(self.world, goal)

    def probe(self, phone: LabPhone) -> CapabilitiesRecord:
        return CapabilitiesRecord(can={"meminfo": True})

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        self.world.check_link()
        self.world.pressed = self.world.running = self.world.sampling = False
        self.world.sampler_there = self.world.settings_changed = False
        self.world.files = {file for file in self.world.files if "/attempts/" not in file}
        return []


# -- a training that goes well ------------------------------------------------------------------

CHECKPOINT_SHA = hashlib.sha256(b"weights").hexdigest()
FOLDER = "/data/local/tmp/mobileasr/attempts/job-1-1"


def line(seq: int, type_: str, **fields: Any) -> bytes:
    event = {"seq": seq, "t_boot_ms": 11_000 + 300 * seq, "type": type_, **fields}
    return json.dumps(event).encode() + b"\n"


def good_training() -> list[tuple[float, bytes]]:
    """Two utterances to validate, one epoch: 100 % -> 50 % WER."""
    heard = [[("v1", ""), ("v2", "")], [("v1", "one two"), ("v2", "")]]

    def epoch(seq: int, number: int, wer: float) -> bytes:
        return line(
            seq,
            "epoch",
            epoch=number,
            wer_percent=wer,
            train_loss=None if number == 0 else 3.0,
            train_seconds=12.0 * number,
            evaluate_seconds=1.0,
            battery_percent=80.0,
            available_mb=500.0,
            best=True,
            hypotheses=[{"id": name, "text": text} for name, text in heard[number]],
        )

    path = f"{FOLDER}/checkpoints/epoch-1.npz"
    need = dict(NEED)
    started = line(
        0,
        "started",
        trainer="reference",
        trainer_version="0.1.0",
        runtime="LiteRT 2.1.6",
        pid=PID,
        threads=2,
    )
    selected = line(
        1,
        "selected",
        sub_model="S5",
        policy="first_fit",
        forced=False,
        available_mb=300.0,
        need_mb=need,
        rss_mb=95.0,
    )
    return [
        (1.0, started + selected),
        (2.0, line(2, "phase", phase="evaluate", state="begin", epoch=0)),
        (3.0, epoch(3, 0, 100.0) + line(4, "phase", phase="evaluate", state="end", epoch=0)),
        (4.0, line(5, "phase", phase="train", state="begin", epoch=1)[:30]),
        (5.0, line(5, "phase", phase="train", state="begin", epoch=1)[30:]),
        (6.0, line(6, "step", epoch=1, step=1, loss=3.0, seconds=1.0, utterances=2)),
        (7.0, line(7, "phase", phase="train", state="end", epoch=1) + epoch(8, 1, 50.0)),
        (
            8.0,
            line(
                9,
                "checkpoint",
                epoch=1,
                path=path,
                sha256=CHECKPOINT_SHA,
                size_bytes=7,
                best=True,
            ),
        ),
        (9.0, line(10, "stopped", reason="epochs_done", epoch=1)),
        (
            9.5,
            line(
                11,
                "finished",
                epochs=1,
                kept_epoch=1,
                kept_checkpoint=path,
                wer_before_percent=100.0,
                wer_after_percent=50.0,
                peak_rss_mb=500.0,
            ),
        ),
    ]


def fake_scorer(reference: str, hypothesis: str) -> WordErrors:
    said, heard = reference.split(), hypothesis.split()
    return WordErrors(0, max(0, len(said) - len(heard)), max(0, len(heard) - len(said)), len(said))


def make_phone(serial: str = "SER1", **changes: Any) -> LabPhone:
    fields: dict[str, Any] = {
        "serial": serial,
        "adb_serial": "127.0.0.1:7001",
        "adb_server": "127.0.0.1:5999",
        "state": "device",
        "profile": "oneplus-7t",
        "model": "HD1905",
        "android": "10",
        "sdk": 29,
        "abi": "x86_64",
        "soc": "Snapdragon 855+",
        "ram_total_mb": 7500.0,
        "idle_available_mb": 4500.0,
        "origin": "virtual",
    }
    return LabPhone(PhoneInfo(**{**fields, **changes}), None)


def make_spec(job_id: str = "job-1", **content: Any) -> JobSpec:
    raw = {"model": "ds2-tiny", "pressure": {"fits": "S5"}, **content}
    return JobSpec(
        job_id=job_id,
        identity="0" * 64,
        index=0,
        content=JobContent.model_validate(raw),
        axes={"pressure.fits": "S5"},
    )


def make_material(tmp_path: Path) -> Material:
    def file(name: str) -> LocalFile:
        path = tmp_path / name
        path.write_bytes(name.encode())
        return LocalFile.of(path)

    return Material(
        model_name="ds2-tiny",
        model=file("m.tflite"),
        checkpoint=None,
        sub_models=("S1", "S5", "S8"),
        need_mb=dict(NEED),
        trainer_base_mb=40.0,
        speaker="us-male",
        accent="US",
        train=(("t1", "three four", file("t1.wav")),),
        validation=(("v1", "one two", file("v1.wav")), ("v2", "five six", file("v2.wav"))),
    )


def make_request(tmp_path: Path, **changes: Any) -> AttemptRequest:
    run = RunFolder.create(tmp_path / "runs", "r1")
    fields: dict[str, Any] = {
        "run_id": "r1",
        "spec": make_spec(),
        "attempt": 1,
        "phone": make_phone(),
        "material": make_material(tmp_path),
        "goal": Goal(340.0, 20.0, "fits: S5"),
        "gates": Gates(),
        "folder": run.attempt("job-1", 1),
    }
    return AttemptRequest(**{**fields, **changes})


def run_view(assignments: Any, phones: Sequence[LabPhone], stop: StopSignal) -> RunView:
    """A run as an engine sees it."""
    return RunView(Path("runs/r1"), "me", False, stop, NoProgress(), assignments, phones)
