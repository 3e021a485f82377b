"""What each script here uses: calls with a time limit, one JSON line each (standard library)."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SERIAL = os.environ["PHONE_SERIAL"]
PHONE_PORT = int(os.environ["PHONE_PORT"])
SERVER_PORT = int(os.environ["ADB_SERVER_PORT"])
APK = os.environ["APK"]
PACKAGE = os.environ["APK_PACKAGE"]
SCRATCH = Path(os.environ["SCRATCH"])
HERE = "/data/local/tmp"
LIMIT_S = 60

_calls: list[tuple[str, Callable[[], object]]] = []
_out: list[tuple[str, str]] = []
# a client may print; the lines of the calls go where it does not reach
_lines = os.fdopen(os.dup(1), "w")


class TooSlowError(Exception):
    """A call took too long."""


def call(function: Callable[[], object]) -> Callable[[], object]:
    """Add a call: a function that ends, or raises."""
    _calls.append((function.__name__, function))
    return function


def raises(kind: type[BaseException], function: Callable[..., object], *values: object) -> Any:
    """Return the error that a function raises.

    Raises:
        AssertionError: It raised none.
    """
    try:
        function(*values)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def left_out(name: str, reason: str) -> None:
    """Add a call that no virtual phone can answer."""
    _out.append((name, reason))


def run() -> None:
    """Run all calls in their order."""

    def ring(*_: object) -> None:
        raise TooSlowError(f"no answer in {LIMIT_S} s")

    signal.signal(signal.SIGALRM, ring)
    for name, function in _calls:
        signal.alarm(LIMIT_S)
        try:
            function()
        except Exception as error:  # noqa: BLE001 - whatever a client raises is the outcome
            signal.alarm(0)
            place = traceback.extract_tb(sys.exc_info()[2])[1:2]
            line = place[0].line if place else ""
            _tell(name, "fails", f"{type(error).__name__}: {error} [{line}]")
        else:
            signal.alarm(0)
            _tell(name, "works", "")
    for name, reason in _out:
        _tell(name, "skipped", reason)
    _lines.flush()
    os._exit(0)  # threads of clients that never end


def _tell(name: str, outcome: str, reason: str) -> None:
    print(json.dumps({"call": name, "outcome": outcome, "reason": reason}), file=_lines, flush=True)
