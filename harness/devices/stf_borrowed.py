"""What was borrowed from a farm, so that it is given back even by another process."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from harness.adb.errors import AdbError
from harness.adb.server import AdbServer
from harness.devices.stf_api import StfApi, StfError
from harness.errors import HarnessError
from harness.paths import cache_root
from harness.results.files import write_bytes
from harness.results.names import safe_name

_NOT_OURS = (403, 404)
_AUTOMATION = "automation"
"""What STF notes of a phone that was taken over REST, not by a person in a browser."""


class Borrowed:
    """The phones that this process has of one farm; made by `Borrowed.of`."""

    def __init__(
        self, api: StfApi, server: AdbServer, note: Callable[[str], None], record: Path
    ) -> None:
        self._api = api
        self._server = server
        self._note = note
        self._record = record
        self._addresses: dict[str, str | None] = {}

    @classmethod
    @contextlib.contextmanager
    def of(cls, api: StfApi, server: AdbServer, note: Callable[[str], None]) -> Iterator[Borrowed]:
        """Borrow for as long as the context lasts."""
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        record = _folder(api) / f"{name}.json"
        lock = FileLock(record.with_suffix(".lock"), thread_local=False)
        with lock:
            borrowed = cls(api, server, note, record)
            borrowed._write()
            try:
                yield borrowed
            finally:
                for serial in list(borrowed._addresses):
                    borrowed.give_back(serial)
                if not borrowed._addresses:
                    record.unlink(missing_ok=True)
                    record.with_suffix(".lock").unlink(missing_ok=True)

    def take(self, serial: str, idle_ms: int) -> str:
        """Reserve a phone and connect adb to it; return its address.

        Raises:
            StfError: The farm will not or cannot; see `give_back`.
            AdbError: It cannot be reached by adb.
        """
        self._addresses[serial] = None
        self._write()
        try:
            self._api.reserve(serial, idle_ms)
        except StfError as error:
            if error.status in _NOT_OURS:
                del self._addresses[serial]
                self._write()
            raise  # after a 504 it may yet become ours
        address = self._addresses[serial] = self._api.remote_connect(serial)
        self._server.connect(address)
        return address

    def give_back(self, serial: str) -> None:
        """Give one phone back; what does not work is told, and tried again by the next process."""
        if serial not in self._addresses:
            return
        address = self._addresses[serial]
        if address is not None:
            with contextlib.suppress(AdbError):
                self._server.disconnect(address)
        if _give_back(self._api, serial, self._note):
            del self._addresses[serial]
            self._write()

    def _write(self) -> None:
        text = json.dumps({"url": self._api.url, "serials": list(self._addresses)})
        write_bytes(self._record, text.encode())


def give_back_left(api: StfApi, note: Callable[[str], None]) -> None:
    """Give back what processes that are dead had of a farm.

    A phone that its user has by now by another way (in a browser, or through a process of ours that
    lives) stays.
    """
    records = sorted(_folder(api).glob("*.json"))
    held: set[str] = set()
    left: dict[str, list[Path]] = {}
    with contextlib.ExitStack() as stack:
        for record in records:
            lock = FileLock(record.with_suffix(".lock"), thread_local=False)
            serials = _serials(record)
            try:
                stack.enter_context(lock.acquire(timeout=0))
            except Timeout:
                held.update(serials)
                continue
            if not serials:
                _forget(record)
            for serial in serials:
                left.setdefault(serial, []).append(record)
        if not left:
            return
        mine = {device.serial: device for device in api.mine()}
        kept: set[Path] = set()
        for serial, where in left.items():
            device = mine.get(serial)
            ours = device is not None and device.usage == _AUTOMATION
            if serial in held or not ours:
                continue
            if _give_back(api, serial, note):
                note(f"{serial} of {api.url}, left reserved by a run that died, is given back")
            else:
                kept.update(where)
        for record in {record for where in left.values() for record in where} - kept:
            _forget(record)


def _give_back(api: StfApi, serial: str, note: Callable[[str], None]) -> bool:
    with contextlib.suppress(HarnessError):
        api.remote_disconnect(serial)
    try:
        api.release(serial)
    except HarnessError as error:
        if isinstance(error, StfError) and error.status in _NOT_OURS:
            return True
        note(f"{serial} could not be given back to {api.url}, which frees it when idle: {error}")
        return False
    return True


def _folder(api: StfApi) -> Path:
    folder = cache_root() / "stf" / safe_name(api.url)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _serials(record: Path) -> list[str]:
    try:
        found = json.loads(record.read_bytes())["serials"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return (
        [serial for serial in found if isinstance(serial, str)] if isinstance(found, list) else []
    )


def _forget(record: Path) -> None:
    record.unlink(missing_ok=True)
    record.with_suffix(".lock").unlink(missing_ok=True)
