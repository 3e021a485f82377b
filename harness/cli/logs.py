"""The log on the command line: ``-v``, ``-vv`` and ``--log-file``, the same for every command."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.markup import escape

from harness.cli import console
from harness.errors import InputError
from harness.log import ROOT, TOLD, FileHandler, Formatter, whom

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class ConsoleHandler(logging.Handler):
    """Shows records on stderr, above whatever is drawn there."""

    def __init__(self) -> None:
        super().__init__()
        self._formatter = Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, but not what the user is told in any case."""
        if record.name == TOLD:
            return
        try:
            words = " ".join(word for word in whom(record) if word != "-")
            text = self._formatter.safe(record)
            line = f"{record.levelname.lower()}: {words}{': ' if words else ''}{text}"
            console.err.print(f"[dim]{escape(line)}[/]")
        except Exception:  # noqa: BLE001 - logging must not end what it logs
            self.handleError(record)


_CONSOLE = ConsoleHandler()


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show the log's warnings on stderr meanwhile, or what the options of the command ask for."""
    logger = logging.getLogger(ROOT)
    handlers, level = list(logger.handlers), logger.level
    logger.addHandler(_CONSOLE)
    _CONSOLE.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler in [added for added in logger.handlers if added not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)


def _verbose(times: int) -> None:
    if times:
        level = _LEVELS[min(times, 2)]
        _CONSOLE.setLevel(level)
        logging.getLogger(ROOT).setLevel(level)


def _log_file(path: Optional[Path]) -> None:
    if path is None:
        return
    try:
        path.open("a").close()
    except OSError as error:
        raise InputError(
            f"no log can be written there: {error.strerror}",
            where=f"--log-file {path}",
            hint="Name a file in a folder that is there.",
        ) from error
    logger = logging.getLogger(ROOT)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    logger.addHandler(FileHandler(path))


VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_verbose,
        expose_value=False,
        is_eager=True,
        show_default=False,
        help="Show on stderr what is done; -vv: every adb command too, also in log files.",
    ),
]
LogFileOption = Annotated[
    Optional[Path],
    typer.Option(
        "--log-file",
        metavar="FILE",
        callback=_log_file,
        expose_value=False,
        show_default=False,
        help="Append the log to a file. A run keeps its own: `harness status RUN --log`.",
    ),
]
