"""What a network is made of, as far as memory is concerned."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import BaseModel, ConfigDict, Field


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
    """All layers, from input to output.

    Which of them a sub-model trains, its network says (`harness.contract.network`).
    """

    layers: tuple[LayerSizes, ...] = Field(min_length=1)

    @property
    def parameters(self) -> int:
        """All that is stored (n_m)."""
        return sum(layer.trainable + layer.statistics for layer in self.layers)

    @property
    def activations(self) -> float:
        """Of all layers, an utterance (n_a)."""
        return sum(layer.activations for layer in self.layers)

    @property
    def trainable(self) -> int:
        """All that can be trained."""
        return sum(layer.trainable for layer in self.layers)

    def trained(self, layers: Collection[str]) -> Sequence[LayerSizes]:
        """Return the layers of these names.

        Raises:
            ValueError: There is no such layer.
        """
        known = [layer.name for layer in self.layers]
        for name in layers:
            if name not in known:
                raise ValueError(f"no layer {name!r}; there are {', '.join(known)}")
        return [layer for layer in self.layers if layer.name in layers]

    def trainable_of(self, layers: Collection[str]) -> int:
        """Return the parameters of the trained layers (n_g)."""
        return sum(layer.trainable for layer in self.trained(layers))

    def activations_of(self, layers: Collection[str]) -> float:
        """Return the activations of the trained layers, an utterance."""
        return sum(layer.activations for layer in self.trained(layers))
