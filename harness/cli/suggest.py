"""A group of commands that answers a misspelt one with the one that was meant."""

from __future__ import annotations

import difflib
from typing import Any

from typer.core import TyperGroup

from harness.errors import InputError


class SuggestingGroup(TyperGroup):
    """A group whose commands are suggested."""

    # typer carries its own copy of click, so the types of click itself do not fit here
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first argument names.

        Raises:
            InputError: There is none of that name; says which was meant, and which there are.
        """
        name = args[0] if args else ""
        known = self.list_commands(ctx)
        if name and not name.startswith("-") and name not in known and not ctx.resilient_parsing:
            path = _path(ctx)
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            meant = f"Did you mean {path} {close[0]}? " if close else ""
            raise InputError(
                f"{path} has no command {name!r}",
                hint=f"{meant}Commands: {', '.join(known)}.",
            )
        return super().resolve_command(ctx, args)


def _path(ctx: Any) -> str:
    """Return the command so far, by the name it has wherever it was started from."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join(["harness", *names])
