"""The two pipes between the phone's scripts and its system server.

A script makes ``<pid>.out`` (a pipe) and ``<pid>.args`` (folder, name and arguments, each ended by
NUL) and writes its pid as one line into the pipe ``requests``. The server writes the output into
``<pid>.out``; before it closes that, ``<pid>.err`` and ``<pid>.code`` are there. So no program is
needed on the phone that could open a socket, and a call costs some 3 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.virtual.system.call import Call, CallClosed, Handler

_LOG = logging.getLogger(__name__)
_READER_PATIENCE_S = 10.0
_STALE_S = 60.0


class Channel:
    """Takes calls from a folder and gives them to a handler.

    Args:
        folder: The folder both sides know; emptied at the start.
        handler: Carries out one call.
        delay: Gives the seconds to wait before each answer (a fault).
    """

    def __init__(
        self, folder: Path, handler: Handler, delay: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._folder = folder
        self._handler = handler
        self._delay = delay
        self._fd: int | None = None
        self._rest = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Make the request pipe and listen."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.glob("[0-9]*.*"):
            left.unlink()
        requests = self._folder / "requests"
        requests.unlink(missing_ok=True)
        os.mkfifo(requests, 0o622)
        # for reading and writing: so there's never an end of file, and no writer ever waits
        self._fd = os.open(requests, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    async def stop(self) -> None:
        """Stop listening and end all calls. Idempotent."""
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def sweep(self) -> None:
        """Remove what killed clients left behind."""
        oldest = time.time() - _STALE_S
        for left in self._folder.glob("[0-9]*.*"):
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < oldest and not self._is_client(left):
                    left.unlink()

    def _is_client(self, left: Path) -> bool:
        return any(task.get_name() == left.name.split(".")[0] for task in self._tasks)

    def _readable(self) -> None:
        assert self._fd is not None
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self._fd, 65536)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            if line.isdigit():
                self._begin(self._serve(line.decode()), line.decode())

    def _begin(self, work: Awaitable[None], name: str) -> None:
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, token: str) -> None:
        try:
            cwd, *argv = self._arguments(token)
            output = await self._open_output(token)
        except (OSError, ValueError) as error:
            _LOG.debug("call %s came to nothing: %s", token, error)
            return
        try:
            stdin = self._folder / f"{token}.in"
            call = Call(argv, cwd, stdin if stdin.exists() else None, output)
            code = await self._handle(call)
            with contextlib.suppress(CallClosed):
                await call.flush()
            (self._folder / f"{token}.err").write_text(
                "".join(call.errors), encoding="utf-8", errors="surrogateescape"
            )
            (self._folder / f"{token}.code").write_text(f"{code & 0xFF}\n", encoding="ascii")
        finally:
            os.close(output)

    async def _handle(self, call: Call) -> int:
        try:
            if self._delay():
                await asyncio.sleep(self._delay())
            return await self._handler(call)
        except CallClosed:
            return 141
        except Exception:  # noqa: BLE001 - recorded, and the client must not be left hanging
            _LOG.exception("command %s failed", call.argv)
            call.error(f"{call.name}: internal error of the virtual phone, see the farm's log")
            return 70

    def _arguments(self, token: str) -> list[str]:
        data = (self._folder / f"{token}.args").read_bytes()
        parts = data.split(b"\0")[:-1]
        if len(parts) < 2:
            raise ValueError("not a call")
        return [part.decode("utf-8", "surrogateescape") for part in parts]

    async def _open_output(self, token: str) -> int:
        """Open the output pipe once the client's ``cat`` has opened its other end."""
        path = self._folder / f"{token}.out"
        deadline = time.monotonic() + _READER_PATIENCE_S
        pause = 0.0005
        while True:
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.02)
