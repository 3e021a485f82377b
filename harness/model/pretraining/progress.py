"""What is kept of a pre-training under way: one file, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.atomic import whole
from harness.errors import InputError
from harness.model.configuration import NetworkConfig
from harness.model.initial import Weights
from harness.model.pretraining.settings import Settings
from harness.trainer.npz import BROKEN_ARCHIVE

_FORMAT = 2
"""Raise it when the same settings come to mean another training."""
_PLACE = "place"


@dataclass
class Place:
    """How far a training is."""

    step: int = 0
    """Steps taken."""
    loss_sum: float = 0.0
    """Of the steps of the present epoch."""
    seconds: float = 0.0
    """Spent on steps."""
    taken_up_after: tuple[int, ...] = ()
    """Steps after which another process went on."""
    devices: tuple[str, ...] = ()
    """Kinds that took steps: cpu, gpu."""


class Progress:
    """The file that a training keeps.

    Args:
        work: Folder for any number of trainings.
        config: Of the network.
        corpus_sha256: Of the manifest.
        settings: Of the training; each network, corpus and settings have a file of their own.
    """

    def __init__(
        self, work: Path, config: NetworkConfig, corpus_sha256: str, settings: Settings
    ) -> None:
        purpose = f"{_FORMAT} {_told(config)} {corpus_sha256} {_told(settings)}"
        digest = hashlib.sha256(purpose.encode()).hexdigest()[:12]
        self.path = work / f"{config.name}-{digest}.npz"

    def restore(self) -> tuple[Place, Weights] | None:
        """Return what was kept, or None.

        Raises:
            InputError: The file is there and cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                fields: Any = json.loads(str(stored[_PLACE]))
                state = {name: stored[name] for name in stored.files if name != _PLACE}
            fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
            place = Place(**fields)
        except (OSError, *BROKEN_ARCHIVE) as error:
            raise self.unusable(str(error)) from error
        if not finite(state):
            raise self.unusable("it holds NaN or infinite numbers")
        return place, state

    def unusable(self, why: str) -> InputError:
        """Return the error for a file that no training can go on from."""
        return InputError(
            f"kept progress cannot be read: {why}",
            where=str(self.path),
            hint="Remove the file to train from the beginning.",
        )

    def keep(self, place: Place, state: Weights) -> None:
        """Keep a place and the state that belongs to it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole(self.path) as partial, partial.open("wb") as file:
            np.savez(file, **{_PLACE: np.array(json.dumps(asdict(place)))}, **state)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())


def finite(state: Weights) -> bool:
    """Return whether a state has no NaN and no infinite number."""
    return all(bool(np.isfinite(value).all()) for value in state.values())


def _told(settings: object) -> str:
    """Return a dataclass in words, but for what is at its default.

    A setting that a later version brings then names no other file.
    """
    said = []
    for field in fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if value != default:
            said.append(f"{field.name}={_told(value) if is_dataclass(value) else repr(value)}")
    return f"{type(settings).__name__}({', '.join(said)})"
