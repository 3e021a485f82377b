"""The network that is pruned, and which of its layers and matrices are (no tensorflow)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract.network import Network
from harness.errors import InputError
from harness.lab.planning.models import LoadedModel, Models
from harness.pruning.cells import Group
from harness.scenario.client_jobs import federated_of
from harness.scenario.pruning import Pruning
from harness.scenario.schema import JobContent

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig

_WHERE = "federated.pruning"
_TAPS = "_taps"


def check_pruning(content: JobContent, folder: Path) -> None:
    """Check, before a phone is touched, that a network can be pruned as a scenario says.

    Args:
        content: Of a federated job.
        folder: Relative paths of the scenario start here.

    Raises:
        InputError: A layer has nothing to leave out, the network's sizes are not known, or what
            makes a smaller one is not installed.
    """
    pruning = federated_of(content).pruning
    if pruning is None:
        return
    model = Models(folder).model(content.model)
    if pruning.masked and pruning.pattern != "cell":
        matrix_layers(pruning, model.manifest.network)
        return
    groups_of(pruning, config_of(pruning, model, content.trainer.batch_size, folder))
    if not pruning.masked and importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            "a smaller network is made with tensorflow, which is not installed",
            where=_WHERE,
            hint="Install the extra [model], or take masked: true, which saves bytes only.",
        )


def config_of(pruning: Pruning, model: LoadedModel, batch_size: int, folder: Path) -> NetworkConfig:
    """Return the sizes that a model was built with.

    Args:
        pruning: May name a file that says them.
        model: The model.
        batch_size: Of the job.
        folder: Relative paths start here.

    Raises:
        InputError: They are not known.
    """
    from harness.model.config_file import network
    from harness.model.families import CONFIGS

    if pruning.network is not None:
        configs = [network(str(folder / pruning.network))]
    else:
        configs = list(CONFIGS.values())
    for config in configs:
        if _is_of(config, model, batch_size):
            return config.with_batch(batch_size)
    if pruning.network is not None:
        raise InputError(
            f"the model {model.manifest.name} was not built from {pruning.network}",
            where=f"{_WHERE}.network",
        )
    raise InputError(
        f"the sizes that {model.manifest.name} was built with are not known",
        where=f"{_WHERE}.network",
        hint="Name the YAML file that it was built from, or take masked: true with a pattern of "
        "rows or columns.",
    )


def _is_of(config: NetworkConfig, model: LoadedModel, batch_size: int) -> bool:
    if config.describe().layers != model.manifest.network.layers:
        return False
    info, features = model.info(batch_size), config.features
    ours = (config.max_frames, config.max_label, config.time_stride, features.window, features.hop)
    return ours == (info.max_frames, info.max_label, info.time_stride, info.window, info.hop)


def groups_of(pruning: Pruning, config: NetworkConfig) -> tuple[Group, ...]:
    """Return the units of the layers that are pruned.

    Raises:
        InputError: A layer has none.
    """
    groups = config.unit_groups()
    if not groups:
        raise InputError(
            f"networks of the family {config.family} have no units that can be left out",
            where=f"{_WHERE}.pattern",
            hint="Take masked: true with a pattern of rows or columns.",
        )
    if not pruning.layers:
        return tuple(group for group in groups if group.usual)
    _check_layers(pruning.layers, [group.layer for group in groups])
    return tuple(group for group in groups if group.layer in pruning.layers)


def matrix_layers(pruning: Pruning, network: Network) -> tuple[str, ...]:
    """Return the layers whose matrices are pruned: usually all but those that answer.

    Raises:
        InputError: There is no such layer.
    """
    if not pruning.layers:
        return network.trunk if len(network.trunk) < len(network.layers) else network.trunk[:-1]
    _check_layers(pruning.layers, network.layer_names)
    return pruning.layers


def matrices_of(layers: Iterable[str], shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the variables of layers that are matrices of inputs by outputs.

    Vectors are left alone, and so are the taps of a depthwise convolution: no input of theirs is
    another's.
    """
    prefixes = tuple(f"{layer.lower()}_" for layer in layers)
    return [
        name
        for name, shape in shapes.items()
        if name.startswith(prefixes)
        and len(shape) >= 2
        and min(shape[-2:]) > 1
        and not name.endswith(_TAPS)
    ]


def _check_layers(wanted: Sequence[str], known: Sequence[str]) -> None:
    odd = [name for name in wanted if name not in known]
    if odd:
        raise InputError(
            f"no units of {odd[0]!r} can be left out",
            where=f"{_WHERE}.layers",
            hint=f"Layers: {', '.join(dict.fromkeys(known))}.",
        )
