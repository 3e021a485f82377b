"""What a paper says of its results, and whether its own figures and ours bear it out (pure).

A system's book has every such sentence. Each is judged twice: in print, by what the page itself
shows, and here, by what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.errors import InputError
from harness.memory.sizes import Part
from harness.paper.measure import Figure, Source
from harness.paper.published import Measured
from harness.paper.verdicts import Verdict, judged_each
from harness.paths import data_root
from harness.report.text import plural
from harness.yamlio import load_yaml, validate

Expected = Literal["rises", "falls", "equal"]
Statistic = Literal["median", "least"]
Judged = tuple[Verdict, str]
"""Verdict and evidence."""
Rule = Callable[[Source], Judged]
"""What judges a claim that no order of rows does, by a run of which some job finished."""


class Order(Part):
    """A figure that rises, falls or stays along chains of rows."""

    metric: str
    label: str = ""
    """Of a figure that is no column of the table."""
    expected: Expected
    chains: tuple[tuple[str, ...], ...] = Field(min_length=1)
    by: Statistic = "median"
    """What of the repeats counts. Time: the least, since other work only ever adds to it."""
    at_least: float = 0.0
    """The difference that each step must have."""


class Stated(Part):
    """One sentence of the paper."""

    item: str
    at: str
    quote: str = ""
    """The page's words; empty where the page could not be read."""
    says: str
    order: Order | None = None
    attempts: Literal["lower"] | None = None
    rule: str | None = None
    """Name of a rule of the book."""
    in_print: Literal["holds", "does not hold"] | None = None
    """Where the page's figures say it and no order of printed figures does; None = it has none."""
    why: str = ""


class AllStated(Part):
    """The file."""

    version: Literal[1]
    claims: tuple[Stated, ...]


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, judged.

    Attributes:
        says: What is judged.
        verdict: Here; ``not compared`` where it is about the page alone.
        evidence: Why, in figures.
        at: Where it stands.
        quote: The page's words.
        in_print: By the page's own figures; ``no figures`` where it prints none.
        why: Why that.
    """

    says: str
    verdict: Verdict
    evidence: str
    at: str = ""
    quote: str = ""
    in_print: Verdict = "no figures"
    why: str = ""


@dataclass(frozen=True)
class Book:
    """All that a paper states, and the rules of its own that judge it.

    Attributes:
        path: The file; below the data folder where it is no absolute path.
        rules: The file's names of rules -> what judges by them.
    """

    path: Path
    rules: Mapping[str, Rule] = field(default_factory=dict)

    @cached_property
    def stated(self) -> tuple[Stated, ...]:
        """What the paper states, read once.

        Raises:
            InputError: The file is not as it should be, or names a rule that there is not.
        """
        path = data_root() / self.path
        data, index = load_yaml(path)
        claims = validate(AllStated, data, index).claims
        for number, stated in enumerate(claims):
            if stated.rule is not None and stated.rule not in self.rules:
                raise InputError(
                    f"there is no rule {stated.rule!r}",
                    where=f"{path}: claims[{number}].rule",
                    hint=f"There are {', '.join(self.rules)}.",
                )
        return claims

    def metrics(self, item: str) -> tuple[str, ...]:
        """Return the figures that an item's claims need, each once."""
        orders = [stated.order for stated in self.stated if stated.item == item]
        return tuple(dict.fromkeys(order.metric for order in orders if order is not None))


def claims_of(
    book: Book,
    item: str,
    says: Measured | None = None,
    figures: Mapping[tuple[str, str], Figure] | None = None,
    source: Source | None = None,
) -> tuple[Claim, ...]:
    """Judge what the paper states about one table or figure.

    Args:
        book: What the paper states.
        item: Its key.
        says: What the page prints there.
        figures: (row's name, metric) -> ours.
        source: The run behind it; None = nothing was measured.
    """
    return tuple(
        _judged(book, stated, says, figures or {}, source)
        for stated in book.stated
        if stated.item == item
    )


