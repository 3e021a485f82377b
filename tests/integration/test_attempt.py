"""The lab on virtual phones: whole runs through the real adb, and what breaks them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.transfer import LocalFile, ensure_files
from harness.devices.changes import Unplugged
from harness.devices.settings_guard import SettingsGuard
from harness.errors import InputError, NoPhoneError
from harness.lab import Bench, RunSettings, StopSignal, resume_run, run_scenario, status
from harness.lab.attempt.trainer_control import PACKAGE
from harness.lab.bench import host_keeper
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.recovery import clean_free_phones
from harness.lab.planning.materials import Materials
from harness.lab.ports import LabPhone, PhoneStatus
from harness.lab.runner import check_scenario
from harness.results.model import AttemptResult
from harness.results.store import AttemptFolder, RunFolder
from harness.scenario import LoadedScenario
from tests.fixtures.lab import FarmLab, Once, Watcher, adb_phone

Scenarios = Callable[..., LoadedScenario]
LONG = "trainer.epochs=10000"


def assert_released(phone: LabPhone) -> None:
    """Nothing of ours runs or lies on the phone, its settings are as before."""
    adb = adb_phone(phone)
    deadline = time.monotonic() + 5
    while trouble := left_on(phone):  # the sampler's loop sees within a second that it is over
        assert time.monotonic() < deadline, trouble
        time.sleep(0.2)
    assert adb.shell(["ls", f"{phone.work_dir}/attempts"]).stdout.split() == []
    assert adb.shell(["settings", "get", "global", "stay_on_while_plugged_in"]).stdout.strip() in (
        "0",
        "null",
    )
    assert adb.entries(f"{phone.work_dir}/cas") == []
    assert "UPDATES STOPPED" not in adb.query("dumpsys battery")
    assert PACKAGE not in adb.query("dumpsys deviceidle whitelist")
    assert adb.stat(f"{phone.work_dir}/restore.json") is None


def left_on(phone: LabPhone) -> str:
    """Return what of ours still runs, or how much RAM has not come back."""
    adb = adb_phone(phone)
    lines = adb.shell(["ps", "-A", "-o", "ARGS"]).stdout.splitlines()
    ours = [line for line in lines if PACKAGE in line or "loop.sh" in line]
    if ours:
        return f"still running: {ours}"
    meminfo = adb.query(["cat", f"{phone.info.proc_dir}/meminfo"]).splitlines()
    available = next(int(one.split()[1]) / 1024 for one in meminfo if "MemAvailable" in one)
    idle = phone.info.idle_available_mb or 0.0
    return "" if available > 0.95 * idle else f"only {available:.0f} of {idle:.0f} MiB are back"


def only_result(bench: Bench, folder: Path) -> tuple[AttemptResult, AttemptFolder]:
    run = RunFolder.open(folder)
    (attempt,) = run.attempts()
    for phone in bench.phones:
        assert_released(phone)
    return attempt.result(), attempt


def test_an_attempt_under_pressure_from_end_to_end(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "redmi-note-7-pro")
    watcher = Watcher()
    loaded = tiny_scenario("pressure: {available_mb: 1800}\nsettings: {unplugged: required}\n")
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=RunSettings(progress=watcher, command=["harness", "run"]),
    )
    assert (summary.exit_code, summary.finished) == (0, 1), watcher.notes
    result, attempt = only_result(bench, summary.folder)
    assert result.failure is None
    assert result.phone.origin == "virtual"
    assert result.phone.profile == "redmi-note-7-pro"
    assert [epoch.epoch for epoch in result.epochs] == [0, 1, 2]
    assert result.selection is not None
    assert result.selection.sub_model == "S1"
    assert 1700 < result.selection.available_mb < 1900
    assert result.pressure is not None
    assert abs(result.pressure.reached_mb - 1800) <= result.pressure.tolerance_mb
    assert result.transfer is not None
    assert result.transfer.pushed_files == 7
    assert {gate.outcome for gate in result.gates} == {"passed"}
    assert any("told that it is unplugged" in note for note in result.notes)
    assert any(note.startswith("put back battery") for note in result.notes)
    assert not any("does not allow" in note for note in result.notes)
    assert result.phone.capabilities is not None
    assert result.phone.capabilities.can["meminfo"]
    assert result.phone.capabilities.said["battery_by"].startswith("dumpsys battery")
    table = attempt.samples()
    assert table.num_rows >= 3
    assert set(table.column("battery_updates_stopped").to_pylist()) <= {True, None}
    assert result.sampling is not None
    assert result.sampling.expected >= table.num_rows
    assert {phase.phase for phase in result.phases} >= {"load", "preprocess", "train", "evaluate"}
    assert result.peak_rss_mb is not None
    assert 50 < result.peak_rss_mb < 500
    assert len(attempt.hypotheses()) == 3 * 2
    assert attempt.events()[-1].type == "finished"
    assert "MobileASR" in attempt.logcat_path.read_text() or attempt.logcat_path.stat().st_size
    record = RunFolder.open(summary.folder).record()
    assert record.origins == ("virtual",)
    assert record.finished_utc is not None
    assert record.models["ds2-tiny"]["arch"]
    assert record.phones == (result.phone,)
    assert record.plan[0].candidates == (bench.phones[0].serial,)
    assert {s.step for s in watcher.statuses} >= {"gate", "provision", "press", "train", "released"}
    assert any(s.available_mb and s.available_mb < 2500 for s in watcher.statuses)


def test_two_phones_share_the_work_and_a_second_job_pushes_nothing(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    loaded = tiny_scenario("matrix: {trainer.learning_rate: [1.0e-3, 1.0e-4, 1.0e-5]}\n")
    summary = run_scenario(loaded, bench, run_root=tmp_path / "runs")
    assert summary.exit_code == 0
    assert {result.phone.serial for result in summary.results} == {p.serial for p in bench.phones}
    transfers = [result.transfer for result in summary.results]
    # What the third job needs is on its phone from the first or second.
    assert sorted(t.pushed_files for t in transfers if t) == [0, 7, 7]
    for phone in bench.phones:
        assert_released(phone)


def test_a_run_takes_away_what_it_pushed_and_leaves_what_lay_there(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "redmi-note-7-pro")
    (phone,) = bench.phones
    loaded = tiny_scenario()
    speech = LocalFile.of(loaded.folder / "r1-u0.wav")
    model = LocalFile.of(
        Materials(loaded.folder)
        .material(check_scenario(loaded, Materials(loaded.folder))[0], None)
        .model.path
    )
    other = tmp_path / "other.bin"
    other.write_bytes(b"of somebody else")
    lay_there = [model, LocalFile.of(other)]
    ensure_files(adb_phone(phone), phone.work_dir, lay_there, keep=True)
    summary = run_scenario(loaded, bench, run_root=tmp_path / "runs")
    assert summary.exit_code == 0
    (transfer,) = [result.transfer for result in summary.results]
    assert transfer is not None
    assert (transfer.pushed_files, transfer.skipped_files) == (6, 1)
    assert adb_phone(phone).stat(speech.on_phone(phone.work_dir)) is None
    left = adb_phone(phone).entries(f"{phone.work_dir}/cas")
    assert {entry.name for entry in left} == {file.name for file in lay_there}
    adb_phone(phone).remove([f"{phone.work_dir}/cas"])


@pytest.mark.parametrize(
    ("profile", "pressure"), [("oneplus-7t", False), ("redmi-note-10-pro-max", True)]
)
def test_a_killed_trainer_is_a_typed_failure_with_its_evidence(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path, profile: str, pressure: bool
) -> None:
    bench = farm.bench(tmp_path / "leases", profile)
    watcher = Watcher(Once(2, lambda s: farm.control.do("kill", s.serial, process=PACKAGE)))
    text = "pressure: {available_mb: 3600}\n" if pressure else ""
    summary = run_scenario(
        tiny_scenario(text, LONG),
        bench,
        run_root=tmp_path / "runs",
        settings=RunSettings(progress=watcher),
    )
    assert (summary.exit_code, summary.failed) == (1, 1)
    result, attempt = only_result(bench, summary.folder)
    assert result.failure is not None
    assert result.failure.kind == "TrainerKilled"
    evidence = "\n".join(result.failure.evidence)
    assert "lowmemorykiller" in evidence
    assert "sample at" in evidence
    assert " available " in evidence.splitlines()[-1]
    # Android 11 and later keep a record of their own
    assert ("exit-info: pid" in evidence) == (profile == "redmi-note-10-pro-max")
    if pressure:
        assert result.pressure is not None
        (kill,) = result.pressure.kills
        assert (kill.role, kill.process) == ("trainer", PACKAGE)
        assert "lowmemorykiller" in kill.evidence
        assert "exit-info" in kill.evidence
        assert 0 < kill.t_s <= result.seconds
    assert len(result.epochs) >= 2
    assert "lowmemorykiller" in attempt.logcat_path.read_text()
    assert attempt.samples().num_rows > 0


def test_phones_whose_gates_are_shut_are_passed_over(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    for phone in bench.phones:
        farm.control.do("battery", phone.serial, percent=11)
    try:
        loaded = tiny_scenario("gates: {mode: skip}\n")
        summary = run_scenario(loaded, bench, run_root=tmp_path / "runs")
    finally:
        for phone in bench.phones:
            farm.control.do("battery", phone.serial, percent=87)
    assert (summary.exit_code, summary.skipped, summary.failed) == (1, 1, 0)
    results = [attempt.result() for attempt in RunFolder.open(summary.folder).attempts()]
    assert {one.phone.serial for one in results} == {phone.serial for phone in bench.phones}
    assert [one.failure and one.failure.kind for one in results] == ["GateTimedOut"] * 2
    for phone in bench.phones:
        assert_released(phone)


def test_a_crashed_trainer_is_retried_as_often_as_asked(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    adb = adb_phone(bench.phones[0])
    watcher = Watcher(Once(1, lambda _: adb.shell(f"kill -SEGV $(pidof {PACKAGE})")))
    loaded = tiny_scenario("retry: {trainer_crashed: 1}\n", "trainer.epochs=12")
    summary = run_scenario(
        loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    kinds = [result.failure and result.failure.kind for result in watcher.results]
    assert kinds == ["TrainerCrashed", None]
    assert watcher.retried == [True, False]
    assert summary.exit_code == 0
    run = RunFolder.open(summary.folder)
    assert [result.attempt for result in run.results()] == [1, 2]
    assert_released(bench.phones[0])


def test_a_lost_cable_loses_nothing(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    (phone,) = bench.phones
    watcher = Watcher(Once(2, lambda s: farm.control.do("lose_cable", s.serial, seconds=4)))
    loaded = tiny_scenario("pressure: {available_mb: 3600}\n", "trainer.epochs=30")
    summary = run_scenario(
        loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher, keep=True)
    )
    assert summary.exit_code == 0, summary.results[0].failure
    run = RunFolder.open(summary.folder)
    (attempt,) = run.attempts()
    result = attempt.result()
    assert [epoch.epoch for epoch in result.epochs] == list(range(31))
    folder = f"{phone.work_dir}/attempts/{attempt.job_id}-1"
    assert adb_phone(phone).read_file(f"{folder}/events.jsonl") == attempt.events_path.read_bytes()
    assert result.sampling is not None
    assert result.sampling.missing <= 1
    gaps = attempt.samples().column("t_boot_ms").to_pylist()
    assert max(b - a for a, b in itertools.pairwise(gaps)) < 2500
    assert adb_phone(phone).entries(f"{phone.work_dir}/cas"), "kept like all that was put there"
    adb_phone(phone).remove([f"{phone.work_dir}/attempts", f"{phone.work_dir}/cas"])
    assert_released(phone)


def test_a_phone_that_stays_away_is_lost_and_the_job_moves(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    lost: list[str] = []

    def cut(status: PhoneStatus) -> None:
        lost.append(status.serial)
        farm.control.do("lose_cable", status.serial)

    watcher = Watcher(Once(2, cut))
    loaded = tiny_scenario("limits: {lost_s: 2}\n", "trainer.epochs=25")
    summary = run_scenario(
        loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    kinds = [result.failure and result.failure.kind for result in watcher.results]
    assert kinds == ["DeviceLost", None]
    assert summary.exit_code == 0
    first, second = watcher.results
    assert first.phone.serial == lost[0] != second.phone.serial
    held = [row.serial for row in status(summary.folder).leases]
    assert held == lost, "the ledger must know which phone was left unclean"
    farm.control.do("restore_cable", lost[0])
    for phone in bench.phones:
        adb_phone(phone).wait_online(20)
    resume_run(summary.folder, bench)
    assert status(summary.folder).leases == ()
    for phone in bench.phones:
        assert_released(phone)


def test_ctrl_c_releases_and_resume_finishes_without_repeating(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path, stop_signal: StopSignal
) -> None:
    bench = farm.bench(tmp_path / "leases", "redmi-note-7-pro")
    pressed: list[str | None] = []

    def press(status: PhoneStatus) -> None:
        if len(watcher.results) == 1 and status.step == "train" and (status.epoch or 0) >= 1:
            pressed.append(status.job_id)
            stop_signal.gentle.set()

    watcher = Watcher(press)
    loaded = tiny_scenario("matrix: {trainer.epochs: [1, 30]}\npressure: {available_mb: 1800}\n")
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=RunSettings(progress=watcher, stop=stop_signal),
    )
    assert pressed
    assert summary.exit_code == 130
    assert (summary.finished, summary.unfinished) == (1, 1)
    assert [r.failure and r.failure.kind for r in watcher.results] == [None, "Interrupted"]
    assert_released(bench.phones[0])
    assert status(summary.folder).leases == ()
    again = Watcher()
    resumed = resume_run(summary.folder, bench, settings=RunSettings(progress=again))
    assert resumed.exit_code == 0
    assert resumed.finished == 2
    done = [result.job_id for result in again.results]
    assert len(done) == 1
    assert watcher.results[0].job_id not in done
    assert (again.results[0].job_id, again.results[0].attempt) == (pressed[0], 2)
    assert resume_run(summary.folder, bench, settings=RunSettings(progress=again)).finished == 2
    assert len(again.results) == 1
    assert_released(bench.phones[0])


HOST = """
import sys
from pathlib import Path
from harness.adb.server import AdbServer
from harness.lab import open_bench, run_scenario, RunSettings
from harness.scenario import load_scenario
from dataclasses import replace

