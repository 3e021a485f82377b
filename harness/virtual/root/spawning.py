"""Starting one process with pipes or a terminal of its own, and ending its whole group."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.virtual.phone import PhoneProcess, WindowSize

_PIPE = asyncio.subprocess.PIPE
_READ_LIMIT = 1 << 20  # one ADB payload may wait in memory before the process has to


class SpawnedProcess(PhoneProcess):
    """A child of this host process; see :func:`spawn_process`.

    Args:
        child: The child.
        stdin: Write end of its input, if piped.
        stdout: Read end of its output, if piped.
        stderr: Read end of its errors, if piped and apart.
        terminal: Master side of its terminal, if it has one.
        leader: Gives the host pid of the leader of its group, given the child's pid; differs from
            it when a launcher stands between. None: it isn't there (any more).
        group: Gives the host pids of those in a group that are the phone's, once the leader has
            gone and its number may be another's.
    """

    def __init__(
        self,
        child: asyncio.subprocess.Process,
        stdin: asyncio.StreamWriter | None,
        stdout: asyncio.StreamReader | None,
        stderr: asyncio.StreamReader | None,
        terminal: int | None,
        leader: Callable[[int], int | None],
        group: Callable[[int], list[int]],
    ) -> None:
        self._child = child
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._terminal = terminal
        self._find_leader = leader
        self._group = group
        self._leader: int | None = None
        self._closers: list[Callable[[], None]] = []

    @property
    def host_pid(self) -> int:  # type: ignore[override]
        """Host pid of the process itself, not of a launcher before it."""
        if self._leader is None:
            self._leader = self._find_leader(self._child.pid)
        return self._leader if self._leader is not None else self._child.pid

    async def wait(self) -> int:
        """Wait for its end; return its exit code, 128 + signal number if a signal ended it."""
        code = await self._child.wait()
        return code if code >= 0 else 128 - code

    def hang_up(self) -> None:
        """Send SIGHUP to the group and close the pipes."""
        self._signal_group(signal.SIGHUP)
        self.close()

    def kill(self) -> None:
        """Send SIGKILL to the group."""
        self._signal_group(signal.SIGKILL)
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()

    def resize(self, size: WindowSize) -> None:
        """Tell the terminal a new size."""
        if self._terminal is not None:
            _set_size(self._terminal, size)

    def close(self) -> None:
        """Close this side of pipes and terminal."""
        for closer in self._closers:
            closer()
        self._closers.clear()
        self._terminal = None

    def _signal_group(self, number: signal.Signals) -> None:
        leader = self.host_pid
        try:
            if self._child.returncode is None:
                os.killpg(leader, number)
            else:
                for pid in self._group(leader):
                    os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it ended by itself


async def spawn_process(
    argv: Sequence[str],
    *,
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    pty: WindowSize | None,
    env: Mapping[str, str],
    cwd: Path | None,
    leader: Callable[[int], int | None],
    group: Callable[[int], list[int]],
    take_terminal: bool = True,
    open_terminal: Callable[[], tuple[int, int]] = os.openpty,
) -> SpawnedProcess:
    """Start ``argv`` in a session of its own.

    The pipes are ours, not asyncio's, so that they can be closed while the process lives on, and
    so that waiting for its end doesn't wait for a daemon that holds a pipe.

    Args:
        argv: Program (absolute path) and arguments.
        stdin: As for ``asyncio.create_subprocess_exec``.
        stdout: Likewise.
        stderr: Likewise.
        pty: Size of its terminal; with one, the three above don't count.
        env: Its whole environment.
        cwd: Folder to start in.
        leader: See :class:`SpawnedProcess`.
        group: See :class:`SpawnedProcess`.
        take_terminal: Make the terminal its controlling one (false if the program does that).
        open_terminal: Gives master and slave side of a new terminal.

    Raises:
        OSError: It could not be started.
    """
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as childs:
        own: dict[str, int] = {}
        requested: dict[str, int | None] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        terminal: int | None = None
        if pty is not None:
            terminal, slave = open_terminal()
            undo.callback(os.close, terminal)
            childs.callback(os.close, slave)
            _set_size(terminal, pty)
            requested = {"stdin": slave, "stdout": slave, "stderr": slave}
            for name in ("stdin", "stdout"):
                own[name] = os.dup(terminal)
                undo.callback(os.close, own[name])
        else:
            for name, wanted in requested.items():
                if wanted == _PIPE:
                    reading, writing = os.pipe()
                    ours, theirs = (writing, reading) if name == "stdin" else (reading, writing)
                    undo.callback(os.close, ours)
                    childs.callback(os.close, theirs)
                    own[name], requested[name] = ours, theirs
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=requested["stdin"],
            stdout=requested["stdout"],
            stderr=requested["stderr"],
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            # only for a terminal: with it Python can't use vfork, and a big parent forks slowly
            preexec_fn=_take_terminal if pty is not None and take_terminal else None,
        )
        undo.pop_all()
    writer = await _writer(loop, own["stdin"]) if "stdin" in own else None
    out = await _reader(loop, own["stdout"]) if "stdout" in own else None
    err = await _reader(loop, own["stderr"]) if "stderr" in own else None
    readers = [pair for pair in (out, err) if pair is not None]
    process = SpawnedProcess(
        child,
        writer,
        out[0] if out else None,
        err[0] if err else None,
        terminal,
        leader,
        group,
    )
    if writer is not None:
        process._closers.append(writer.close)
    process._closers.extend(transport.close for _, transport in readers)
    if terminal is not None:
        process._closers.append(lambda: os.close(terminal))
    return process


class _OutputProtocol(asyncio.StreamReaderProtocol):
    """A terminal whose last holder is gone reads EIO: that is its end, not a failure.

    As a failure it would hide what the reader still holds.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None if isinstance(exc, OSError) else exc)


async def _reader(
    loop: asyncio.AbstractEventLoop, fd: int
) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader(limit=_READ_LIMIT)
    pipe = os.fdopen(fd, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: _OutputProtocol(reader), pipe)
    return reader, transport


async def _writer(loop: asyncio.AbstractEventLoop, fd: int) -> asyncio.StreamWriter:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(fd, "wb", 0)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    return asyncio.StreamWriter(transport, protocol, reader, loop)


def _set_size(terminal: int, size: WindowSize) -> None:
    packed = struct.pack("4H", size.rows, size.columns, size.x_pixels, size.y_pixels)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, packed)


def _take_terminal() -> None:
    """Make standard input the controlling terminal of the new session (runs in the child)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
