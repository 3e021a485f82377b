"""One host on one cable: messages in and out, and the streams they belong to."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from harness.virtual.adbd import protocol
from harness.virtual.adbd.streams import Bytes, Stream
from harness.virtual.phone import Faults

_LOG = logging.getLogger(__name__)

# Below this two parts are joined and sent by one call; above it a copy costs more than a call.
_JOIN_BELOW = 1 << 16


class Connection(asyncio.BufferedProtocol):
    """The device side of one TCP connection.

    Each payload is received straight into the buffer that its stream hands on; at hundreds of
    megabytes a second a copy more would show.

    Args:
        properties: System properties, for the banner.
        faults: What is wrong with the phone.
        serve: Serves a stream that the host opened: gets the connection, the stream and the
            service's name, and must close the stream in the end.
        lost: Called once when the connection is gone.
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        faults: Faults,
        serve: Callable[[Connection, Stream, str], Coroutine[Any, Any, None]],
        lost: Callable[[Connection], None],
    ) -> None:
        self.max_payload = 4096  # what every version takes; CNXN agrees on more
        self._properties = properties
        self._faults = faults
        self._serve = serve
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._version = protocol.OLD_VERSION
        self._streams: dict[int, Stream] = {}
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._cleanups: list[Callable[[], None]] = []
        self._header_buffer = bytearray(protocol.HEADER.size)
        self._header: protocol.Header | None = None
        self._payload = bytearray()
        self._free = memoryview(self._header_buffer)

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless the cable went just now."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._faults.refused_for_s:
            transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Say where the next bytes go: what is missing of a header or of a payload."""
        return self._free

    def buffer_updated(self, nbytes: int) -> None:
        """Take note that bytes have come."""
        self._free = self._free[nbytes:]
        if self._free:
            return
        try:
            if self._header is None:
                self._header = protocol.unpack_header(self._header_buffer)
                self._payload = bytearray(self._header.length)
                self._free = memoryview(self._payload)
                if self._free:
                    return
            header, payload = self._header, self._payload
            self._header = None
            self._free = memoryview(self._header_buffer)
            self._on_message(header, payload)
        except protocol.ProtocolError as error:
            _LOG.warning("connection broken: %s", error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End all streams; their services end themselves."""
        for stream in list(self._streams.values()):
            stream.on_end()
        self._streams.clear()
        for cleanup in self._cleanups:
            cleanup()
        self._cleanups.clear()
        self._lost(self)

    # ---- the owner's side

    def abort(self) -> None:
        """Break the connection, as a cable pulled out."""
        if self._transport is not None:
            self._transport.abort()

    def at_end(self, cleanup: Callable[[], None]) -> None:
        """Call ``cleanup`` when the connection is gone."""
        self._cleanups.append(cleanup)

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """Services still running."""
        return set(self._tasks)

    def open(self, service: str) -> Stream:
        """Open a stream to the host (only ever for a reverse forward that the host asked for)."""
        stream = Stream(self, next(self._ids), 0)
        self._streams[stream.local_id] = stream
        self._send(protocol.OPEN, stream.local_id, 0, service.encode() + b"\0")
        return stream

    # ---- the streams' side

    def send_okay(self, stream: Stream) -> None:
        """Acknowledge one message of a stream."""
        self._send(protocol.OKAY, stream.local_id, stream.remote_id)

    def send_write(self, stream: Stream, parts: tuple[Bytes, ...]) -> None:
        """Send data of a stream."""
        self._send(protocol.WRTE, stream.local_id, stream.remote_id, *parts)

    def send_close(self, stream: Stream) -> None:
        """End a stream; one that was never accepted is refused (its local id is 0 then)."""
        if self._streams.pop(stream.local_id, None) is not None and stream.remote_id:
            local = stream.local_id if stream.accepted else 0
            self._send(protocol.CLSE, local, stream.remote_id)

    # ---- messages

    def _send(self, command: int, arg0: int, arg1: int, *parts: Bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        size = sum(len(part) for part in parts)
        if size < _JOIN_BELOW or self._version < protocol.VERSION:
            payload = b"".join(parts)
            checksum = self._version < protocol.VERSION
            head = protocol.pack_header(command, arg0, arg1, payload, checksum=checksum)
            transport.write(head + payload)
        else:
            head = protocol.HEADER.pack(command, arg0, arg1, size, 0, command ^ 0xFFFFFFFF)
            transport.write(head)
            for part in parts:
                transport.write(part)
        self._count(size)

    def _count(self, size: int) -> None:
        """Break the connection when as much has passed as a test wants."""
        left = self._faults.drop_after_bytes
        if left is not None:
            left -= size
            self._faults.drop_after_bytes = left if left > 0 else None
            if left <= 0:
                self._faults.drop_connections()

    def _on_message(self, header: protocol.Header, payload: bytearray) -> None:
        if self._faults.silent:
            return
        if header.command == protocol.CNXN:
            self._on_connect(header)
        elif header.command == protocol.AUTH:
            # no key is ever good enough: a token asks for the next one, and after its last key
            # the host waits for a person's hand on the phone
            if header.arg0 != 3:
                self._ask_for_key()
        elif header.command == protocol.OPEN:
            self._on_open(header, payload)
        elif header.command == protocol.WRTE:
            stream = self._streams.get(header.arg1)
            if stream is not None:
                stream.on_data(payload)
                self._count(len(payload))
        elif header.command == protocol.OKAY:
            stream = self._streams.get(header.arg1)
            if stream is not None:
                stream.remote_id = header.arg0
                stream.on_okay()
        elif header.command == protocol.CLSE:
            stream = self._streams.pop(header.arg1, None)
            if stream is not None:
                # the host may wait for this answer before it reads on (adb-shell does)
                self._send(protocol.CLSE, stream.local_id, header.arg0)
                stream.on_end()

    def _on_connect(self, header: protocol.Header) -> None:
        if self._faults.unauthorized:
            self._ask_for_key()
            return
        for stream in list(self._streams.values()):  # a host that starts anew
            stream.on_end()
        self._streams.clear()
        self._faults.happened["connect"] += 1
        self.max_payload = min(header.arg1, protocol.MAX_PAYLOAD)
        # CNXN itself still carries a checksum: the host doesn't know our version yet
        self._version = protocol.OLD_VERSION
        self._send(
            protocol.CNXN,
            protocol.VERSION,
            protocol.MAX_PAYLOAD,
            protocol.banner(self._properties),
        )
        self._version = min(header.arg0, protocol.VERSION)

    def _ask_for_key(self) -> None:
        self._send(protocol.AUTH, protocol.AUTH_TOKEN, 0, os.urandom(protocol.TOKEN_BYTES))

    def _on_open(self, header: protocol.Header, payload: bytearray) -> None:
        if self._faults.unauthorized:
            self._send(protocol.CLSE, 0, header.arg0)
            return
        stream = Stream(self, next(self._ids), header.arg0)
        self._streams[stream.local_id] = stream
        service = os.fsdecode(bytes(payload).rstrip(b"\0"))
        self.run(self._serve(self, stream, service))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a service of this connection."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
