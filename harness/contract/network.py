"""What a trainable flatbuffer says of its network: layers, sub-models, exits, alphabet (pure).

Every name of a layer, a sub-model or an exit comes from here. The flatbuffer's signature ``info``
carries it as JSON (`Network.to_bytes`), the model's manifest repeats it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError, model_validator

from harness.contract.base import Message

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]
"""Safe in a file name, an XML attribute and a shell word."""

SubModelName = Name


class NetworkError(ValueError):
    """A description of a network contradicts itself, or is none."""


class Layer(Message):
    """A layer, by its place between input and output."""

    name: Name
    parameters: int = Field(ge=0)
    """Trainable numbers."""


class SubModel(Message):
    """A part of the network that can be trained while the rest stays as it is."""

    name: SubModelName
    layers: tuple[Name, ...] = Field(min_length=1)
    """Which layers train, in the order of the network."""


class Exit(Message):
    """A place where an answer can be taken before the last layer."""

    name: Name
    depth: int = Field(ge=1)
    """Layers that are computed for it."""


class Network(Message):
    """A network family with its names.

    Args:
        family: Name of the family, such as ``deepspeech2``.
        layers: From input to output.
        sub_models: From the one that needs most memory to the one that needs least.
        exits: From the shallowest to the deepest; empty: only the last layer answers.
        alphabet: Characters in the order of the outputs, the blank left out.
        optimiser: What its ``train`` signatures apply.
    """

    family: Name
    layers: tuple[Layer, ...] = Field(min_length=1)
    sub_models: tuple[SubModel, ...] = Field(min_length=1)
    exits: tuple[Exit, ...] = ()
    alphabet: str
    optimiser: Name = "adam"

    @model_validator(mode="after")
    def _is_consistent(self) -> Network:
        places = {layer.name: place for place, layer in enumerate(self.layers)}
        for kind, names in (
            ("layer", [layer.name for layer in self.layers]),
            ("sub-model", [sub_model.name for sub_model in self.sub_models]),
            ("exit", [exit_.name for exit_ in self.exits]),
        ):
            # a name becomes part of a signature's name, in lower case
            if len({name.lower() for name in names}) < len(names):
                raise ValueError(f"two {kind}s have one name")
        for sub_model in self.sub_models:
            unknown = [name for name in sub_model.layers if name not in places]
            if unknown:
                raise ValueError(f"{sub_model.name} trains {unknown[0]}, which is no layer")
            order = [places[name] for name in sub_model.layers]
            if sorted(set(order)) != order:
                raise ValueError(f"the layers of {sub_model.name} are not in the network's order")
        depths = [exit_.depth for exit_ in self.exits]
        if sorted(set(depths)) != depths or (depths and depths[-1] > len(self.layers)):
            raise ValueError("exits are not in order of their depth, or deeper than the network")
        return self

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, from input to output."""
        return tuple(layer.name for layer in self.layers)

    @cached_property
    def sub_model_names(self) -> tuple[str, ...]:
        """Names of the sub-models, from the largest need to the smallest."""
        return tuple(sub_model.name for sub_model in self.sub_models)

    def sub_model(self, name: str) -> SubModel:
        """Return a sub-model.

        Raises:
            NetworkError: There is none of that name; the message lists those that there are.
        """
        for sub_model in self.sub_models:
            if sub_model.name == name:
                return sub_model
        raise NetworkError(f"no sub-model {name!r}; there are {', '.join(self.sub_model_names)}")

    def place(self, name: str) -> int:
        """Return a sub-model's place in the order from largest to smallest, from 0.

        Raises:
            NetworkError: There is none of that name.
        """
        return self.sub_models.index(self.sub_model(name))

    def trained_parameters(self, name: str) -> int:
        """Return how many numbers a sub-model trains.

        Raises:
            NetworkError: There is none of that name.
        """
        trained = set(self.sub_model(name).layers)
        return sum(layer.parameters for layer in self.layers if layer.name in trained)

    def to_bytes(self) -> bytes:
        """Return it as JSON in UTF-8, as ``info`` carries it."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Network:
        """Read what `to_bytes` wrote.

        Raises:
            NetworkError: It is something else, or contradicts itself.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "network"
            raise NetworkError(f"{where}: {first['msg']}") from error
