"""``harness model bench``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.contract import SUB_MODELS
from harness.errors import InputError


def bench(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")],
    checkpoint: Annotated[
        Optional[Path], typer.Option("--checkpoint", help="Weights (.npz), if it has none.")
    ] = None,
    sub_model: Annotated[
        Optional[list[str]], typer.Option("--sub-model", help="[default: all eight]")
    ] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    as_json: JsonOption = False,
) -> None:
    """Measure memory and step time of each sub-model, each in a process of its own."""
    from harness.trainer.measure import measure_need

    chosen = sub_model or list(SUB_MODELS)
    unknown = [name for name in chosen if name not in SUB_MODELS]
    if unknown:
        raise InputError(f"there is no sub-model {unknown[0]!r}", where="--sub-model")
    if not model.is_file():
        raise InputError("no such file", where=str(model))
    weights = checkpoint.resolve() if checkpoint else None
    needs = {}
    for name in chosen:
        console.note(f"measuring {name} ...")
        needs[name] = measure_need(model.resolve(), name, checkpoint=weights, threads=threads)
    if as_json:
        console.emit_json({name: dataclasses.asdict(need) for name, need in needs.items()})
        return
    console.table(
        ("sub-model", "need MiB >", "base MiB >", "s a step >"),
        [
            (name, f"{need.need_mb:.0f}", f"{need.base_mb:.0f}", f"{need.step_seconds:.3f}")
            for name, need in needs.items()
        ],
    )
