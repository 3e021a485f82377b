"""The coordinator's side: an engine whose orders are carried out by workers on other hosts."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from harness import __version__
from harness.adb.transfer import LocalFile
from harness.lab.engines.order_threads import OrderThreads
from harness.lab.engines.phone_work import not_done
from harness.lab.engines.wire import (
    CHUNK,
    Fabric,
    FabricLostError,
    Hello,
    HostTrouble,
    News,
    WorkerFailedError,
    WorkerGoneError,
)
from harness.lab.ports import LabPhone
from harness.lab.run_view import RunView
from harness.lab.scheduling.engine import (
    Broke,
    Came,
    Ended,
    Gone,
    Order,
    Report,
    RunAttempt,
)
from harness.results.files import StoreError, said
from harness.results.store import AttemptFolder

LOOK_S: Final = 1.0
"""How often workers are asked what is new."""
JOIN_LOOK_S: Final = 10.0
"""How often a worker whose phones are all here is asked for new ones."""
HANGS_S: Final = 60.0
"""A worker that is there and has not answered for so long counts as gone until it does."""
AT_ONCE: Final = 64


@dataclass
class _Home:
    """Where a phone is."""

    worker: str
    phone: LabPhone


class RemoteEngine(OrderThreads):
    """Orders go to the worker that has the phone; an `harness.lab.scheduling.engine.Engine`.

    Args:
        fabric: How to reach the workers.
        run: The run.
    """

    def __init__(self, fabric: Fabric, run: RunView) -> None:
        super().__init__()
        self._fabric = fabric
        self._run = run
        self._name = name_of(run.path)
        self._wanted = {phone.serial for phone in run.phones}
        self._met_at: dict[str, float] = {}
        self._session = secrets.token_hex(8)
        self._homes: dict[str, _Home] = {}
        self._known: set[str] = set()
        self._running: dict[tuple[str, int], tuple[str, AttemptFolder]] = {}
        self._sending: dict[str, threading.Lock] = {}
        self._visits: dict[str, tuple[float, Future[None] | None]] = {}
        self._visitors = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="visit")
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="workers", daemon=True)
        self._watch.start()

    # -- what the scheduler calls -----------------------------------------------------------------

    def stop(self, *, hard: bool) -> None:
        """See `Engine`."""
        for worker in self._met():
            threading.Thread(target=self._tell, args=(worker, "stop", hard), daemon=True).start()

    def cancel(self, order: RunAttempt, why: str) -> None:
        """See `Engine`."""
        home = self._homes.get(order.serial)
        if home is not None:
            values = (home.worker, "withdraw", order.job_id, order.attempt, why)
            threading.Thread(target=self._tell, args=values, daemon=True).start()

    def close(self) -> None:
        """See `Engine`."""
        self._over.set()
        self._watch.join(LOOK_S * 10)
        self._visitors.shutdown(wait=False, cancel_futures=True)
        for worker in self._met():
            self._tell(worker, "bye")
        self._fabric.close()

    # -- orders -----------------------------------------------------------------------------------

    def _carry_out(self, order: Order) -> Report | None:
        home = self._homes.get(order.serial)
        if home is None:
            return None  # its `Gone` is on the way
        try:
            if isinstance(order, RunAttempt):
                return self._attempt(order, home)
            report: Report = self._fabric.call(home.worker, "tend", self._session, order, long=True)
        except (WorkerGoneError, FabricLostError):
            return None  # the watcher says so
        except WorkerFailedError as error:
            return _failed(order, str(error))
        return report

    def _attempt(self, order: RunAttempt, home: _Home) -> Ended:
        request = self._run.assignments.request(order, home.phone)
        self._send(home.worker, request.material.files())
        request.folder.make()
        key = (order.job_id, order.attempt)
        with self._lock:
            self._running[key] = (home.worker, request.folder)
        try:
            answer = self._fabric.call(
                home.worker, "attempt", self._session, order, request, long=True
            )
        finally:
            with self._lock:
                del self._running[key]
        if isinstance(answer, HostTrouble):
            raise StoreError(answer.words)
        ended: Ended
        ended, files = answer
        if not ended.lost:
            self._fetch(home.worker, request.folder, files)
            self._tell(home.worker, "forget", *key)
        return ended

    def _send(self, worker: str, files: Sequence[LocalFile]) -> None:
        """Make sure that a worker has some files."""
        with self._lock:
            lock = self._sending.setdefault(worker, threading.Lock())
        plain = [replace(file, path=Path(file.name)) for file in files]
        with lock:
            missing = set(self._fabric.call(worker, "missing", plain))
            for file, bare in zip(files, plain, strict=True):
                if file.name not in missing:
                    continue
                with file.path.open("rb") as data:
                    offset = 0
                    while offset < file.size or not offset:
                        piece = data.read(CHUNK)
                        self._fabric.call(worker, "store", bare, offset, piece)
                        offset += len(piece)
                        if not piece:
                            break

    def _fetch(self, worker: str, folder: AttemptFolder, files: Mapping[str, int]) -> None:
        """Bring an attempt's folder here whole: its result last."""
        with said(folder.path, "write"):
            for old in folder.path.iterdir():
                if old.name not in files:
                    old.unlink()  # raw frames that were shown meanwhile
            for name in sorted(files, key=lambda name: name == folder.result_path.name):
                part = folder.path / f".{name}.part"
                with part.open("wb") as out:
                    while out.tell() < files[name]:
                        out.write(
                            self._fabric.call(
                                worker,
                                "read",
                                self._session,
                                folder.job_id,
                                folder.attempt,
                                name,
                                out.tell(),
                            )
                        )
                part.replace(folder.path / name)

    # -- workers that come and go -----------------------------------------------------------------

    def _watching(self) -> None:
        while True:
            try:
                self._look()
            except FabricLostError as error:
                for serial in list(self._homes)[:1]:
                    self._reports.put(Broke(serial, error))
                return
            except Exception as error:  # noqa: BLE001 - the thread's outermost: told, tried again
                self._run.progress.note(f"workers: {type(error).__name__}: {error}")
            if self._over.wait(LOOK_S):
                return

    def _look(self) -> None:
        there = self._fabric.workers()
        for worker in self._met() - there:
            self._part(worker, f"its worker {worker} is gone")
        now = time.monotonic()
        for worker in sorted(there):
            since, visit = self._visits.get(worker, (now, None))
            if visit is None or visit.done():
                self._visits[worker] = now, self._visitors.submit(self._visit, worker)
            elif now - since > HANGS_S and worker in self._known:
                self._part(worker, f"its worker {worker} does not answer")

    def _visit(self, worker: str) -> None:
        """Ask a worker; one that hangs must not keep the others waiting."""
        try:
            if worker in self._known:
                self._listen(worker)
            since = time.monotonic() - self._met_at.get(worker, float("-inf"))
            if self._wanted - self._homes.keys() or since > JOIN_LOOK_S:
                self._met_at[worker] = time.monotonic()
                with contextlib.suppress(WorkerGoneError, WorkerFailedError):
                    self._meet(worker)
        except FabricLostError:
            return  # the watcher sees it too
        except StoreError as error:
            for serial in [serial for serial, home in self._homes.items() if home.worker == worker]:
                self._reports.put(Broke(serial, error))
                return
        except Exception as error:  # noqa: BLE001 - the thread's outermost: told, tried again
            self._run.progress.note(f"{worker}: {type(error).__name__}: {error}")

    def _met(self) -> set[str]:
        with self._lock:
            return set(self._known)

    def _part(self, worker: str, why: str) -> None:
        """Give up what a worker had; it may be met again."""
        with self._lock:
            self._known.discard(worker)
            gone = [serial for serial, home in self._homes.items() if home.worker == worker]
            for serial in gone:
                del self._homes[serial]
        for serial in gone:
            self._reports.put(Gone(serial, why))

    def _meet(self, worker: str) -> None:
        """Take what a worker has of the phones that are still wanted, or that may join."""
        hello: Hello = self._fabric.call(worker, "hello", self._name)
        if hello.version != __version__:
            return
        here = {info.serial: LabPhone(info, None) for info in hello.phones}
        run = self._run
        wanted = [
            serial
            for serial, phone in here.items()
            if serial not in self._homes
            and (
                serial in self._wanted
                or (serial not in hello.busy and run.assignments.wants(phone))
            )
        ]
        if not wanted:
            return
        taken = self._fabric.call(
            worker, "take", self._session, self._name, run.owner, run.keep, wanted
        )
        for serial in wanted:
            phone = here[serial]
            with self._lock:
                self._known.add(worker)
                if serial not in taken or serial in self._homes:
                    continue
                self._homes[serial] = _Home(worker, phone)
            if serial not in self._wanted:
                self._wanted.add(serial)
                self._run.progress.note(f"{serial} on {hello.host} joins the run.")
            self._reports.put(Came(phone))

    def _listen(self, worker: str) -> None:
        try:
            self._hear(worker)
        except WorkerGoneError as error:
            self._part(worker, str(error))
        except WorkerFailedError as error:
            self._run.progress.note(str(error))

    def _hear(self, worker: str) -> None:
        with self._lock:
            running = {key: folder for key, (at, folder) in self._running.items() if at == worker}
        sizes = {
            (*key, name): _size(folder.path / name)
            for key, folder in running.items()
            for name in ("events.jsonl", "samples.txt")
        }
        news: News = self._fabric.call(worker, "news", self._session, sizes)
        for step in news.steps:
            self._reports.put(step)
        for status in news.statuses.values():
            self._run.progress.phone(status)
        for note in news.notes:
            self._run.progress.note(note)
        for job_id, attempt, name, offset, data in news.grown:
            with self._lock:  # not once its whole folder is being fetched
                _, folder = self._running.get((job_id, attempt), ("", None))
                if folder is not None and _size(folder.path / name) == offset:
                    path = folder.path / name
                    with said(path, "write"), path.open("ab") as file:
                        file.write(data)

    def _tell(self, worker: str, method: str, *values: Any) -> None:
        """Tell a worker something whose answer nobody waits for."""
        with contextlib.suppress(WorkerGoneError, WorkerFailedError, FabricLostError):
            self._fabric.call(worker, method, self._session, *values)


def _failed(order: Order, why: str) -> Report:
    """Return the answer to an order with which its worker could not cope."""
    if not isinstance(order, RunAttempt):
        return not_done(order, why)
    return Ended(
        order.serial, order.job_id, order.attempt, kind="InternalError", message=why, clean=False
    )


def name_of(run: Path) -> str:
    """Return what a run folder is called on other hosts: the same when the run is resumed."""
    return f"{socket.gethostname()}:{run.resolve()}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
