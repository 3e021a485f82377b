"""``harness model``: make, pre-train, look into and measure trainable flatbuffers."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.contract import SUB_MODELS
from harness.errors import InputError
from harness.paths import cache_root

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig
    from harness.trainer.manifest import ModelManifest

app = typer.Typer(help="Trainable flatbuffers.", no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")]
BatchOption = Annotated[
    Optional[list[int]],
    typer.Option("--batch-size", min=1, max=64, help="May be given several times."),
]


@app.callback()
def _model() -> None:
    """Trainable flatbuffers."""


def _config(name: str) -> NetworkConfig:
    from harness.model.configuration import CONFIGS

    if name not in CONFIGS:
        raise InputError(
            f"there is no network {name!r}",
            where="NETWORK",
            hint=f"Networks: {', '.join(CONFIGS)}.",
        )
    _need_tensorflow()
    return CONFIGS[name]


def _need_tensorflow() -> None:
    import importlib.util

    if importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            "converting a model needs tensorflow",
            hint="Install the extra: pip install 'mobileasr-lab[model]' (Python 3.10 to 3.13).",
        )


def _command() -> str:
    return " ".join(["harness", *sys.argv[1:]])


@app.command()
def build(
    network: Annotated[str, typer.Argument(help="ds2-tiny, ds2-mini or ds2-paper.")],
    out: OutOption,
    batch_size: BatchOption = None,
) -> None:
    """Write a model folder with random weights, its needs measured."""
    from harness.model.ship import ship_random

    config = _config(network)
    sizes = batch_size or [config.batch_size]
    manifest = ship_random(config, out.resolve(), sizes, command=_command())
    _summary(manifest, out)


@app.command()
def pretrain(
    network: Annotated[str, typer.Argument(help="ds2-mini, for example.")],
    out: OutOption,
    batch_size: BatchOption = None,
    utterances: Annotated[int, typer.Option(min=16, help="Of the synthetic US voices.")] = 1800,
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Over them.")] = None,
    learning_rate: Annotated[
        float, typer.Option(help="For personalising later; goes into the manifest.")
    ] = 5e-4,
    work: Annotated[
        Optional[Path],
        typer.Option("--work", help="Keeps speech and progress; a second call goes on there."),
    ] = None,
) -> None:
    """Make a baseline from nothing: speech, pre-training, flatbuffers, measured needs."""
    from harness.model.pretrain import Schedule
    from harness.model.ship import ship_pretrained

    config = _config(network)
    schedule = Schedule() if epochs is None else Schedule(epochs=epochs)
    folder = work or cache_root() / "pretrain" / network
    folder.mkdir(parents=True, exist_ok=True)
    manifest = ship_pretrained(
        config,
        out.resolve(),
        batch_size or [config.batch_size],
        folder,
        command=_command(),
        learning_rate=learning_rate,
        utterances=utterances,
        schedule=schedule,
        say=console.note,
    )
    _summary(manifest, out)


@app.command()
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


@app.command()
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


def _summary(manifest: ModelManifest, out: Path) -> None:
    sizes = ", ".join(f"batch {n}" for n in manifest.files)
    console.note(f"{manifest.name} ({sizes}) in {out}")
    for batch, needs in manifest.need_mb.items():
        said = "  ".join(f"{name} {mb:.0f}" for name, mb in needs.items())
        console.say(f"need MiB at batch {batch}: {said}")
