"""Tables of Federated Pruning: levels, patterns, densities, and what phones save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.paper.given import Figures, Given, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure
from harness.paper.published import Measured, load_measured
from harness.paper.rounds import (
    links_of,
    missing,
    one_cell,
    one_figure,
    rounds_drawing,
    sizes_section,
    wer_grid,
)
from harness.paper.sections import Grid, Head, Section, measured_grid
from harness.paper.systems.federated_pruning.rules import dense, whole
from harness.report.numbers import Spread
from harness.report.variants import Variant, variants

FILE = Path(__file__).with_name("published.yaml")
_BYTES = 4


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def size(item: Item, _: Given) -> Section:
    """Return the printed size beside ours."""
    says = page(item.key)
    figures: Figures = {
        (row.name, "megabytes"): one_figure(_BYTES * row.where["millions"]) for row in says.rows
    }
    return section_of(item, says, figures, grids=(measured_grid(says, figures, "ours"),))


def levels(item: Item, given: Given) -> Section:
    """Return Table 5 beside ours: smaller dense networks by level."""
    says = page(item.key)
    first = says.rows[0].where["wer"]
    figures: Figures = {
        (row.name, "rise"): one_figure(100 * (row.where["wer"] / first - 1))
        for row in says.rows[1:]
    }
    source = source_of(item, given)
    own = [] if source is None else dense(variants(source.data))
    if source is None or not own:
        return section_of(item, says, figures, missing(item, given), source)
    for row in says.rows:
        for variant in own:
            if variant.pruning and variant.pruning.level == row.where["level"]:
                figures[row.name, "wer"] = _wer(variant, links_of(variant, source)[:1])
    return section_of(
        item,
        says,
        figures,
        source=source,
        grids=(
            measured_grid(says, figures, "ours"),
            wer_grid(own, source, lambda _, all_: whole(all_), "Less the whole network’s, points"),
        ),
        drawings=rounds_drawing(own, item.key),
    )


def _wer(variant: Variant, links: tuple[str, ...]) -> Figure:
    interval = variant.interval
    if interval is None:
        return Figure()
    wer = 100 * (interval.substitutions + interval.deletions + interval.insertions) / interval.words
    low, high = interval.ends or (wer, wer)
    return Figure(Spread(wer, low, high, interval.utterances), links)


def _compared(of: Callable[[Variant], bool]) -> Callable[[Item, Given], Section]:
    """Return what makes a table of some variants and the whole network beside the page's."""

    def make(item: Item, given: Given) -> Section:
        says = page("patterns" if item.key == "conformer" else item.key)
        source = source_of(item, given)
        found = [] if source is None else variants(source.data)
        all_ = whole(found)
        own = [v for v in found if of(v) or v is all_]
        if source is None or len(own) <= (all_ is not None):
            why = missing(item, given) if not found else "No job of its run was about it."
            return section_of(item, says, {}, why, source)
        return section_of(
            item,
            says,
            {},
            source=source,
            grids=(
                measured_grid(says, {}),
                wer_grid(own, source, lambda *_: all_, "Less the whole network’s, points"),
            ),
            drawings=rounds_drawing(own, item.key),
        )

    return make


def _is_matrix(variant: Variant) -> bool:
    return variant.pruning is not None and variant.pruning.masked


def _is_row(variant: Variant) -> bool:
    return variant.pruning is not None and variant.pruning.pattern == "input_unit"


def _is_method(variant: Variant) -> bool:
    own = variant.pruning
    return own is not None and not own.masked and own.refinement and own.level > 0


def _is_refinement(variant: Variant) -> bool:
    own = variant.pruning
    return own is not None and not own.masked and own.score == "weight" and own.level > 0


patterns = _compared(_is_matrix)
adaptive = _compared(_is_row)
methods = _compared(_is_method)
refinement = _compared(_is_refinement)
conformer = _compared(lambda _: True)


def sizes(item: Item, given: Given) -> Section:
    """Return what a phone saved: parameters, bytes, memory, seconds, and WER against bytes."""
    made = sizes_section(item, given)
    source = source_of(item, given)
    own = [] if source is None else variants(source.data)
    rows = [(v, v.training.pruned[-1][1]) for v in own if v.training.pruned]
    if source is None or not rows:
        return made
    heads = (
        Head("Parameters that clients had, %", "trend"),
        Head("Weights sent, % of float32", "trend"),
        Head("Units that grew back, all rounds", "trend"),
    )
    kept = tuple(
        (
            variant.name,
            (
                one_cell(100 * record.parameters_share, 1),
                one_cell(100 * record.bytes_share, 1),
                one_cell(sum(each.regrown for _, each in variant.training.pruned), 0),
            ),
        )
        for variant, record in rows
    )
    grid = Grid("What clients had of the network, in the last round", heads, kept)
    return section_of(
        item, Measured(at="", what=""), {}, source=source,
        grids=(grid, *made.grids), drawings=made.drawings,
    )  # fmt: skip


def printed(item: Item, _: Given) -> Section:
    """Return a table that is shown as it is."""
    return section_of(item, page(item.key), {})
