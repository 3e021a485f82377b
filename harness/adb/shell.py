"""Shell protocol v2: a command's stdout, stderr and exit code, whole or as a stream.

Packets are id (u8), length (u32, little endian), data; ids 1 stdout, 2 stderr, 3 exit code
(AOSP: packages/modules/adb, shell_protocol.h).
"""

from __future__ import annotations

import contextlib
import shlex
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

import adbutils

from harness.adb.client import Client, Connection, Deadline, translated
from harness.adb.errors import CommandTimedOut, DeviceLost

Command = Union[str, Sequence[str]]  # noqa: UP007 - a runtime alias under Python 3.10

_HEADER = struct.Struct("<BI")
_STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = 1, 2, 3, 4
_MAX_PACKET = 1 << 24
_SERVICE = "shell,v2,raw:"
_KEPT_STDERR = 1 << 16


def quote(text: str) -> str:
    """Quote one word for the phone's ``sh``: it arrives as it is, whatever is in it.

    Raises:
        ValueError: It holds NUL, which no command line can carry.
    """
    if "\0" in text:
        raise ValueError("a word of a command cannot hold NUL")
    return shlex.quote(text)


def command_text(command: Command) -> str:
    """Return a command as text for ``sh -c``: text as it is, words quoted."""
    return command if isinstance(command, str) else " ".join(quote(word) for word in command)


@dataclass(frozen=True)
class ShellResult:
    """What a command left.

    Attributes:
        stdout: As text; bytes that are not UTF-8 are replaced (``raw`` has them).
        stderr: Likewise.
        code: Exit code.
        raw: stdout as it came.
    """

    stdout: str
    stderr: str
    code: int
    raw: bytes


class Packets:
    """Cuts a byte stream into shell packets; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take more bytes; return the packets that are complete now.

        Raises:
            EOFError: This is not the shell protocol.
        """
        self._rest += data
        packets = []
        start = 0
        while len(self._rest) - start >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest, start)
            if length > _MAX_PACKET:
                raise EOFError(f"not shell protocol v2: a packet of {length} bytes")
            end = start + _HEADER.size + length
            if len(self._rest) < end:
                break
            packets.append((kind, bytes(self._rest[start + _HEADER.size : end])))
            start = end
        del self._rest[:start]
        return packets


class ShellStream:
    """A running command. Iterate for its stdout; `close` ends it, from any thread.

    Attributes:
        ended: Whether no more output comes.
        code: Its exit code, once it ended by itself.
        stderr: The first 64 KiB of it.
    """

    def __init__(self, connection: Connection, serial: str, command: str) -> None:
        self._connection = connection
        self._serial = serial
        self._command = command
        self._packets = Packets()
        self._closed = False
        self.ended = False
        self.code: int | None = None
        self.stderr = bytearray()

    def read(self, timeout_s: float | None = None) -> bytes:
        """Return stdout that is there, waiting for some.

        Returns:
            Empty when nothing came in time, and at the end (then `ended`).

        Raises:
            DeviceLost: The connection broke before the command ended.
        """
        self._connection.deadline = Deadline(timeout_s)
        output = bytearray()
        with contextlib.suppress(CommandTimedOut):
            while not output and not self.ended:
                self._receive(output, timeout_s)
        return bytes(output)

    def _receive(self, output: bytearray, timeout_s: float | None) -> None:
        try:
            with translated(self._serial, self._command, timeout_s):
                self._take(self._connection.read_some(), output)
        except DeviceLost:
            # close() from another thread breaks the read on purpose
            if not self._closed:
                raise
            self.ended = True

    def _take(self, data: bytes, output: bytearray) -> None:
        if not data:
            if self._closed:
                self.ended = True
                return
            raise EOFError("the stream ended without an exit code")
        for kind, payload in self._packets.feed(data):
            if kind == _STDOUT:
                output += payload
            elif kind == _STDERR:
                self.stderr += payload[: _KEPT_STDERR - len(self.stderr)]
            elif kind == _EXIT:
                self.code = payload[0] if payload else 0
                self.ended = True

    def __iter__(self) -> Iterator[bytes]:
        while not self.ended:
            data = self.read()
            if data:
                yield data

    def close(self) -> None:
        """Hang up; the phone sends the command SIGHUP. Idempotent."""
        self._closed = True
        self._connection.close()


def run_shell(
    client: Client, adb_serial: str, command: Command, *, timeout_s: float, serial: str = ""
) -> ShellResult:
    """Run a command and wait for its end.

    Args:
        client: Of the phone's adb server.
        adb_serial: The phone as its server calls it.
        command: Text for the phone's shell, or words that are quoted.
        timeout_s: For everything: connecting, running, all of its output.
        serial: How errors call the phone.

    Raises:
        CommandTimedOut: With the output so far. The phone hangs up on the command, which may
            still go on if it ignores that.
        DeviceLost: Also when the output ended without an exit code.
    """
    text = command_text(command)
    serial = serial or adb_serial
    packets = Packets()
    stdout, stderr = bytearray(), bytearray()
    with client.service(
        adb_serial, _SERVICE + text, timeout_s=timeout_s, what=text, serial=serial
    ) as connection:
        try:
            connection.send_all(_HEADER.pack(_CLOSE_STDIN, 0))
            while True:
                data = connection.read_some()
                if not data:
                    raise DeviceLost(
                        f"the output of {text!r} ended without an exit code",
                        serial=serial,
                        command=text,
                    )
                for kind, payload in packets.feed(data):
                    if kind == _STDOUT:
                        stdout += payload
                    elif kind == _STDERR:
                        stderr += payload
                    elif kind == _EXIT:
                        return ShellResult(
                            stdout.decode("utf-8", "replace"),
                            stderr.decode("utf-8", "replace"),
                            payload[0] if payload else 0,
                            bytes(stdout),
                        )
        except adbutils.AdbTimeout as error:
            raise CommandTimedOut(
                serial=serial,
                command=text,
                timeout_s=timeout_s,
                stdout=stdout.decode("utf-8", "replace"),
            ) from error


@contextlib.contextmanager
def open_shell(
    client: Client, adb_serial: str, command: Command, *, timeout_s: float, serial: str = ""
) -> Iterator[ShellStream]:
    """Start a command and give its stream; it is hung up at the end of the context.

    Args:
        client: Of the phone's adb server.
        adb_serial: The phone as its server calls it.
        command: As for `run_shell`.
        timeout_s: For starting it only.
        serial: How errors call the phone.
    """
    text = command_text(command)
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(
            client.service(
                adb_serial, _SERVICE + text, timeout_s=timeout_s, what=text, serial=serial
            )
        )
        stream = ShellStream(connection, serial or adb_serial, text)
        try:
            yield stream
        finally:
            stream.close()
