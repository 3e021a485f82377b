"""One command that a process of the phone asked the system server to carry out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

_FAILED = 255


class CallClosed(Exception):  # noqa: N818 - an end, not an error
    """The client has gone; nobody reads the output any more."""


class Call:
    """A command's arguments and its outputs.

    Args:
        argv: The command's name and its arguments.
        cwd: Folder it was called in, as the caller sees it.
        stdin: What it was given on standard input, if the script took it in.
        output: Write end of the pipe that is its standard output; non-blocking.
    """

    def __init__(self, argv: list[str], cwd: str, stdin: Path | None, output: int) -> None:
        self.argv = argv
        self.cwd = cwd
        self.stdin = stdin
        self.errors: list[str] = []
        self._output = output
        self._waiting: list[bytes] = []

    def aside(self, argv: Sequence[str]) -> AsideCall:
        """Return a call of another command, whose output is kept."""
        return AsideCall(list(argv), self.cwd, None, self._output)

    @property
    def name(self) -> str:
        """The command."""
        return self.argv[0]

    @property
    def args(self) -> list[str]:
        """Its arguments."""
        return self.argv[1:]

    def absolute(self, path: str) -> str:
        """Return a path that the caller named, from the phone's root on."""
        return path if path.startswith("/") else f"{self.cwd}/{path}"

    def print(self, text: str = "", end: str = "\n") -> None:
        """Add text to standard output; it's sent at the end, or by :meth:`flush`."""
        self._waiting.append((text + end).encode("utf-8", "surrogateescape"))

    def write(self, data: bytes) -> None:
        """Add bytes to standard output."""
        self._waiting.append(data)

    def error(self, text: str) -> None:
        """Add a line to standard error, which the caller prints after standard output."""
        self.errors.append(text + "\n")

    def unknown(self, word: str = "") -> int:
        """Say that a service knows no such command; return the exit code.

        Source: AOSP ``BasicShellCommandHandler.handleDefaultCommands``.
        """
        self.print(f"Unknown command: {word}")
        return _FAILED

    async def flush(self) -> None:
        """Send what waits, as fast as the client reads.

        Raises:
            CallClosed: The client has gone.
        """
        data = memoryview(b"".join(self._waiting))
        self._waiting.clear()
        try:
            while data:
                data = data[_write_some(self._output, data) :]
                if data:
                    await _wait_writable(self._output)
        except BrokenPipeError:
            raise CallClosed from None

    async def wait_gone(self) -> None:
        """Wait until the client no longer reads; for commands that follow something."""
        loop = asyncio.get_running_loop()
        gone = loop.create_future()

        def tell() -> None:
            # the write end of a pipe becomes "readable" (EPOLLERR) only when its reader has gone
            if not gone.done():
                gone.set_result(None)

        loop.add_reader(self._output, tell)
        try:
            await gone
        finally:
            loop.remove_reader(self._output)


class AsideCall(Call):
    """A call that another one makes; nobody is sent its output."""

    async def flush(self) -> None:
        """Keep what waits."""

    def taken(self) -> str:
        """Return standard output so far, and forget it."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        return data.decode("utf-8", "surrogateescape")


def _write_some(fd: int, data: memoryview) -> int:
    try:
        return os.write(fd, data)
    except BlockingIOError:
        return 0


async def _wait_writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_writer(fd, tell)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


Handler = Callable[[Call], Awaitable[int]]
"""Carries out a call and returns its exit code."""
