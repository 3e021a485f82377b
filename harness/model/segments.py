"""How exits part a network: segments, and what each layer is to do in a training step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from harness.contract.network import Exit
from harness.model.layer import Role, TrainableLayer


@dataclass(frozen=True)
class Segment:
    """What lies between two exits, with the head of the upper one."""

    exit: str
    """Empty in a network without exits, which is one segment."""
    trunk: tuple[TrainableLayer, ...]
    head: tuple[TrainableLayer, ...]
    depth: int
    """Layers of the trunk below it."""

    @property
    def end(self) -> int:
        """Layers of the trunk up to its exit."""
        return self.depth + len(self.trunk)


def segments_of(layers: Sequence[TrainableLayer], exits: Sequence[Exit]) -> tuple[Segment, ...]:
    """Part layers, from input to output, at the exits.

    Args:
        layers: Of the trunk, of all heads and all decoders.
        exits: From the shallowest to the deepest; none: one segment of all layers.
    """
    if not exits:
        return (Segment("", tuple(layers), (), 0),)
    by_name = {layer.name: layer for layer in layers}
    beside = {name for exit_ in exits for name in exit_.beside}
    trunk = [layer for layer in layers if layer.name not in beside]
    depths = [0, *(exit_.depth for exit_ in exits)]
    return tuple(
        Segment(
            exit_.name,
            tuple(trunk[below : exit_.depth]),
            tuple(by_name[name] for name in exit_.head),
            below,
        )
        for below, exit_ in zip(depths, exits, strict=False)
    )


def roles_of(
    segments: Iterable[Segment], trained: Collection[str], exits: Collection[str]
) -> dict[str, Role]:
    """Return the role of each layer through which a gradient goes.

    Args:
        segments: Of the network.
        trained: Names of the layers that train.
        exits: Those whose losses count.

    Raises:
        ValueError: A layer is to be trained, and no loss depends on it.
    """
    roles: dict[str, Role] = {}
    trunk_trains = False
    waiting: list[str] = []  # layers of the trunk above the deepest exit so far
    for segment in segments:
        for layer in segment.trunk:
            if trunk_trains or layer.name in trained:
                roles[layer.name] = Role(layer.name in trained, passes_on=trunk_trains)
                trunk_trains = True
                waiting.append(layer.name)
        if segment.exit not in exits:
            continue
        waiting = []
        below_trains = trunk_trains
        for layer in segment.head:
            if below_trains or layer.name in trained:
                roles[layer.name] = Role(layer.name in trained, passes_on=below_trains)
                below_trains = True
    for name in waiting:
        del roles[name]
    lost = set(trained) - {name for name, role in roles.items() if role.trained}
    if lost:
        raise ValueError(f"no loss depends on {', '.join(sorted(lost))}")
    return roles


def up_to(segments: Sequence[Segment], exits: Collection[str]) -> Sequence[Segment]:
    """Return the segments that must run for some exits: those up to the deepest of them."""
    deepest = max(n for n, segment in enumerate(segments) if segment.exit in exits)
    return segments[: deepest + 1]
