"""The command reference, from the typer app itself."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import OptionInfo

from docs._generate.fields import table
from harness.cli.app import app

_HEAD = """\
# Commands

Made from the program itself when this site is built; `harness COMMAND --help` prints the same.
What a command is for, and what it prints, stands in the [tutorials](../index.md).

Every command also takes `-v` (show on stderr what is done), `-vv` (every adb command too) and
`--log-file FILE`; a run keeps a log of its own, which `harness status RUN --log` shows.

## Exit codes

| code | meaning |
|---|---|
| 0 | all as expected |
| 1 | some failed, or got worse |
| 2 | bad input: nothing was started |
| 3 | no phone that fits |
| 130 | interrupted; what was begun can go on |

"""
_KINDS = {int: "NUMBER", float: "NUMBER", Path: "PATH", str: "TEXT"}


def commands() -> Iterator[tuple[str, Any]]:
    """Return every command that can be called with its name, as ``farm up``; groups are opened."""
    yield from _opened("", typer.main.get_command(app))


def _opened(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "list_commands"):
        for inner in command.list_commands(None):
            yield from _opened(f"{name} {inner}".strip(), command.get_command(None, inner))
    else:
        yield name, command


def page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    for name, command in commands():
        parts += [f"## harness {name}\n", f"{inspect.cleandoc(command.help or '')}\n"]
        parts.append(f"```text\n{_usage(name, command)}\n```\n")
        lines = [_line(command, param) for param in command.params if _own(param)]
        if lines:
            parts.append(table(("argument or option", "default", "meaning"), lines) + "\n")
    return "\n".join(parts)


def _own(param: Any) -> bool:
    return param.name not in (
        "install_completion",
        "show_completion",
        "help",
        "verbose",
        "log_file",
    )


def _is_option(param: Any) -> bool:
    return any(word.startswith("-") for word in param.opts)


def _usage(name: str, command: Any) -> str:
    words = [f"harness {name}"]
    for param in filter(_own, command.params):
        if _is_option(param):
            continue
        word = param.metavar or param.name.upper()
        word += "..." if param.nargs == -1 else ""
        words.append(word if param.required else f"[{word}]")
    options = [param for param in command.params if _own(param) and _is_option(param)]
    words += [f"{one.opts[0]} {_value(command, one)}" for one in options if one.required]
    if any(not param.required for param in options):
        words.append("[OPTIONS]")
    return " ".join(words)


def _line(command: Any, param: Any) -> tuple[str, str, str]:
    meaning = " ".join((param.help or "").split())
    if not _is_option(param):
        return f"`{(param.metavar or param.name).upper()}`", "", meaning
    names = ", ".join(f"`{word}`" for word in [*param.opts, *param.secondary_opts])
    value = _value(command, param)
    if param.envvar:
        meaning += f" Also from `${param.envvar}`."
    shown = f"{names} `{value}`" if value else names
    return shown, _default(param), meaning + _range(command, param)


def _info(command: Any, param: Any) -> tuple[Any, OptionInfo | None]:
    """Return the option's Python type, and what typer was told of it."""
    hint = typing.get_type_hints(command.callback, include_extras=True)[param.name]
    found = next(
        (one for one in getattr(hint, "__metadata__", ()) if isinstance(one, OptionInfo)), None
    )
    kind = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    while typing.get_args(kind):
        kind = typing.get_args(kind)[0]
    return kind, found


def _value(command: Any, param: Any) -> str:
    if getattr(param, "is_flag", False):
        return ""
    return param.metavar or _KINDS.get(_info(command, param)[0], "TEXT")


def _range(command: Any, param: Any) -> str:
    info = _info(command, param)[1]
    least, most = (info.min, info.max) if info is not None else (None, None)
    if least is None and most is None:
        return ""
    if most is None:
        return f" At least {least:g}."
    return f" From {least or 0:g} to {most:g}."


def _default(param: Any) -> str:
    if param.required:
        return "required"
    shown = param.show_default
    if isinstance(shown, str):
        return f"`{shown}`"
    if getattr(param, "is_flag", False) or param.default in (None, "", ()) or shown is False:
        return ""
    return f"`{param.default}`"
