"""Sockets through the cable: the phone's ends of ``adb forward`` and ``adb reverse``.

A virtual phone has no network of its own: its loopback and its abstract sockets are the host's.
"""

from __future__ import annotations

import asyncio
import contextlib

from harness.virtual.adbd.connection import Connection
from harness.virtual.adbd.streams import Stream, StreamClosed
from harness.virtual.phone import PhoneRoot

_CHUNK = 1 << 18


class BadAddress(ValueError):  # noqa: N818
    """An address that this phone cannot serve."""


def _unix_path(root: PhoneRoot, kind: str, name: str) -> str:
    """Return the address of a unix socket, as ``asyncio`` wants it."""
    return "\0" + name if kind == "localabstract" else str(root.host_path("/" + name.lstrip("/")))


async def connect(
    root: PhoneRoot, address: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect to ``tcp:port``, ``tcp:port:host``, ``localabstract:name`` ...; None if refused."""
    kind, _, rest = address.partition(":")
    try:
        if kind == "tcp":
            port, _, host = rest.partition(":")
            return await asyncio.open_connection(host or "127.0.0.1", int(port), limit=_CHUNK)
        return await asyncio.open_unix_connection(_unix_path(root, kind, rest), limit=_CHUNK)
    except (OSError, ValueError, OverflowError):
        return None


async def relay(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes both ways until either side ends."""

    async def to_socket() -> None:
        while data := await stream.read():
            writer.write(bytes(data))
            await writer.drain()

    async def to_stream() -> None:
        while data := await reader.read(_CHUNK):
            await stream.write(data)

    ways = [asyncio.create_task(to_socket()), asyncio.create_task(to_stream())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        # either side may be gone in the middle of a write: that is the end of a relay, no error
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        stream.close()


class Reverses:
    """The reverse forwards of one connection; they end with it.

    Args:
        connection: The cable to the host.
        root: The phone.
    """

    def __init__(self, connection: Connection, root: PhoneRoot) -> None:
        self._connection = connection
        self._root = root
        self._listeners: dict[str, tuple[asyncio.Server, str]] = {}

    def close(self) -> None:
        """Stop all listeners."""
        for server, _ in self._listeners.values():
            server.close()
        self._listeners.clear()

    async def serve(self, stream: Stream, command: str) -> None:
        """Answer one ``reverse:`` command.

        Source: AOSP ``handle_forward_request``; a device says OKAY once, a host twice.
        """
        verb, _, rest = command.partition(":")
        try:
            if verb == "list-forward":
                await stream.write(_counted(self._listing()))
                return
            answer = b""
            if verb == "forward":
                answer = await self._forward(rest)
            elif verb == "killforward":
                self._kill(rest)
            elif verb == "killforward-all":
                self.close()
            else:
                raise BadAddress(f"unknown reverse command '{verb}'")
        except (BadAddress, OSError) as error:
            await stream.write(b"FAIL" + _counted(str(error)))
            return
        await stream.write(b"OKAY" + answer)

    def _listing(self) -> str:
        lines = (f"(reverse) {local} {there}\n" for local, (_, there) in self._listeners.items())
        return "".join(lines)

    def _kill(self, local: str) -> None:
        entry = self._listeners.pop(local, None)
        if entry is None:
            raise BadAddress(f"listener '{local}' not found")
        entry[0].close()

    async def _forward(self, rest: str) -> bytes:
        keep = rest.startswith("norebind:")
        local, _, there = rest.removeprefix("norebind:").partition(";")
        if not there:
            raise BadAddress(f"bad forward: {rest}")
        if local in self._listeners:
            if keep:
                raise BadAddress("cannot rebind existing socket")
            self._listeners[local] = (self._listeners[local][0], there)
            return b""
        server, port = await self._listen(local)
        name = f"tcp:{port}" if port is not None else local
        self._listeners[name] = (server, there)
        return _counted(str(port)) if local == "tcp:0" else b""

    async def _listen(self, local: str) -> tuple[asyncio.Server, int | None]:
        kind, _, rest = local.partition(":")
        name = local

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._connection.run(self._bring(name, reader, writer))

        if kind == "tcp":
            try:
                wanted = int(rest)
            except ValueError:
                raise BadAddress(f"bad port '{rest}'") from None
            server = await asyncio.start_server(accept, "127.0.0.1", wanted, limit=_CHUNK)
            port = int(server.sockets[0].getsockname()[1])
            name = f"tcp:{port}"
            return server, port
        if kind in ("localabstract", "localfilesystem", "local"):
            path = _unix_path(self._root, kind, rest)
            return await asyncio.start_unix_server(accept, path, limit=_CHUNK), None
        raise BadAddress(f"unknown socket specification '{local}'")

    async def _bring(
        self, local: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection made on the phone to the host."""
        entry = self._listeners.get(local)
        if entry is None:
            writer.close()
            return
        # only ever a target the host named itself: adb 36 ends its whole server over any other
        stream = self._connection.open(entry[1])
        try:
            if await stream.wait_accepted():
                await relay(stream, reader, writer)
        except StreamClosed:
            pass
        finally:
            writer.close()
            stream.close()


def _counted(text: str) -> bytes:
    data = text.encode()
    return b"%04x" % len(data) + data
