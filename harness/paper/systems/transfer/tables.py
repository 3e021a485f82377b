"""Tables of transfer learning: WERR, recipes, domains, zero-shot languages, steps to a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.paper.given import Figures, Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Source
from harness.paper.published import Measured, load_measured
from harness.paper.rounds import one_cell, one_figure
from harness.paper.sections import Cell, Grid, Head, Section, measured_grid
from harness.paper.systems.transfer.pairs import (
    FAR,
    RANDOM,
    RECIPES,
    WITHOUT,
    Fine,
    fine_tunings,
    recipes,
)
from harness.report.load import Attempt
from harness.report.numbers import signed
from harness.results.scoring import FIGURES
from harness.results.to_loss import Reached
from harness.results.wer_interval import METHOD
from harness.results.werr_interval import Heard, Werr, werr

FILE = Path(__file__).with_name("published.yaml")


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def werrs(item: Item, given: Given) -> Section:
    """Return WERR by language and number of sentences, with intervals."""
    heads = _heads("From random weights, WER %", "From the multilingual baseline, WER %", "WERR, %")
    title = f"After fine-tuning here; in brackets: the {METHOD}"
    return _beside(item, given, title, heads, lambda fine, source: _both(fine, fine.heard, source))


def convergence(item: Item, given: Given) -> Section:
    """Return epochs, steps, time and memory to the loss that random weights come to."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        found = fine.to_loss()
        if found is None:
            return (Cell(),) * 9
        loss, base, new = found
        return (
            one_cell(loss, 1, (source.link(fine.base),)),
            *_effort(base, fine.base, source),
            *_effort(new, fine.new, source),
        )

    effort = ("after epoch", "steps", "s", "peak RSS, MiB")
    heads = _heads(
        "Lowest loss from random weights",
        *(f"Random weights: {word}" for word in effort),
        *(f"Multilingual baseline: {word}" for word in effort),
    )
    title = "Epochs, steps and seconds of steps to the same training loss, here"
    return _beside(item, given, title, heads, cells)


def made_from(item: Item, given: Given) -> Section:
    """Return the three recipes: WER of each baseline, before and after the same fine-tuning."""
    says, source = page(item.key), source_of(item, given)
    pairs = {} if source is None else {letter: recipes(source, "A", letter) for letter in "BCL"}
    sizes = list(dict.fromkeys(size for found in pairs.values() for size in found))
    if source is None or not sizes:
        return section_of(item, says, {}, _missing(item, given), source)
    grids = [measured_grid(says, {})]
    for title, after in (
        (f"As a phone hears them, before it trains; in brackets: the {METHOD}", False),
        ("After the same fine-tuning on a phone, of 20 sentences by one voice", True),
    ):
        rows = tuple((size, _recipe_cells(pairs, size, source, after=after)) for size in sizes)
        heads = _heads("A, WER %", *(f"{x}, {w}" for x in "BCL" for w in ("WER %", "WERR, %")))
        grids.append(Grid(title, heads, rows))
    return section_of(item, says, {}, source=source, grids=tuple(grids))


def domains(item: Item, given: Given) -> Section:
    """Return WERR in domain and out of domain, and the WER of rare and of common words."""
    says, source = page(item.key), source_of(item, given)
    inside = {} if source is None else {fine.name: fine for fine in fine_tunings(source)}
    outside = {} if source is None else {f.name: f for f in fine_tunings(source, new=FAR)}
    names = [name for name in inside if name in outside]
    if source is None or not names:
        return section_of(item, says, {}, _missing(item, given), source)
    heads = _heads(
        "Random weights, WER %",
        *("In domain, WER %", "In domain, WERR, %"),
        *("Out of domain, WER %", "Out of domain, WERR, %"),
    )
    rows, classes = [], []
    for name in names:
        own, other = inside[name], outside[name]
        near, far = _both(own, own.heard, source), _both(other, other.heard, source)
        rows.append((name, (*near, *far[1:])))
        attempts = (own.base, own.new, other.new)
        classes.append((name, tuple(c for a in attempts for c in _of_classes(a, source))))
    of = ("Random weights", "In domain", "Out of domain")
    grids = (
        measured_grid(says, {}),
        Grid(f"After fine-tuning here; in brackets: the {METHOD}", heads, tuple(rows)),
        Grid(
            "Rare words (met at most once in the sentences trained on) and common ones, here",
            _heads(*(f"{which}: {kind}, WER %" for which in of for kind in ("rare", "common"))),
            tuple(classes),
        ),
    )
    return section_of(item, says, {}, source=source, grids=grids)


