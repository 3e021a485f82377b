"""Tables of early exits: arithmetic, WER by exit, shares, seconds and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from harness.memory.conformer import EARLY_EXIT, SPLITFORMER
from harness.paper.given import Figures, Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure, Source
from harness.paper.published import Measured, load_measured
from harness.paper.sections import Cell, Drawing, Grid, Head, Section, measured_grid
from harness.paper.systems.early_exit.heard import answered, evaluations, label, trained
from harness.report.evaluation import Evaluation
from harness.report.figures.depth import DASHES, DepthLine, over_depth
from harness.report.leaving import fixed_at
from harness.report.numbers import Spread, fixed, spread
from harness.results.wer_interval import METHOD, WerInterval, wer_interval

FILE = Path(__file__).with_name("published.yaml")
ROLES = ("s0", "s4", "s6", "s2")
MARKERS = ("o", "s", "^", "v", "p", "h", "<", ">")
NO_ANSWERS = "No job of its run told what every exit heard."
NO_PAGE = Measured(at="", what="")


def page(key: str) -> Measured:
    """Return what is printed for an item."""
    return load_measured(FILE).measured[key]


def parameters(item: Item, _: Given) -> Section:
    """Return the published networks' sizes beside our count."""
    says = page(item.key)
    figures: Figures = {}
    for row, sizes in zip(says.rows, (EARLY_EXIT, SPLITFORMER), strict=True):
        figures[row.name, "millions"] = _one(sizes.total / 1e6)
        figures[row.name, "exact"] = _one(sizes.total)
    return section_of(item, says, figures, grids=(measured_grid(says, figures, "our count"),))


def to_run(item: Item, _: Given) -> Section:
    """Return what each exit needs, beside our count."""
    says = page(item.key)
    figures: Figures = {}
    last = EARLY_EXIT.to_run(EARLY_EXIT.exits[-1])
    for row, layer in zip(says.rows, EARLY_EXIT.exits, strict=True):
        figures[row.name, "millions"] = _one(EARLY_EXIT.to_run(layer) / 1e6)
        figures[row.name, "share"] = _one(100 * EARLY_EXIT.to_run(layer) / last)
    return section_of(item, says, figures, grids=(measured_grid(says, figures, "our count"),))


def printed(item: Item, _: Given) -> Section:
    """Return a table that is shown as it is printed."""
    return section_of(item, page(item.key), {})


def _one(value: float) -> Figure:
    return Figure(Spread(value, value, value, 1))


def wer_cell(evaluation: Evaluation, source: Source, interval: WerInterval | None) -> Cell:
    """Return a WER with its interval."""
    if interval is None:
        return Cell()
    errors = interval.substitutions + interval.deletions + interval.insertions
    wer = 100 * errors / interval.words
    ends = interval.ends
    text = fixed(wer, 1) + (f" ({fixed(ends[0], 1)} to {fixed(ends[1], 1)})" if ends else "")
    low, high = ends or (wer, wer)
    return Cell("", text, (source.link(evaluation.attempt),), low, wer, high, interval.utterances)


