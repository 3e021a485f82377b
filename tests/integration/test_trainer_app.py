"""The trainer's APK on virtual phones, by the real adb: installed, used, updated, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.adb.errors import FileMissing
from harness.adb.phone import Phone
from harness.adb.run_as import RunAsPhone
from harness.adb.server import AdbServer
from harness.adb.shell import quote
from harness.contract.events import Stopped
from harness.devices.trainer_app import MARK, TrainerUnusable, ensure_trainer, files_phone
from harness.lab import Bench, RunSettings, StopSignal, open_bench, run_scenario
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.attempt.rejoin import Remains, look
from harness.lab.attempt.trainer_control import PACKAGE
from harness.lab.clock import SystemClock
from harness.lab.engines.phone_work import probed
from harness.lab.ledger.recovery import clean_free_phones
from harness.results.store import RunFolder
from harness.scenario import LoadedScenario
from tests.fixtures.data.apk import write_apk
from tests.fixtures.lab import Watcher, adb_phone

APK = {"min_sdk": 26, "version_name": "7.1", "version_code": 71}
NOTIFY = "android.permission.POST_NOTIFICATIONS"
HOME = f"/data/user/0/{PACKAGE}/files"


@pytest.fixture(scope="module")
def farm_phone(adb_server: AdbServer) -> Iterator[str]:
    """A phone of this module's own: what is installed on it stays."""
    command = [sys.executable, "-m", "harness.virtual.farm", "--json", "--until-stdin-closes"]
    command += ["--adb-port", str(adb_server.port), "--profile", "redmi-note-7-pro"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())["adb_serial"]
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def bench(farm_phone: str, adb_server: AdbServer, tmp_path: Path) -> Callable[..., Bench]:
    """Return a function that finds the phone; the trainer is not on it at first."""

    def find(**options: object) -> Bench:
        return open_bench([adb_server], only=[farm_phone], lease_root=tmp_path / "l", **options)

    (phone,) = find().phones
    adb_phone(phone).shell(["pm", "uninstall", PACKAGE])
    adb_phone(phone).remove([f"{phone.work_dir}/{MARK}"])
    return find


def apk(folder: Path, name: str = "trainer.apk", **changes: object) -> Path:
    return write_apk(folder / name, PACKAGE, **{**APK, "debuggable": True, **changes})


def ensure(bench: Bench, path: Path | None) -> dict[str, str]:
    (phone,) = bench.phones
    return ensure_trainer(adb_phone(phone), phone.work_dir, phone.info.sdk, path).said()


def granted(adb: Phone) -> list[str]:
    lines = adb.query(["dumpsys", "package", PACKAGE]).splitlines()
    return [line.split(":")[0].strip() for line in lines if "granted=true" in line]


