"""Phones that come during a run, and phones that two hosts of one adb server both want."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.adb.listing import Listed
from harness.adb.server import AdbServer
from harness.devices import inventory
from harness.lab import RunSettings, open_bench, run_scenario, status
from harness.lab.bench import host_keeper
from harness.lab.engines import threads
from harness.lab.engines.host import Host
from harness.lab.holding.holder import lock_root
from harness.lab.ports import PhoneStatus
from harness.lab.scheduling.engine import Leave, Prepare, Prepared
from harness.results.store import RunFolder
from harness.scenario import LoadedScenario
from tests.fixtures.lab import FarmLab, Once, Watcher, adb_phone

Scenarios = Callable[..., LoadedScenario]


@pytest.fixture
def unplugged(farm: FarmLab) -> Iterator[str]:
    """The name of one of the two phones, which is not plugged in yet."""
    phones = {phone.info.profile: phone for phone in farm.bench(Path("unused")).phones}
    serial = phones["redmi-note-7-pro"].record.adb_serial
    farm.server.disconnect(serial)
    yield serial
    farm.server.connect(serial)


def test_a_phone_that_is_plugged_in_joins_the_run(
    farm: FarmLab,
    unplugged: str,
    tiny_scenario: Scenarios,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "LOOK_S", 0.2)
    asked: Counter[str] = Counter()
    ask = inventory._ask

    def counted(server: AdbServer, line: Listed, *rest: object) -> inventory.PhoneInfo:
        asked[line.adb_serial] += 1
        return ask(server, line, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(inventory, "_ask", counted)
    here = farm.bench(tmp_path / "leases", "oneplus-7t").phones[0]
    asked.clear()
    bench = open_bench(
        [farm.server],
        only=[here.record.adb_serial, unplugged],
        lease_root=tmp_path / "leases",
        joins=True,
    )
    assert [phone.serial for phone in bench.phones] == [here.serial]

    def plug_in(_: PhoneStatus) -> None:
        farm.server.connect(unplugged)

    watcher = Watcher(Once(1, plug_in))
    loaded = tiny_scenario(
        # what only the first one may run is not for the one that comes, though no other is there
        "matrix:\n  trainer.seed: [1, 2]\n  phones: [{}, {profile: oneplus-7t}]\n",
        "trainer.epochs=8",
    )
    summary = run_scenario(
        loaded, bench, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
    )
    assert summary.exit_code == 0, [result.failure for result in summary.results]
    ran = {result.job_id: result.phone.profile for result in watcher.results}
    assert set(ran.values()) == {"oneplus-7t", "redmi-note-7-pro"}
    run = RunFolder.open(summary.folder)
    for job in run.record().plan:
        if "profile" in str(job.axes):
            assert ran[job.job_id] == "oneplus-7t"
    assert [phone.profile for phone in run.record().phones] == ["oneplus-7t", "redmi-note-7-pro"]
    assert any("(redmi-note-7-pro) joins the run" in note for note in watcher.notes)
    assert status(summary.folder).leases == ()
    assert asked == {here.record.adb_serial: 1, unplugged: 1}, "only what is new is asked"


def test_devices_says_who_holds_a_phone(
    farm: FarmLab, harness_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench = farm.bench(lock_root(), "oneplus-7t")
    (phone,) = bench.phones
    address = farm.server.address
    with host_keeper(bench, "night:1", "runs/night") as keeper:
        keeper.take(phone)
        shown = harness_here("devices", "--adb", address)
        assert f"{phone.serial} is held by runs/night since 20" in shown.stderr
        assert " in use " in shown.stdout
        facts = json.loads(harness_here("devices", "--adb", address, "--json").stdout)
        runs = {each["serial"]: each["held_by"] and each["held_by"]["run"] for each in facts}
        assert runs.pop(phone.serial) == "runs/night"
        assert set(runs.values()) == {None}
        looked = harness_here("doctor", "--adb", address)
        assert "in use: held by runs/night since 20" in looked.stdout
    assert "held by" not in harness_here("devices", "--adb", address).stderr
    assert "in use" not in harness_here("doctor", "--adb", address).stdout


def test_what_another_host_wrote_on_a_phone_is_told(
    farm: FarmLab, tmp_path: Path, harness_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench = farm.bench(tmp_path / "leases of another host", "oneplus-7t")
    (phone,) = bench.phones
    other = host_keeper(bench, "night:1", "runs/night")
    other.hold(phone)
    held_by = harness_here("devices", "--adb", farm.server.address).stderr
    assert f"{phone.serial} is held by runs-night (night-1, another host)" in held_by
    other.release(phone.serial)
    assert "held by" not in harness_here("devices", "--adb", farm.server.address).stderr


def test_a_worker_and_a_run_on_another_host_do_not_take_each_others_phones(
    farm: FarmLab, tiny_scenario: Scenarios, tmp_path: Path
) -> None:
    there = farm.bench(tmp_path / "leases of the worker", "oneplus-7t")
    (phone,) = there.phones
    worker = Host(lambda: there, tmp_path / "worker")
    try:
        assert worker.take("s", "runs/night", "night:1", False, [phone.serial]) == (phone.serial,)
        prepared = worker.tend("s", Prepare(phone.serial))
        assert isinstance(prepared, Prepared)
        assert prepared.phone is not None, prepared.trouble

        # another lease folder, as another host has: only the note on the phone can tell
        here = farm.bench(tmp_path / "leases", "oneplus-7t")
        watcher = Watcher()
        loaded = tiny_scenario("limits: {lost_s: 1}\n", "trainer.epochs=1")
        summary = run_scenario(
            loaded, here, run_root=tmp_path / "runs", settings=RunSettings(progress=watcher)
        )
        assert (summary.skipped, watcher.results) == (1, [])
        assert any("held by another host: night" in n for n in watcher.notes)

        worker.tend("s", Leave(phone.serial))
        assert adb_phone(phone).stat(f"{phone.work_dir}/lease") is None
        day = host_keeper(here, "day:2", "runs/day")
        day.hold(here.phones[0])
        worker.take("s", "runs/night", "night:1", False, [phone.serial])
        refused = worker.tend("s", Prepare(phone.serial))
        assert isinstance(refused, Prepared)
        assert refused.phone is None
        assert "held by another host: day" in refused.trouble
        day.release(phone.serial)
        again = worker.tend("s", Prepare(phone.serial))
        assert isinstance(again, Prepared)
        assert again.phone is not None, again.trouble
    finally:
        worker.close()
    assert adb_phone(phone).stat(f"{phone.work_dir}/lease") is None
