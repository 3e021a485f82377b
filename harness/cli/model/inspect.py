"""``harness model inspect``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import console
from harness.cli.options import JsonOption


def inspect(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")], as_json: JsonOption = False
) -> None:
    """Show the signatures of a flatbuffer, their operators and sizes."""
    from harness.model.inspection import inspect as look

    found = look(model)
    if as_json:
        console.emit_json(dataclasses.asdict(found))
        return
    console.say(f"{model}: {found.bytes / 2**20:.2f} MiB")
    custom = ", ".join(found.custom_operators) or "none"
    console.say(f"custom or Flex operators: {custom}")
    console.table(
        ("signature", "operators >", "kinds >", "takes", "gives"),
        [
            (
                name,
                sum(signature.operators.values()),
                len(signature.operators),
                ", ".join(f"{key} {kind}" for key, kind in list(signature.inputs.items())[:5]),
                ", ".join(f"{key} {kind}" for key, kind in list(signature.outputs.items())[:5]),
            )
            for name, signature in found.signatures.items()
        ],
    )
