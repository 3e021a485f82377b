"""One phone: shell, properties, files. Every call has one time limit for all of it.

Safe to use from several threads: each call opens a connection of its own.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import tenacity

from harness.adb.client import Clock, Deadline
from harness.adb.errors import (
    AdbError,
    CommandFailed,
    DeviceLost,
    DeviceUnauthorized,
    DiskFull,
    ServerUnavailable,
    TransferFailed,
)
from harness.adb.server import AdbServer, is_tcp
from harness.adb.shell import (
    Command,
    ShellResult,
    ShellStream,
    command_text,
    open_shell,
    quote,
    run_shell,
)
from harness.adb.sync import FileStat, SyncSession, open_sync
from harness.readings import parse_getprop

log = logging.getLogger(__name__)
T = TypeVar("T")

DEFAULT_TIMEOUT_S = 30.0
_TRANSFER_TIMEOUT_S = 600.0
_ATTEMPTS = 3
_LOCAL_CHUNK = 1 << 20
DISK_FULL = re.compile(r"no space left|ENOSPC|disk full|quota exceeded", re.IGNORECASE)


class Phone:
    """One phone on one adb server.

    Args:
        server: Where it is listed.
        adb_serial: What the server calls it.
        serial: Its own name (``ro.serialno``), used in errors; ``adb_serial`` if empty.
        clock: Monotonic clock, s.
        sleep: How to wait, s.
    """

    def __init__(
        self,
        server: AdbServer,
        adb_serial: str,
        serial: str = "",
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = server
        self.adb_serial = adb_serial
        self.serial = serial or adb_serial
        self._clock = clock
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"Phone({self.serial} as {self.adb_serial} on {self.server.address})"

    # --- commands ---------------------------------------------------------------------------

    def shell(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> ShellResult:
        """Run a command; any exit code is a result.

        Args:
            command: Text for the phone's ``sh``, or words, each of which arrives as it is.
            timeout_s: For everything, output included.

        Raises:
            DeviceLost: The phone is gone, or its output broke off. It is not known how far the
                command came.
            CommandTimedOut: With the output so far.
        """
        return run_shell(
            self.server.client, self.adb_serial, command, timeout_s=timeout_s, serial=self.serial
        )

    def run(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> ShellResult:
        """Run a command that must succeed; see `shell`.

        Raises:
            CommandFailed: Its exit code was not 0.
        """
        result = self.shell(command, timeout_s)
        if result.code != 0:
            raise CommandFailed(
                serial=self.serial,
                command=command_text(command),
                code=result.code,
                stdout=result.stdout,
                stderr=result.stderr,
            )
        return result

    def query(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> str:
        """Run a command that changes nothing and return its stdout; a lost cable is tried again.

        Raises:
            CommandFailed: Its exit code was not 0.
        """
        return self.retried(lambda: self.run(command, timeout_s)).stdout

    @contextlib.contextmanager
    def stream(
        self, command: Command, start_timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Iterator[ShellStream]:
        """Start a command and give its stdout as a stream; it is hung up at the end."""
        with open_shell(
            self.server.client,
            self.adb_serial,
            command,
            timeout_s=start_timeout_s,
            serial=self.serial,
        ) as opened:
            yield opened

    def getprop(self, name: str) -> str:
        """Return a system property; empty if it is not set."""
        return self.query(["getprop", name]).strip()

    def properties(self) -> dict[str, str]:
        """Return all system properties."""
        return dict(parse_getprop(self.query(["getprop"])).properties)

    # --- being there ------------------------------------------------------------------------

    def state(self) -> str:
        """Return its state as listed: ``device``, ``offline``, ``unauthorized``, ``absent`` ..."""
        return self.server.state(self.adb_serial)

    def is_online(self, timeout_s: float = 5.0) -> bool:
        """Tell whether it answers a real command (the listed state may be a dead connection's)."""
        try:
            return self.shell("echo alive", timeout_s).stdout.strip() == "alive"
        except AdbError:
            return False

    def wait_online(self, timeout_s: float) -> None:
        """Wait until it answers, reconnecting where that can help.

        Raises:
            DeviceLost: It did not come back in time.
            DeviceUnauthorized: It waits for a person.
        """
        deadline = Deadline(timeout_s, self._clock)
        pause = 0.1
        while not self.is_online(min(5.0, max(0.5, deadline.remaining() or 0.5))):
            state = self._state_or_unknown()
            if state == "unauthorized":
                raise DeviceUnauthorized(
                    "unlock the phone and accept this computer's debugging key", serial=self.serial
                )
            if deadline.passed:
                raise DeviceLost(
                    f"did not answer within {timeout_s:g} s (its state is {state}); look at the "
                    "cable, the hub's power and the Wi-Fi",
                    serial=self.serial,
                )
            self.reconnect()
            self._sleep(min(pause, deadline.remaining() or pause))
            pause = min(pause * 2, 2.0)

    def reconnect(self) -> None:
        """Make the server reach for the phone again; whether it worked shows in `is_online`.

        A TCP phone is disconnected first, since ``connect`` alone says "already connected" of one
        that is offline. Streams that are open on it break.
        """
        with contextlib.suppress(AdbError):
            if not is_tcp(self.adb_serial):
                if self.state() == "offline":
                    self.server.reconnect_offline()
                return
            if self.state() != "device" or not self.is_online(2.0):
                self.server.disconnect(self.adb_serial)
                self.server.connect(self.adb_serial, timeout_s=5.0)

    def _state_or_unknown(self) -> str:
        try:
            return self.state()
        except AdbError:
            return "unknown"

    def retried(self, call: Callable[[], T]) -> T:
        """Do something that may be done twice; when the phone is lost, reconnect and try again.

        Only for what changes nothing, or leaves the same however often it is done.
        """

        def lost(error: BaseException) -> bool:
            return isinstance(error, (DeviceLost, ServerUnavailable)) and not isinstance(
                error, DeviceUnauthorized
            )

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lost),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=0.2, max=2.0),
            before_sleep=lambda _: self.reconnect(),
            sleep=self._sleep,
            reraise=True,
        )(call)

    # --- files ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def sync(self, timeout_s: float = _TRANSFER_TIMEOUT_S) -> Iterator[SyncSession]:
        """Open a file connection for several transfers."""
        with open_sync(
            self.server.client, self.adb_serial, timeout_s=timeout_s, serial=self.serial
        ) as session:
            yield session

    def stat(self, path: str) -> FileStat | None:
        """Return what is at a path, None if nothing is."""

        def once() -> FileStat | None:
            with self.sync(DEFAULT_TIMEOUT_S) as session:
                return session.stat(path)

        return self.retried(once)

    def entries(self, folder: str) -> list[FileStat]:
        """Return what is in a folder; nothing if it is not there."""

        def once() -> list[FileStat]:
            with self.sync(DEFAULT_TIMEOUT_S) as session:
                return session.entries(folder)

        return self.retried(once)

    def read_file(
        self, path: str, *, max_bytes: int = 1 << 28, timeout_s: float = _TRANSFER_TIMEOUT_S
    ) -> bytes:
        """Return a file's content.

        Raises:
            FileMissing: There is none.
            TransferFailed: It can't be read, or is larger than ``max_bytes``.
        """

        def once() -> bytes:
            content = bytearray()
            with self.sync(timeout_s) as session:
                for chunk in session.receive(path):
                    content += chunk
                    if len(content) > max_bytes:
                        raise TransferFailed(
                            path, f"is larger than {max_bytes:,} bytes", serial=self.serial
                        )
            return bytes(content)

        return self.retried(once)

    def pull_file(self, path: str, local: Path, *, timeout_s: float = _TRANSFER_TIMEOUT_S) -> int:
        """Copy a file from the phone; the local one appears whole or not at all.

        Returns:
            Its size in bytes.

        Raises:
            FileMissing: There is none.
            TransferFailed: It can't be read, or not be written here.
        """
        partial = local.with_name(f".{local.name}.{secrets.token_hex(4)}.part")

        def once() -> int:
            size = 0
            with partial.open("wb") as file, self.sync(timeout_s) as session:
                for chunk in session.receive(path):
                    size += file.write(chunk)
            return size

        try:
            size = self.retried(once)
            partial.replace(local)
        except OSError as error:
            raise TransferFailed(
                path, f"cannot be written to {local}: {error}", serial=self.serial
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        return size

    def push_file(
        self,
        local: Path,
        path: str,
        *,
        mode: int = 0o644,
        timeout_s: float = _TRANSFER_TIMEOUT_S,
    ) -> int:
        """Copy a file to the phone; it appears there whole or not at all.

        Args:
            local: File here.
            path: Full path there (not a folder).
            mode: Its permissions there.
            timeout_s: For everything.

        Returns:
            Its size in bytes.

        Raises:
            TransferFailed: With the phone's reason.
            DiskFull: No room on the phone.
        """
        try:
            mtime = int(local.stat().st_mtime)
            size = local.stat().st_size
        except OSError as error:
            raise TransferFailed(path, f"{local}: {error.strerror}", serial=self.serial) from error
        return self._put(path, lambda: local_chunks(local), size, mode, mtime, timeout_s)

    def write_bytes(
        self, path: str, data: bytes, *, mode: int = 0o644, timeout_s: float = _TRANSFER_TIMEOUT_S
    ) -> None:
        """Write a file on the phone; a reader sees the old one or the new one, whole."""
        self._put(path, lambda: iter([data]), len(data), mode, int(time.time()), timeout_s)

    def write_text(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a UTF-8 text file on the phone; see `write_bytes`."""
        self.write_bytes(path, text.encode(), mode=mode)

    def _put(
        self,
        path: str,
        chunks: Callable[[], Iterator[bytes]],
        size: int,
        mode: int,
        mtime: int,
        timeout_s: float,
    ) -> int:
        target = PurePosixPath(path)
        partial = str(target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part"))

        def once() -> int:
            with self.sync(timeout_s) as session:
                return session.send(partial, chunks(), mode=mode, mtime=mtime)

        try:
            sent = self.retried(once)
            self.retried(lambda: self._move(partial, path))
        except TransferFailed as error:
            self._discard(partial)
            if DISK_FULL.search(error.reason):
                raise DiskFull(
                    path,
                    needed_bytes=size,
                    free_bytes=self.free_bytes(str(target.parent)),
                    serial=self.serial,
                    reason=error.reason,
                ) from error
            raise TransferFailed(path, error.reason, serial=self.serial) from error
        return sent

    def _move(self, partial: str, path: str) -> None:
        # done twice after a lost cable, the first may have worked: then the target is what counts
        moved = self.shell(
            f"mv -f {quote(partial)} {quote(path)} || [ ! -e {quote(partial)} -a -e {quote(path)} ]"
        )
        if moved.code != 0:
            raise TransferFailed(path, moved.stderr.strip() or "mv failed", serial=self.serial)

    def _discard(self, path: str) -> None:
        with contextlib.suppress(AdbError):
            self.shell(["rm", "-f", path], timeout_s=5.0)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it, readable for apps."""
        self.retried(lambda: self.run(f"mkdir -p {quote(path)} && chmod 755 {quote(path)}"))

    def remove(self, paths: Sequence[str], timeout_s: float = 60.0) -> None:
        """Remove files and folders with all that is in them; missing ones are fine.

        Raises:
            ValueError: A path is not absolute or is one of the phone's own top folders.
        """
        for path in paths:
            if (
                not path.startswith("/")
                or len(PurePosixPath(path).parts) < 4
                or ".." in path.split("/")
            ):
                raise ValueError(f"refusing to remove {path!r}")
        for start in range(0, len(paths), 20):
            words = ["rm", "-rf", "--", *paths[start : start + 20]]
            self.retried(lambda words=words: self.run(words, timeout_s))  # type: ignore[misc]

    def free_bytes(self, folder: str) -> int | None:
        """Return the free bytes of the file system of a folder, None if ``df`` does not say."""
        with contextlib.suppress(AdbError):
            text = self.shell(["df", "-k", folder], timeout_s=10.0).stdout
            fields = " ".join(text.splitlines()[1:]).split()  # a long device name takes a line
            for position, field in enumerate(fields):
                if re.fullmatch(r"\d+%", field) and position and fields[position - 1].isdigit():
                    return int(fields[position - 1]) * 1024
        return None


def local_chunks(path: Path) -> Iterator[bytes]:
    """Yield a local file's content in pieces of 1 MiB."""
    with path.open("rb") as file:
        while chunk := file.read(_LOCAL_CHUNK):
            yield chunk
