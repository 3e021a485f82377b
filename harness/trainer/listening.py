"""What a network with exits hears in a batch, a segment after another, until everybody has left."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.contract.exits import Answer, ExitRule
from harness.trainer.decode import greedy_decode
from harness.trainer.exit_rules import leaves, mean_entropy, n_best_posterior
from harness.trainer.info import ModelInfo

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SegmentRun:
    """What a segment gave for a batch."""

    logits: Sequence[Logits]
    """[output frames, outputs] of each real row."""
    seconds: float
    written: Sequence[str] | None = None
    """What the exit's attention decoder writes of each real row; None: its head writes."""
    writing_seconds: float = 0.0
    """Of the decoder, for all rows together."""


@dataclass(frozen=True)
class Left:
    """Where an utterance left, and what it was heard as."""

    text: str
    """At the exit where it left."""
    exit: str
    seconds: float
    """Of all segments up to there, for the whole batch."""
    rule_seconds: float
    rows: int
    answers: tuple[Answer, ...]


@dataclass
class _Row:
    answers: list[Answer] = field(default_factory=list)
    rule_seconds: float = 0.0
    left: Answer | None = None
    seconds: float = 0.0


def heard_by_rule(segments: Iterable[SegmentRun], rule: ExitRule, info: ModelInfo) -> list[Left]:
    """Return where each row of a batch leaves and what is heard there.

    Args:
        segments: Run as they are asked for; no more are asked for once all rows have left.
        rule: Of the job.
        info: Of the model.
    """
    exits = info.network.exit_names
    rows: list[_Row] = []
    seconds = 0.0
    for name, segment in zip(exits, segments, strict=False):
        seconds += segment.seconds
        rows = rows or [_Row() for _ in segment.logits]
        for place, row in enumerate(rows):
            if row.left is not None and rule.answers == "taken":
                continue
            answer, decoding_s, rule_s = _answer(name, segment, place, rule, info)
            row.answers.append(answer)
            if row.left is not None:
                continue
            row.rule_seconds += rule_s
            if leaves(rule, row.answers, last=name == exits[-1]):
                row.left, row.seconds = answer, seconds
                row.rule_seconds += decoding_s if rule.rule != "agreement" else 0.0
        if rule.answers == "taken" and all(row.left is not None for row in rows):
            break
    return [_left(row, len(rows)) for row in rows]


def _answer(
    name: str, segment: SegmentRun, row: int, rule: ExitRule, info: ModelInfo
) -> tuple[Answer, float, float]:
    """Return what an exit says, the seconds of decoding, and those that the rule needs here.

    A decoder's seconds are shared by the rows that it writes side by side.

    Only ``agreement`` needs the text of an exit where nobody leaves.
    """
    began = time.perf_counter()
    logits = segment.logits[row]
    written = segment.written
    text = greedy_decode(logits, info.targets) if written is None else written[row]
    decoded = time.perf_counter()
    decoding_s = decoded - began + segment.writing_seconds / len(segment.logits)
    by_entropy = rule.rule == "entropy"
    unit, frames = (rule.entropy, rule.frames) if by_entropy else ("nats", "all")
    entropy = mean_entropy(logits, info.blank, unit, frames)
    measured = time.perf_counter()
    sure = n_best_posterior(logits, info.blank, rule) if rule.rule == "posterior" else None
    needed = {
        "agreement": decoding_s,
        "entropy": measured - decoded,
        "posterior": time.perf_counter() - measured,
    }
    answer = Answer(exit=name, text=text, seconds=segment.seconds, entropy=entropy, posterior=sure)
    return answer, decoding_s, needed.get(rule.rule, 0.0)


def _left(row: _Row, rows: int) -> Left:
    if row.left is None or row.left.text is None:
        raise ValueError("the network has fewer segments than exits")
    return Left(
        text=row.left.text,
        exit=row.left.exit,
        seconds=row.seconds,
        rule_seconds=row.rule_seconds,
        rows=rows,
        answers=tuple(row.answers),
    )
