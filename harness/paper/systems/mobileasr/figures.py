"""The paper's figures from runs."""

from __future__ import annotations

from statistics import mean

from harness.memory.published import Published
from harness.paper.given import Figures, Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure, Source, phase_figure
from harness.paper.published import measured_of
from harness.paper.sections import Cell, Drawing, Grid, Head, Section, measured_grid
from harness.paper.systems.mobileasr.bars import bars
from harness.paper.systems.mobileasr.by_speaker import attempts_by_speaker, tracks
from harness.report import cost, outcome
from harness.report.figures.timeline import timeline
from harness.report.figures.wer import wer_panel
from harness.report.load import Attempt
from harness.report.numbers import Spread, fixed
from harness.results.names import safe_name


def figure2(item: Item, published: Published, given: Given) -> Section:
    """Return Figure 2: RAM and CPU over one epoch, and what each phase changed."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    if source is None or not source.finished:
        return section_of(item, says, {}, no_run(item, given))
    figures = {
        (row.name, head.key): phase_figure(source, row.name, head.key)
        for row in says.rows
        for head in says.columns
    }
    attempt = source.finished[0]
    view = cost.timeline(attempt, attempt.read_samples(cost.report_columns()))
    drawn = (
        timeline(view, attempt.sub_model, "figure2", "RAM and CPU over one epoch") if view else None
    )
    period = attempt.result.sampling.period_s if attempt.result.sampling else 1.0
    often = "each second" if period == 1 else f"every {period:g} s"
    caption = f"{attempt.result.speaker} on {attempt.result.phone.profile}, {often}"
    drawings = (Drawing("figure2", caption, drawn),) if drawn else ()
    return section_of(item, says, figures, source=source, drawings=drawings)


def figure3(item: Item, published: Published, given: Given) -> Section:
    """Return Figure 3: WER before and after round 1, by speaker."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    found = {} if source is None else tracks(source, 1)
    if source is None or not found:
        return section_of(item, says, {}, no_run(item, given))
    own = attempts_by_speaker(source, 1)
    pairs = [(speaker, track.before, track.after) for speaker, track in found.items()]
    links = tuple(source.link(attempt) for speaker in found for attempt in own[speaker])
    figures: Figures = {}
    for row, values in (
        ("before", [before for _, before, _ in pairs]),
        ("after", [after for _, _, after in pairs]),
    ):
        change = Spread(mean(values), min(values), max(values), len(values))
        figures[row, "wer"] = Figure(change, links)
    rows = tuple(
        (
            speaker,
            tuple(
                Cell("", fixed(value, 1), (source.link(own[speaker][0]),), value, value, value, 1)
                for value in (before, after)
            ),
        )
        for speaker, before, after in pairs
    )  # fmt: skip
    heads = (Head("Before, %", "not_comparable"), Head("After, %", "not_comparable"))
    by_speaker = Grid("By speaker; the paper prints no figures", heads, rows)
    note = f"Measured: the mean fell by {_share(figures)} % of what it was."
    drawn = bars(pairs, "figure3", "WER before and after round 1")
    return section_of(
        item,
        says,
        figures,
        grids=(measured_grid(says, figures), by_speaker),
        drawings=(Drawing("figure3", "Before and after round 1, by speaker", drawn),),
        notes=(note,),
        source=source,
    )


def _share(figures: Figures) -> str:
    before, after = figures["before", "wer"].found, figures["after", "wer"].found
    if before is None or after is None or not before.median:
        return fixed(None)
    return fixed(100 * (before.median - after.median) / before.median, 1)


def figure4(item: Item, published: Published, given: Given) -> Section:
    """Return Figure 4: WER by epoch, round 1 solid and round 2 dashed."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    if source is None or not source.finished:
        return section_of(item, says, {}, no_run(item, given))
    made = panels(item.key, source)
    return section_of(item, says, {}, source=source, drawings=made, grids=(by_epoch(source),))


def by_epoch(source: Source) -> Grid:
    """Return the figures that the panels draw: a row a speaker and round, a column an epoch."""
    by_job = [
        (attempt, {epoch.epoch: epoch.wer_percent for epoch in attempt.result.epochs})
        for attempt in source.finished
    ]
    epochs = range(1 + max((max(wer, default=0) for _, wer in by_job), default=0))
    rows = tuple(
        (
            f"{attempt.result.speaker}, round {attempt.result.round}"
            + (f", repeat {attempt.result.repeat}" if attempt.result.repeat > 1 else ""),
            (
                *(_wer_cell(source, attempt, wer.get(epoch)) for epoch in epochs),
                Cell(measured=fixed(attempt.result.kept_epoch), links=(source.link(attempt),)),
            ),
        )
        for attempt, wer in by_job
    )
    names = (*(f"Epoch {epoch}" for epoch in epochs), "Epoch kept")
    heads = tuple(Head(name, "not_comparable") for name in names)
    return Grid("WER by epoch, %", heads, rows)


def _wer_cell(source: Source, attempt: Attempt, wer: float | None) -> Cell:
    if wer is None:
        return Cell()
    return Cell("", fixed(wer, 1), (source.link(attempt),), wer, wer, wer, 1)


def panels(key: str, source: Source) -> tuple[Drawing, ...]:
    """Return WER by epoch, drawn for each speaker."""
    small = outcome.small_multiples(source.finished)
    return tuple(
        Drawing(
            safe_name(f"{key}-{panel.speaker}"),
            f"{panel.speaker} on {panel.phone}",
            wer_panel(panel, small),
        )
        for panel in small.panels
    )
