"""The command line as a whole: groups, error handling, exit codes."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from harness.cli import console, logs
from harness.cli.complete import complete_at_first_tab
from harness.cli.logs import LogFileOption, VerboseOption
from harness.cli.suggest import SuggestingGroup
from harness.errors import HarnessError
from harness.version import version_words

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_DISK_ERRORS = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.EIO),
    )
)
"""What a disk or its owner refuses; anything else is a mistake of ours and shows where it is."""

_COMMANDS: dict[str, str] = {
    "doctor": "harness.cli.doctor",
    "devices": "harness.cli.devices",
    "plan": "harness.cli.plan",
    "run": "harness.cli.run",
    "resume": "harness.cli.resume",
    "status": "harness.cli.status",
    "serve": "harness.cli.serve",
    "worker": "harness.cli.worker",
    "report": "harness.cli.report",
    "score": "harness.cli.score",
    "compare": "harness.cli.compare",
    "nightly": "harness.cli.nightly",
    "federated": "harness.cli.federated",
    "export": "harness.cli.export",
    "paper": "harness.cli.paper",
    "farm": "harness.cli.farm",
    "corpus": "harness.cli.corpus",
    "apk": "harness.cli.apk",
    "model": "harness.cli.model",
    "scenario": "harness.cli.scenario",
    "extensions": "harness.cli.extensions",
}
"""Command -> module with an ``app`` of typer, imported only when it is asked for."""


_OWN_OPTIONS = frozenset(("install_completion", "show_completion"))
"""What typer gives each application, and only the whole has."""


class _LazyGroup(SuggestingGroup):
    """Imports a command's module when the command is used, so that ``--help`` stays quick."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(_COMMANDS)

    # typer carries its own copy of click, so the types of click itself do not fit here
    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = cmd_name
        command.params = [each for each in command.params if each.name not in _OWN_OPTIONS]
        _give(command, [param for param in self.params if param.name in ("verbose", "log_file")])
        return command


def _give(command: Any, options: Sequence[Any]) -> None:
    """Let a command, and those in it, take the options of the log too."""
    command.params = [*command.params, *options]
    for inner in getattr(command, "commands", {}).values():
        _give(inner, options)


app = typer.Typer(
    cls=_LazyGroup,
    name="harness",
    help="A device-lab bench for on-device speech training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(version_words())
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
    verbose: VerboseOption = 0,
    log_file: LogFileOption = None,
) -> None:
    """A device-lab bench for on-device speech training."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code.

    Exit codes: 0 all as expected, 1 some failed or regressed, 2 bad input, 3 no phone that fits,
    130 interrupted.
    """
    # A stop by a service manager (SIGTERM) cleans up like Ctrl-C; so does Ctrl-C for a command that
    # a script started in the background, where the shell has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # a file name that is not UTF-8 is shown with escapes, which JSON reads too
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    complete_at_first_tab()
    try:
        with logs.shown():
            app()
    except HarnessError as error:
        console.error(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, a pager) left; that is its right.
        sys.stderr.close()
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        console.error(_disk_words(error))
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        console.error("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)


def _disk_words(error: OSError) -> str:
    """Say what a disk refused: no command shows a traceback for a full or read-only one."""
    where = f"{error.filename}: " if error.filename else ""
    reason = os.strerror(error.errno or 0)
    hint = {
        errno.ENOSPC: "Make room, then start the command again; what is done is kept.",
        errno.EDQUOT: "Make room, then start the command again; what is done is kept.",
        errno.EROFS: "Name another folder, on a disk that can be written.",
        errno.ENOENT: "Check the path.",
    }.get(error.errno or 0, "Check who may read and write there.")
    return f"{where}{reason}\n  {hint}"
