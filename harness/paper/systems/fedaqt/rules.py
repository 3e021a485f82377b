"""Claims about FedAQT, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable

from harness.paper.claims import Judged, Rule
from harness.paper.differences import alike
from harness.paper.measure import Source
from harness.paper.resident import falls
from harness.report.variants import Variant, variants

_FORMAT = "int8"


def _of(source: Source, strategy: str) -> tuple[Variant | None, list[Variant]]:
    """Return float32 and the variants of int8 of a strategy.

    Those whose clients multiply whole numbers, too; if there are none, those that are sent them.
    """
    own = [v for v in variants(source.data) if v.settings.strategy.label == strategy]
    few = [v for v in own if v.compression and v.compression.format == _FORMAT]
    clients = [v for v in few if _forward(v, source) == _FORMAT]
    plain = (v for v in own if v.compression is None and _forward(v, source) != _FORMAT)
    return next(plain, None), clients or few


def _forward(variant: Variant, source: Source) -> str:
    """Return what the products of a variant's clients are made of."""
    models = {attempt.result.model_name for attempt in variant.attempts}
    found = {str((source.data.record.models.get(m) or {}).get("forward")) for m in models}
    return found.pop() if len(found) == 1 else ""


def _like_float32(strategy: str) -> Rule:
    def rule(source: Source) -> Judged:
        whole, few = _of(source, strategy)
        if whole is None or not few:
            return "cannot be said", f"{_FORMAT} and float32 were not both run with {strategy}."
        return alike({f"{v.name} less {whole.name}": v.less(whole) for v in few})

    return rule


def fewer_bytes(source: Source) -> Judged:
    """Bytes both ways, of each strategy."""
    told, holds = [], True
    for strategy in ("fedsgd", "fedavg"):
        whole, few = _of(source, strategy)
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
    """The peak until a model is loaded, of those that hold and multiply int8."""
    return falls(source, "load", _FORMAT)


def train_falls(source: Source) -> Judged:
    """The peak of a real step, which the paper did not measure."""
    return falls(source, "train", _FORMAT)


RULES: dict[str, Callable[[Source], Judged]] = {
    "fedsgd_like_float32": _like_float32("fedsgd"),
    "fedavg_like_float32": _like_float32("fedavg"),
    "fewer_bytes": fewer_bytes,
    "load_falls": load_falls,
    "train_falls": train_falls,
}
"""The file's names -> what judges them."""
