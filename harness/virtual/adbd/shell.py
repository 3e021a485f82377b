"""Commands: ``shell`` with and without the shell protocol, ``exec``, terminals."""

from __future__ import annotations

import asyncio
import contextlib
import random

from harness.virtual.adbd import protocol
from harness.virtual.adbd.streams import Stream, StreamClosed
from harness.virtual.phone import Faults, PhoneProcess, PhoneRoot, WindowSize

_PIPE = asyncio.subprocess.PIPE
_READ_BYTES = 1 << 18
_COULD_NOT_START = 127

# Without the shell protocol a host can end a command's input only by closing the stream, so what
# it sent last must have time to arrive (adb exec-in) before the command hears that nobody listens.
_RAW_GRACE_S = 2.0
_RAW_INPUT_GRACE_S = 15.0


class _Truncated(Exception):  # noqa: N818
    """A test wanted the output cut here."""


async def run_shell(
    stream: Stream, root: PhoneRoot, faults: Faults, asked: protocol.ShellService
) -> None:
    """Run one command, or an interactive shell, until it ends or the host goes away."""
    stream.accept()
    try:
        process = await root.spawn(
            asked.command,
            stdin=_PIPE,
            stdout=_PIPE,
            stderr=_PIPE if asked.protocol else asyncio.subprocess.STDOUT,
            pty=WindowSize() if asked.terminal else None,
            env={"TERM": asked.term},
        )
    except OSError as error:
        message = f"cannot start: {error}\n".encode()
        if asked.protocol:
            await _packet(stream, protocol.STDERR, message)
            await _packet(stream, protocol.EXIT, bytes([_COULD_NOT_START]))
        else:
            await stream.write(message)
        return
    feeding = asyncio.create_task(_feed(stream, process, asked))
    watching = asyncio.create_task(_watch(stream, process, feeding, asked.protocol))
    try:
        output = _Output(stream, asked.protocol, faults)
        await asyncio.gather(
            output.pump(process.stdout, protocol.STDOUT),
            output.pump(process.stderr, protocol.STDERR),
        )
        if asked.protocol and not stream.ended:
            code = await process.wait()
            await _packet(stream, protocol.EXIT, bytes([code & 0xFF]))
    except (StreamClosed, _Truncated):
        process.hang_up()
    except asyncio.CancelledError:
        process.hang_up()
        raise
    finally:
        watching.cancel()
        feeding.cancel()
        await asyncio.gather(watching, feeding, return_exceptions=True)
        # what the command left running in the background lives on, as on a phone
        process.close()


class _Output:
    """Both outputs of a command on one stream."""

    def __init__(self, stream: Stream, packets: bool, faults: Faults) -> None:
        self._stream = stream
        self._packets = packets
        self._left = faults.truncate_output_after
        self._faults = faults
        # a packet must fit one message, or the other output could come between
        self._read_bytes = min(_READ_BYTES, stream.max_payload - protocol.SHELL_HEADER.size)

    async def pump(self, reader: asyncio.StreamReader | None, kind: int) -> None:
        """Send all that comes from ``reader``."""
        while reader is not None:
            data = await reader.read(self._read_bytes)
            if not data:
                return
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            if self._faults.garble_share:
                data = _garbled(data, self._faults.garble_share)
            if self._packets:
                await _packet(self._stream, kind, data)
            else:
                await self._stream.write(data)
            if self._left == 0:
                raise _Truncated


def _garbled(data: bytes, share: float) -> bytes:
    """Return the output with that share of its bytes wrong, the same ones each time."""
    generator = random.Random(len(data))
    wrong = bytearray(data)
    for place in range(len(wrong)):
        if generator.random() < share:
            wrong[place] ^= 1 << generator.randrange(8)
    return bytes(wrong)


async def _packet(stream: Stream, kind: int, data: bytes) -> None:
    await stream.write(protocol.SHELL_HEADER.pack(kind, len(data)), data)


async def _watch(
    stream: Stream, process: PhoneProcess, feeding: asyncio.Task[None], packets: bool
) -> None:
    """Hang up when the host has gone, also on a command that doesn't read what was sent to it."""
    await stream.wait_ended()
    if not packets:
        await asyncio.wait([feeding], timeout=_RAW_INPUT_GRACE_S)
        await asyncio.sleep(_RAW_GRACE_S)
    process.hang_up()


async def _feed(stream: Stream, process: PhoneProcess, asked: protocol.ShellService) -> None:
    """Give the host's input to the command."""
    if asked.protocol:
        with contextlib.suppress(StreamClosed):
            await _feed_packets(stream, process, asked.terminal)
    else:
        while data := await stream.read():
            await _give(process, data)
        _close_input(process)


async def _feed_packets(stream: Stream, process: PhoneProcess, terminal: bool) -> None:
    while True:
        kind, length = protocol.SHELL_HEADER.unpack(
            await stream.read_exactly(protocol.SHELL_HEADER.size)
        )
        data = await stream.read_exactly(length)
        if kind == protocol.STDIN:
            await _give(process, data)
        elif kind == protocol.CLOSE_STDIN:
            # of a terminal one cannot close the input alone; adbd leaves it open too
            if not terminal:
                _close_input(process)
        elif kind == protocol.WINDOW_SIZE:
            size = protocol.parse_window_size(data)
            if size is not None:
                process.resize(WindowSize(*size))


async def _give(process: PhoneProcess, data: bytes | memoryview) -> None:
    """Write to a command's input; one that doesn't read any more loses it, as through a pipe."""
    if process.stdin is None or process.stdin.is_closing():
        return
    with contextlib.suppress(OSError):
        process.stdin.write(bytes(data))
        await process.stdin.drain()


def _close_input(process: PhoneProcess) -> None:
    if process.stdin is not None:
        process.stdin.close()
