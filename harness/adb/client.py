"""adbutils, with two things changed: time limits are for the whole call, and no server is started.

adbutils' own timeout is for each ``recv``, so a phone that prints a byte now and then is never too
late; and when no server answers it runs ``adb start-server`` on the user's default port behind our
back. ``sendall`` and exact reads are used throughout, which adbutils does not.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator

import adbutils

from harness.adb.errors import (
    AdbError,
    CommandTimedOut,
    DeviceLost,
    DeviceUnauthorized,
    ServerLost,
    ServerUnavailable,
    command_shown,
)

_LOG = logging.getLogger(__name__)

Clock = Callable[[], float]

_CONNECT_TIMEOUT_S = 3.0

_HOST_DISK = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES),
        *(errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EMFILE, errno.ENFILE),
    )
)
"""Errors of a file of this host: nothing of the phone, though they come while it is spoken to."""

# What stock adb says of a phone that is not there now and may be in a moment: gone, offline, not
# yet let in after USB was enumerated anew, or hidden behind a twin with the same serial
# (``transport.cpp``, ``usb_linux.cpp``, ``sockets.cpp``).
_LOST = re.compile(
    r"device (?:'.*' )?not found|device offline|device still|closed|no devices|device '.*' is"
    r"|protocol fault|connection reset|transport error|target device closed|disconnected"
    r"|detached|no permissions|insufficient permissions|no device with transport id"
    r"|more than one (?:device|emulator)|device authorizing|device connecting",
    re.IGNORECASE,
)


class Deadline:
    """A point in time that all parts of a call share.

    Args:
        timeout_s: From now; None for no limit.
        clock: Monotonic clock, s.
    """

    def __init__(self, timeout_s: float | None, clock: Clock = time.monotonic) -> None:
        self.timeout_s = timeout_s
        self._clock = clock
        self._end = None if timeout_s is None else clock() + timeout_s

    def remaining(self) -> float | None:
        """Return the seconds left (0 when it has passed), None without a limit."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self.remaining() == 0.0


