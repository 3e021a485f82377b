"""Options that belong together come to a command as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from harness.cli.groups import grouped


@dataclass(frozen=True)
class Ends:
    first: Annotated[int, typer.Option("--first", help="Where it begins.")]
    last: Annotated[int, typer.Option("--last", help="Where it ends.")] = 9


app = typer.Typer()


@app.command()
@grouped
def count(
    name: Annotated[str, typer.Argument()],
    ends: Ends,
    step: Annotated[int, typer.Option("--step")] = 1,
) -> None:
    """Count."""
    print(name, ends, step)


def test_a_group_is_its_fields_to_the_user_and_one_object_to_the_command() -> None:
    result = CliRunner().invoke(app, ["it", "--step", "2", "--first", "3"])
    assert result.output == "it Ends(first=3, last=9) 2\n", result.output
    assert CliRunner().invoke(app, ["it", "--first", "x"]).exit_code == 2
    missing = CliRunner().invoke(app, ["it"])
    assert missing.exit_code == 2
    assert "--first" in missing.output


def test_help_shows_each_option() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    assert "Where it begins." in shown
    assert "Where it ends." in shown
    assert "Count." in shown
