"""Client of a farm's control socket, for tests, scripts and people.

``python -m harness.virtual.farmctl SOCKET phones`` and ``... SOCKET PHONE ORDER [NAME=VALUE ...]``,
as ``... SOCKET PHONE fault fault=offline for_s=10``; the farm names its socket when it's ready.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if len(words) == 2 and words[1] == "phones":
            answer: Any = FarmControl(words[0]).phones()
        elif len(words) >= 3:
            path, phone, order, *pairs = words
            values = dict(pair.partition("=")[::2] for pair in pairs)
            answer = FarmControl(path).do(
                order, phone, **{name: _value(text) for name, text in values.items()}
            )
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except FarmControlError as error:
        print(f"farmctl: {error}", file=sys.stderr)
        return 2
    print(json.dumps(answer))
    return 0


def _value(text: str) -> Any:
    """Return a number or a truth value where the text is one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
