"""Which variables of a model are written small."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compression.lots import drawn
from harness.contract.wire import Wire

Shape = tuple[int, ...]


def is_weight(shape: Shape) -> bool:
    """Return whether a variable is a matrix, a stack of matrices or a kernel.

    A stack of biases, such as (2, 1, 512), is none: its matrices have one row.
    """
    if len(shape) > 3:
        return True
    return len(shape) >= 2 and min(shape[-2:]) > 1


def chosen(shapes: Mapping[str, Shape], wire: Wire) -> list[str]:
    """Return the variables that are written small, by name.

    Args:
        shapes: Of all variables of the model, not only of those that travel: client and server draw
            from the same names.
        wire: What is asked for.
    """
    names = [name for name, shape in shapes.items() if wire.variables == "all" or is_weight(shape)]
    return drawn(names, wire.share, wire.draw)


def lot_key(wire: Wire, name: str, direction: str) -> str:
    """Return the key of a variable's stochastic rounding.

    Args:
        wire: Says the draw.
        name: Of the variable.
        direction: ``down`` or ``up``: what goes there and back is rounded anew.
    """
    return f"{wire.draw}:{direction}:{name}"
