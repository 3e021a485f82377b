"""What rules of leaving early make of a run's answers: curves, shares, thresholds."""

from __future__ import annotations

from harness.metrics.exits import halves, outcome
from harness.paper.given import Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Source
from harness.paper.sections import Cell, Drawing, Grid, Head, Section, measured_grid
from harness.paper.systems.early_exit.heard import answered, whole
from harness.paper.systems.early_exit.tables import NO_ANSWERS, NO_PAGE, page, wer_cell
from harness.report.evaluation import Evaluation
from harness.report.figures.depth import over_depth
from harness.report.leaving import HALVES, depth_lines, ways
from harness.report.numbers import fixed
from harness.results.names import safe_name
from harness.results.wer_interval import METHOD, wer_interval

OURS = f"{HALVES}; all of our rows are of that half."


def _given(item: Item, given: Given) -> tuple[Source | None, list[Evaluation], str]:
    source = source_of(item, given)
    own = [] if source is None else [e for e in answered(source) if whole(e) and halves(e.heard)[1]]
    if source is None or not source.finished:
        return source, [], no_run(item, given)
    return source, own, "" if own else NO_ANSWERS


def curves(item: Item, given: Given) -> Section:
    """Return WER against mean depth over thresholds, with the oracles."""
    says = page("rules")
    source, own, missing = _given(item, given)
    if source is None or missing:
        return section_of(item, says, {}, missing, source)
    drawings = []
    grids = [measured_grid(says, {})]
    for evaluation in own:
        name = safe_name(f"{item.key}-{evaluation.name}")
        title = f"WER against depth, {evaluation.name}"
        drawn = over_depth(depth_lines(evaluation), name, title, evaluation.depths)
        drawings.append(Drawing(name, evaluation.name, drawn))
        grids.append(_table(evaluation, source))
    return section_of(
        item, says, {}, source=source, drawings=tuple(drawings), grids=tuple(grids),
        notes=(*(note.text for note in says.notes), OURS),
    )  # fmt: skip


def _table(evaluation: Evaluation, source: Source) -> Grid:
    _, judging = halves(evaluation.heard)
    rows = []
    for way in ways(evaluation):
        came = outcome(judging, evaluation.depths, way.choose)
        interval = wer_interval(evaluation.utterances(way.choose, judging))
        rows.append(
            (
                way.label,
                (
                    Cell(measured="" if way.threshold is None else f"{way.threshold:.3g}"),
                    wer_cell(evaluation, source, interval),
                    Cell(measured=fixed(came.depth, 2), median=came.depth, n=len(judging)),
                ),
            )
        )
    heads = tuple(Head(label, "shown") for label in ("Threshold", "WER, %", "Mean layer"))
    title = f"{evaluation.name}: leaving early; in brackets: the {METHOD}"
    return Grid(title, heads, tuple(rows))


def shares(item: Item, given: Given) -> Section:
    """Return which share of the utterances leaves where, by rule."""
    source, own, missing = _given(item, given)
    if source is None or missing:
        return section_of(item, NO_PAGE, {}, missing, source)
    grids = []
    for evaluation in own:
        _, judging = halves(evaluation.heard)
        rows = tuple(
            (
                way.label,
                tuple(
                    Cell(measured=fixed(share, 1), median=share, n=len(judging))
                    for share in outcome(judging, evaluation.depths, way.choose).share_percent
                ),
            )
            for way in ways(evaluation)
        )
        heads = tuple(Head(f"{e.name}, layer {e.depth}", "shown") for e in evaluation.exits)
        grids.append(Grid(f"{evaluation.name}: utterances that leave, %", heads, rows))
    return section_of(item, NO_PAGE, {}, source=source, grids=tuple(grids), notes=(OURS,))
