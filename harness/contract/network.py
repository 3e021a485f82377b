"""What a trainable flatbuffer says of its network: layers, sub-models, exits, alphabet (pure).

Every name of a layer, a sub-model or an exit comes from here. The flatbuffer's signature ``info``
carries it as JSON (`Network.to_bytes`), the model's manifest repeats it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from harness.contract import alphabet, targets
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
    biases: int = Field(0, ge=0)
    """Those of them that a sub-model with ``weights: biases`` trains; files that have no such
    sub-model need not say it."""


class Switch(Message):
    """What is given to the signature ``train`` of a file that has one for all sub-models.

    A segment is what lies between two exits, with the head of the upper one; they count from 1.
    """

    first: int = Field(ge=1)
    last: int = Field(ge=1)
    heads_only: bool = False
    """Of the segments only the heads train."""


class SubModel(Message):
    """A part of the network that can be trained while the rest stays as it is."""

    name: SubModelName
    layers: tuple[Name, ...] = Field(min_length=1)
    """Which layers train, in the order of the network."""
    exits: tuple[Name, ...] = ()
    """Whose losses are added up; nothing above the deepest of them is computed. Empty in a network
    without exits: the loss is that of the last layer."""
    weights: Literal["all", "biases"] = "all"
    """``biases``: of its layers, only biases and the vectors of normalisations train."""
    switch: Switch | None = None
    """None: it has a signature of its own, ``train_<name>``."""


class Exit(Message):
    """A place where an answer can be taken."""

    name: Name
    depth: int = Field(ge=1)
    """Layers that are computed for it, heads not counted."""
    head: tuple[Name, ...] = ()
    """Layers of its head, which nothing above needs; empty: the answer is the last layer's."""
    decoder: tuple[Name, ...] = ()
    """Layers of its attention decoder, which writes a text label by label; exits may share some.
    Empty: only its head answers."""

    @property
    def beside(self) -> tuple[Name, ...]:
        """Layers that hang on the trunk here: of head and decoder."""
        return (*self.head, *self.decoder)


class Network(Message):
    """A network family with its names.

    Layers that belong to no head and no decoder are the trunk; heads stand where their exit leaves
    it.

    Args:
        family: Name of the family, such as ``deepspeech2``.
        layers: From input to output.
        sub_models: From the one that needs most memory to the one that needs least.
        exits: From the shallowest to the deepest, which is that of the whole trunk; empty: only the
            last layer answers.
        alphabet: Characters in the order of the outputs, the blank left out.
        pieces: What the outputs after them mean (`harness.contract.targets`); empty: it writes
            characters.
        optimiser: What its ``train`` signatures apply.
    """

    family: Name
    layers: tuple[Layer, ...] = Field(min_length=1)
    sub_models: tuple[SubModel, ...] = Field(min_length=1)
    exits: tuple[Exit, ...] = ()
    alphabet: str
    pieces: tuple[str, ...] = ()
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
            _check_order("layers", sub_model.name, sub_model.layers, places)
        self._check_exits(places)
        if wrong := targets.problem(self.alphabet, self.pieces):
            raise ValueError(f"its list of pieces {wrong}")
        for layer in self.layers:
            if layer.biases > layer.parameters:
                raise ValueError(f"{layer.name} has more biases than parameters")
        return self

    def _check_exits(self, places: dict[str, int]) -> None:
        heads = [name for exit_ in self.exits for name in exit_.head]
        if len(set(heads)) < len(heads):
            raise ValueError("two exits share a layer of their heads")
        for exit_ in self.exits:
            _check_order("head", exit_.name, exit_.head, places)
            _check_order("decoder", exit_.name, exit_.decoder, places)
        depths = [exit_.depth for exit_ in self.exits]
        trunk = len(self.trunk)
        if sorted(set(depths)) != depths or (depths and depths[-1] != trunk):
            raise ValueError(
                "exits are not in order of their depth, or the last is not that of the whole trunk"
            )
        exits = {exit_.name: place for place, exit_ in enumerate(self.exits)}
        for sub_model in self.sub_models:
            _check_order("exits", sub_model.name, sub_model.exits, exits)
            if exits and not sub_model.exits:
                raise ValueError(f"{sub_model.name} names no exit whose loss it trains by")
            switch = sub_model.switch
            if switch and not switch.first <= switch.last <= len(exits):
                raise ValueError(f"{sub_model.name} trains segments that are no span")

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

    @cached_property
    def trunk(self) -> tuple[str, ...]:
        """Names of the layers that belong to no head and no decoder, from input to output."""
        beside = {name for exit_ in self.exits for name in exit_.beside}
        return tuple(name for name in self.layer_names if name not in beside)

    @cached_property
    def exit_names(self) -> tuple[str, ...]:
        """Names of the exits, from the shallowest to the deepest."""
        return tuple(exit_.name for exit_ in self.exits)

    @property
    def in_words(self) -> str:
        """What it writes, for a message: ``a-z in 200 pieces``."""
        pieces = f" in {len(self.pieces)} pieces" if self.pieces else ""
        return f"{alphabet.in_words(self.alphabet)}{pieces}"

    def writes_as(self, other: Network) -> bool:
        """Return whether outputs mean the same in another network."""
        return (self.alphabet, self.pieces) == (other.alphabet, other.pieces)

    @property
    def writes(self) -> bool:
        """Whether each exit has an attention decoder."""
        return bool(self.exits) and all(exit_.decoder for exit_ in self.exits)

    def exit(self, name: str) -> Exit:
        """Return an exit.

        Raises:
            NetworkError: There is none of that name; the message lists those that there are.
        """
        for exit_ in self.exits:
            if exit_.name == name:
                return exit_
        there = f"there are {', '.join(self.exit_names)}" if self.exits else "it has none"
        raise NetworkError(f"no exit {name!r}; {there}")

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
        sub_model = self.sub_model(name)
        trained = set(sub_model.layers)
        return sum(
            layer.biases if sub_model.weights == "biases" else layer.parameters
            for layer in self.layers
            if layer.name in trained
        )

    def to_bytes(self) -> bytes:
        """Return it as JSON in UTF-8, as ``info`` carries it; what is as ever is not said."""
        return self.model_dump_json(exclude_defaults=True).encode()

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


def _check_order(kind: str, owner: str, names: tuple[str, ...], places: dict[str, int]) -> None:
    """Check that names are known and in the order of their places.

    Raises:
        ValueError: They are not.
    """
    unknown = [name for name in names if name not in places]
    if unknown:
        raise ValueError(f"{owner}: {kind} has {unknown[0]}, which the network has not")
    order = [places[name] for name in names]
    if sorted(set(order)) != order:
        raise ValueError(f"{owner}: {kind} are not in the network's order")
