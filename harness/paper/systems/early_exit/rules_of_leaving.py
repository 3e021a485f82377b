"""What rules of leaving early make of a run's answers: curves, shares, thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.metrics.exits import (
    ORACLES,
    Heard,
    Judged,
    Thresholded,
    agreed_at,
    chosen_threshold,
    curve,
    halves,
    outcome,
    sure_at,
)
from harness.paper.given import Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Source
from harness.paper.sections import Cell, Drawing, Grid, Head, Section, measured_grid
from harness.paper.systems.early_exit.drawings import Line, over_depth
from harness.paper.systems.early_exit.heard import Evaluation, answered
from harness.paper.systems.early_exit.tables import NO_ANSWERS, NO_PAGE, fixed_at, page, wer_cell
from harness.report.numbers import fixed
from harness.results.names import safe_name
from harness.results.wer_interval import METHOD, wer_interval

THRESHOLDED: Final[tuple[Thresholded, ...]] = ("entropy", "posterior")
_LOOKS: Final = {"entropy": ("s1", "^"), "posterior": ("s6", "v"), "oracle": ("good", "p")}
HALVES: Final = (
    "Thresholds are chosen on half of the utterances, by a digest of their names, and judged on "
    "the other half; all of our rows are of that half."
)


@dataclass(frozen=True)
class Way:
    """A way of leaving early, on the half that judges."""

    label: str
    choose: Callable[[Heard], int]
    threshold: float | None = None


def points(evaluation: Evaluation, rule: Thresholded) -> tuple[Judged, ...]:
    """Return a rule's curve; empty where a half is empty or answers lack what it goes by."""
    choosing, judging = halves(evaluation.heard)
    if not (choosing and judging and evaluation.has(rule)):
        return ()
    return curve(evaluation.heard, evaluation.depths, rule)


def by_threshold(rule: Thresholded, threshold: float) -> Callable[[Heard], int]:
    """Return the choice that a threshold makes."""
    return lambda heard: sure_at(heard.answers, rule, threshold)


def ways(evaluation: Evaluation) -> list[Way]:
    """Return all ways that can be judged: exits, rules with a chosen threshold, oracles."""
    last = len(evaluation.exits) - 1
    choosing, _ = halves(evaluation.heard)
    found = [Way("always the last exit", fixed_at(last))]
    found.append(Way("agreement", lambda heard: agreed_at(heard.texts)))
    for rule in THRESHOLDED:
        own = points(evaluation, rule)
        if own:
            best = chosen_threshold(own, outcome(choosing, evaluation.depths, fixed_at(last)))
            found.append(Way(rule, by_threshold(rule, best.threshold), best.threshold))
    found += [Way(f"oracle, {what}", choose) for what, choose in ORACLES.items()]
    return found


def _given(item: Item, given: Given) -> tuple[Source | None, list[Evaluation], str]:
    source = source_of(item, given)
    own = [] if source is None else [e for e in answered(source) if e.whole and halves(e.heard)[1]]
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
        drawn = over_depth(
            _lines(evaluation), name, f"WER against depth, {evaluation.name}", evaluation.depths
        )
        drawings.append(Drawing(name, evaluation.name, drawn))
        grids.append(_table(evaluation, source))
    return section_of(
        item, says, {}, source=source, drawings=tuple(drawings), grids=tuple(grids),
        notes=(*(note.text for note in says.notes), HALVES),
    )  # fmt: skip


def _lines(evaluation: Evaluation) -> list[Line]:
    _, judging = halves(evaluation.heard)
    depths = evaluation.depths

    def at(choose: Callable[[Heard], int]) -> tuple[float, float]:
        came = outcome(judging, depths, choose)
        return came.depth, came.errors.wer_percent

    lines = [
        Line("one exit for all", tuple(at(fixed_at(p)) for p in range(len(depths))), "soft", "s"),
        Line("agreement", (at(lambda heard: agreed_at(heard.texts)),), "ink", "h"),
    ]
    for rule in THRESHOLDED:
        own = points(evaluation, rule)
        if own:
            along = tuple((p.judged_on.depth, p.judged_on.errors.wer_percent) for p in own)
            lines.append(Line(rule, tuple(sorted(along)), *_LOOKS[rule]))
    oracle = tuple(at(choose) for choose in ORACLES.values())
    lines += [
        Line(f"oracle, {what}", (point,), *_LOOKS["oracle"], level=True)
        for what, point in zip(ORACLES, oracle, strict=True)
    ]
    return lines


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
    return section_of(item, NO_PAGE, {}, source=source, grids=tuple(grids), notes=(HALVES,))
