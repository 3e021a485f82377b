"""Client of a farm's control socket, for tests and scripts."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any


class FarmControlError(RuntimeError):
    """The farm refused an order, or has gone."""


class FarmControl:
    """Orders to a farm.

    ``control.do("lose_cable", serial, seconds=5)``; orders stand in :mod:`harness.virtual.faults`.

    Args:
        path: The control socket, as the farm's ``ready`` line names it.
        timeout_s: How long one order may take (``reboot`` waits until the phone is back).
    """

    def __init__(self, path: Path | str, timeout_s: float = 60.0) -> None:
        self._path = str(path)
        self._timeout_s = timeout_s

    def do(self, order: str, phone: str = "", **values: Any) -> Any:
        """Carry out one order and return its value.

        Raises:
            FarmControlError: It was refused, or there's no farm.
        """
        message = json.dumps({"do": order, "phone": phone, **values}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(self._timeout_s)
                connection.connect(self._path)
                connection.sendall(message)
                with connection.makefile("rb") as answers:
                    line = answers.readline()
        except OSError as error:
            raise FarmControlError(f"no farm at {self._path}: {error}") from error
        if not line:
            raise FarmControlError(f"the farm at {self._path} closed the connection")
        answer = json.loads(line)
        if not answer["ok"]:
            raise FarmControlError(answer["error"])
        return answer["value"]

    def phones(self) -> list[str]:
        """Return the serials of all phones."""
        return list(self.do("phones"))

    def state(self, phone: str) -> dict[str, Any]:
        """Return a phone's figures."""
        return dict(self.do("state", phone))
