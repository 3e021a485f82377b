"""The paper's own estimate of the memory that training needs (MobileASR, 3.2, 4.1, Appendix D).

``lambda = R_T + R_L``: training, and loading weights from a checkpoint. The page leaves open how
often each term is counted; every reading tried here has a name, none is *the* one. Sizes in MiB
(the paper divides by 1024^2 and 1024^3); R_L, the CTC term and the overhead stand on the page as
plain figures, not as results of a formula.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from harness.contract import mobileasr
from harness.memory.sizes import LayerSizes, NetworkSizes

BYTES = 4
"""Of a parameter: 32-bit floating point."""
MIB = 1024.0**2
BATCH = 5
"""Appendix D's mini-batch."""
CTC_MB = 100.0
"""Extra of the CTC loss, for a mini-batch of 5; taken in proportion for others."""
OVERHEAD_MB = 200.0
"""Not accounted for otherwise."""
TRAINING_GB = 1.65
"""R_T of S1 as printed."""
LOADING_MB = 325.0
"""R_L of the paper's model; other models in proportion to their parameters. A checkpoint (121 MB)
and the flatbuffer (Table 2: 156.2 MB) leave 48 MB for the "tensor information" that no line says
how to compute."""

N_A = 6_881_640
"""Activations of one utterance. Printed "68,816,40" and "twice n_m": only this grouping gives the
350 MB of the loss term; 68,816,400, which would be 2.3 times n_m, gives 1,528 MB. (The larger is
the smaller times 10, so it may be the figure of a batch of 10.)"""

Frozen = Literal["kept", "not_in_training", "dropped"]


@dataclass(frozen=True)
class Reading:
    """One way to count what Appendix D names.

    Attributes:
        name: For people and files.
        says: What is counted how, in one line.
        errors_per_sample: n_e for each utterance of the batch, not once.
        weights: How often n_m is in the sum besides the loss term.
        activations: Whether n_a is in the sum besides the loss term.
        frozen: What becomes of the activations of layers that are not trained: ``kept`` in both
            terms, ``not_in_training`` (they remain in the loss term), or ``dropped`` from both.
    """

    name: str
    says: str
    errors_per_sample: bool
    weights: int = 1
    activations: bool = True
    frozen: Frozen = "kept"


def _readings() -> dict[str, Reading]:
    each = "each term once, errors once a sample"
    readings = (
        Reading("once", "each term once", False),
        Reading("errors_per_sample", each, True),
        Reading(
            "errors_per_sample_trained",
            f"{each}; frozen layers keep activations for the loss only",
            True,
            frozen="not_in_training",
        ),
        Reading(
            "errors_per_sample_dropped",
            f"{each}; frozen layers keep no activations at all",
            True,
            frozen="dropped",
        ),
        Reading(
            "nearest",
            "errors once a sample, weights once more, activations in the loss term only and none "
            "of frozen layers: found by search, not on the page",
            True,
            weights=2,
            activations=False,
            frozen="dropped",
        ),
    )
    return {reading.name: reading for reading in readings}


READINGS: Mapping[str, Reading] = MappingProxyType(_readings())
DEFAULT = "errors_per_sample_trained"
"""What selection by ``as_printed`` uses: of the readings that follow from the page, the one whose
largest distance from Table 9 is smallest."""


@dataclass(frozen=True)
class Estimate:
    """Terms of lambda in MiB, summed as the reading says."""

    weights: float
    gradients: float
    errors: float
    optimizer: float
    activations: float
    loss: float
    overhead: float
    loading: float
    """R_L"""

    @property
    def training(self) -> float:
        """R_T."""
        state = self.weights + self.gradients + self.errors + self.optimizer
        return state + self.activations + self.loss + self.overhead

    @property
    def total(self) -> float:
        """Lambda: what selection compares with the available RAM."""
        return self.training + self.loading


