"""Where a pre-training begins: weights of another network, and what trains (no tensorflow)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import InputError
from harness.model.aim import Aim, loss_weights
from harness.model.configuration import NetworkConfig
from harness.model.initial import Weights
from harness.model.pretraining.settings import Settings
from harness.trainer.manifest import FILE_NAME, load_manifest
from harness.trainer.npz import opened_weights


@dataclass(frozen=True)
class Start:
    """Weights of a file, as far as a network has them."""

    weights: Weights
    """By full name."""
    sha256: str
    """Of the file."""
    fresh: tuple[str, ...]
    """Layers of the network of which the file has no weight: they begin at random."""
    unused: int
    """Weights of the file that the network has not."""

    @property
    def words(self) -> str:
        """What a user is told."""
        fresh = f"; at random: {', '.join(self.fresh)}" if self.fresh else ""
        unused = f"; {self.unused} weights of the file left out" if self.unused else ""
        return f"begins with {len(self.weights)} weights of the file{fresh}{unused}"


def read_start(path: Path, config: NetworkConfig) -> Start:
    """Read the weights that a training begins from.

    Args:
        path: An ``.npz`` file, or a model folder with a checkpoint.
        config: The network to train; it may have layers more, such as heads of exits.

    Raises:
        InputError: No weights can be read, none is of this network, or one has another shape.
    """
    if path.is_dir():
        checkpoint = load_manifest(path).checkpoint
        if checkpoint is None:
            raise InputError(
                "this model has no checkpoint beside its files",
                where=str(path),
                hint=f"Give a folder whose {FILE_NAME} names one, or an .npz file.",
            )
        path = path / checkpoint.file
    wanted = {
        spec.full_name(name): (spec.name, weight.shape)
        for spec in config.layer_specs()
        for name, weight in spec.weights.items()
    }
    with opened_weights(path) as stored:
        shapes = dict(stored.shapes)
        for name, (_, shape) in wanted.items():
            if name in shapes and tuple(shapes[name]) != shape:
                raise InputError(
                    f"{name} has shape {tuple(shapes[name])} there, and {shape} in {config.name}",
                    where=str(path),
                    hint="Give weights of a network of the same sizes; it may lack heads of exits.",
                )
        shared = [name for name in wanted if name in shapes]
        weights = {name: np.asarray(stored.read(name), np.float32) for name in shared}
    if not shared:
        raise InputError(f"no weight of {config.name} is in it", where=str(path))
    known = {wanted[name][0] for name in shared}
    fresh = tuple(spec.name for spec in config.layer_specs() if spec.name not in known)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Start(weights, digest, fresh, len(shapes) - len(shared))


def aim_of(config: NetworkConfig, settings: Settings) -> Aim:
    """Return what trains, and by which losses.

    Raises:
        InputError: The network has no such exit.
    """
    network = config.describe()
    if not settings.exit:
        weights = loss_weights(settings.loss, len(network.exits)) if network.exits else ()
        return Aim(network.layer_names, loss_weights=weights)
    if settings.exit not in network.exit_names:
        there = ", ".join(network.exit_names)
        raise InputError(
            f"{config.name} has no exit {settings.exit!r}",
            where="--exit",
            hint=f"It has {there}." if there else "It has none: leave --exit out.",
        )
    exit_ = network.exit(settings.exit)
    layers = {*network.trunk[: exit_.depth], *exit_.head}
    trained = tuple(name for name in network.layer_names if name in layers)
    return Aim(trained, exits=(settings.exit,))