def _judged(
    book: Book,
    stated: Stated,
    says: Measured | None,
    figures: Mapping[tuple[str, str], Figure],
    source: Source | None,
) -> Claim:
    verdict, evidence = _here(book, stated, says, figures, source)
    lost = 0 if source is None else len(source.data.record.plan) - len(source.finished)
    if lost and verdict in ("holds", "does not hold"):
        # of each is not of those that finished
        verdict = "cannot be said" if verdict == "holds" and not stated.order else verdict
        evidence += f" {plural(lost, 'job')} did not finish."
    in_print, why = _in_print(stated, says)
    return Claim(stated.says, verdict, evidence, stated.at, stated.quote, in_print, why)


def _here(
    book: Book,
    stated: Stated,
    says: Measured | None,
    figures: Mapping[tuple[str, str], Figure],
    source: Source | None,
) -> tuple[Verdict, str]:
    if not (stated.order or stated.attempts or stated.rule):
        return "not compared", "It is about the page alone."
    if source is None or not source.finished:
        return "cannot be said", "Nothing was measured."
    if stated.order is not None:
        labels = {column.key: column.label for column in says.columns} if says else {}
        label = stated.order.label or labels.get(stated.order.metric, stated.order.metric)
        return _by_order(stated.order, figures, label)
    if stated.attempts is not None:
        return _each_attempt_lower(source)
    assert stated.rule is not None
    return book.rules[stated.rule](source)


def _in_print(stated: Stated, says: Measured | None) -> tuple[Verdict, str]:
    if stated.in_print is not None:
        return stated.in_print, stated.why
    order = stated.order
    if order is None or says is None:
        return "no figures", ""
    printed = {row.name: row.printed.get(order.metric) for row in says.rows}
    texts = [[(name, printed.get(name)) for name in chain] for chain in order.chains]
    if any(text is None for chain in texts for _, text in chain):
        return "no figures", ""
    return in_order(order, [[(name, float(text or "")) for name, text in own] for own in texts])


def _by_order(
    order: Order, figures: Mapping[tuple[str, str], Figure], label: str
) -> tuple[Verdict, str]:
    found = {
        name: spread_found.low if order.by == "least" else spread_found.median
        for chain in order.chains
        for name in chain
        if (spread_found := figures.get((name, order.metric), Figure()).found) is not None
    }
    lost = [name for chain in order.chains for name in chain if name not in found]
    if lost:
        names = ", ".join(dict.fromkeys(lost))
        return "cannot be said", f"{label}: nothing was measured for {names}."
    verdict, evidence = in_order(
        order, [[(name, found[name]) for name in chain] for chain in order.chains]
    )
    times = max(
        (figure.found.n for (_, metric), figure in figures.items()
         if metric == order.metric and figure.found is not None),
        default=1,
    )  # fmt: skip
    least = f", the least of {times}" if order.by == "least" and times > 1 else ""
    return verdict, f"{label}{least}: {evidence}"


def in_order(order: Order, chains: Sequence[Sequence[tuple[str, float]]]) -> tuple[Verdict, str]:
    """Judge chains of (row, figure): no step the wrong way, and at least one the right way.

    A tie is a step the right way, unless a difference is demanded.
    """
    holds = all(_holds(order, [value for _, value in chain]) for chain in chains)
    texts = ["; ".join(f"{name} → {value:.3g}" for name, value in chain) for chain in chains]
    return ("holds" if holds else "does not hold"), " | ".join(texts) + "."


def _holds(order: Order, values: Sequence[float]) -> bool:
    if order.expected == "equal":
        return len(set(values)) == 1
    sign = 1.0 if order.expected == "rises" else -1.0
    steps = [sign * (after - before) for before, after in pairwise(values)]
    return bool(steps) and all(step >= order.at_least for step in steps) and sum(steps) > 0


def _each_attempt_lower(source: Source) -> tuple[Verdict, str]:
    changes = {}
    finished = source.finished
    several = len({attempt.result.learning_rate for attempt in finished}) > 1
    for attempt in finished:
        before, after = attempt.result.wer_before_percent, attempt.result.wer_after_percent
        if before is not None and after is not None:
            name = attempt.sub_model.name or attempt.key
            name += f" at {attempt.result.learning_rate:g}" if several else ""
            changes[name] = (before, after)
    return judged_each(
        {name: after < before for name, (before, after) in changes.items()},
        {name: f"{before:.1f} → {after:.1f} %" for name, (before, after) in changes.items()},
        "jobs",
    )
