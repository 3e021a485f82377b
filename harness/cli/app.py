"""The command line as a whole: groups, error handling, exit codes."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from harness.cli import console, logs
from harness.cli.logs import LogFileOption, VerboseOption
from harness.errors import HarnessError
from harness.version import version_words

EXIT_INTERRUPTED = 130

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
    "compare": "harness.cli.compare",
    "nightly": "harness.cli.nightly",
    "export": "harness.cli.export",
    "paper": "harness.cli.paper",
    "farm": "harness.cli.farm",
    "corpus": "harness.cli.corpus",
    "apk": "harness.cli.apk",
    "model": "harness.cli.model",
    "scenario": "harness.cli.scenario",
}
"""Command -> module with an ``app`` of typer, imported only when it is asked for."""


class _LazyGroup(TyperGroup):
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
    add_completion=False,
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
    try:
        with logs.shown():
            app()
    except HarnessError as error:
        console.error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        console.error("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, a pager) left; that is its right.
        sys.stderr.close()
    sys.exit(0)
