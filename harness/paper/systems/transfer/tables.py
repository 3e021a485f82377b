"""Tables of transfer learning: WERR by language and sentences, epochs to a loss, zero-shot WER."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.paper.given import Figures, Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Source
from harness.paper.published import Measured, load_measured
from harness.paper.rounds import one_cell, one_figure
from harness.paper.sections import Cell, Grid, Head, Section, measured_grid
from harness.paper.systems.transfer.pairs import Fine, fine_tunings
from harness.report.numbers import signed
from harness.results.wer_interval import METHOD
from harness.results.werr_interval import Werr, werr

FILE = Path(__file__).with_name("published.yaml")


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def werrs(item: Item, given: Given) -> Section:
    """Return WERR by language and number of sentences, with intervals."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        found = werr([fine.heard])
        links = (source.link(fine.random), source.link(fine.multilingual))
        rates = (found.base.wer_percent, found.new.wer_percent)
        random, multilingual = (
            one_cell(rate, 1, (link,)) for rate, link in zip(rates, links, strict=True)
        )
        return random, multilingual, _werr_cell(found, links)

    heads = (
        Head("From random weights, WER %", "trend"),
        Head("From the multilingual baseline, WER %", "trend"),
        Head("WERR, %", "trend"),
    )
    title = f"After fine-tuning here; in brackets: the {METHOD}"
    return _beside(item, given, title, heads, cells)


def convergence(item: Item, given: Given) -> Section:
    """Return epochs to the loss that random weights come to."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        found = fine.epochs_to_loss()
        if found is None:
            return Cell(), Cell(), Cell()
        loss, random, multilingual = found
        links = (source.link(fine.random), source.link(fine.multilingual))
        reached = one_cell(multilingual, 0, links[1:]) if multilingual else Cell(measured="never")
        return one_cell(loss, 1, links[:1]), one_cell(random, 0, links[:1]), reached

    heads = (
        Head("Lowest loss from random weights", "trend"),
        Head("After epoch", "trend"),
        Head("From the multilingual baseline after epoch", "trend"),
    )
    return _beside(item, given, "Epochs to the same training loss, here", heads, cells)


def before(item: Item, given: Given) -> Section:
    """Return the WER of the multilingual baseline before any fine-tuning."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        rate = fine.multilingual.result.wer_before_percent
        return (one_cell(rate, 1, (source.link(fine.multilingual),)),)

    heads = (Head("The multilingual baseline, WER %", "trend"),)
    return _beside(item, given, "Before any fine-tuning (zero-shot), here", heads, cells)


def readings(item: Item, _: Given) -> Section:
    """Return what 28 % may mean, counted."""
    says = page(item.key)
    figures: Figures = {}
    for row in says.rows:
        base = row.where["base"]
        more = row.where.get("points", base * row.where.get("relative", 0) / 100)
        figures[row.name, "out"] = one_figure(base + more)
    return section_of(item, says, figures, grids=(measured_grid(says, figures, "ours"),))


def printed(item: Item, _: Given) -> Section:
    """Return a table that is shown as it is."""
    return section_of(item, page(item.key), {})


Cells = Callable[[Fine, Source], tuple[Cell, ...]]


def _beside(item: Item, given: Given, title: str, heads: tuple[Head, ...], cells: Cells) -> Section:
    says, source = page(item.key), source_of(item, given)
    own = [] if source is None else fine_tunings(source)
    if source is None or not own:
        return section_of(item, says, {}, no_run(item, given), source)
    grid = Grid(title, heads, tuple((fine.name, cells(fine, source)) for fine in own))
    return section_of(item, says, {}, source=source, grids=(measured_grid(says, {}), grid))


def _werr_cell(found: Werr, links: tuple[str, ...]) -> Cell:
    if found.percent is None:
        return Cell()
    low, high = found.ends or (found.percent, found.percent)
    within = f" ({signed(low, 1)} to {signed(high, 1)})" if found.ends else ""
    text = signed(found.percent, 1) + within
    return Cell("", text, links, low, found.percent, high, found.utterances)