def estimate(
    sizes: NetworkSizes, layers: Collection[str], batch_size: int, reading: str = DEFAULT
) -> Estimate:
    """Return the paper's estimate for a network, a sub-model of it and a batch size.

    Args:
        sizes: Of the network.
        layers: Those that the sub-model trains, as the network names them.
        batch_size: Utterances a step.
        reading: A key of ``READINGS``.

    Raises:
        KeyError: No such reading.
        ValueError: No such layer.
    """
    way = READINGS[reading]
    trained = _mib(sizes.trainable_of(layers))
    weights = _mib(sizes.parameters)
    forward = batch_size * _mib(
        sizes.activations_of(layers) if way.frozen == "dropped" else sizes.activations
    )
    backward = batch_size * _mib(
        sizes.activations if way.frozen == "kept" else sizes.activations_of(layers)
    )
    return Estimate(
        weights=way.weights * weights,
        gradients=trained,
        errors=trained * (batch_size if way.errors_per_sample else 1),
        optimizer=2 * trained,
        activations=backward if way.activations else 0.0,
        loss=weights + forward + CTC_MB * batch_size / BATCH,
        overhead=OVERHEAD_MB,
        loading=LOADING_MB * sizes.parameters / PAPER.parameters,
    )


def _mib(numbers: float) -> float:
    return numbers * BYTES / MIB


def _paper() -> NetworkSizes:
    """Return the paper's network.

    Table 4 prints sums. Behind them stand 512 cells a direction, 1,984 CONV features, batch
    normalisation of 65 CONV channels and of BLSTM 4, and 28 outputs; App. A's "1024 units in each
    direction" would make a BLSTM step of 25.2 M, not of 6.3 M. The CONV kernels are not printed:
    15x7, 10x10 and 9x4 with 16, 16 and 32 channels give CONV's 45.73k, S3's 0.9991 and, without
    padding along frequency, 62 x 32 = 1,984 features.
    """
    recurrent = {
        "BLSTM1": (2 * (1984 + 512 + 1) * 4 * 512, 0),
        "BLSTM2": (2 * (1024 + 512 + 1) * 4 * 512, 0),
        "BLSTM3": (2 * (1024 + 512 + 1) * 4 * 512, 0),
        "BLSTM4": (2 * (1024 + 512 + 1) * 4 * 512 + 2 * 1024, 2 * 1024),
    }
    parts = {
        "CONV1": (2 * 1 + 15 * 7 * 1 * 16 + 16 + 2 * 16, 2 * 1 + 2 * 16),
        "CONV2": (10 * 10 * 16 * 16 + 2 * 16, 2 * 16),
        "CONV3": (9 * 4 * 16 * 32 + 2 * 32, 2 * 32),
        **recurrent,
        "FC1": (1024 * 1024 + 1024, 0),
        "FC2": (1024 * 28 + 28, 0),
    }
    whole = sum(trainable for trainable, _ in parts.values())
    # n_a is printed as one sum: shared out like the parameters, the only shares on the page
    return NetworkSizes(
        layers=tuple(
            LayerSizes(
                name=name,
                trainable=trainable,
                statistics=statistics,
                activations=N_A * trainable / whole,
            )
            for name, (trainable, statistics) in parts.items()
        )
    )


PAPER = _paper()
"""The sizes behind Tables 1, 4, 5 and 9."""
PAPER_NETWORK = mobileasr.network({layer.name: layer.trainable for layer in PAPER.layers}, "")
"""Its sub-models S1 to S8; its alphabet does not matter here."""


def as_printed_sizes(sizes: NetworkSizes) -> NetworkSizes:
    """Return the sizes to estimate a network with: the paper's own ones for the paper's network.

    The page does not say how n_a is counted. For its own network (told by its layers and the number
    of parameters) the printed n_a is taken; for others what the layers give on, which of the
    paper's network would be 0.4 times the printed figure.
    """
    same = [layer.name for layer in sizes.layers] == [layer.name for layer in PAPER.layers]
    return PAPER if same and sizes.parameters == PAPER.parameters else sizes