class Say:
    def phone(self, status):
        print(status.step, status.epoch, flush=True)
    def ended(self, result, *, retried):
        print("ended", result.job_id, flush=True)
    def note(self, text):
        print("note", text, flush=True)

bench = open_bench([AdbServer.existing(sys.argv[1])], lease_root=Path(sys.argv[2]))
bench = replace(bench, phones=[p for p in bench.phones if p.info.profile == "oneplus-7t"])
loaded = load_scenario(Path(sys.argv[3]))
settings = RunSettings(run_id="r", progress=Say())
run_scenario(loaded, bench, run_root=Path(sys.argv[4]), settings=settings)
"""


def test_a_killed_hosts_attempt_is_rejoined_and_loses_no_event_and_no_sample(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    loaded = tiny_scenario(
        "matrix: {trainer.epochs: [1, 40]}\npressure: {available_mb: 3600}\n"
        "settings: {unplugged: true}\n"
    )
    arguments = [farm.server.address, str(tmp_path / "leases"), str(loaded.lines.path)]
    with subprocess.Popen(
        [sys.executable, "-c", HOST, *arguments, str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as host:
        assert host.stdout is not None
        ended = ""
        for line in host.stdout:
            if line.startswith("ended"):
                ended = line.split()[1]
            if ended and line.startswith("train") and line.split()[1] not in ("None", "0"):
                break
        host.send_signal(signal.SIGKILL)
    assert ended
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    adb = adb_phone(bench.phones[0])
    assert adb.shell(["pidof", PACKAGE]).code == 0, "the trainer should have been left running"
    assert "UPDATES STOPPED" in adb.query("dumpsys battery")
    folder = tmp_path / "runs" / "r"
    before = status(folder)
    assert [job.state for job in before.tasks] == ["finished", "running"]
    heard = AttemptFolder(folder / "attempts" / before.tasks[1].task_id / "1", "", 1)
    heard_bytes = heard.events_size()
    pid = adb.shell(["pidof", PACKAGE]).stdout
    time.sleep(3.0)  # seconds that nobody watches
    watcher = Watcher()
    summary = resume_run(folder, bench, settings=RunSettings(progress=watcher))
    assert summary.finished == 2
    (result,) = watcher.results
    assert (result.job_id, result.attempt) == (before.tasks[1].task_id, 1)
    assert [(row.state, row.attempt) for row in status(folder).attempts] == [("finished", 1)] * 2
    # the same process trained on, and what it said while nobody listened is there
    run = RunFolder.open(folder)
    attempt = run.attempt(result.job_id, 1)
    events = attempt.events()
    assert attempt.events_size() > heard_bytes
    assert [event.seq for event in events] == list(range(len(events)))
    assert str(events[0].pid) == pid.strip()
    assert len(result.epochs) == 41
    numbers = attempt.samples().column("seq").to_pylist()
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 3
    assert result.gates
    assert result.pressure is not None
    assert result.pressure.steps
    assert any("host died" in note for note in result.notes)
    assert any("was not controlled" in note for note in result.notes), result.notes
    assert_released(bench.phones[0])


HOLDER = """
import sys, time
from pathlib import Path
from harness.adb.server import AdbServer
from harness.lab import open_bench
from harness.lab.bench import host_keeper

