"""Claims about FedAQT, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.paper.claims import Judged, Rule
from harness.paper.differences import alike
from harness.paper.measure import Source
from harness.report.variants import Variant, variants

_FORMAT = "int8"


def _of(found: Iterable[Variant], strategy: str) -> tuple[Variant | None, list[Variant]]:
    """Return float32 and the variants of int8 of a strategy."""
    own = [v for v in found if v.settings.strategy.label == strategy]
    whole = next((v for v in own if v.compression is None), None)
    return whole, [v for v in own if v.compression and v.compression.format == _FORMAT]


def _like_float32(strategy: str) -> Rule:
    def rule(source: Source) -> Judged:
        whole, few = _of(variants(source.data), strategy)
        if whole is None or not few:
            return "cannot be said", f"{_FORMAT} and float32 were not both run with {strategy}."
        return alike({f"{v.name} less {whole.name}": v.less(whole) for v in few})

    return rule


def fewer_bytes(source: Source) -> Judged:
    """Bytes both ways, of each strategy."""
    told, holds = [], True
    for strategy in ("fedsgd", "fedavg"):
        whole, few = _of(variants(source.data), strategy)
        before = None if whole is None else whole.spent.bytes
        for variant in few:
            after = variant.spent.bytes
            if before is not None and after is not None:
                holds &= after < before
                told.append(f"{variant.name} {100 * after / before:.1f} %")
    if not told:
        return "cannot be said", f"{_FORMAT} and float32 were not both run."
    return ("holds" if holds else "does not hold"), f"Of float32: {'; '.join(told)}."


def load_falls(source: Source) -> Judged:
    """Loading, which the wire does not change."""
    del source
    return (
        "cannot be said",
        "Phones load and train float32 here: what is sent to them in whole numbers is unpacked "
        "before.",
    )


RULES: dict[str, Callable[[Source], Judged]] = {
    "fedsgd_like_float32": _like_float32("fedsgd"),
    "fedavg_like_float32": _like_float32("fedavg"),
    "fewer_bytes": fewer_bytes,
    "load_falls": load_falls,
}
"""The file's names -> what judges them."""
