"""Virtual phones as a process of their own, started for one command and gone with it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputError

_STOP_TIMEOUT_S = 20.0


class FarmError(HarnessError):
    """The virtual phones could not be started."""


@dataclass(frozen=True)
class FarmPhone:
    """One virtual phone as the farm announced it."""

    serial: str
    adb_serial: str
    profile: str


@dataclass(frozen=True)
class Farm:
    """A farm that is up."""

    phones: tuple[FarmPhone, ...]
    process: subprocess.Popen[str]


def _command(
    profiles: Mapping[str, int],
    adb: str,
    root: Path | None,
    keep: bool,
    mark: str | None,
    more: Sequence[str],
) -> list[str]:
    command = [sys.executable, "-m", "harness.virtual.farm"]
    for name, count in profiles.items():
        command += ["--profile", f"{name}={count}"]
    command += ["--adb-port", adb.rpartition(":")[2], "--json", "--until-stdin-closes"]
    if root is not None:
        command += ["--root", str(root)]
    if keep:
        command += ["--keep"]
    if mark is not None:
        command += ["--mark", mark]
    return [*command, *more]


def _announced(process: subprocess.Popen[str], log: Path) -> Iterator[dict[str, Any]]:
    """Yield the farm's lines until it says that it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        with contextlib.suppress(json.JSONDecodeError):
            message = json.loads(line)
            if message.get("ready"):
                return
            yield message
    code, said = process.wait(), log.read_text("utf-8", "replace").strip()
    if code == InputError.exit_code:
        raise InputError(said.removeprefix("farm: "))
    tail = "\n  ".join(said.splitlines()[-8:])
    raise FarmError(f"the virtual phones did not start (exit code {code}):\n  {tail}")


@contextlib.contextmanager
def running_farm(
    profiles: Mapping[str, int],
    adb: str,
    *,
    root: Path | None = None,
    keep: bool = False,
    mark: str | None = None,
    env: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
) -> Iterator[Farm]:
    """Start virtual phones on an adb server and stop them at the end.

    The farm also stops by itself when this process dies, since it watches its standard input.

    Args:
        profiles: Profile name -> number of phones.
        adb: ``host:port`` of the adb server that shall list them.
        root: Folder for the phones' files; a temporary one if None.
        keep: Leave the phones' files behind.
        mark: End of the serials; a new one if None.
        env: Environment of the farm; this process's own if None.
        more: Further options of ``python -m harness.virtual.farm``.

    Yields:
        The farm, with all phones in the adb server's list.

    Raises:
        FarmError: It did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="mobileasr-farm-") as folder:
        log = Path(folder) / "farm.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                _command(profiles, adb, root, keep, mark, more),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=dict(os.environ if env is None else env),
                # Ctrl-C is for the run, which first releases its phones and then stops the farm.
                start_new_session=True,
            )
        try:
            phones = tuple(
                FarmPhone(message["serial"], message["adb_serial"], message["profile"])
                for message in _announced(process, log)
                if "adb_serial" in message
            )
            yield Farm(phones, process)
        finally:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
