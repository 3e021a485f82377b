"""What a network is made of, as far as memory is concerned."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from harness.contract import SUB_MODELS


class Part(BaseModel):
    """A frozen record that allows no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LayerSizes(Part):
    """One layer."""

    name: str
    trainable: int = Field(ge=0)
    """Parameters that training changes."""
    statistics: int = Field(0, ge=0)
    """Moving statistics of batch normalisation: stored, not trained."""
    activations: float = Field(ge=0)
    """Numbers that a full-length utterance leaves behind for the backward pass."""


class NetworkSizes(Part):
    """All layers, from the microphone to the text; the n-th sub-model trains from the n-th on."""

    layers: tuple[LayerSizes, ...] = Field(min_length=1)

    @property
    def parameters(self) -> int:
        """All that is stored (n_m)."""
        return sum(one.trainable + one.statistics for one in self.layers)

    @property
    def activations(self) -> float:
        """Of all layers, an utterance (n_a)."""
        return sum(one.activations for one in self.layers)

    def trained(self, sub_model: str) -> Sequence[LayerSizes]:
        """Return the layers that a sub-model trains.

        Raises:
            ValueError: No such sub-model.
        """
        return self.layers[[str(one) for one in SUB_MODELS].index(sub_model) :]

    def trainable(self, sub_model: str = "S1") -> int:
        """Return the parameters that a sub-model trains (n_g)."""
        return sum(one.trainable for one in self.trained(sub_model))

    def activations_of(self, sub_model: str) -> float:
        """Return the activations of the trained layers, an utterance."""
        return sum(one.activations for one in self.trained(sub_model))
