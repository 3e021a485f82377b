"""``harness scenario``: about scenario files."""

from __future__ import annotations

import typer

from harness.cli import console

app = typer.Typer(help="About scenario files.", no_args_is_help=True)


@app.callback()
def _scenario() -> None:
    """About scenario files."""


@app.command()
def schema() -> None:
    """Print the JSON schema of scenario files, for editors."""
    from harness.lab.planning.checks import editor_schema

    console.emit_json(editor_schema())
