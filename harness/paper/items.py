"""Tables and figures of a paper, and the runs of scenarios that they are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.paths import data_root

Scale = Literal["quick", "full"]


@dataclass(frozen=True)
class Experiment:
    """One run of one scenario.

    Attributes:
        key: Name of its run folder and of the scenario file.
        quick: Overrides of ``--scale quick``.
        phones: Virtual phones that share its jobs; 1 where time and CPU are measured.
        rates: Learning rate of the paper -> the one that stands for it in a quick run.
        takes_recordings: It is about people's own recordings, which a user may give.
        takes_models: It compares trainings of one network, which a user may give.
        with_models: (scenario file, folder of a user's models or None) -> overrides that have it
            compare these, too.
    """

    key: str
    quick: tuple[str, ...] = ()
    phones: int = 2
    rates: tuple[tuple[float, float], ...] = ()
    takes_recordings: bool = False
    takes_models: bool = False
    with_models: Callable[[Path, Path | None], list[str]] | None = None

    @property
    def scenario(self) -> Path:
        """The scenario file."""
        return data_root() / "scenarios" / "paper" / f"{self.key}.yaml"

    def overrides(self, scale: Scale) -> tuple[str, ...]:
        """Return what the scale changes in the scenario, as ``--set`` has it."""
        return self.quick if scale == "quick" else ()


@dataclass(frozen=True)
class Item:
    """One table or figure of a paper."""

    key: str
    title: str
    experiment: str | None = None
    """What it is drawn from; None = from arithmetic, profiles or the corpus."""
    speech: bool = False
    """It needs how long the utterances are that the run's speakers say."""
