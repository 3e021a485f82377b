"""A port that can refuse for a while and is still ours.

A phone without a cable must refuse: an adb server that gets a connection which then breaks waits
ten seconds for it. Closing the port would do that, and let another process take it meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

# An adb server looks for emulators on the odd ports of this range and would list a phone twice.
EMULATOR_PORTS = range(5555, 5586)
_TRIES = 50


class Listener:
    """One bound port, listening or refusing.

    Args:
        protocol: Makes the protocol of a new connection.
    """

    def __init__(self, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._protocol = protocol
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._turn = asyncio.Lock()

    def bind(self, host: str, port: int) -> int:
        """Take a port, not yet listening; return it.

        Args:
            host: Address to bind.
            port: Wanted port; 0 for any free one but an emulator's.

        Raises:
            OSError: It is taken.
            ValueError: It is where adb looks for emulators.
        """
        if port in EMULATOR_PORTS:
            raise ValueError(f"port {port} is where adb looks for emulators; take another")
        self._socket = _bound(host, port) if port else _bound_anywhere(host)
        return int(self._socket.getsockname()[1])

    async def listen(self) -> None:
        """Take connections; nothing happens if it does already, or is closed."""
        async with self._turn:
            if self._server is None and self._socket is not None:
                self._share(True)
                loop = asyncio.get_running_loop()
                self._server = await loop.create_server(self._protocol, sock=self._socket.dup())

    def refuse(self) -> None:
        """Refuse connections until :meth:`listen`."""
        if self._server is not None and self._socket is not None:
            self._server.close()
            self._server = None
            # on Linux this ends listening and keeps the port, as it was asked for by number
            self._socket.shutdown(socket.SHUT_RDWR)
            self._share(False)

    def _share(self, wanted: bool) -> None:
        """Allow the port to be bound beside us: needed to listen over old connections' remains.

        While we refuse, another could take it that way.
        """
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(wanted))

    def close(self) -> None:
        """Give the port back. Idempotent."""
        self.refuse()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _bound(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only for sockets that say TCP themselves; with it each
    # answer would take 40 ms
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.setblocking(False)
    except OSError:
        taken.close()
        raise
    return taken


def _bound_anywhere(host: str) -> socket.socket:
    """Bind a free port *by its number*: only then does it stay ours while refusing."""
    for attempt in range(_TRIES):
        with socket.socket() as search:
            search.bind((host, 0))
            port = int(search.getsockname()[1])
        if port in EMULATOR_PORTS:
            continue
        try:
            return _bound(host, port)
        except OSError:  # taken in between
            if attempt == _TRIES - 1:
                raise
    raise OSError(f"no free port on {host} but where adb looks for emulators")
