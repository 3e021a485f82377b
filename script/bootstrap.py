"""Make ``.venv`` and install the project into it, once (standard library only).

``base`` is what running needs; ``docs`` adds what builds the site, ``test`` the extras ``model``
and ``dev``. A stamp in the environment holds a hash of the interpreter, ``pyproject.toml`` and the
lock, so that a second call returns at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("MOBILEASR_LAB_VENV", str(ROOT / ".venv")))
EXTRAS = {
    "base": "",
    "docs": "[docs]",
    "test": "[model,dev]",
    "federated": "[federated,check]",
    "federated-oldest": "[federated,check]",
}
LOCKS = {
    "federated": ROOT / "requirements-federated.lock",
    "federated-oldest": ROOT / "requirements-federated-oldest.lock",
}
"""Of the levels that do not go with the rest; all others have ``requirements.lock``."""


EVERY_S = 5.0
"""A line about how far it is comes after so long."""
DOING = {
    "Collecting": "collecting",
    "Downloading": "downloading",
    "Installing": "installing all of them",
}
"""First word of a line of pip -> what it is doing."""


def fail(message: str) -> NoReturn:
    """Print one clear message and leave with exit code 2."""
    print(f"bootstrap: {message}", file=sys.stderr)
    raise SystemExit(2)


def lock_of(level: str) -> Path:
    """Return the lock of a level."""
    return LOCKS.get(level, ROOT / "requirements.lock")


def fingerprint(level: str) -> str:
    """Return what the environment depends on, as a hash."""
    digest = hashlib.sha256(f"{sys.version}|{level}|{ROOT}".encode())
    for path in (ROOT / "pyproject.toml", lock_of(level), Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold a lock, so that two calls at once do not install into each other."""
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with (VENV.parent / f"{VENV.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def usable(python: Path) -> bool:
    """Tell whether the environment there runs, with pip, on the same Python as this script."""
    probe = "import pip, sys; print(sys.version)"
    with contextlib.suppress(OSError):
        done = subprocess.run([str(python), "-c", probe], capture_output=True, text=True)
        return done.returncode == 0 and done.stdout.strip() == sys.version.strip()
    return False


def create() -> list[str]:
    """Make the environment if there is none that works; return the command that runs its pip."""
    python = VENV / "bin" / "python"
    if usable(python):
        return [str(python), "-m", "pip"]
    make = [sys.executable, "-m", "venv", "--clear"]
    has_pip = importlib.util.find_spec("ensurepip") is not None
    if has_pip and subprocess.run([*make, str(VENV)]).returncode == 0:
        return [str(python), "-m", "pip"]
    # Debian's python3 without python3-venv: no ensurepip, but perhaps a pip of its own.
    if importlib.util.find_spec("pip") is None:
        fail(
            f"{sys.executable} has neither ensurepip nor pip. Use another Python "
            "(PYTHON=/path/to/python), or on Debian and Ubuntu install python3-venv."
        )
    subprocess.run([*make, "--without-pip", str(VENV)], check=True)
    return [sys.executable, "-m", "pip", "--python", str(python)]


def told(command: list[str], started: float) -> bool:
    """Run pip and say every few seconds what it does; return whether it did it.

    Args:
        command: What to run.
        started: When the installation began, by the monotonic clock.
    """
    last = time.monotonic()
    packages = 0
    # pip keeps back what it prints into a pipe, unless Python is told not to
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, errors="replace", env=environment
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            first, _, rest = line.strip().partition(" ")
            packages += first == "Collecting"
            if first not in DOING or (first != "Installing" and time.monotonic() - last < EVERY_S):
                continue
            last = time.monotonic()
            what = DOING[first] + ("" if first == "Installing" else f" {rest.split(' ')[0]}")
            words = f"bootstrap: {last - started:.0f} s, {packages} packages: {what}"
            print(words, file=sys.stderr, flush=True)
    return pip.returncode == 0


def install(level: str) -> None:
    """Create the environment and install one level into it."""
    pip = create()
    command = [*pip, "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--constraint", str(lock_of(level)), "--editable", f"{ROOT}{EXTRAS[level]}"]
    started = time.monotonic()
    print(f"bootstrap: installing ({level}) into {VENV} ...", file=sys.stderr, flush=True)
    for attempt in (1, 2, 3):
        if told(command, started):
            break
        if attempt == 3:
            fail(
                "pip could not install the packages (its message is above). Is an index reachable?"
            )
        time.sleep(3 * attempt)
    print(f"bootstrap: done in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def main() -> None:
    """Make the environment of the level named on the command line."""
    level = sys.argv[1] if len(sys.argv) > 1 else "base"
    if level not in EXTRAS:
        fail(f"unknown level {level!r}; use one of {', '.join(EXTRAS)}")
    machine = platform.machine()
    if sys.platform != "linux" or machine != "x86_64":
        fail(
            f"this is {sys.platform} on {machine}; the wheels of adbutils (with adb) and of the "
            "training runtime are tried on Linux x86_64 only"
        )
    with only_one():
        # An environment made for tests also serves to run.
        for enough in (level,) if level in LOCKS else ("test", level):
            stamp = VENV / f".stamp-{enough}"
            if stamp.is_file() and stamp.read_text() == fingerprint(enough):
                return
        install(level)
        (VENV / f".stamp-{level}").write_text(fingerprint(level))


if __name__ == "__main__":
    main()
