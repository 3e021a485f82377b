"""What every network has that is fixed when its flatbuffer is made (no tensorflow).

A family of networks adds its own sizes in a folder of its own, such as
`harness.model.deepspeech2`; `harness.model.families` knows all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from harness.contract import alphabet as alphabets
from harness.contract import targets
from harness.contract.network import Exit, Layer, Network, SubModel
from harness.model.layer import LayerSpec

if TYPE_CHECKING:
    from harness.model.bench.reference import Reference
    from harness.model.initial import Weights
    from harness.model.layer import TrainableLayer, Variables
    from harness.model.network import Network as TrainableNetwork
    from harness.pruning.cells import Group

Resident = Literal["float32", "f16", "int8"]
Rounding = Literal["stochastic", "nearest"]
OwnLoss = Literal["ctc", "rnnt"]
ForwardFormat = Literal["float32", "int8", "int6", "int4"]
ForwardPer = Literal["column", "tensor"]
OptimiserName = Literal["adam", "sgd"]

BLANK = 0
"""Output 0 is the CTC blank; output i > 0 is ``alphabet[i - 1]`` of the network."""


def steps_per_block(steps: int, at_most: int) -> int:
    """Return the largest divisor of ``steps`` that is not above ``at_most``.

    A time loop runs that many steps in a block.
    """
    return max(k for k in range(1, min(at_most, steps) + 1) if steps % k == 0)


@dataclass(frozen=True)
class FeatureSettings:
    """Log-mel settings; lengths in samples, frequencies in Hz."""

    sample_rate: int = 16_000
    window: int = 512
    hop: int = 256
    fft: int = 1024
    """Longer than the window (zero padded): 80 mel filters need bins narrower than 31 Hz."""
    mels: int = 80
    low_hz: float = 40.0
    high_hz: float = 7600.0
    floor: float = 1e-2
    """Added before the logarithm, relative to an utterance of RMS 1."""
    normalise: Literal["utterance", "fixed"] = field(default="utterance", repr=False)
    """``utterance``: level, and mean and deviation of each band, are those of the whole utterance.
    ``fixed``: they are constants, so that a frame needs nothing but its own window: for streaming.
    """

    def samples(self, frames: int) -> int:
        """Return the samples that ``frames`` whole windows cover."""
        return self.window + (frames - 1) * self.hop


@dataclass(frozen=True)
class Form:
    """For whom a network's computation is written."""

    batch_statistics: bool = False
    """Normalise trained layers with the batch's own statistics (pre-training)."""
    flatbuffer: bool = False
    """For the interpreter of a flatbuffer; tensorflow could not run it."""


