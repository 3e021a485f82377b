"""When an utterance leaves a network with exits (pure; `harness.contract.exits` has the rules)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.contract.exits import Answer, EntropyUnit, ExitRule
from harness.trainer.beam import n_best, posterior
from harness.trainer.decode import log_softmax


def mean_entropy(
    logits: npt.NDArray[np.float32],
    blank: int,
    unit: EntropyUnit = "nats",
    frames: str = "all",
) -> float | None:
    """Return the mean entropy of an utterance's output frames.

    Args:
        logits: [frames, outputs].
        blank: Index of the blank's output.
        unit: What it is told in.
        frames: ``non_blank``: of the frames whose best output is no blank.

    Returns:
        0 without any frame, None where the logits are no numbers.
    """
    if frames == "non_blank":
        logits = logits[np.argmax(logits, axis=1) != blank]
    if not len(logits):
        return 0.0
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    # an output without any probability adds nothing, though its logarithm is infinite
    nats = -float(np.where(p > 0, p * np.where(p > 0, log_p, 0.0), p).sum(1).mean())
    if not math.isfinite(nats):
        return None
    outputs = logits.shape[1]
    if unit == "bits":
        return nats / math.log(2)
    if unit == "normalised":
        return nats / math.log(outputs)
    return -nats / outputs if unit == "as_code" else nats


def n_best_posterior(logits: npt.NDArray[np.float32], blank: int, rule: ExitRule) -> float | None:
    """Return the share of the best hypothesis among the N best; None if there is none."""
    found = n_best(logits, blank, beam=rule.beam, count=rule.n_best)
    return posterior([score for _, score in found])


def leaves(rule: ExitRule, answers: Sequence[Answer], *, last: bool) -> bool:
    """Return whether an utterance leaves at the exit of the last of its answers.

    Args:
        rule: Of the job.
        answers: So far, from the shallowest exit up, each with its text.
        last: Whether that is the last exit.
    """
    now = answers[-1]
    if last:
        return True
    if rule.rule == "fixed":
        return now.exit == rule.exit
    if rule.rule == "agreement":
        return len(answers) > 1 and answers[-2].text == now.text
    if rule.rule == "entropy":
        return _known(now.entropy) <= _known(rule.threshold)
    if rule.rule == "posterior":
        return now.posterior is not None and now.posterior >= _known(rule.threshold)
    return False


def _known(value: float | None) -> float:
    """Return a number; one that is not known is never at most a threshold."""
    return math.inf if value is None else value
