"""Orders that go to workers and come back: over calls that are pickled, on scripted phones."""

from __future__ import annotations

import errno
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.adb.errors import DeviceLost
from harness.adb.transfer import LocalFile
from harness.errors import NoPhoneError
from harness.lab.attempt.state import AttemptRequest
from harness.lab.bench import Bench, host_keeper
from harness.lab.clock import StopSignal
from harness.lab.engines import host as host_module
from harness.lab.engines import offers, phone_work, remote
from harness.lab.engines.host import Host
from harness.lab.engines.offers import remote_bench
from harness.lab.engines.remote import RemoteEngine, name_of
from harness.lab.engines.wire import (
    FabricLostError,
    NotHereError,
    WorkerFailedError,
    WorkerGoneError,
)
from harness.lab.holding import holder_on_host
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.recovery import clean_left_phones
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.scheduling.engine import (
    Broke,
    Came,
    Ended,
    Gone,
    Leave,
    Left,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
    Stepped,
)
from harness.results.files import DiskFullError, StoreError
from harness.scenario.task import Task
from tests.unit.lab.fakes import (
    FakeClock,
    FakeTools,
    World,
    fake_scorer,
    good_training,
    make_phone,
    make_request,
    make_spec,
    run_view,
)


class Wires:
    """Workers of this process; what goes to and fro is pickled as it would be on a network."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.lost = False
        self.calls: list[str] = []

    def workers(self) -> frozenset[str]:
        if self.lost:
            raise FabricLostError("nobody answers")
        return frozenset(self.hosts)

    def call(self, worker: str, method: str, *values: Any, long: bool = False) -> Any:
        self.calls.append(method)
        host = self.hosts.get(worker)
        if host is None:
            raise WorkerGoneError(worker)
        try:
            answer = getattr(host, method)(*pickle.loads(pickle.dumps(values)))
        except NotHereError as error:
            raise WorkerGoneError(str(error)) from error
        except Exception as error:
            raise WorkerFailedError(f"{type(error).__name__}: {error}") from error
        if worker not in self.hosts:
            raise WorkerGoneError(worker)
        return pickle.loads(pickle.dumps(answer))

    def close(self) -> None:
        pass


class Farm:
    """Two workers with a phone each, and an engine that knows both phones."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.leases = tmp_path / "leases"
        self.wires = Wires()
        self.worlds: dict[str, World] = {}
        self.requests: dict[int, AttemptRequest] = {}
        self.seen: list[Report] = []
        self.plugged: dict[str, list[LabPhone]] = {}
        self.add("left", "SER1")
        self.add("right", "SER2")
        self.bench = self.find()
        self.view = run_view(self, self.bench.phones, StopSignal())
        self.engine = RemoteEngine(self.wires, self.view)

    def add(self, worker: str, serial: str) -> Host:
        """Start a worker with a phone."""
        world = self.worlds[serial] = World(FakeClock(), script=good_training())
        self.plugged[worker] = [make_phone(serial)]
        bench = Bench(self.plugged[worker], CleanTools(world), lease_root=self.leases)
        self.wires.hosts[worker] = Host(lambda: bench, self.tmp_path / worker)
        return self.wires.hosts[worker]

    def find(self) -> Bench:
        return remote_bench(self.wires, "tcp://x:1", [].append)

    def wants(self, phone: LabPhone) -> bool:
        """See `Assignments`."""
        return phone.serial == "SER3"

    def request(self, order: RunAttempt, phone: LabPhone) -> AttemptRequest:
        """See `Assignments`."""
        if order.rejoin:
            return replace(self.requests[order.attempt], rejoin=True)
        folder = self.tmp_path / f"run-{order.serial}-{order.attempt}"
        folder.mkdir(exist_ok=True)
        made = make_request(folder, phone=phone, attempt=order.attempt)
        made = replace(made, folder=replace_attempt(made, order.attempt))
        self.requests[order.attempt] = made
        return made

    def wait(self, kind: type[Report] | Any, timeout_s: float = 60.0) -> Any:
        """Return the next report of a kind; others before it are kept in ``seen``."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for report in list(self.seen):
                if isinstance(report, kind):
                    self.seen.remove(report)
                    return report
            self.seen += self.engine.reports(0.2)
        raise AssertionError(f"no {kind} in {timeout_s} s: {self.seen}")


def replace_attempt(request: AttemptRequest, attempt: int) -> Any:
    folder = request.folder
    return type(folder)(folder.path.with_name(str(attempt)), folder.job_id, attempt)


class CleanTools(FakeTools):
    """A phone's tools that can also clean."""

    def clean(self, phone: LabPhone, *, speech: bool) -> tuple[str, ...]:
        self.world.check_link()
        self.world.calls.append(f"clean {speech}")
        if self.world.unreachable:
            raise DeviceLost("gone", serial=phone.serial)
        return ("put back",)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LOOK_S", 0.02)
    monkeypatch.setattr(host_module, "BEAT_S", 0.1)
    monkeypatch.setattr(phone_work, "host_scorer", fake_scorer)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    yield made
    made.engine.close()
    for host in made.wires.hosts.values():
        host.close()


