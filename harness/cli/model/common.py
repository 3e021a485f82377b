"""What the commands of ``harness model`` share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.errors import InputError
from harness.scenario.sub_models import known_names

if TYPE_CHECKING:
    from harness.contract.network import Network
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
            hint="Install the extra [model] (README): pip install tensorflow-cpu, "
            "Python 3.10 to 3.13.",
        )


def chosen_sub_models(names: Sequence[str] | None, network: Network) -> list[str]:
    """Return the sub-models that ``--sub-model`` names, in the order of the network.

    Args:
        names: As they were given; None or empty: all.
        network: Whose they are.

    Raises:
        InputError: The network has no such sub-model; the hint lists those that there are.
    """
    for name in names or ():
        if name not in network.sub_model_names:
            raise InputError(
                f"there is no sub-model {name!r}",
                where="--sub-model",
                hint=known_names(name, network.sub_model_names),
            )
    return [name for name in network.sub_model_names if not names or name in names]


def command() -> str:
    """Return how this process was called, for a manifest."""
    return " ".join(["harness", *sys.argv[1:]])


_ROUNDED = {"stochastic": "by lot", "nearest": "to the nearest"}


def summary(manifest: ModelManifest, out: Path) -> None:
    """Say what a model folder holds and what its training needs."""
    sizes = ", ".join(f"batch {n}" for n in manifest.files)
    console.note(f"{manifest.name} ({sizes}) in {out}")
    if manifest.resident != "float32":
        how = f"{manifest.resident}, rounded {_ROUNDED[manifest.rounding]}"
        console.note(f"weights while training: {how}; run in the file's own order")
    if manifest.forward != "float32":
        console.note(f"products of the forward pass: {manifest.forward}, a {manifest.forward_per}")
    for batch, needs in manifest.need_mb.items():
        said = "  ".join(f"{name} {mb:.0f}" for name, mb in needs.items())
        console.say(f"need MiB at batch {batch}: {said}")
