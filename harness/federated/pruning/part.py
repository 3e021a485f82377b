"""A part of a network that clients have: what of each variable goes out, and how it comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from harness.pruning.cells import Group, Selection

KEPT: Final = "kept.json"
MASK: Final = "mask.npz"
Array = npt.NDArray[Any]


class Part(Protocol):
    """What clients have of each variable."""

    def gather(self, variable: str, value: Array) -> Array:
        """Return what clients have of a variable."""

    def scatter(self, variable: str, small: Array, into: Array) -> Array:
        """Return ``into`` with what clients have at its places."""


class MaskedPart:
    """The whole network, zero where it is pruned.

    Args:
        masks: Of the variables that are pruned.
    """

    def __init__(self, masks: Mapping[str, npt.NDArray[np.bool_]]) -> None:
        self._masks = masks

    def gather(self, variable: str, value: Array) -> Array:
        """Return a variable with zeros."""
        return value * self._masks[variable] if variable in self._masks else value

    def scatter(self, variable: str, small: Array, into: Array) -> Array:
        """Return ``into`` with what clients have where it is not pruned."""
        mask = self._masks.get(variable)
        return small if mask is None else np.where(mask, small, into)


def write_kept(folder: Path, kept: Mapping[str, Sequence[int]]) -> None:
    """Leave which units are kept."""
    (folder / KEPT).write_text(json.dumps(kept) + "\n", encoding="utf-8")


def read_kept(folder: Path) -> dict[str, list[int]]:
    """Return which units are kept."""
    kept: dict[str, list[int]] = json.loads((folder / KEPT).read_text(encoding="utf-8"))
    return kept


def write_masks(folder: Path, masks: Mapping[str, npt.NDArray[np.bool_]]) -> None:
    """Leave the masks."""
    np.savez_compressed(folder / MASK, **masks)  # type: ignore[arg-type]


def read_masks(folder: Path) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the masks."""
    with np.load(folder / MASK, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def part_of(folder: Path, groups: Sequence[Group]) -> Part:
    """Return what the folder of a round's choice says.

    Args:
        folder: Of the task.
        groups: Of the network.
    """
    if (folder / MASK).is_file():
        return MaskedPart(read_masks(folder))
    return Selection(groups, read_kept(folder))
