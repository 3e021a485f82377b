"""``harness scenario``: about scenario files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.complete import scenario_names
from harness.cli.options import JsonOption
from harness.cli.scenario_file import known_scenarios, scenario_file
from harness.cli.suggest import SuggestingGroup
from harness.errors import HarnessError, InputError
from harness.paths import data_root

app = typer.Typer(cls=SuggestingGroup, help="About scenario files.", no_args_is_help=True)

NameArgument = Annotated[
    Path,
    typer.Argument(
        help="The name of a scenario (`harness scenario list`), or a file.",
        show_default=False,
        autocompletion=scenario_names,
    ),
]


@app.callback()
def _scenario() -> None:
    """About scenario files."""


@app.command(name="list")
def list_scenarios(as_json: JsonOption = False) -> None:
    """List the scenarios that a command takes by name: the user's own and those shipped."""
    from harness.scenario import load_scenario

    rows: list[tuple[str, str, str]] = []
    for name, paths in known_scenarios().items():
        try:
            title = load_scenario(paths[0]).scenario.title
        except HarnessError as error:
            title = f"cannot be read: {str(error).splitlines()[0]}"
        rows.append((name, title, str(paths[0])))
    if as_json:
        console.emit_json(
            [{"name": name, "title": title, "file": path} for name, title, path in rows]
        )
        return
    console.table(("name", "title", "file"), rows)


@app.command()
def show(scenario: NameArgument) -> None:
    """Print a scenario file as it is written."""
    path = _readable(scenario)
    console.note(str(path))
    console.say(path.read_text(encoding="utf-8").rstrip("\n"))


@app.command()
def copy(
    scenario: NameArgument,
    to: Annotated[
        Optional[Path],
        typer.Argument(
            help="The file to write. [default: NAME.yaml in this folder]", show_default=False
        ),
    ] = None,
) -> None:
    """Copy a scenario file, to change it; a file that is there is never overwritten."""
    path = _readable(scenario)
    target = to or Path(path.name)
    if target.is_dir():
        target /= path.name
    if target.exists():
        raise InputError(
            "there is a file already", where=str(target), hint="Name another file to write."
        )
    schema = data_root() / "scenarios" / "scenario.schema.json"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?<=\$schema=)\S*scenario\.schema\.json", lambda _: str(schema), text)
    target.write_text(text, encoding="utf-8")
    console.say(f"{target}: a copy of {path}")


@app.command()
def schema() -> None:
    """Print the JSON schema of scenario files, for editors."""
    from harness.lab.planning.checks import editor_schema

    console.emit_json(editor_schema())


def _readable(scenario: Path) -> Path:
    path = scenario_file(scenario)
    if not path.is_file():
        raise InputError(
            "no such file", where=str(path), hint="`harness scenario list` shows the names."
        )
    return path
