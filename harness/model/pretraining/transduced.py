"""N-best labellings of a transducer in training, by the beam that streaming has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.model.configuration import BLANK
from harness.model.pretraining.engine import Engine
from harness.model.pretraining.settings import MinWer
from harness.trainer.batches import Batch, Floats
from harness.trainer.streaming import LABELS_A_FRAME
from harness.trainer.transduced import Beam, State


@dataclass(frozen=True)
class Asked:
    """Predictor and joint network of an engine, as decoding asks them.

    The joint network is asked most, and is one product: numpy answers in less time than it takes to
    call a graph.
    """

    engine: Engine
    nothing: Floats
    """State of the predictor at the start, [layers, cells]."""
    kernel: Floats
    """Of the joint network, [D, outputs]."""
    bias: Floats
    """Of the joint network, [outputs]."""

    def predict(self, label: int, state: State | None) -> tuple[Floats, State]:
        """Return the vector after a label more, and the state."""
        h, c = (self.nothing, self.nothing) if state is None else state
        vector, h, c = self.engine.call(
            "predict", None, lambda net, *a: net.after_label(*a), np.int32(label), h, c
        )
        return vector.numpy(), (h, c)

    def joint(self, heard: Floats, written: Floats) -> Floats:
        """Return the logits [outputs] of a frame and a vector of the predictor."""
        logits: Floats = np.maximum(heard + written, 0.0) @ self.kernel + self.bias
        return logits


def transduced(engine: Engine, batch: Batch, how: MinWer) -> list[list[tuple[int, ...]]]:
    """Return the likeliest labellings of each real row of a batch, the best first.

    Args:
        engine: Of a transducer.
        batch: Utterances.
        how: How long lists are, and how they are searched.
    """
    config = engine.config
    nothing = np.zeros([config.lstm_layers, config.cells], np.float32)  # type: ignore[attr-defined]
    joint = {name: value for name, value in engine.weights().items() if name.startswith("joint_")}
    asked = Asked(engine, nothing, joint["joint_kernel"][0], joint["joint_vectors"])
    encoded, frames = engine.call(
        "encoded", batch.x.shape[1], lambda net, *a: net.encoded(*a), batch.x, batch.in_len
    )
    found = []
    for row, count in zip(encoded.numpy()[: batch.rows], frames.numpy(), strict=False):
        beam = Beam(asked, BLANK, LABELS_A_FRAME, max(how.beam, how.n_best))
        beam.hear(row[:count])
        found.append([labels for labels, _ in beam.n_best(how.n_best)])
    return found