@pytest.mark.parametrize(
    ("debuggable", "way", "folder"),
    [
        (True, "run-as", HOME),
        (False, "external", f"/sdcard/Android/data/{PACKAGE}/files"),
    ],
)
def test_a_whole_run_with_an_installed_trainer(
    bench: Callable[..., Bench],
    tiny_scenario: Callable[..., LoadedScenario],
    tmp_path: Path,
    debuggable: bool,
    way: str,
    folder: str,
) -> None:
    """An app writes its own folders only; log and checkpoint come from there, and nothing stays."""
    found = bench(apk=apk(tmp_path, debuggable=debuggable))
    watcher = Watcher()
    loaded = tiny_scenario("", "trainer.sub_model=S1", "trainer.learning_rate=0.01")
    summary = run_scenario(
        loaded, found, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    assert (summary.finished, summary.failed) == (1, 0), watcher.results
    (result,) = watcher.results
    assert result.phone.capabilities is not None
    said = result.phone.capabilities.said
    assert said["trainer"] == "7.1 (71)"
    assert (said["files_by"], said["files_in"], said["trainer_done"]) == (way, folder, "installed")
    attempt = RunFolder.open(tmp_path / "runs" / summary.run_id).attempt(result.job_id, 1)
    job = json.loads((attempt.path / "job.json").read_text())
    assert job["outputs"]["events"].startswith(f"{folder}/attempts/")
    assert job["model"]["path"].startswith("/data/local/tmp/")
    assert len(result.epochs) == 3
    if result.kept_epoch:
        assert attempt.checkpoint_path.is_file()
    (phone,) = found.phones
    left = adb_phone(phone).shell(f"ls {folder}/attempts; run-as {PACKAGE} ls files/attempts")
    assert left.stdout == ""


def test_it_is_installed_only_if_it_is_another_one(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    first = apk(tmp_path)
    assert ensure(bench(), first)["trainer_done"] == "installed"
    assert "trainer_done" not in ensure(bench(), first)
    assert "trainer_done" not in ensure(bench(), None)
    same_version = apk(tmp_path, "b.apk", padding=10)
    assert ensure(bench(), same_version)["trainer_done"] == "installed"
    newer = ensure(bench(), apk(tmp_path, "c.apk", version_code=72, permissions=(NOTIFY,)))
    assert (newer["trainer_done"], newer["trainer"]) == ("installed", "7.1 (72)")
    with pytest.raises(TrainerUnusable, match="uninstall that one first"):
        ensure(bench(), first)
    (phone,) = bench().phones
    adb = adb_phone(phone)
    assert granted(adb) == []  # Android 10 asks nobody for it
    ensure_trainer(adb, phone.work_dir, 33, None)
    assert granted(adb) == [NOTIFY]


def test_what_cannot_be_used_is_said_with_what_to_do(
    bench: Callable[..., Bench], tiny_scenario: Callable[..., LoadedScenario], tmp_path: Path
) -> None:
    watcher = Watcher()
    run_scenario(
        tiny_scenario(), bench(), run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    failure = watcher.results[0].failure
    assert failure is not None
    assert failure.kind == "ProvisionFailed"
    assert "harness apk build" in failure.message
    with pytest.raises(TrainerUnusable, match=f"is not {PACKAGE}"):
        ensure(bench(), write_apk(tmp_path / "other.apk", "org.example.other"))
    with pytest.raises(TrainerUnusable, match="INSTALL_FAILED_OLDER_SDK"):
        ensure(bench(), apk(tmp_path, min_sdk=99))
    assert clean_free_phones(bench(remove_trainer=True)) == {bench().phones[0].serial: ()}


def test_only_what_a_run_installed_is_removed(bench: Callable[..., Bench], tmp_path: Path) -> None:
    ensure(bench(), apk(tmp_path))
    (notes,) = clean_free_phones(bench()).values()
    assert notes == ()
    (notes,) = clean_free_phones(bench(remove_trainer=True)).values()
    assert notes == ("removed the trainer that a run installed",)
    (phone,) = bench().phones
    adb = adb_phone(phone)
    assert adb.shell(["pm", "path", PACKAGE]).stdout == ""
    adb.write_bytes("/data/local/tmp/by-hand.apk", apk(tmp_path).read_bytes())
    adb.run(["pm", "install", "/data/local/tmp/by-hand.apk"])
    ensure(bench(), apk(tmp_path, "newer.apk", version_code=80))
    assert clean_free_phones(bench(remove_trainer=True)) == {phone.serial: ()}
    assert adb.shell(["pm", "path", PACKAGE]).stdout != ""


def test_an_apps_files_are_seen_by_the_app_only(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    (phone,) = bench().phones
    ensure(bench(), apk(tmp_path))
    adb: Phone = adb_phone(phone)
    app = RunAsPhone(adb, PACKAGE)
    app.run("mkdir -p files/a && printf '%s' 'it'\"'\"'s' > 'files/a/b c'")
    path = f"{HOME}/a/b c"
    stat = app.stat(path)
    assert stat is not None
    assert (stat.name, stat.size, stat.is_file) == ("b c", 4, True)
    assert app.pull_file(path, tmp_path / "got") == 4
    assert (tmp_path / "got").read_bytes() == b"it's"
    assert app.stat(f"{HOME}/none") is None
    with pytest.raises(FileMissing):
        app.pull_file(f"{HOME}/none", tmp_path / "none")
    assert not (tmp_path / "none").exists()
    app.remove([f"{HOME}/a"])
    assert app.stat(path) is None
    adb.run(["pm", "clear", PACKAGE])
    assert app.shell("ls files").stdout == ""


@pytest.mark.parametrize("debuggable", [True, False])
def test_an_end_in_the_apps_own_folder_is_seen_by_a_host_that_resumes(
    bench: Callable[..., Bench], tmp_path: Path, debuggable: bool
) -> None:
    found = bench(apk=apk(tmp_path, debuggable=debuggable))
    (phone,) = found.phones
    phone = probed(found.tools, phone)
    layout = PhoneLayout(phone.work_dir, "job", 1, phone.trainer_dir)
    assert not layout.events.startswith(phone.work_dir)
    adb_phone(phone).make_folder(layout.folder)
    adb_phone(phone).write_text(layout.job, "{}")

    def seen() -> Remains | None:
        return look(
            found.tools, phone, layout, patience_s=0.0, clock=SystemClock(), stop=StopSignal()
        )

    try:
        before = seen()
        assert before is not None
        assert not before.worth_rejoining
        event = Stopped(seq=7, t_boot_ms=9, reason="patience", epoch=1)
        face = files_phone(adb_phone(phone), phone.said, layout.events)
        folder = layout.events.rpartition("/")[0]
        face.run(f"mkdir -p {folder} && echo {quote(event.model_dump_json())} > {layout.events}")
        after = seen()
        assert after is not None
        assert (after.alive, after.last_events) == (False, (event,))
        assert after.worth_rejoining
    finally:
        found.tools.clean(phone, speech=True)
