"""Where a baseline comes from: the trainings that made it, one after the other."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.contract.job import Sha256


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Begun(_Part):
    """Weights that a training began from."""

    part: Literal["all", "encoder", "layers"]
    """What of them was taken: all that the network has, its encoder, or the layers named."""
    layers: tuple[str, ...]
    """Layers that were taken."""
    fresh: tuple[str, ...] = ()
    """Layers that began at random."""
    file: str
    """Name of the file."""
    sha256: Sha256
    network: str = ""
    """Of the model whose weights they are; empty if no manifest beside the file says it."""


class SpeechUsed(_Part):
    """A corpus, as far as it was trained on."""

    name: str
    sha256: Sha256
    """Of its manifest."""
    languages: tuple[str, ...] = ()
    weight: float = Field(1.0, gt=0)
    """How often an utterance is heard in an epoch, on average."""
    utterances: int = Field(ge=1)
    """Trained on."""


class Stage(_Part):
    """One training. What an older manifest does not say is empty or None."""

    network: str
    alphabet: str
    pieces: int = 0
    """Beside its characters."""
    command: str
    date: str
    commit: str = ""
    """Of the lab."""
    begun_from: tuple[Begun, ...] = ()
    """Weights in the order in which they were taken: a later one counts where two have a layer.
    None: all began at random."""
    corpora: tuple[SpeechUsed, ...] = ()
    words: str = ""
    """The corpora in words, where they are not listed."""
    accents: Literal["kept", "folded"] | None = None
    loss: str = ""
    epochs: int | None = None
    steps: int | None = None
    seed: int | None = None
    weights_sha256: Sha256 | None = None
    """Of the checkpoint that came of it."""