@dataclass(frozen=True)
class Problem:
    """A size that makes no network."""

    location: tuple[str | int, ...]
    """Of the field, as in a YAML file."""
    what: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(ABC):
    """Sizes that networks of all families have; a family derives its own class."""

    family: ClassVar[str]
    """Name of the family."""
    formulations: ClassVar[frozenset[str]] = frozenset()
    """What ``reference`` has, of ``harness.model.bench.contestants.CONTESTANTS``."""
    own_loss: ClassVar[OwnLoss] = "ctc"
    """What it is trained by, unless something else is asked for."""
    rounds_products: ClassVar[bool] = False
    """Whether its layers take ``forward`` into account."""

    name: str
    batch_size: int
    max_frames: int
    max_label: int
    unroll: int = 40
    """At most this many time steps in one block of a time loop."""
    clip_norm: float = 5.0
    clip: Literal["global", "layer"] = "global"
    """Whose norm is held below ``clip_norm``: that of all gradients, or each layer's own. By layers
    a layer is updated as soon as its gradients are there, and they live no longer."""
    recompute: bool = False
    """Keep only what goes into each layer; make its forward pass again before its backward pass
    (Chen et al., 2016, arXiv 1604.06174)."""
    switched: bool = False
    """Train all sub-models of segments by one signature; ``sub_models`` says which. A switched step
    recomputes, and clips by layers."""
    alphabet: str = field(default=alphabets.ENGLISH, repr=False)
    """Characters that it writes, in the order of its outputs, the blank left out."""
    word_pieces: tuple[str, ...] = field(default=(), repr=False)
    """Pieces of words that it writes beside them, in the order in which they are joined
    (`harness.contract.targets`); none: it writes characters."""
    resident: Resident = "float32"
    """How a phone holds weights, and what the optimiser keeps of them, while it trains: ``f16`` and
    ``int8`` are decoded layer by layer where they are used, and encoded again after each step."""
    rounding: Rounding = "stochastic"
    """How they are encoded again; ``nearest`` loses every step smaller than half a code."""
    optimiser: OptimiserName = "adam"
    forward: ForwardFormat = "float32"
    """What the products of the forward pass are made of: whole numbers times scales, of weights and
    of what they are multiplied with; the backward pass is in float32 (`harness.model.grid`)."""
    forward_per: ForwardPer = "column"
    """What of a weight has a scale then: an output unit, or all of it."""
    features: FeatureSettings = field(default_factory=FeatureSettings)

    @property
    def outputs(self) -> int:
        """Characters, pieces and the blank."""
        return len(self.alphabet) + len(self.word_pieces) + 1

    @property
    def output_frames(self) -> int:
        """Output frames of a full-length utterance."""
        return -(-self.max_frames // self.time_stride)

    @property
    @abstractmethod
    def time_stride(self) -> int:
        """Input frames an output frame stands for."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """The network in a few words, for a model's manifest."""

    @abstractmethod
    def layer_specs(self) -> tuple[LayerSpec, ...]:
        """Return the layers from input to output."""

    def encoder_layers(self) -> tuple[str, ...]:
        """Return the layers that another alphabet leaves as they are, from input to output.

        They are what a network of another language can begin from.
        """
        wider = replace(self, alphabet=f"{self.alphabet}*")
        pairs = zip(self.layer_specs(), wider.layer_specs(), strict=True)
        return tuple(own.name for own, other in pairs if _shapes(own) == _shapes(other))

    @abstractmethod
    def sub_models(self) -> tuple[SubModel, ...]:
        """Return the sub-models, from the one that needs most memory to the least."""

    def exits(self) -> tuple[Exit, ...]:
        """Return the exits, from the shallowest to the deepest; none: only the last layer answers.

        All of them give as many output frames.
        """
        return ()

    @abstractmethod
    def build_layers(self, variables: Variables, form: Form) -> list[TrainableLayer]:
        """Return the layers as they compute, from input to output; imports tensorflow.

        Args:
            variables: Where they read their weights.
            form: For whom they are written.
        """

    def network_class(self) -> type[TrainableNetwork]:
        """Return the class that puts the layers together; imports tensorflow."""
        from harness.model.network import Network as Layered

        return Layered

    def unit_groups(self) -> tuple[Group, ...]:
        """Return the units that may be left out, by layer, from input to output; none by default.

        A network without some of them is `with_units`, with what is left of their weights.
        """
        return ()

    def with_units(self, units: Mapping[str, int]) -> NetworkConfig:
        """Return the network with other numbers of units in its layers.

        Args:
            units: By layer of `unit_groups`; others stay as they are.

        Raises:
            NotImplementedError: The family has no such units.
        """
        raise NotImplementedError(f"{self.family} has no units to leave out: {', '.join(units)}")

    def reference(self, formulation: str, weights: Weights, trained: Collection[str]) -> Reference:
        """Return the same network written plainly, to compare and to time; imports tensorflow.

        Args:
            formulation: One of ``formulations``.
            weights: By full name.
            trained: Names of the layers that ``train_`` signatures train.

        Raises:
            NotImplementedError: The family has none.
        """
        del weights, trained
        raise NotImplementedError(f"{self.family} has no formulation {formulation!r}")

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the sizes beside their types, the most basic first."""
        name = self.name.replace("-", "").replace("_", "").replace(".", "")
        if not (name.isalnum() and name.isascii()):
            message = f"{self.name!r} is no name for files"
            yield Problem(("name",), message, "Use letters, digits and dashes.")
        yield from at_least_one(self, "batch_size", "max_frames", "max_label", "unroll")
        if wrong := alphabets.problem(self.alphabet):
            yield Problem(("alphabet",), wrong)
        elif wrong := targets.problem(self.alphabet, self.word_pieces):
            yield Problem(("word_pieces",), wrong, "`harness model pretrain --pieces` makes one.")
        if self.clip_norm <= 0:
            yield Problem(("clip_norm",), "must be more than 0")
        if self.resident != "float32" and self.clip != "layer":
            hint = "Write clip: layer: else all gradients live at once, and little is saved."
            yield Problem(("resident",), "goes with clip: layer only", hint)
        if self.switched and self.clip != "layer":
            hint = "Write clip: layer: its branches update a layer at a time."
            yield Problem(("switched",), "goes with clip: layer only", hint)
        if self.switched and not self.exits():
            yield Problem(("switched",), "goes with a network that has exits only")
        yield from self._problems_of_products()

    def _problems_of_products(self) -> Iterator[Problem]:
        if self.forward == "float32":
            return
        if not self.rounds_products:
            hint = "Leave forward out, or take a network of another family."
            yield Problem(("forward",), f"{self.family} has products of float32 only", hint)
        held = (self.resident, self.forward, self.forward_per)
        if self.resident != "float32" and held != ("int8", "int8", "column"):
            message = f"{self.forward} does not go with weights that are held as {self.resident}"
            if self.forward == self.resident:
                message = "weights that are held as int8 have a scale a column"
            hint = "Write resident: float32; or resident: int8, forward: int8, forward_per: column."
            yield Problem(("forward",), message, hint)

    def describe(self, only: Collection[str] | None = None) -> Network:
        """Return what files of this network say of it.

        Args:
            only: Names of the sub-models that a file can train; None = all.
        """
        sub_models = tuple(s for s in self.sub_models() if only is None or s.name in only)
        of_biases = any(sub_model.weights == "biases" for sub_model in sub_models)
        return Network(
            family=self.family,
            layers=tuple(
                Layer(
                    name=spec.name,
                    parameters=spec.parameters,
                    biases=spec.bias_parameters if of_biases else 0,
                )
                for spec in self.layer_specs()
            ),
            sub_models=sub_models,
            exits=self.exits(),
            alphabet=self.alphabet,
            pieces=self.word_pieces,
            optimiser=self.optimiser,
        )

    def with_batch(self, batch_size: int) -> NetworkConfig:
        """Return the same network for another batch size."""
        return replace(self, batch_size=batch_size)

    def held_as(
        self, resident: Resident, rounding: Rounding, optimiser: OptimiserName
    ) -> NetworkConfig:
        """Return the network as it is to be trained; in few bits by layers, and recomputed.

        Without these all gradients, and all that layers keep, live at once, and little is saved.
        """
        few = {} if resident == "float32" else {"clip": "layer", "recompute": True}
        changes: dict[str, Any] = {"resident": resident, "rounding": rounding, **few}
        return replace(self, optimiser=optimiser, **changes)


def _shapes(spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    return {name: weight.shape for name, weight in spec.weights.items()}


def at_least_one(
    config: Any, *fields: str, inside: tuple[str | int, ...] = ()
) -> Iterator[Problem]:
    """Yield a problem for each field that is not 1 or more.

    Args:
        config: A dataclass of sizes.
        fields: Of it.
        inside: Location of the dataclass.
    """
    for name in fields:
        if getattr(config, name) < 1:
            yield Problem((*inside, name), "must be 1 or more")


def layer_parameters(config: NetworkConfig) -> dict[str, int]:
    """Return the trainable parameters by layer."""
    return {spec.name: spec.parameters for spec in config.layer_specs()}


def sub_model_parameters(config: NetworkConfig) -> dict[str, int]:
    """Return the trainable parameters by sub-model."""
    network = config.describe()
    return {name: network.trained_parameters(name) for name in network.sub_model_names}