def zero_shot(item: Item, given: Given) -> Section:
    """Return what the paper's languages come to in two that they do not have."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        before = one_cell(fine.new.result.wer_before_percent, 1, (source.link(fine.new),))
        return before, *_both(fine, fine.heard, source)

    heads = _heads(
        "Before fine-tuning, WER %",
        *("From random weights, WER %", "From English, Italian and French, WER %", "WERR, %"),
    )
    title = f"Languages that the baseline has not heard, here; in brackets: the {METHOD}"
    return _beside(item, given, title, heads, cells, new=WITHOUT)


def before(item: Item, given: Given) -> Section:
    """Return the WER of the multilingual baseline before any fine-tuning."""

    def cells(fine: Fine, source: Source) -> tuple[Cell, ...]:
        rate = fine.new.result.wer_before_percent
        return (one_cell(rate, 1, (source.link(fine.new),)),)

    heads = _heads("The multilingual baseline, WER %")
    return _beside(item, given, "Before any fine-tuning, here", heads, cells)


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


def _beside(
    item: Item,
    given: Given,
    title: str,
    heads: Sequence[Head],
    cells: Cells,
    new: str | None = None,
) -> Section:
    says, source = page(item.key), source_of(item, given)
    own: list[Fine] = []
    if source is not None:
        own = fine_tunings(source) if new is None else fine_tunings(source, RANDOM, new)
    if source is None or not own:
        return section_of(item, says, {}, _missing(item, given), source)
    grid = Grid(title, tuple(heads), tuple((fine.name, cells(fine, source)) for fine in own))
    return section_of(item, says, {}, source=source, grids=(measured_grid(says, {}), grid))


def _missing(item: Item, given: Given) -> str:
    """Return why there is nothing to show: no run, or none of the baselines."""
    source = source_of(item, given)
    if source is None or not source.finished:
        return no_run(item, given)
    return (
        "None of its baselines was there, or no job of one finished. docs/pretraining.md has the "
        "command of each; --models FOLDER takes them."
    )


def _heads(*labels: str) -> tuple[Head, ...]:
    return tuple(Head(label, "trend") for label in labels)


def _both(fine: Fine, heard: Heard, source: Source) -> tuple[Cell, Cell, Cell]:
    """Return both WERs and the WERR of the second."""
    found = werr([heard])
    links = source.link(fine.base), source.link(fine.new)
    base, new = found.base.wer_percent, found.new.wer_percent
    return one_cell(base, 1, links[:1]), one_cell(new, 1, links[1:]), _werr_cell(found, links)


def _recipe_cells(
    pairs: Mapping[str, Mapping[str, Fine]], size: str, source: Source, *, after: bool
) -> tuple[Cell, ...]:
    base: Cell | None = None
    cells: list[Cell] = []
    for letter in RECIPES:
        if letter == "A":
            continue
        fine = pairs[letter].get(size)
        if fine is None:
            cells += [Cell(), Cell()]
            continue
        own = _both(fine, fine.heard if after else fine.heard_before, source)
        base = base or own[0]
        cells += own[1:]
    return base or Cell(), *cells


def _effort(found: Reached | None, attempt: Attempt, source: Source) -> tuple[Cell, ...]:
    links = (source.link(attempt),)
    peak = one_cell(attempt.result.peak_rss_mb, 1, links)
    if found is None:
        return Cell(measured="never"), Cell(), Cell(), peak
    steps = one_cell(found.steps, 0, links)
    return one_cell(found.epoch, 0, links), steps, one_cell(found.seconds, 1, links), peak


def _of_classes(attempt: Attempt, source: Source) -> tuple[Cell, Cell]:
    if source.data.scoring is None or source.data.scoring.words is None:
        return Cell(), Cell()  # its run does not tell them apart
    figures, links = attempt.read_figures(), (source.link(attempt),)
    rare, common = figures.get(FIGURES["rare"]), figures.get(FIGURES["common"])
    none = Cell(measured="none")  # nothing of the kind is said
    return (
        none if rare is None else one_cell(rare, 1, links),
        none if common is None else one_cell(common, 1, links),
    )


def _werr_cell(found: Werr, links: tuple[str, ...]) -> Cell:
    if found.percent is None:
        return Cell()
    low, high = found.ends or (found.percent, found.percent)
    within = f" ({signed(low, 1)} to {signed(high, 1)})" if found.ends else ""
    text = signed(found.percent, 1) + within
    return Cell("", text, links, low, found.percent, high, found.utterances)
