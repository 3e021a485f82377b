"""Where a pre-training begins: weights of another network, and what trains (no tensorflow)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from harness.contract.network import Network
from harness.errors import InputError
from harness.model.aim import Aim, loss_weights
from harness.model.configuration import NetworkConfig
from harness.model.initial import Weights
from harness.model.pretraining.settings import Settings
from harness.trainer.lineage import Begun
from harness.trainer.manifest import FILE_NAME, ModelManifest, load_manifest, manifest_of
from harness.trainer.npz import opened_weights

WHERE: Final = "--init"


Part = Literal["all", "encoder", "layers"]


@dataclass(frozen=True)
class Init:
    """Which weights of a file a training begins from."""

    path: Path
    """An ``.npz`` file, or a model folder with a checkpoint."""
    part: Part = "all"
    layers: tuple[str, ...] = ()
    """With ``layers``: which."""

    @staticmethod
    def of(words: str) -> Init:
        """Read ``FILE``, ``all:FILE``, ``encoder:FILE`` or ``layers:NAME,NAME:FILE``.

        Raises:
            InputError: No file, or no layer is named.
        """
        part, colon, rest = words.partition(":")
        if not colon or part not in ("all", "encoder", "layers"):
            return Init(Path(words))
        layers: tuple[str, ...] = ()
        if part == "layers":
            names, _, rest = rest.partition(":")
            layers = tuple(filter(None, (name.strip() for name in names.split(","))))
        if not rest or (part == "layers" and not layers):
            raise InputError(
                f"cannot read {words!r}",
                where=WHERE,
                hint="Write all:FILE, encoder:FILE or layers:NAME,NAME:FILE.",
            )
        return Init(Path(rest), part, layers)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Start:
    """Weights of a file, as far as a network takes them."""

    weights: Weights
    """By full name."""
    file: Path
    sha256: str
    """Of the file."""
    init: Init
    taken: tuple[str, ...]
    """Layers of the network that begin with weights of the file."""
    fresh: tuple[str, ...]
    """Layers of the network that begin at random."""
    unused: int
    """Weights of the file that are not taken."""
    manifest: ModelManifest | None
    """Of the model whose weights they are, if it lies beside them."""

    @property
    def words(self) -> str:
        """What a user is told."""
        fresh = f"; at random: {', '.join(self.fresh)}" if self.fresh else ""
        unused = f"; {self.unused} weights of the file left out" if self.unused else ""
        return f"begins with {len(self.weights)} weights of the file{fresh}{unused}"

    @property
    def identity(self) -> str:
        """What makes it this start: the file's digest, and what is taken of it if not all."""
        chosen = ",".join(self.init.layers)
        prefix = {"all": "", "encoder": "encoder:", "layers": f"layers:{chosen}:"}
        return prefix[self.init.part] + self.sha256

    @property
    def recorded(self) -> Begun:
        """Return it for a lineage."""
        return Begun(
            part=self.init.part,
            layers=self.taken,
            fresh=self.fresh,
            file=self.file.name,
            sha256=self.sha256,
            network=self.manifest.name if self.manifest else "",
        )


def read_start(init: Init, config: NetworkConfig) -> Start:
    """Read the weights that a training begins from.

    Args:
        init: Which weights of which file.
        config: The network to train; it may have layers more, such as heads of exits.

    Raises:
        InputError: No weights can be read, none is of this network, one has another shape, a layer
            that is asked for is not there, or they are those of a model that writes otherwise.
    """
    path = _weights_file(init.path)
    manifest = manifest_of(path)
    _check_layers(init, config)
    if init.part == "all" and manifest is not None:
        _check_writing(manifest.network, config, init.path)
    wanted = {
        spec.full_name(name): (spec.name, weight.shape)
        for spec in config.layer_specs()
        for name, weight in spec.weights.items()
        if spec.name in _layers_of(init, config)
    }
    with opened_weights(path) as stored:
        shapes = dict(stored.shapes)
        for name, (_, shape) in wanted.items():
            if name in shapes and tuple(shapes[name]) != shape:
                raise InputError(
                    f"{name} has shape {tuple(shapes[name])} there, and {shape} in {config.name}",
                    where=str(path),
                    hint=_SIZES if init.part != "all" else f"{_SIZES} {_ENCODER}",
                )
        shared = [name for name in wanted if name in shapes]
        weights = {name: np.asarray(stored.read(name), np.float32) for name in shared}
    known = {wanted[name][0] for name in shared}
    lacking = [layer for layer in init.layers if layer not in known]
    if not shared or lacking:
        which = f"of {', '.join(lacking)} " if lacking else ""
        raise InputError(f"no weight {which}of {config.name} is in it", where=str(path))
    taken = tuple(spec.name for spec in config.layer_specs() if spec.name in known)
    fresh = tuple(spec.name for spec in config.layer_specs() if spec.name not in known)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    unused = len(shapes) - len(shared)
    return Start(weights, path, digest, init, taken, fresh, unused, manifest)


_SIZES = "Give weights of a network of the same sizes; it may lack heads of exits."
_ENCODER = "If only its alphabet is another: --init encoder:FILE."


def _weights_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    checkpoint = load_manifest(path).checkpoint
    if checkpoint is None:
        raise InputError(
            "this model has no checkpoint beside its files",
            where=str(path),
            hint=f"Give a folder whose {FILE_NAME} names one, or an .npz file.",
        )
    return checkpoint.path(path)


def _layers_of(init: Init, config: NetworkConfig) -> tuple[str, ...]:
    if init.part == "encoder":
        return config.encoder_layers()
    return init.layers or config.describe().layer_names


def _check_layers(init: Init, config: NetworkConfig) -> None:
    names = config.describe().layer_names
    for layer in init.layers:
        if layer not in names:
            raise InputError(
                f"{config.name} has no layer {layer!r}",
                where=WHERE,
                hint=f"It has {', '.join(names)}.",
            )


def _check_writing(network: Network, config: NetworkConfig, path: Path) -> None:
    own = config.describe()
    if network.writes_as(own):
        return
    if network.alphabet == own.alphabet:
        only = "other pieces" if network.pieces and own.pieces else "characters or pieces"
        hint = f"Its outputs would mean {only}. --init encoder:{path} takes all but them"
        hint += f"; --pieces {path} its pieces, too." if network.pieces else "."
    else:
        hint = f"Its outputs would mean other letters. --init encoder:{path} takes all but them; "
        hint += "--alphabet and --accents say what the new model writes."
    raise InputError(
        f"its model writes {network.in_words}, and {config.name} is to write {own.in_words}",
        where=str(path),
        hint=hint,
    )


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
    layers = {*network.trunk[: exit_.depth], *exit_.beside}
    trained = tuple(name for name in network.layer_names if name in layers)
    return Aim(trained, exits=(settings.exit,))
