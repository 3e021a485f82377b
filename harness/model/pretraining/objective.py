"""What a pre-training trains down, as its engine takes it: its own loss, or word errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.errors import InputError
from harness.model.configuration import NetworkConfig
from harness.model.ctc import CtcLoss
from harness.model.minwer import Hypotheses, MinWerCtcLoss
from harness.model.network import AnyLoss
from harness.model.pretraining.engine import UNROLL, Engine
from harness.model.pretraining.n_best import lists_of, scored
from harness.model.pretraining.settings import MinWer, Settings
from harness.model.pretraining.transduced import transduced
from harness.model.transducer.objective import MinWerTransducerLoss
from harness.trainer.batches import Batch
from harness.trainer.info import ModelInfo

_FEWEST = 2
"""Hypotheses: with one, nothing is better than it."""


def loss_of(config: NetworkConfig, settings: Settings) -> AnyLoss | None:
    """Return the loss for an engine; None: the network's own.

    Raises:
        InputError: Expected errors cannot be trained so.
    """
    if settings.minwer is None:
        return None
    if config.describe().writes:
        raise InputError(
            f"{config.name} has attention decoders, which learn texts, no word errors",
            where="--loss minwer",
            hint="Leave --loss out, or take the network without decoders (decoder_layers: 0).",
        )
    _check(settings.minwer, begins_with_weights=bool(settings.begun_from))
    if config.own_loss == "rnnt":
        return MinWerTransducerLoss(settings.minwer.interpolation)
    ctc = CtcLoss(min(config.unroll, UNROLL), in_tensorflow=True)
    return MinWerCtcLoss(ctc, settings.minwer.interpolation)


def labels_for(engine: Engine, settings: Settings, info: ModelInfo) -> Callable[[Batch], Any]:
    """Return what makes an engine's labels of a batch, as the network hears it now.

    Args:
        engine: Hears it, at its last trained exit.
        settings: Of the training.
        info: The network's sizes and alphabet.
    """
    how = settings.minwer
    if how is None:
        return lambda _: None

    def labels(batch: Batch) -> Hypotheses:
        if engine.config.own_loss == "rnnt":
            lists = scored(transduced(engine, batch, how), batch, info, how.n_best)
        else:
            lists = lists_of(engine.infer(batch, settings.exit or None), batch, info, how)
        return Hypotheses(lists.labels, lists.lengths, lists.errors, lists.real, batch.labels)

    return labels


def _check(how: MinWer, *, begins_with_weights: bool) -> None:
    if how.n_best < _FEWEST:
        raise InputError(
            f"N-best lists of {how.n_best}",
            where="--n-best",
            hint="Give 2 or more: errors are weighed against each other.",
        )
    if how.interpolation < 0:
        raise InputError(f"interpolation by {how.interpolation}", hint="Give 0 or more.")
    if not begins_with_weights:
        raise InputError(
            "expected word errors cannot be trained from random weights",
            where="--loss minwer",
            hint="Pre-train without --loss first, and give what came of it with --init.",
        )
