"""Figure 5: people's own recordings, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

from harness.memory.published import Published
from harness.paper.given import Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure, Source, figure
from harness.paper.published import measured_of
from harness.paper.sections import Cell, Grid, Head, Section, measured_grid
from harness.paper.systems.mobileasr.by_speaker import attempts_by_speaker
from harness.paper.systems.mobileasr.figures import by_epoch, panels
from harness.report.load import Attempt
from harness.report.numbers import fixed, signed
from harness.report.wer import counts_text, interval_after, interval_before, interval_text
from harness.results.wer_interval import METHOD, WerInterval

_HEADS = ("Accent", "Epoch kept", "WER before, %", "WER after, %", "Change, points", "Errors after")


def figure5(item: Item, published: Published, given: Given) -> Section:
    """Return Figure 5: of each recorded speaker the epoch kept, WER before and after, by epoch."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    if source is None or not source.finished:
        return section_of(item, says, {}, no_run(item, given))
    rows = tuple(
        (speaker, _row(source, own)) for speaker, own in attempts_by_speaker(source, 1).items()
    )
    heads = tuple(Head(label, "not_comparable") for label in _HEADS)
    title = f"Our recordings; in brackets: the {METHOD}"
    return section_of(
        item,
        says,
        {},
        grids=(measured_grid(says, {}), Grid(title, heads, rows), by_epoch(source)),
        drawings=panels(item.key, source),
        source=source,
    )


def _row(source: Source, own: Sequence[Attempt]) -> tuple[Cell, ...]:
    kept = figure(source, own, "epochs")
    before, after = figure(source, own, "wer_before"), figure(source, own, "wer_after")
    fell = None
    if before.found is not None and after.found is not None:
        fell = after.found.median - before.found.median
    heard = interval_after(own)
    return (
        Cell(measured=own[0].result.accent),
        Cell("", fixed(kept.found.median if kept.found else None), kept.links),
        _wer(before, interval_before(own)),
        _wer(after, heard),
        Cell(measured=signed(fell, 1)),
        Cell(measured=counts_text(heard)),
    )


def _wer(measured: Figure, interval: WerInterval | None) -> Cell:
    found = measured.found
    if found is None:
        return Cell()
    between = interval_text(interval)
    text = f"{fixed(found.median, 1)} ({between})" if between else fixed(found.median, 1)
    return Cell("", text, measured.links, found.low, found.median, found.high, found.n)