class Connection(adbutils.AdbConnection):  # type: ignore[misc]
    """One connection to the adb server; each socket operation gets what is left of the deadline."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self.deadline = deadline
        self.address = f"{host}:{port}"
        super().__init__(host, port)

    def _safe_connect(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        remaining = self.deadline.remaining()
        limit = _CONNECT_TIMEOUT_S if remaining is None else min(remaining, _CONNECT_TIMEOUT_S)
        if limit <= 0:
            raise adbutils.AdbTimeout("the time was over before the adb server was asked")
        try:
            made = socket.create_connection((host, int(port)), limit)
        except OSError as error:
            raise ServerUnavailable(f"no adb server answers at {self.address} ({error})") from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    @property
    def conn(self) -> socket.socket:
        """The socket, with the time left as its timeout."""
        made: socket.socket = super().conn
        remaining = self.deadline.remaining()
        if remaining is not None and remaining <= 0:
            raise adbutils.AdbTimeout("time is over")
        made.settimeout(remaining)
        return made

    def send_command(self, cmd: str) -> None:
        """Send a host request with its length in front."""
        raw = cmd.encode("utf-8", "surrogateescape")
        self.send_all(b"%04x" % len(raw) + raw)

    def send_all(self, data: bytes | memoryview) -> None:
        """Send everything."""
        try:
            self.conn.sendall(data)
        except TimeoutError as error:
            raise adbutils.AdbTimeout("sending took too long") from error

    def read_some(self, size: int = 1 << 16) -> bytes:
        """Return what is there, at least one byte; empty at the end."""
        received: bytes = self.recv(size)
        return received

    def read_exactly(self, size: int) -> bytes:
        """Return that many bytes.

        Raises:
            EOFError: The connection ended before.
        """
        parts = bytearray()
        while len(parts) < size:
            part = self.read_some(min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError(f"{len(parts)} of {size} bytes, then the connection was closed")
            parts += part
        return bytes(parts)

    def check_okay(self) -> None:
        """Read the server's OKAY.

        Raises:
            EOFError: The connection ended instead.
            adbutils.AdbError: FAIL, with the server's reason.
        """
        answer = self.read_exactly(4)
        if answer == b"FAIL":
            raise adbutils.AdbError(self.read_string_block())
        if answer != b"OKAY":
            raise adbutils.AdbError(f"neither OKAY nor FAIL but {answer!r}")

    def read_string_block(self) -> str:
        """Return text that has its length (four hexadecimal digits) in front."""
        return self.read_exactly(int(self.read_exactly(4), 16)).decode("utf-8", "replace")

    def close(self) -> None:
        """Close at once (adbutils sleeps 10 ms here)."""
        made = self._take_socket()
        if made is not None:
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
            made.close()

    def _take_socket(self) -> socket.socket | None:
        # the one attribute of adbutils that is private and needed: its close() is not thread-safe
        made: socket.socket | None = self.__dict__.get("_AdbConnection__conn")
        self.__dict__["_AdbConnection__conn"] = None
        return made


class Client(adbutils.AdbClient):  # type: ignore[misc]
    """Client of one adb server, with a total deadline for each call."""

    def make_connection(self, timeout: float | None = None) -> Connection:
        """Connect; see `Connection`.

        Raises:
            ServerUnavailable: Nothing answers there.
        """
        return Connection(self.host, self.port, Deadline(timeout))

    @contextlib.contextmanager
    def request(
        self, command: str, *, serial: str = "", timeout_s: float | None, what: str = ""
    ) -> Iterator[Connection]:
        """Connect, send one host request, and give the connection after its OKAY.

        Args:
            command: ``host:...``.
            serial: The phone it is about, for errors.
            timeout_s: For everything until the context ends.
            what: How to call it in errors; the command if empty.

        Raises:
            AdbError: A subclass; see `translated`.
        """
        with translated(serial, what or command, timeout_s):
            connection = self.make_connection(timeout_s)
            try:
                connection.send_command(command)
                connection.check_okay()
                yield connection
            finally:
                connection.close()

    @contextlib.contextmanager
    def service(
        self,
        adb_serial: str,
        service: str,
        *,
        timeout_s: float | None,
        what: str = "",
        serial: str = "",
    ) -> Iterator[Connection]:
        """Open a service of a phone (``shell,v2,raw:...``, ``sync:``); see `request`.

        Args:
            adb_serial: The phone as the server calls it.
            service: What to open.
            timeout_s: For everything until the context ends.
            what: How to call it in errors; the service if empty.
            serial: How to call the phone in errors; ``adb_serial`` if empty.
        """
        with self.request(
            f"host:transport:{adb_serial}",
            serial=serial or adb_serial,
            timeout_s=timeout_s,
            what=what or service,
        ) as connection:
            connection.send_command(service)
            connection.check_okay()
            yield connection


@contextlib.contextmanager
def translated(serial: str, command: str, timeout_s: float | None) -> Iterator[None]:
    """Turn what adbutils and sockets raise into this package's errors.

    Raises:
        CommandTimedOut: Time was over.
        DeviceUnauthorized: The phone has not accepted the key.
        DeviceLost: The phone is gone, or the connection broke, or its server is away
            (`ServerLost`).
        ServerUnavailable: The connection broke, and it was not about one phone.
        AdbError: The server said something else.
        OSError: A file of this host, not the link.
    """
    try:
        yield
    except ServerUnavailable as error:
        if not serial or isinstance(error, DeviceLost):
            raise
        raise ServerLost(error.detail, serial=serial, command=command) from error
    except (adbutils.AdbTimeout, adbutils.AdbError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _HOST_DISK:
            raise
        failure = _failure(error, serial, command, timeout_s)
        _LOG.debug("%s", failure, extra={"serial": serial})
        raise failure from error


def _failure(error: Exception, serial: str, command: str, timeout_s: float | None) -> AdbError:
    if isinstance(error, adbutils.AdbTimeout):
        return CommandTimedOut(serial=serial, command=command, timeout_s=timeout_s or 0.0)
    if isinstance(error, adbutils.AdbError):
        return _from_server(str(error), serial, command)
    if not serial:
        return ServerUnavailable(f"the adb server broke off {command_shown(command)!r} ({error})")
    return DeviceLost(
        f"the connection broke during {command_shown(command)!r} ({error})",
        serial=serial,
        command=command,
    )


def _from_server(said: str, serial: str, command: str) -> AdbError:
    if "unauthorized" in said:
        return DeviceUnauthorized(
            "unlock the phone and accept this computer's debugging key",
            serial=serial,
            command=command,
        )
    if _LOST.search(said):
        return DeviceLost(said, serial=serial, command=command)
    return AdbError(
        f"{said} (asked for {command_shown(command)!r})", serial=serial, command=command
    )