def wer_by_exit(item: Item, given: Given) -> Section:
    """Return WER by exit: printed tables, ours with intervals, and a figure."""
    says = page(item.key)
    source = source_of(item, given)
    own = [] if source is None else answered(source)
    if source is None or not own:
        missing = no_run(item, given) if source is None or not source.finished else NO_ANSWERS
        return section_of(item, says, {}, missing, source)
    intervals = [
        [
            wer_interval(evaluation.utterances(fixed_at(place), evaluation.heard))
            if place in trained(evaluation)
            else None
            for place in range(len(evaluation.exits))
        ]
        for evaluation in own
    ]
    rows = tuple(
        (
            evaluation.name,
            tuple(wer_cell(evaluation, source, interval) for interval in by_exit),
        )
        for evaluation, by_exit in zip(own, intervals, strict=True)
    )
    most = max((evaluation.exits for evaluation in own), key=len)
    rows = tuple((name, (*cells, *[Cell()] * (len(most) - len(cells)))) for name, cells in rows)
    heads = tuple(Head(_exit_label(own, place), "trend") for place in range(len(most)))
    grid = Grid(f"WER by exit here, %; in brackets: the {METHOD}", heads, rows)
    models = {evaluation.attempt.result.model_name for evaluation in own}
    lines = [
        DepthLine(
            label(evaluation) if len(models) > 1 else evaluation.name,
            tuple(
                (depth, _wer(i)) for depth, i in zip(evaluation.depths, by_exit, strict=True) if i
            ),
            ROLES[number % len(ROLES)],
            MARKERS[number % len(MARKERS)],
            DASHES[number // len(ROLES) % 2],
            between=tuple(interval.ends for interval in by_exit if interval),
        )
        for number, (evaluation, by_exit) in enumerate(zip(own, intervals, strict=True))
    ]
    ticks = sorted({depth for evaluation in own for depth in evaluation.depths})
    drawn = over_depth(lines, item.key, "WER by exit", ticks)
    return section_of(
        item,
        says,
        {},
        source=source,
        grids=(measured_grid(says, {}), grid),
        drawings=(Drawing(item.key, "WER by exit", drawn),),
    )


def _wer(interval: WerInterval) -> float:
    errors = interval.substitutions + interval.deletions + interval.insertions
    return 100 * errors / interval.words


def _exit_label(own: Sequence[Evaluation], place: int) -> str:
    depths = {e.exits[place].depth for e in own if place < len(e.exits)}
    name = next(e.exits[place].name for e in own if place < len(e.exits))
    return f"{name}, layer {depths.pop()}" if len(depths) == 1 else name


def fixed_runs(source: Source) -> Mapping[tuple[str, str], list[Evaluation]]:
    """Return the jobs that left always at one exit: (name, exit) -> its repeats."""
    found: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in evaluations(source):
        left = {row.exit for row in evaluation.rows}
        rule = {len(row.answers) for row in evaluation.rows}
        place = evaluation.attempt.network.exit_names.index(evaluation.rows[0].exit) + 1
        if len(left) == 1 and rule == {place}:
            found.setdefault((evaluation.attempt.result.model_name, left.pop()), []).append(
                evaluation
            )
    return found


def seconds_of(evaluation: Evaluation) -> float:
    """Return the median of what an utterance took up to where it left, without the rule."""
    return median(row.seconds for row in evaluation.rows)


def cost(item: Item, given: Given) -> Section:
    """Return seconds and memory of jobs that leave always at one exit."""
    source = source_of(item, given)
    runs = {} if source is None else fixed_runs(source)
    if source is None or not runs:
        missing = no_run(item, given) if source is None or not source.finished else (
            "No job of its run left always at one exit."
        )  # fmt: skip
        return section_of(item, NO_PAGE, {}, missing, source)
    rows = []
    for (model, name), own in runs.items():
        links = tuple(source.link(evaluation.attempt) for evaluation in own)
        figures = (
            (spread(1000 * seconds_of(e) for e in own), 0),
            (spread(e.attempt.result.peak_rss_mb for e in own), 0),
            (spread(e.attempt.result.measured_need_mb for e in own), 0),
        )
        depth = own[0].attempt.network.exit(name).depth
        cells = tuple(_spread_cell(found, digits, links) for found, digits in figures)
        rows.append((f"{model}, {name} (layer {depth})", cells))
    heads = (
        Head("Segments, ms an utterance", "trend"),
        Head("Peak RSS, MiB", "trend"),
        Head("Above what it held before the model, MiB", "trend"),
    )
    grid = Grid("Jobs that leave always at one exit, batches of 1", heads, tuple(rows))
    note = "A file has all its weights in memory at every exit; what an exit saves is computing."
    return section_of(item, NO_PAGE, {}, source=source, grids=(grid,), notes=(note,))


def _spread_cell(found: Spread | None, digits: int, links: tuple[str, ...]) -> Cell:
    if found is None:
        return Cell()
    low, high = fixed(found.low, digits), fixed(found.high, digits)
    return Cell(
        measured=fixed(found.median, digits), links=links, low=found.low, median=found.median,
        high=found.high, n=found.n, span=f"{low} to {high}" if low != high else "",
    )  # fmt: skip
