"""A client's process: started on a phone, given so long, and its outcome read."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.clients.outcome import Call, calls_of_lines, shortened
from tests.benchmarks.clients.phone import JudgedPhone

LIMIT_S = 900.0
_MOST_BYTES = 4 << 30


def _with_little_memory() -> None:
    """Keep a client that takes a picture's size for something else from all of the host's RAM."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))


def run(
    command: Sequence[str],
    phone: JudgedPhone,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> tuple[str, str]:
    """Run a client; return what it printed, and why it did not end well (empty if it did)."""
    environment = {**os.environ, **phone.environment, **(env or {})}
    environment.pop("PYTHONPATH", None)
    with subprocess.Popen(
        command, cwd=cwd or phone.folder, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=_with_little_memory,
    ) as process:  # fmt: skip
        try:
            stdout, stderr = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            stdout, _ = process.communicate()
            return stdout, f"not at its end after {limit_s:.0f} s"
    if process.returncode:
        last = [line for line in stderr.splitlines() if line.strip()][-1:]
        return stdout, shortened(f"exit code {process.returncode}: {' '.join(last)}")
    return stdout, ""


def calls_of(command: Sequence[str], phone: JudgedPhone) -> list[Call]:
    """Run a script of ours that says its calls; a script that breaks off is a call that fails."""
    stdout, why = run(command, phone)
    calls = list(calls_of_lines(stdout.splitlines()))
    if why or not calls:
        calls.append(Call("(the whole script)", "fails", why or "it said nothing"))
    return calls
