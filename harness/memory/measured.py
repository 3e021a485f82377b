"""Peak memory of our own trainer, predicted from a few measured processes.

What training adds to a fresh trainer falls into a part that is there whatever the batch (weights,
Adam's moments and gradients of the trained layers, checkpoints) and a part for each utterance of a
batch (activations, and their gradients in the trained layers): ``need = fixed(sub-model) + B *
utterance(sub-model)``. Two measured batch sizes give both parts of a sub-model; one that was not
measured lies between its measured neighbours, its fixed part in proportion to the trained
parameters, the other to the trained layers' activations.

All sizes in MiB.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field

from harness.contract.job import Sha256
from harness.contract.network import Network, SubModelName
from harness.memory.sizes import NetworkSizes, Part


class Measured(Part):
    """One process: a trainer that trained a sub-model at a batch size."""

    sub_model: SubModelName
    batch_size: int = Field(ge=1)
    need_mb: float = Field(gt=0)
    """Peak RSS minus RSS at selection."""
    selected_mb: float = Field(ge=0)
    """RSS at selection."""

    @property
    def peak_mb(self) -> float:
        """Peak RSS."""
        return self.selected_mb + self.need_mb


class Conditions(Part):
    """What the figures hold for."""

    date: str
    runtime: str
    """For example ``ai-edge-litert 2.3.0``."""
    python: str
    platform: str
    threads: int = Field(ge=1)
    utterances: int = Field(ge=1)
    """In memory as features, each as long as the model takes."""


class MemoryRecord(Part):
    """Measured processes of one model, as its manifest holds them."""

    conditions: Conditions
    files: dict[int, Sha256]
    """Batch size -> the flatbuffer that was measured."""
    calibrating: tuple[Measured, ...] = Field(min_length=1)
    """What predictions are made from."""
    held_out: tuple[Measured, ...] = ()
    """What they were compared with."""

    @property
    def batch_sizes(self) -> list[int]:
        """Batch sizes of all measured processes, ascending."""
        return sorted({point.batch_size for point in (*self.calibrating, *self.held_out)})


@dataclass(frozen=True)
class Line:
    """Need of one sub-model over batch sizes."""

    fixed_mb: float
    utterance_mb: float

    def at(self, batch_size: int) -> float:
        """Return the need at a batch size."""
        return self.fixed_mb + self.utterance_mb * batch_size


@dataclass(frozen=True)
class Prediction:
    """What training a sub-model at a batch size will need."""

    need_mb: float
    """Over the trainer's RSS at selection."""
    peak_mb: float
    interpolated: bool = False
    """The sub-model itself was not measured."""
    extrapolated: bool = False
    """The batch size lies outside the measured ones."""


@dataclass(frozen=True)
class Checked:
    """A prediction beside a measured process."""

    measured: Measured
    predicted: Prediction
    calibrating: bool

    @property
    def error_percent(self) -> float:
        """Of the need, the harder of the two sums."""
        return 100 * (self.predicted.need_mb / self.measured.need_mb - 1)

    @property
    def peak_error_percent(self) -> float:
        """Of the whole peak."""
        return 100 * (self.predicted.peak_mb / self.measured.peak_mb - 1)


class MemoryModel:
    """Predictions from a record.

    Args:
        record: Measured processes.
        network: Which layers each sub-model trains, and their order from largest to smallest.
        sizes: Of its layers; only needed between measured sub-models.
    """

    def __init__(
        self, record: MemoryRecord, network: Network, sizes: NetworkSizes | None = None
    ) -> None:
        self.record = record
        self._network = network
        self._sizes = sizes

    @cached_property
    def lines(self) -> Mapping[str, Line]:
        """The measured sub-models, each with its line, in the order of the network."""
        lines: dict[str, Line] = {}
        for name in self._network.sub_model_names:
            points = [point for point in self.record.calibrating if point.sub_model == name]
            if len({point.batch_size for point in points}) > 1:
                lines[name] = _line(points)
        return lines

    @cached_property
    def selected_mb(self) -> float:
        """RSS of a trainer when it selects."""
        return statistics.median(point.selected_mb for point in self.record.calibrating)

    def predict(self, sub_model: str, batch_size: int) -> Prediction | None:
        """Return what a sub-model will need, None where nothing measured tells.

        Raises:
            NetworkError: The network has no such sub-model.
        """
        line = self.lines.get(sub_model) or self._between(sub_model)
        if line is None:
            return None
        sizes = sorted({point.batch_size for point in self.record.calibrating})
        need = line.at(batch_size)
        return Prediction(
            need_mb=need,
            peak_mb=self.selected_mb + need,
            interpolated=sub_model not in self.lines,
            extrapolated=not sizes[0] <= batch_size <= sizes[-1],
        )

    def _between(self, sub_model: str) -> Line | None:
        order = self._network.sub_model_names
        place = self._network.place(sub_model)
        larger = [name for name in order[:place] if name in self.lines]
        smaller = [name for name in order[place + 1 :] if name in self.lines]
        if not larger or not smaller or self._sizes is None:
            return None
        high, low, sizes = larger[-1], smaller[0], self._sizes
        upper, lower = self.lines[high], self.lines[low]
        trained = [self._network.sub_model(name).layers for name in (low, sub_model, high)]
        state = _share(*(sizes.trainable_of(layers) for layers in trained))
        shares = _share(*(sizes.activations_of(layers) for layers in trained))
        return Line(
            lower.fixed_mb + state * (upper.fixed_mb - lower.fixed_mb),
            lower.utterance_mb + shares * (upper.utterance_mb - lower.utterance_mb),
        )

    def check(self, points: Sequence[Measured] | None = None) -> list[Checked]:
        """Return measured processes beside their predictions, where there are any.

        Args:
            points: Those to compare; None = all of the record.
        """
        record = self.record
        used = {(point.sub_model, point.batch_size) for point in record.calibrating}
        checks = [
            Checked(point, predicted, (point.sub_model, point.batch_size) in used)
            for point in (points or (*record.calibrating, *record.held_out))
            if (predicted := self.predict(point.sub_model, point.batch_size)) is not None
        ]
        place = self._network.place
        return sorted(checks, key=lambda c: (place(c.measured.sub_model), c.measured.batch_size))


def _share(low: float, value: float, high: float) -> float:
    """Return how far a value lies between two; one outside of them is taken for the nearer end.

    A sub-model needs no more than the larger and no less than the smaller one: so the network
    orders them, also where it trains more numbers in layers that keep less.
    """
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.0


def _line(points: Sequence[Measured]) -> Line:
    """Fit a line that is as near in percent at each point (weighted least squares)."""
    weights = [1 / point.need_mb**2 for point in points]
    total = sum(weights)
    batch = sum(w * point.batch_size for w, point in zip(weights, points, strict=True)) / total
    need = sum(w * point.need_mb for w, point in zip(weights, points, strict=True)) / total
    spread = sum(
        w * (point.batch_size - batch) ** 2 for w, point in zip(weights, points, strict=True)
    )
    together = sum(
        w * (point.batch_size - batch) * (point.need_mb - need)
        for w, point in zip(weights, points, strict=True)
    )
    slope = together / spread
    return Line(need - slope * batch, slope)


def split(points: Sequence[Measured]) -> tuple[tuple[Measured, ...], tuple[Measured, ...]]:
    """Return the points to calibrate by (smallest and largest batch size), and the others."""
    sizes = {point.batch_size for point in points}
    ends = {min(sizes), max(sizes)}
    return (
        tuple(point for point in points if point.batch_size in ends),
        tuple(point for point in points if point.batch_size not in ends),
    )
