"""Which word of a reference became which word of a hypothesis, under named costs.

With costs of ``1/1/1`` (substitution, insertion, deletion) an alignment has the fewest errors, and
jiwer makes it. Kaldi's and fbai-speech's ``4/3/3`` likes a substitution less than its two halves
would cost and need not have the fewest: "b b b a d" heard as "a d c a" has 5 errors by it, 4 by the
other. Figures of different costs are never mixed in a table.

Source: fbai-speech ``is21_deep_bias/score.py`` (MIT), of which the ties are taken, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import jiwer

from harness.metrics.words import WordErrors

Costs = Literal["1/1/1", "4/3/3"]
"""Of a substitution, an insertion and a deletion."""
COSTS: Final[tuple[Costs, ...]] = get_args(Costs)
Kind = Literal["match", "substitution", "insertion", "deletion"]

_JIWER: Final[dict[str, Kind]] = {
    "equal": "match",
    "substitute": "substitution",
    "insert": "insertion",
    "delete": "deletion",
}


@dataclass(frozen=True)
class Edit:
    """One step of an alignment."""

    kind: Kind
    said: str | None
    """Word of the reference; None of an insertion."""
    heard: str | None
    """Word of the hypothesis; None of a deletion."""


def aligned(reference: str, hypothesis: str, costs: Costs = "1/1/1") -> tuple[Edit, ...]:
    """Align two texts word by word.

    Args:
        reference: What was said, normalised.
        hypothesis: What was heard.
        costs: Of a substitution, an insertion and a deletion.

    Returns:
        The edits from the first word to the last.

    Raises:
        ValueError: There are no such costs.
    """
    if costs not in COSTS:
        raise ValueError(f"costs are one of {', '.join(COSTS)}, not {costs!r}")
    said, heard = reference.split(), hypothesis.split()
    if not said:  # jiwer refuses an empty reference
        return tuple(Edit("insertion", None, word) for word in heard)
    if costs == "1/1/1":
        return _by_jiwer(said, heard)
    substitution, insertion, deletion = (int(cost) for cost in costs.split("/"))
    return _by_costs(said, heard, substitution, insertion, deletion)


def errors_of(edits: Sequence[Edit]) -> WordErrors:
    """Return the counts of an alignment."""
    kinds = [edit.kind for edit in edits]
    return WordErrors(
        substitutions=kinds.count("substitution"),
        deletions=kinds.count("deletion"),
        insertions=kinds.count("insertion"),
        reference_words=len(kinds) - kinds.count("insertion"),
    )


def _by_jiwer(said: list[str], heard: list[str]) -> tuple[Edit, ...]:
    (chunks,) = jiwer.process_words([" ".join(said)], [" ".join(heard)]).alignments
    edits = []
    for chunk in chunks:
        kind = _JIWER[chunk.type]
        length = max(
            chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
        )
        edits += [
            Edit(
                kind,
                None if kind == "insertion" else said[chunk.ref_start_idx + at],
                None if kind == "deletion" else heard[chunk.hyp_start_idx + at],
            )
            for at in range(length)
        ]
    return tuple(edits)


def _by_costs(
    said: list[str], heard: list[str], substitution: int, insertion: int, deletion: int
) -> tuple[Edit, ...]:
    """Return the cheapest alignment; of equal ones, from the end on: pair, insertion, deletion."""
    row = [insertion * place for place in range(len(heard) + 1)]
    steps: list[list[Kind]] = [["insertion"] * len(row)]
    for word in said:
        above, row = row, [row[0] + deletion]
        kinds: list[Kind] = ["deletion"]
        for place, other in enumerate(heard, 1):
            kind: Kind = "match" if word == other else "substitution"
            best = above[place - 1] + (0 if word == other else substitution)
            if row[-1] + insertion < best:
                best, kind = row[-1] + insertion, "insertion"
            if above[place] + deletion < best:
                best, kind = above[place] + deletion, "deletion"
            row.append(best)
            kinds.append(kind)
        steps.append(kinds)
    edits = []
    at, place = len(said), len(heard)
    while at or place:
        kind = steps[at][place]
        at -= kind != "insertion"
        place -= kind != "deletion"
        edits.append(
            Edit(
                kind,
                None if kind == "insertion" else said[at],
                None if kind == "deletion" else heard[place],
            )
        )
    return tuple(reversed(edits))