root = Path(sys.argv[2])
bench = open_bench([AdbServer.existing(sys.argv[1])], only=sys.argv[3:], lease_root=root)
keeper = host_keeper(bench, "other-host", "runs/night")
for phone in bench.phones:
    keeper.hold(phone)
print("held", flush=True)
time.sleep(600)
"""


def test_a_phone_that_another_host_holds_is_left_alone_until_that_host_is_dead(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    (phone,) = bench.phones
    loaded = tiny_scenario("limits: {lost_s: 1}\n", "trainer.epochs=1")
    with subprocess.Popen(
        [
            *(sys.executable, "-c", HOLDER, farm.server.address, str(tmp_path / "other leases")),
            phone.record.adb_serial,
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        watcher = Watcher()
        summary = run_scenario(
            loaded,
            bench,
            run_root=tmp_path / "runs",
            settings=RunSettings(run_id="r", progress=watcher),
        )
        other.kill()
    assert summary.skipped == 1
    assert watcher.results == []
    assert any("held by another host: other-host" in note for note in watcher.notes)
    # the dead host renews nothing: its note runs out, by the phone's own clock
    folder = f"{phone.work_dir}/lease"
    name = adb_phone(phone).query(["ls", folder]).strip()
    word, until, *rest = name.split(",")
    past = ",".join([word, str(int(until) - 1000), *rest])
    adb_phone(phone).run(["mv", f"{folder}/{name}", f"{folder}/{past}"])
    resumed = resume_run(summary.folder, bench, retry_failed=True)
    assert resumed.finished == 1
    assert adb_phone(phone).stat(f"{phone.work_dir}/lease") is None
    assert_released(phone)


def test_what_a_crashed_run_left_is_cleaned_on_demand_but_not_under_a_running_one(
    farm: FarmLab, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    unplugged = [Unplugged(unplugged=True)]
    pushed = tmp_path / "model.tflite"
    pushed.write_bytes(b"pushed by a run that crashed")
    for phone in bench.phones:
        SettingsGuard(adb_phone(phone), phone.work_dir).change(unplugged)
        ensure_files(adb_phone(phone), phone.work_dir, [LocalFile.of(pushed)])
    held, free = bench.phones
    with host_keeper(bench, "else", "runs/x") as other:
        other.take(held)
        found = clean_free_phones(bench)
        assert found[free.serial] == ("put back battery (as measured)",)
        assert "held by else" in found[held.serial][0]
        assert "UPDATES STOPPED" in adb_phone(held).query("dumpsys battery")
    clean_free_phones(bench)
    for phone in bench.phones:
        assert_released(phone)


def test_a_phone_in_use_and_a_phone_that_does_not_fit(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    loaded = tiny_scenario("phones: {profile: oneplus-7t}\nrepeats: 2\n")
    phone = next(p for p in bench.phones if p.info.profile == "oneplus-7t")
    with host_keeper(bench, "else", "runs/x") as other:
        other.take(phone)
        with pytest.raises(NoPhoneError, match=r"fits 2 jobs .*, .* in use:\n.*held by else"):
            run_scenario(loaded, bench, run_root=tmp_path / "runs")
    with pytest.raises(NoPhoneError, match="wanted ram_mb >= 64000, has"):
        run_scenario(
            tiny_scenario('phones: {ram_mb: ">= 64000"}\n'), bench, run_root=tmp_path / "runs"
        )
    with pytest.raises(InputError, match=r"tiny\.yaml:\d+: phones\.profile: .*oneplus-7"):
        run_scenario(
            tiny_scenario("phones: {profile: oneplus-7}\n"), bench, run_root=tmp_path / "runs"
        )
    assert not (tmp_path / "runs").exists()


def test_jobs_that_fit_no_phone_are_skipped_where_asked_and_told_in_the_ledger(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    loaded = tiny_scenario(
        "matrix: {phones.ram_mb: ['>= 64000', '>= 1000']}\nrounds: 2\n", rounds=2
    )
    with pytest.raises(NoPhoneError, match=r"2 jobs .*\n.*\n.*\n.*other 2 jobs fit"):
        run_scenario(loaded, bench, run_root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt  # the plan is written, nothing has begun

    with pytest.raises(KeyboardInterrupt):
        run_scenario(
            loaded,
            bench,
            run_root=tmp_path / "runs",
            settings=RunSettings(run_id="r", skip_unfit=True, on_plan=stop),
        )
    with Ledger.open(tmp_path / "runs/r/ledger.sqlite") as ledger:
        rows = ledger.rows()
    assert [row.state for row in rows] == ["skipped", "skipped", "queued", "waiting"]
    assert rows[0].reason.startswith("no phone fits: wanted ram_mb >= 64000")


def test_rounds_go_on_from_the_kept_checkpoint_and_take_their_speech_away(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases")
    loaded = tiny_scenario("rounds: 2\n", rounds=2)
    watcher = Watcher()
    summary = run_scenario(
        loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    assert summary.exit_code == 0
    first, second = watcher.results
    assert (first.round, second.round) == (1, 2)
    assert first.phone.serial == second.phone.serial
    run = RunFolder.open(summary.folder)
    jobs = [attempt.path / "job.json" for attempt in run.attempts()]
    texts = [path.read_text() for path in jobs]
    assert len(texts) == 2
    heard = {text.count("r1-u") > 0: text for text in texts}
    assert '"r2-u0"' in heard[False]
    assert '"r2-u0"' not in heard[True]
    kept = run.attempt(first.job_id, 1).checkpoint_path
    # Round 2's job names round 1's kept weights, if training made any better than the start.
    assert (first.checkpoint_sha256 is not None) == kept.is_file()
    if first.checkpoint_sha256 is not None:
        assert first.checkpoint_sha256 in heard[False]
    for phone in bench.phones:
        assert_released(phone)
