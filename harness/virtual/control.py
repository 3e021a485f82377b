"""The farm's control socket: one JSON object a line in, one out."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from harness.virtual.fault_runner import FaultRunner
from harness.virtual.faults import FaultError

_MOST_LINE = 1 << 16


class Control:
    """Takes orders for the phones of a farm.

    Args:
        faults: Carries out orders.
        path: Where the socket shall be; only its owner may use it.
    """

    def __init__(self, faults: FaultRunner, path: Path) -> None:
        self._faults = faults
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, str(self._path), limit=_MOST_LINE
            )
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Stop listening. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client has gone, or sent a line beyond the limit
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
            if not isinstance(order, dict):
                raise FaultError("an order is a JSON object")
            if order.get("do") == "phones":
                return {"ok": True, "value": self._faults.serials}
            return {"ok": True, "value": await self._faults.carry_out(order)}
        except ValueError as error:
            return {"ok": False, "error": str(error)}
