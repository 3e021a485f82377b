"""Claims about Federated Pruning, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from operator import eq

from harness.paper.claims import Judged
from harness.paper.differences import Found, alike, together
from harness.paper.measure import Source
from harness.paper.pairs import differences, pairs
from harness.report.variants import Variant, variants
from harness.scenario.pruning import Pruning

_HALVES = {"input_unit": "half_input_unit", "output_unit": "half_output_unit"}
_COLUMNS = {"input_unit": "output_unit", "half_input_unit": "half_output_unit"}
_DEGRADES_ABOVE = 0.3


def pruned(variant: Variant) -> Pruning | None:
    """Return what of a network a variant's clients have."""
    return variant.pruning


def whole(found: Iterable[Variant]) -> Variant | None:
    """Return the variant of which nothing is left out."""
    return next((v for v in found if v.pruning is None or v.pruning.level == 0), None)


def dense(found: Iterable[Variant]) -> list[Variant]:
    """Return the variants of smaller dense networks, else as usual, from the whole one on."""
    usual = Pruning(level=0)
    own = [v for v in found if v.pruning and v.pruning.model_copy(update={"level": 0}) == usual]
    return sorted(own, key=lambda v: v.pruning.level if v.pruning else 0.0)


def rises_with_level(source: Source) -> Judged:
    """The highest level surely above the lowest, and no step surely downwards."""
    own = dense(variants(source.data))
    if len(own) < 2:
        return "cannot be said", "Fewer than two levels were run."
    verdict, told = together({f"{own[0].name} less {own[-1].name}": own[0].less(own[-1])})
    falls = {
        f"{higher.name} less {lower.name}": found
        for lower, higher in pairwise(own)
        if (found := higher.less(lower)) is not None and found.high_points < 0
    }
    if falls:
        return "does not hold", together(falls)[1]
    return verdict, told


def worse_above_thirty(source: Source) -> Judged:
    """Each variant above level 0.3 against the whole network."""
    found = variants(source.data)
    all_ = whole(found)
    above = [v for v in found if v.pruning and v.pruning.level > _DEGRADES_ABOVE]
    if all_ is None or not above:
        return "cannot be said", "No level above 0.3 was run beside the whole network."
    return together({f"whole less {v.name}": all_.less(v) for v in above})


def _by_pattern(found: list[Variant], names: dict[str, str]) -> dict[str, Found]:
    """Return WER of each pattern's partner less its own, at equal settings."""
    made: dict[str, Found] = {}
    for pattern, partner in names.items():
        both = pairs(found, pruned, "pattern", partial(eq, partner), partial(eq, pattern))
        made |= differences(both)
    return made


def half_as_good_as_whole(source: Source) -> Judged:
    """Half rows against rows, half columns against columns; no worse is enough."""
    made = _by_pattern(variants(source.data), _HALVES)
    if not made:
        return "cannot be said", "No halves were run beside their whole ones."
    return together(made, ties=True)


def columns_beat_rows(source: Source) -> Judged:
    """Columns against rows, and their halves."""
    made = _by_pattern(variants(source.data), _COLUMNS)
    if not made:
        return "cannot be said", "No columns were run beside rows."
    return together(made)


def adaptive_as_good(source: Source) -> Judged:
    """Rows with adaptive densities against rows with the same; no worse is enough."""
    rows = [
        v for v in variants(source.data) if v.pruning and v.pruning.pattern.endswith("input_unit")
    ]
    both = pairs(rows, pruned, "density", lambda density: density != "uniform")
    made = differences((one, other) for one, other in both if _is_uniform(other))
    if not made:
        return "cannot be said", "No adaptive densities were run for rows."
    return together(made, ties=True)


def _is_uniform(variant: Variant) -> bool:
    return variant.pruning is not None and variant.pruning.density == "uniform"


def methods_alike(source: Source) -> Judged:
    """Momentum and product against weights."""
    both = pairs(
        variants(source.data),
        pruned,
        "score",
        lambda score: score != "weight",
        lambda score: score == "weight",
    )
    if not both:
        return "cannot be said", "Nothing was ranked by momentum or product beside weights."
    return alike(differences(both))


def refinement_helps(source: Source) -> Judged:
    """With what was left out kept on the server, against without."""
    both = pairs(variants(source.data), pruned, "refinement", bool)
    if not both:
        return "cannot be said", "Nothing was run without refinement beside the same with it."
    return together(differences(both))


RULES: dict[str, Callable[[Source], Judged]] = {
    "rises_with_level": rises_with_level,
    "worse_above_thirty": worse_above_thirty,
    "half_as_good_as_whole": half_as_good_as_whole,
    "adaptive_as_good": adaptive_as_good,
    "methods_alike": methods_alike,
    "refinement_helps": refinement_helps,
    "columns_beat_rows": columns_beat_rows,
}
"""The file's names -> what judges them."""
