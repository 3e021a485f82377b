"""What the commands of ``harness model`` share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig
    from harness.trainer.manifest import ModelManifest

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")]
BatchOption = Annotated[
    Optional[list[int]],
    typer.Option("--batch-size", min=1, max=64, help="May be given several times."),
]


def config(name: str) -> NetworkConfig:
    """Return a network by name or YAML file, once it is sure that tensorflow is there.

    Raises:
        InputError: No such network, or no tensorflow.
    """
    from harness.model.config_file import network

    chosen = network(name)
    need_tensorflow()
    return chosen


def need_tensorflow() -> None:
    """Check that the extra ``[model]`` is installed.

    Raises:
        InputError: It is not.
    """
    import importlib.util

    if importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            "converting a model needs tensorflow",
            hint="Install the extra: pip install 'mobileasr-lab[model]' (Python 3.10 to 3.13).",
        )


def command() -> str:
    """Return how this process was called, for a manifest."""
    return " ".join(["harness", *sys.argv[1:]])


def summary(manifest: ModelManifest, out: Path) -> None:
    """Say what a model folder holds and what its training needs."""
    sizes = ", ".join(f"batch {n}" for n in manifest.files)
    console.note(f"{manifest.name} ({sizes}) in {out}")
    for batch, needs in manifest.need_mb.items():
        said = "  ".join(f"{name} {mb:.0f}" for name, mb in needs.items())
        console.say(f"need MiB at batch {batch}: {said}")
