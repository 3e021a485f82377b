"""Claims about Online Model Compression, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.contract.wire import bits_of
from harness.paper.claims import Judged, Rule
from harness.paper.differences import alike, together
from harness.paper.measure import Source
from harness.paper.pairs import differences, pairs
from harness.paper.resident import falls
from harness.report.variants import Variant, variants
from harness.scenario.compression import Compression


def as_printed(source: Source) -> list[Variant]:
    """Return the variants that do as the paper has it, and float32; all if none does."""
    found = variants(source.data)
    printed = [v for v in found if v.compression and v.compression.variant == "as_printed"]
    return [v for v in found if v in printed or v.compression is None] if printed else found


def float32(found: Iterable[Variant]) -> Variant | None:
    """Return the variant whose weights travel as float32."""
    return next((v for v in found if v.compression is None and v.pruning is None), None)


def of_bits(found: Iterable[Variant], bits: int) -> list[Variant]:
    """Return the variants of so many bits, all variables of which biases stay float32."""
    return [
        v
        for v in found
        if v.compression and bits_of(v.compression.format) == bits
        if v.compression.variables == "weights"
    ]


def _none(what: str) -> Judged:
    return "cannot be said", f"No job was run with {what}."


def _like_float32(bits: int) -> Rule:
    def rule(source: Source) -> Judged:
        found = as_printed(source)
        whole, few = float32(found), of_bits(found, bits)
        if whole is None or not few:
            return _none(f"{bits} bits and with float32")
        few = [v for v in few if v.compression and v.compression.share < 1] or few
        return alike({f"{v.name} less float32": v.less(whole) for v in few})

    return rule


def six_below_start(source: Source) -> Judged:
    """Six bits, after the training less before it."""
    few = of_bits(as_printed(source), 6)
    if not few:
        return _none("6 bits")
    return together({f"{v.name}, after less before": v.less_start() for v in few})


def _compression(variant: Variant) -> Compression | None:
    return variant.compression


def partial_beats_all(source: Source) -> Judged:
    """Pairs that differ in the share of the variables alone."""
    found = pairs(as_printed(source), _compression, "share", lambda share: share < 1)
    return together(differences(found)) if found else _none("and without a share of the variables")


def eleven_of_part_beats_thirteen(source: Source) -> Judged:
    """Eleven bits of a part against thirteen bits of all."""
    found = as_printed(source)
    part = [v for v in of_bits(found, 11) if v.compression and v.compression.share < 1]
    all_ = [v for v in of_bits(found, 13) if v.compression and v.compression.share == 1]
    made = [(few, more) for few in part for more in all_]
    return together(differences(made)) if made else _none("13 bits of all variables")


def weights_beat_all_variables(source: Source) -> Judged:
    """Pairs of six bits that differ in which variables are written in them alone."""
    found = [
        (weights, every)
        for weights, every in pairs(
            as_printed(source), _compression, "variables", lambda which: which == "weights"
        )
        if weights.compression and bits_of(weights.compression.format) == 6
    ]
    return together(differences(found)) if found else _none("6 bits of weights, and of all")


def peak_falls(source: Source) -> Judged:
    """Peak memory of a real step, with weights that stay in few bits while they train."""
    return falls(source, "train")


RULES: dict[str, Callable[[Source], Judged]] = {
    "nineteen_like_float32": _like_float32(19),
    "eleven_like_float32": _like_float32(11),
    "six_below_start": six_below_start,
    "partial_beats_all": partial_beats_all,
    "eleven_of_part_beats_thirteen": eleven_of_part_beats_thirteen,
    "weights_beat_all_variables": weights_beat_all_variables,
    "peak_falls": peak_falls,
}
"""The file's names -> what judges them."""
