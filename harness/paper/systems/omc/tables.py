"""Tables of Online Model Compression: ratios, WER by round, bytes and memory."""

from __future__ import annotations

from pathlib import Path

from harness.paper import resident
from harness.paper.given import Figures, Given, section_of, source_of
from harness.paper.items import Item
from harness.paper.published import Measured, load_measured
from harness.paper.rounds import one_figure, sizes_section, wer_section
from harness.paper.sections import Section, measured_grid
from harness.paper.systems.omc.arithmetic import (
    compressed_share,
    model_size,
    ratio,
    shares_for,
)
from harness.paper.systems.omc.rules import float32
from harness.report.variants import Variant

FILE = Path(__file__).with_name("published.yaml")


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def ratios(item: Item, _: Given) -> Section:
    """Return the printed ratios beside ours, and the shares that give them."""
    says, worked_back = page("ratios"), page("shares")
    figures: Figures = {}
    for row in says.rows:
        share_of_float32 = 100 * ratio(row.where["bits"], row.where["share"])
        figures[row.name, "ratio"] = one_figure(share_of_float32)
        figures[row.name, "saved"] = one_figure(100 - share_of_float32)
    back: Figures = {}
    for row in worked_back.rows:
        low, high = shares_for(row.where["bits"], row.where["ratio"])
        back |= {(row.name, "low"): one_figure(low), (row.name, "high"): one_figure(high)}
        back[row.name, "ninety"] = one_figure(100 * ratio(row.where["bits"], 0.9))
    grids = (measured_grid(says, figures, "ours"), measured_grid(worked_back, back, "ours"))
    return section_of(item, says, figures, grids=grids)


def wer(item: Item, given: Given) -> Section:
    """Return WER by round: what is said of it, ours, and a figure."""

    def against(_: Variant, own: list[Variant]) -> Variant | None:
        return float32(own)

    return wer_section(item, given, page(item.key), against, "Less float32, points")


def sizes(item: Item, given: Given) -> Section:
    """Return what travelled, what it lost, and WER against it."""
    return sizes_section(item, given)


def pixel(item: Item, given: Given) -> Section:
    """Return what was measured on a Pixel 4, with what follows from it."""
    says = page(item.key)
    figures: Figures = {}
    for row in says.rows:
        saved, share = row.where["saved"], row.where["share"]
        figures[row.name, "model"] = one_figure(model_size(saved, share))
        figures[row.name, "compressed"] = one_figure(compressed_share(16, share))
    source = source_of(item, given)
    held = None if source is None else resident.grid(source)
    grids = (measured_grid(says, figures, "ours"), *((held,) if held else ()))
    return section_of(item, says, figures, source=source, grids=grids)


def printed(item: Item, _: Given) -> Section:
    """Return a table that is shown as it is."""
    return section_of(item, page(item.key), {})
