"""The log: what every part says while it works, with the phone and the job that it is about.

Each module logs under its own name (``logging.getLogger(__name__)``). Handlers made here write one
line a record, UTC first:

    2026-11-29T21:36:44.123Z INFO VLAB-oneplus-7t-01 a1b2c3/1 harness.adb.link: lost, tries again

The words after the level are the phone's serial and ``job/attempt``, ``-`` where there is none:
from ``extra`` of the call or from `about`. More lines of a message are indented. Access tokens,
passwords and credentials in addresses never reach a handler's output (`without_secrets`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

ROOT: Final = "harness"
TOLD: Final = "harness.told"
"""Logger of what a command's user is told in any case."""
NAME: Final = "harness.log"
"""File of a run's log in its folder."""
MAX_BYTES: Final = 8 << 20
BACKUPS: Final = 3
"""``harness.log.1`` (newer) to ``.3`` (oldest): a run keeps at most 32 MiB."""

_NOBODY: Final = "-"
_SERIAL: ContextVar[str] = ContextVar("serial", default="")
_JOB: ContextVar[str] = ContextVar("job", default="")
_INDENT: Final = "    "
_LINE: Final = re.compile(r"(\d{4}-\S+Z) ([A-Z]+) (\S+) (\S+) ([\w.]+): (.*)")

_HIDDEN: Final = "***"
_SECRET_NAME: Final = re.compile(r"TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIAL|API_?KEY", re.IGNORECASE)
_SHORTEST_SECRET: Final = 6
_IN_ADDRESS: Final = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@]*@", re.IGNORECASE)
_IN_HEADER: Final = re.compile(r"\b(Bearer +|Authorization: *(?:\w+ +)?)[^\s'\"]+", re.IGNORECASE)
_AS_VALUE: Final = re.compile(
    r"(token|password|passwd|secret|api_?key)([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+", re.IGNORECASE
)


@contextlib.contextmanager
def about(*, serial: str = "", job: str = "", attempt: int = 0) -> Iterator[None]:
    """Say in all records of this thread meanwhile which phone and attempt they are about."""
    serials = _SERIAL.set(serial or _SERIAL.get())
    jobs = _JOB.set(job_word(job, attempt) or _JOB.get())
    try:
        yield
    finally:
        _SERIAL.reset(serials)
        _JOB.reset(jobs)


def job_word(job: str, attempt: int = 0) -> str:
    """Return ``job/attempt``, as records call an attempt."""
    return f"{job}/{attempt}" if job and attempt else job


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of variables whose names tell of a secret, the longest first."""
    values = (
        value
        for name, value in environment.items()
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name)
    )
    return tuple(sorted(values, key=len, reverse=True))


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """Return a text with what nobody may read replaced by ``***``.

    Args:
        text: Anything.
        secrets: To be hidden wherever they stand, beside what looks like a secret.
    """
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    text = _IN_ADDRESS.sub(rf"\1{_HIDDEN}@", text)
    text = _IN_HEADER.sub(rf"\1{_HIDDEN}", text)
    return _AS_VALUE.sub(rf"\1\2{_HIDDEN}", text)


class Formatter(logging.Formatter):
    """A record as lines of a log file, without secrets (of this process's environment too)."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets = secrets_of(os.environ)

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = " ".join(
            (
                f"{seconds}.{int(record.msecs):03d}Z",
                record.levelname,
                *whom(record),
                f"{record.name}: ",
            )
        )
        # super() adds the traceback; nobody's text may look like the beginning of another record
        lines = self.safe(record).splitlines() or [""]
        return f"\n{_INDENT}".join([f"{head}{lines[0]}", *lines[1:]])

    def safe(self, record: logging.LogRecord) -> str:
        """Return message and traceback."""
        return without_secrets(super().format(record), self._secrets)


def whom(record: logging.LogRecord) -> tuple[str, str]:
    """Return the phone's serial and ``job/attempt`` that a record is about, ``-`` for none."""
    serial = getattr(record, "serial", "") or _SERIAL.get()
    job = getattr(record, "job", "") or _JOB.get()
    return _word(serial), _word(job)


def _word(text: str) -> str:
    return "_".join(text.split()) or _NOBODY


class FileHandler(RotatingFileHandler):
    """Appends records to a file and rotates it; a full disk costs records, nothing else.

    Args:
        path: The file; it is opened with the first record.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            maxBytes=MAX_BYTES,
            backupCount=BACKUPS,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )
        self.setFormatter(Formatter())

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: who works has its own errors of a disk that is full."""


@contextlib.contextmanager
def run_log(folder: Path) -> Iterator[None]:
    """Write what happens meanwhile into the log of a run, from ``INFO`` on or as `ROOT` has it."""
    handler = FileHandler(folder / NAME)
    logger = logging.getLogger(ROOT)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


@dataclass(frozen=True)
class LogLine:
    """One record, read back."""

    time_utc: str
    level: str
    serial: str
    """Empty: about no phone."""
    job: str
    """``job/attempt``; empty: about no job."""
    logger: str
    message: str

    @property
    def text(self) -> str:
        """The record as it lies in the file."""
        serial, job = self.serial or _NOBODY, self.job or _NOBODY
        lines = f"\n{_INDENT}".join(self.message.split("\n"))
        return f"{self.time_utc} {self.level} {serial} {job} {self.logger}: {lines}"

    def as_dict(self) -> dict[str, str]:
        """Return it as a script reads it."""
        return asdict(self)


def read_log(folder: Path) -> Iterator[LogLine]:
    """Yield a run's log, oldest record first; nothing where none was written.

    A line that is no record and belongs to none (the file was cut when it rotated) is left out.
    """
    line: LogLine | None = None
    for path in [*(folder / f"{NAME}.{n}" for n in range(BACKUPS, 0, -1)), folder / NAME]:
        if not path.is_file():
            continue
        with path.open(encoding="utf-8", errors="replace") as file:
            for raw in file:
                text = raw.rstrip("\n")
                if match := _LINE.fullmatch(text):
                    if line is not None:
                        yield line
                    time_utc, level, serial, job, logger, message = match.groups()
                    serial, job = ("" if word == _NOBODY else word for word in (serial, job))
                    line = LogLine(time_utc, level, serial, job, logger, message)
                elif line is not None:
                    line = replace(line, message=f"{line.message}\n{text.removeprefix(_INDENT)}")
    if line is not None:
        yield line
