"""The daemon itself: a listening port, its connections, and the way from a stream to a service."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping

from harness.virtual.adbd.connection import Connection
from harness.virtual.adbd.listener import Listener
from harness.virtual.adbd.services import ServiceHandler, Services
from harness.virtual.adbd.streams import Stream, StreamClosed
from harness.virtual.phone import Faults, PhoneRoot

_LOG = logging.getLogger(__name__)

# Services notice a broken connection at once; what is left after this waits for a process.
_STOP_PATIENCE_S = 1.0


class Adbd:
    """ADB's device side for one phone.

    Args:
        root: The phone.
        properties: System properties; three of them go into the banner. May be a live mapping.
        faults: What is wrong with the phone; asked before each act.
        services: Further services by name (the part before the first ``:`` or ``,``); they win
            over the built-in ones.
        on_reboot: Called with the argument of ``reboot:`` after the host has its answer. Without
            it the cable is lost for two seconds.
    """

    def __init__(
        self,
        root: PhoneRoot,
        properties: Mapping[str, str],
        faults: Faults | None = None,
        *,
        services: Mapping[str, ServiceHandler] | None = None,
        on_reboot: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.root = root
        self.faults = faults if faults is not None else Faults()
        self._properties = properties
        self._services = Services(root, self.faults, services or {}, on_reboot)
        self._listener: Listener | None = None
        self._connections: set[Connection] = set()
        self._cable_timer: asyncio.TimerHandle | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self.faults.on_drop(self._drop)
        self.faults.on_reach(self._follow_cable)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; return the port (a free one for 0, never one where emulators are looked for).

        Raises:
            OSError: The port is taken.
            ValueError: The port is among 5555 to 5585.
        """
        listener = Listener(self._connection)
        bound_port = listener.bind(host, port)
        self._listener = listener
        if not self.faults.refused_for_s:
            await listener.listen()
        self._follow_cable()
        return bound_port

    async def stop(self) -> None:
        """Stop listening, break all connections, wait for their services. Idempotent."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._cable_timer is not None:
            self._cable_timer.cancel()
            self._cable_timer = None
        tasks = {task for connection in self._connections for task in connection.tasks}
        self._drop()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=_STOP_PATIENCE_S)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _follow_cable(self) -> None:
        """Listen or refuse, as the faults say now; come back when a lost cable is due back."""
        if self._cable_timer is not None:
            self._cable_timer.cancel()
            self._cable_timer = None
        if self._listener is None:
            return
        loop = asyncio.get_running_loop()
        left = self.faults.refused_for_s
        if left:
            self._listener.refuse()
            if math.isfinite(left):
                self._cable_timer = loop.call_later(left, self._follow_cable)
        else:
            task = loop.create_task(self._listener.listen())
            self._listening.add(task)
            task.add_done_callback(self._listening.discard)

    def _connection(self) -> Connection:
        connection = Connection(
            self._properties, self.faults, self._serve, self._connections.discard
        )
        self._connections.add(connection)
        return connection

    def _drop(self) -> None:
        for connection in list(self._connections):
            connection.abort()

    async def _serve(self, connection: Connection, stream: Stream, service: str) -> None:
        """Serve one stream to its end; the outermost loop of a service, so nothing escapes it."""
        try:
            if self.faults.delay_s:
                await asyncio.sleep(self.faults.delay_s)
            await self._services.serve(connection, stream, service)
        except StreamClosed:
            pass
        except Exception:  # noqa: BLE001 - one broken service mustn't take the others with it
            _LOG.exception("%s: service %r failed", self.root.spec.serial, service)
        finally:
            stream.close()