def free(farm: Farm, serial: str) -> bool:
    return holder_on_host(serial, farm.leases) is None


def eventually(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_attempt_goes_there_and_comes_back_whole(farm: Farm) -> None:
    assert {farm.wait(Came).phone.serial, farm.wait(Came).phone.serial} == {"SER1", "SER2"}
    assert not free(farm, "SER1")
    farm.engine.submit(Prepare("SER1"))
    prepared = farm.wait(Prepared)
    assert (prepared.phone.info.capabilities.can, prepared.notes) == (
        {"meminfo": True},
        ("put back",),
    )
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    ended: Ended = farm.wait(Ended)
    assert (ended.kind, ended.clean, ended.lost) == (None, True, False)
    folder = farm.requests[1].folder
    assert ended.result == folder.result()
    assert folder.checkpoint_path.read_bytes() == b"weights"
    assert folder.events_path.read_bytes() == b"".join(data for _, data in good_training())
    assert folder.samples().num_rows == 6
    assert not list(folder.path.glob(".*"))
    farm.worlds["SER1"].assert_released()
    assert farm.worlds["SER2"].calls == []
    assert list((farm.tmp_path / "left/spool").rglob("*.json")) == []
    steps = [report.step for report in farm.seen if isinstance(report, Stepped)]
    assert steps == sorted(steps, key="gate provision press train collect score release".find)
    farm.engine.submit(Leave("SER1"))
    assert farm.wait(Left).trouble == ""
    assert free(farm, "SER1")
    assert not free(farm, "SER2")


def test_what_a_worker_has_is_not_sent_again(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    for attempt in (1, 2):
        farm.engine.submit(RunAttempt("SER1", "job-1", attempt))
        farm.wait(Ended)
        farm.worlds["SER1"].started_at = None
    assert farm.wires.calls.count("store") == 4  # model, three recordings
    names = sorted(path.suffix for path in (farm.tmp_path / "left/cas").iterdir())
    assert names == [".tflite", ".wav", ".wav", ".wav"]


def test_a_worker_that_dies_in_the_middle(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    halfway, go = threading.Event(), threading.Event()
    farm.worlds["SER1"].on_poll = lambda t: (halfway.set(), go.wait(60)) if t > 3 else None
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    assert halfway.wait(60)
    dead = farm.wires.hosts.pop("left")
    gone: Gone = farm.wait(Gone)
    assert (gone.serial, "left" in gone.why) == ("SER1", True)
    go.set()
    # ... and its successor on that host, once the kernel has freed what the dead one held
    dead.close()
    farm.add("left again", "SER1")
    assert farm.wait(Came).phone.serial == "SER1"
    farm.engine.submit(RunAttempt("SER1", "job-1", 2))
    assert farm.wait(Ended).attempt == 2
    assert not [one for one in farm.seen if isinstance(one, Ended)]


def test_what_is_seen_of_an_attempt_while_it_runs(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    go = threading.Event()
    farm.worlds["SER1"].on_poll = lambda t: go.wait(60) if t > 5 else None
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    eventually(lambda: 1 in farm.requests and farm.requests[1].folder.events_size() > 100)
    whole = b"".join(data for _, data in good_training())
    assert whole.startswith(farm.requests[1].folder.events_path.read_bytes())
    go.set()
    farm.wait(Ended)


def test_a_worker_that_cannot_cope_fails_the_attempt_and_not_the_run(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(phone_work, "run_attempt", full)
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    ended: Ended = farm.wait(Ended)
    assert (ended.kind, ended.clean) == ("InternalError", False)
    assert "No space left" in ended.message


def test_a_full_disk_of_a_worker_stops_the_run_with_its_own_words(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)

    def full(*_: object, **__: object) -> None:
        raise DiskFullError("events.jsonl: the disk is full. Make room.")

    monkeypatch.setattr(phone_work, "run_attempt", full)
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    report: Broke = farm.wait(Broke)
    assert isinstance(report.error, StoreError)
    assert (
        str(report.error) == f"{socket.gethostname()}: events.jsonl: the disk is full. Make room."
    )


def test_a_full_disk_of_the_coordinator_is_no_failure_of_a_phone(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RemoteEngine, "_fetch", full)
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    assert isinstance(farm.wait(Broke).error, DiskFullError)


def test_a_phone_that_does_not_answer(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.worlds["SER2"].unreachable = True
    farm.engine.submit(Prepare("SER2"))
    assert "gone" in farm.wait(Prepared).trouble
    farm.engine.submit(Recover("SER2"))
    assert "gone" in farm.wait(Recovered).trouble
    farm.engine.submit(Leave("SER2"))
    assert "gone" in farm.wait(Left).trouble
    assert not free(farm, "SER2")


def test_a_coordinator_that_says_nothing_any_more(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.engine._over.set()
    farm.engine._watch.join()
    monkeypatch.setattr(host_module, "SILENT_S", 0.1)
    eventually(lambda: free(farm, "SER1") and free(farm, "SER2"))
    assert farm.worlds["SER1"].calls == ["clean True"]


def test_a_run_that_is_resumed_takes_over_what_still_runs(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "STALE_S", 0.1)
    farm.wait(Came)
    farm.wait(Came)
    go = threading.Event()
    farm.worlds["SER1"].on_poll = lambda t: go.wait(60) if t > 5 else None
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    eventually(lambda: 1 in farm.requests and farm.requests[1].folder.events_size() > 100)
    farm.engine._over.set()  # the coordinator is killed
    farm.engine._watch.join()
    time.sleep(0.2)
    assert "SER1" not in farm.wires.call("left", "hello", name_of(farm.view.path)).busy
    assert "SER1" in farm.wires.call("left", "hello", "runs/other").busy
    again = RemoteEngine(
        farm.wires, replace(farm.view, owner="me again", keep=True, phones=[make_phone("SER1")])
    )
    killed, farm.engine = farm.engine, again

    def nothing(*_: object) -> None:
        raise WorkerGoneError("a dead process fetches nothing")

    monkeypatch.setattr(killed, "_fetch", nothing)
    farm.wait(Came)
    again.submit(RunAttempt("SER1", "job-1", 1, rejoin=True))
    time.sleep(0.1)
    assert farm.worlds["SER1"].calls.count("push") == 1
    go.set()
    ended: Ended = farm.wait(Ended)
    assert (ended.kind, ended.lost) == (None, False)
    assert farm.worlds["SER1"].calls.count("push") == 1
    again.submit(Leave("SER1"))
    farm.wait(Left)
    assert "clean True" not in farm.worlds["SER1"].calls, "the new one wants it kept"
    killed._over.set()


def test_an_attempt_that_ended_while_nobody_asked(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    monkey = farm.wires.call
    farm.wires.call = lambda w, m, *v, **k: (  # type: ignore[method-assign]
        (_ for _ in ()).throw(WorkerGoneError("cut")) if m == "read" else monkey(w, m, *v, **k)
    )
    eventually(lambda: list((farm.tmp_path / "left/spool").rglob("result.json")) != [])
    time.sleep(0.1)
    farm.wires.call = monkey  # type: ignore[method-assign]
    farm.engine.submit(RunAttempt("SER1", "job-1", 1, rejoin=True))
    assert farm.wait(Ended).kind is None
    assert farm.worlds["SER1"].calls.count("push") == 1


def test_a_worker_that_forgot_us_is_met_anew(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    host = farm.wires.hosts["left"]
    host.bye(farm.engine._session)
    assert farm.wait(Gone).serial == "SER1"
    assert farm.wait(Came).phone.serial == "SER1"
    assert not free(farm, "SER1")


def test_a_worker_that_ends_lets_its_phones_go(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.wires.hosts["right"].close()
    assert farm.wait(Gone).serial == "SER2"
    assert free(farm, "SER2")


def test_a_worker_that_hangs_keeps_nobody_waiting(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)
    monkeypatch.setattr(remote, "HANGS_S", 0.3)
    go = threading.Event()
    whole = farm.wires.call

    def call(worker: str, method: str, *values: Any, long: bool = False) -> Any:
        if worker == "left" and method == "news":
            go.wait(60)
        return whole(worker, method, *values, long=long)

    monkeypatch.setattr(farm.wires, "call", call)
    gone: Gone = farm.wait(Gone)
    assert (gone.serial, "does not answer" in gone.why) == ("SER1", True)
    farm.engine.submit(RunAttempt("SER2", "job-1", 1))
    assert farm.wait(Ended).kind is None
    go.set()
    assert farm.wait(Came).phone.serial == "SER1"


def test_a_phone_that_is_prepared_anew_has_nothing_running(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.worlds["SER1"].script = good_training()[:3]
    farm.worlds["SER1"].on_poll = lambda _: time.sleep(0.01)
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    eventually(lambda: farm.worlds["SER1"].running)
    farm.worlds["SER1"].on_stop = [data for _, data in good_training()[3:]]
    farm.engine.submit(Prepare("SER1"))
    assert farm.wait(Prepared).phone is not None
    assert farm.wait(Ended).kind == "Interrupted"
    farm.worlds["SER1"].assert_released()


def test_nobody_can_be_reached(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.wires.lost = True
    assert isinstance(farm.wait(Broke).error, FabricLostError)


def test_stop_is_heard_there(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lab.attempt.watch.STOP_GRACE_S", 0.2)
    farm.wait(Came)
    farm.wait(Came)
    farm.worlds["SER1"].script = good_training()[:3]
    farm.worlds["SER1"].on_stop = []
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    eventually(lambda: farm.worlds["SER1"].running)
    farm.engine.stop(hard=False)
    ended: Ended = farm.wait(Ended)
    assert ended.kind == "Interrupted"
    farm.worlds["SER1"].assert_released()


def test_a_damaged_file_is_not_kept(farm: Farm, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"model")
    file = LocalFile.of(path)
    host = farm.wires.hosts["left"]
    with pytest.raises(ValueError, match="arrived as"):
        host.store(file, 0, b"other")
    assert host.missing([file]) == (file.name,)
    host.store(file, 0, b"mod")
    assert host.missing([file]) == (file.name,)
    host.store(file, 3, b"el")
    assert host.missing([file]) == ()


def test_what_is_not_offered(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.wait(Came)
    farm.wait(Came)
    said: list[str] = []
    found = remote_bench(farm.wires, "tcp://x:1", said.append)
    assert (found.phones, len(said)) == ([], 2)  # held for the engine of this test
    assert "(me, pid " in said[0]
    monkeypatch.setattr(offers, "__version__", "9.9")
    said.clear()
    remote_bench(farm.wires, "tcp://x:1", said.append)
    assert all("9.9" in line for line in said)
    farm.wires.hosts.clear()
    with pytest.raises(NoPhoneError, match="harness worker tcp://x:1"):
        farm.find()


def test_a_phone_that_is_plugged_in_at_a_worker_joins(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.wait(Came)
    farm.wait(Came)
    monkeypatch.setattr(remote, "JOIN_LOOK_S", 0.02)
    monkeypatch.setattr(host_module, "_FRESH_S", 0.0)
    farm.plugged["left"] += [make_phone("SER4"), make_phone("SER3")]
    assert farm.wait(Came).phone.serial == "SER3"
    assert not free(farm, "SER3")
    assert free(farm, "SER4"), "no job may take it"
    farm.engine.submit(RunAttempt("SER3", "job-1", 1))
    assert farm.wait(Ended).kind is None
    farm.wires.hosts.pop("left").close()
    assert {farm.wait(Gone).serial, farm.wait(Gone).serial} == {"SER1", "SER3"}
    farm.add("left again", "SER3")  # one that joined is waited for like any other
    assert farm.wait(Came).phone.serial == "SER3"


def test_what_a_dead_coordinator_left_is_cleaned_by_the_worker(farm: Farm, tmp_path: Path) -> None:
    farm.wait(Came)
    farm.wait(Came)
    farm.engine.close()
    with Ledger.create(tmp_path / "l.sqlite", [Task.of_job(make_spec())]) as ledger:
        where = {"adb_server": "h:1", "adb_serial": "x", "work_dir": "/w", "owner": "dead"}
        for serial in ("SER1", "SER2"):
            ledger.lease(serial, **where)
        other = host_keeper(
            Bench([], FakeTools(World(FakeClock())), lease_root=farm.leases), "o", "x"
        )
        other.take(make_phone("SER2"))
        clean_left_phones(ledger, farm.bench, "me", "r", NoProgress())
        assert ledger.leases() == []
        notes = {row.key: row.note for row in ledger.changes() if row.new == "released"}
    assert notes["SER1"] == "cleaned on resume"
    assert "SER2 is held by o" in notes["SER2"]
    assert farm.worlds["SER1"].calls[1] == "clean True"
    assert farm.worlds["SER2"].calls == []
    assert free(farm, "SER1")


def test_one_attempt_is_stopped_and_the_others_go_on(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    go = threading.Event()
    for world in farm.worlds.values():
        world.on_poll = lambda t: go.wait(60) if t > 5 else None
    wanted, late = RunAttempt("SER1", "job-1", 1), RunAttempt("SER2", "job-1", 2)
    for order in (wanted, late):
        farm.engine.submit(order)
    eventually(lambda: 2 in farm.requests and farm.requests[2].folder.events_size() > 100)
    farm.engine.cancel(late, "its round is over")
    eventually(lambda: "withdraw" in farm.wires.calls)
    time.sleep(0.1)
    go.set()
    ended = {report.serial: report for report in (farm.wait(Ended), farm.wait(Ended))}
    assert ended["SER1"].kind is None
    assert (ended["SER2"].kind, ended["SER2"].clean) == ("Interrupted", True)
    assert ended["SER2"].message == "its round is over during train"
    farm.worlds["SER2"].assert_released()


def test_an_attempt_that_is_still_on_its_way_to_the_worker_is_stopped_there(farm: Farm) -> None:
    farm.wait(Came)
    farm.wait(Came)
    host, session = farm.wires.hosts["right"], farm.engine._session
    host.withdraw(session, "job-1", 2, "its round is over")
    farm.engine.submit(RunAttempt("SER2", "job-1", 2))
    assert farm.wait(Ended).kind == "Interrupted"
    farm.engine.submit(RunAttempt("SER1", "job-1", 1))
    assert farm.wait(Ended).kind is None
