"""Tables of FedAQT: memory of loading and of training apart, WER by round, bytes."""

from __future__ import annotations

from pathlib import Path

from harness.paper import resident
from harness.paper.given import Figures, Given, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Source
from harness.paper.published import Measured, load_measured
from harness.paper.rounds import links_of, one_cell, one_figure, sizes_section, wer_section
from harness.paper.sections import Grid, Head, Section, measured_grid
from harness.report.variants import Variant, variants

FILE = Path(__file__).with_name("published.yaml")


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def memory(item: Item, given: Given) -> Section:
    """Return the printed figure with what follows from it, and our loading and training apart."""
    says = page(item.key)
    figures: Figures = {}
    for row in says.rows:
        saved = 100 * (1 - row.where["bits"] / 32)
        figures[row.name, "saved"] = one_figure(saved)
        figures[row.name, "weights"] = one_figure(100 * (100 - row.where["percent"]) / saved)
    grids = [measured_grid(says, figures, "ours")]
    source, rounds = source_of(item, given), given.sources.get("fedaqt")
    held = None if source is None else resident.grid(source)
    if held is not None:
        grids.append(held)
    own = [] if rounds is None else variants(rounds.data)
    if rounds is not None and own:
        grids.append(_apart(own, rounds))
    return section_of(item, says, figures, source=source, grids=tuple(grids))


def _apart(own: list[Variant], source: Source) -> Grid:
    heads = (
        Head("Peak of loading, MiB", "trend"),
        Head("Peak of training, MiB", "trend"),
        Head("Peak RSS, MiB", "trend"),
        Head("Held codes that a step changed, %, least of the rounds", "trend"),
    )
    rows = tuple(
        (
            variant.name,
            (
                one_cell(variant.spent.load_mb, 0, links_of(variant, source)[-1:]),
                one_cell(variant.spent.train_mb, 0, links_of(variant, source)[-1:]),
                one_cell(variant.spent.peak_mb, 0, links_of(variant, source)[-1:]),
                one_cell(_changed_percent(variant), 1, links_of(variant, source)[-1:]),
            ),
        )
        for variant in own
    )
    title = "Memory of a federation's clients, above a trainer without a model: most of the rounds"
    return Grid(title, heads, rows)


def _changed_percent(variant: Variant) -> float | None:
    """Return the share of codes that a step changed, where weights are held so; 0: stood still."""
    trained = (a for round_ in variant.training.rounds for a in round_.answered)
    known = [a.result.changed_codes for a in trained if a.result.changed_codes is not None]
    return 100 * min(known) if known else None


def wer(item: Item, given: Given) -> Section:
    """Return WER by round: what is said of it, ours, and a figure."""

    def against(variant: Variant, own: list[Variant]) -> Variant | None:
        strategy = variant.settings.strategy
        alone = [v for v in own if v.compression is None and v.settings.strategy == strategy]
        return alone[0] if alone else None

    return wer_section(item, given, page(item.key), against, "Less float32, points")


def sizes(item: Item, given: Given) -> Section:
    """Return what travelled, what it lost, and WER against it."""
    return sizes_section(item, given)


def printed(item: Item, _: Given) -> Section:
    """Return a table that is shown as it is."""
    return section_of(item, page(item.key), {})
