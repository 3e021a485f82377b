"""How a network is pre-trained; the same settings and corpus give the same weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from harness.model.aim import Weighting

Device = Literal["auto", "cpu", "gpu"]

_WARM_UP_STEPS = 100
_FLAT_SHARE = 0.5
"""Of all steps; then the learning rate falls linearly."""
_LAST_RATE = 0.02


@dataclass(frozen=True)
class Augmentation:
    """What is done to training utterances, from the second epoch on.

    Masks are those of SpecAugment (Park et al., 2019) without its time warping; speeds those of
    Ko et al., 2015. Features have mean 0, so a mask of zeros is a mask of means.
    """

    noise: float = 0.2
    """Deviation of the noise added to the features (which have deviation 1)."""
    frequency_mask: int = 8
    """Most mel bands that the one frequency mask of an utterance hides; 0 = no mask."""
    time_mask: int = 10
    """Most frames that the one time mask of an utterance hides; 0 = no mask."""
    speeds: tuple[float, ...] = (1.0,)
    """Factors that an utterance's speed is drawn from; pitch moves with it."""


@dataclass(frozen=True)
class MinWer:
    """How the errors to be expected of N-best lists are trained down (`harness.model.minwer`)."""

    n_best: int = 4
    """Hypotheses of an utterance."""
    beam: int = 8
    """Prefixes that are kept at each frame while they are searched."""
    interpolation: float = 0.01
    """What the CTC loss of the reference counts for beside an error."""


@dataclass(frozen=True)
class Settings:
    """Everything beside network and corpus that the weights depend on."""

    epochs: int = 6
    batch_size: int = 16
    learning_rate: float = 2e-3
    seed: int = 1
    loss: Weighting = "equal"
    """How the losses of a network's exits are weighted."""
    exit: str = ""
    """Train what this exit answers by, by its loss alone; empty: all exits together."""
    begun_from: str = ""
    """SHA-256 of the weights that the training begins from, after ``encoder:`` or ``layers:...:``
    if it does not take all of them; empty: it begins from random ones."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    minwer: MinWer | None = field(default=None, repr=False)
    """Train the word errors to be expected; None: the CTC loss alone."""

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step: warm-up, flat, linear fall."""
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        fallen = max(0.0, step / steps - _FLAT_SHARE) / (1.0 - _FLAT_SHARE)
        return self.learning_rate * warm * max(_LAST_RATE, 1.0 - fallen)

    def recorded(self) -> dict[str, float | int | str]:
        """Return the settings for a model's manifest, flat."""
        groups = ("augmentation", "minwer")
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in groups}
        if self.minwer is not None:
            own |= {f"minwer_{name}": value for name, value in asdict(self.minwer).items()}
        more = {f.name: getattr(self.augmentation, f.name) for f in fields(self.augmentation)}
        return own | more | {"speeds": " ".join(f"{s:g}" for s in self.augmentation.speeds)}
