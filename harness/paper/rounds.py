"""Tables and figures of federated trainings side by side: WER by round, and what each took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.paper.differences import in_points
from harness.paper.given import Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure, Source
from harness.paper.published import Measured
from harness.paper.sections import Cell, Drawing, Grid, Head, Section, measured_grid
from harness.report.figures.plot import EndLabel, Plot, integer_ticks, steps, text_px
from harness.report.figures.scatter import ROLES, Point, scatter
from harness.report.figures.sheet import DASHED, Drawn, Sheet
from harness.report.numbers import Spread, fixed
from harness.report.spent import Spent
from harness.report.style import MARKERS
from harness.report.text import one_line
from harness.report.variants import Variant, variants
from harness.results.wer_interval import METHOD

MIB = 2**20
WIDTH = 620.0
LONGEST = 46
"""Characters of a label."""


def one_cell(value: float | None, digits: int, links: tuple[str, ...] = ()) -> Cell:
    """Return a cell of one figure; empty where it is not known."""
    if value is None:
        return Cell()
    return Cell("", fixed(value, digits), links, value, value, value, 1)


def links_of(variant: Variant, source: Source) -> tuple[str, ...]:
    """Return where the attempts of a variant are."""
    return tuple(source.link(attempt) for attempt in variant.attempts)


Against = Callable[[Variant, list[Variant]], Variant | None]
"""(a variant, all) -> whom its WER is compared with; None: with nobody."""
NO_PAGE = Measured(at="", what="")


def one_figure(value: float) -> Figure:
    """Return a figure that is counted, not measured."""
    return Figure(Spread(value, value, value, 1))


def missing(item: Item, given: Given) -> str:
    """Return why an item has no trainings to show."""
    source = source_of(item, given)
    if source is None or not source.finished:
        return no_run(item, given)
    return "No round of its run was evaluated."


def wer_section(
    item: Item, given: Given, says: Measured, against: Against, compared: str
) -> Section:
    """Return WER by round: what is said of it, ours, and a figure.

    Args:
        item: Which.
        given: Its run.
        says: The page.
        against: Whom each variant is compared with.
        compared: Name of that column.
    """
    source = source_of(item, given)
    own = [] if source is None else variants(source.data)
    if source is None or not own:
        return section_of(item, says, {}, missing(item, given), source)
    grids = (measured_grid(says, {}), wer_grid(own, source, against, compared))
    drawings = rounds_drawing(own, item.key)
    return section_of(item, says, {}, source=source, grids=grids, drawings=drawings)


def sizes_section(item: Item, given: Given) -> Section:
    """Return what travelled, what it lost on its way, memory, and WER against bytes."""
    source = source_of(item, given)
    own = [] if source is None else variants(source.data)
    if source is None or not own:
        return section_of(item, NO_PAGE, {}, missing(item, given), source)
    codes = codes_grid(own)
    grids = (cost_grid(own, source), *((codes,) if codes else ()))
    drawings = bytes_drawing(own, item.key)
    return section_of(item, NO_PAGE, {}, source=source, grids=grids, drawings=drawings)


def wer_grid(own: Sequence[Variant], source: Source, against: Against, compared: str) -> Grid:
    """Return WER by round, the last with its interval, and what lies between it and another's.

    Args:
        own: The variants.
        source: Their run.
        against: Whom the last column compares with.
        compared: Name of that column.
    """
    most = max(len(variant.training.rounds) for variant in own)
    numbers = [n for n in range(most) if any(_rate(v, n) is not None for v in own)]
    rows = tuple(
        (
            variant.name,
            (
                *(one_cell(_rate(variant, n), 1) for n in numbers),
                _last_cell(variant, source),
                _less_cell(variant, against(variant, list(own))),
            ),
        )
        for variant in own
    )
    heads = [Head("Start" if n == 0 else f"Round {n}", "trend") for n in numbers]
    heads.append(Head("Last, all words", "trend"))
    heads.append(Head(compared, "trend"))
    title = f"WER by round here, %, mean of the clients; in brackets: the {METHOD}"
    return Grid(title, tuple(heads), rows)


def _rate(variant: Variant, number: int) -> float | None:
    rounds = variant.training.rounds
    return rounds[number].mean_rate if number < len(rounds) else None


def _last_cell(variant: Variant, source: Source) -> Cell:
    interval = variant.interval
    links = links_of(variant, source)[:1]
    if interval is None:
        last = variant.last
        return one_cell(None if last is None else last.mean_rate, 1, links)
    wer = 100 * (interval.substitutions + interval.deletions + interval.insertions) / interval.words
    ends = interval.ends
    text = fixed(wer, 1) + (f" ({fixed(ends[0], 1)} to {fixed(ends[1], 1)})" if ends else "")
    low, high = ends or (wer, wer)
    return Cell("", text, links, low, wer, high, interval.utterances)


def _less_cell(variant: Variant, against: Variant | None) -> Cell:
    found = None if against is None or variant is against else variant.less(against)
    if found is None:
        return Cell()
    return Cell("", in_points(found), (), found.low_points, found.points, found.high_points, 1)


def cost_grid(own: Sequence[Variant], source: Source) -> Grid:
    """Return what a client took in a round: bytes, memory, seconds."""
    heads = (
        Head("Down, MiB", "trend"),
        Head("Up, MiB", "trend"),
        Head("Of float32, %", "trend"),
        Head("Peak RSS, MiB", "trend"),
        Head("Above a trainer without a model, MiB", "trend"),
        Head("A step, s", "trend"),
    )
    rows = tuple(
        (variant.name, _cost_cells(variant.spent, links_of(variant, source)[-1:]))
        for variant in own
    )
    title = "What a client took in a round: its weights as files, and its trainer"
    return Grid(title, heads, rows)


def _cost_cells(cost: Spent, links: tuple[str, ...]) -> tuple[Cell, ...]:
    def share(value: float | None, of: float) -> float | None:
        return None if value is None else value / of

    ratio = None if cost.ratio is None else 100 * cost.ratio
    return (
        one_cell(share(cost.down_bytes, MIB), 2, links),
        one_cell(share(cost.up_bytes, MIB), 2, links),
        one_cell(ratio, 1, links),
        one_cell(cost.peak_mb, 0, links),
        one_cell(cost.need_mb, 0, links),
        one_cell(cost.step_seconds, 3, links),
    )


def codes_grid(own: Sequence[Variant]) -> Grid | None:
    """Return what writing updates in fewer bits did to them; None where none was."""
    rows = []
    for variant in own:
        travels = [travel for _, travel in variant.training.travelled]
        changed = [100 * travel.changed for travel in travels if travel.changed is not None]
        lost = [100 * travel.error for travel in travels if travel.error is not None]
        if changed or lost:
            rows.append(
                (
                    variant.name,
                    (
                        one_cell(min(changed, default=None), 2),
                        one_cell(max(lost, default=None), 2),
                        Cell(measured="yes" if variant.training.still else "no"),
                    ),
                )
            )
    if not rows:
        return None
    heads = (
        Head("Codes that changed, %, least of the rounds", "trend"),
        Head("Lost by rounding, % of its size, most", "trend"),
        Head("Stood still", "trend"),
    )
    return Grid("What writing it in fewer bits did to what went back", heads, tuple(rows))


def bytes_drawing(own: Sequence[Variant], name: str) -> tuple[Drawing, ...]:
    """Return WER against bytes a round, where both are known."""
    points = [
        Point(v.name, v.spent.bytes / MIB, wer, v.interval.ends if v.interval else None, _kind(v))
        for v in own
        if v.spent.bytes is not None and (wer := _wer(v)) is not None
    ]
    if not points:
        return ()
    title = "WER after the last round, %, against bytes a client and round"
    drawn = scatter(points, name, title, "MiB a client and round, both ways", "WER, %")
    return (Drawing(name, title, drawn),)


def _kind(variant: Variant) -> str:
    if variant.compression is not None:
        return variant.compression.format
    return "" if variant.pruning is None else variant.pruning.pattern


def _wer(variant: Variant) -> float | None:
    interval = variant.interval
    if interval is not None:
        errors = interval.substitutions + interval.deletions + interval.insertions
        return 100 * errors / interval.words
    return None if variant.last is None else variant.last.mean_rate


def rounds_drawing(own: Sequence[Variant], name: str) -> tuple[Drawing, ...]:
    """Return WER by round, a line a variant."""
    lines = [
        (v.name, [(r.number, r.mean_rate) for r in v.training.evaluated if r.mean_rate is not None])
        for v in own
    ]
    lines = [(label, points) for label, points in lines if points]
    if not lines:
        return ()
    title = "WER by round, %, mean of the clients"
    return (Drawing(name, title, _lines(lines, name, title)),)


def _lines(lines: Sequence[tuple[str, list[tuple[int, float]]]], name: str, title: str) -> Drawn:
    labels = [one_line(label, LONGEST) for label, _ in lines]
    sheet = Sheet(WIDTH, max(260.0, 70 + Plot.height_for(len(lines))))
    last = max(number for _, points in lines for number, _ in points)
    ticks = steps(0, max(wer for _, points in lines for _, wer in points) or 1.0, 5)
    right = WIDTH - 30 - max(map(text_px, labels))
    box = (30.0, 24.0, right, sheet.height - 36)
    plot = Plot(sheet, box, (-0.03 * last, 1.03 * last), (0, ticks[-1]))
    plot.y_axis(ticks, "WER, %")
    numbers = integer_ticks(last, right - 30)
    plot.x_axis(numbers, [str(number) for number in numbers], "round")
    ends = []
    for place, (_, points) in enumerate(lines):
        role, marker = ROLES[place % len(ROLES)], MARKERS[place % len(MARKERS)]
        dash = DASHED if place // len(ROLES) % 2 else None
        xs = plot.xs([number for number, _ in points])
        ys = plot.ys([wer for _, wer in points])
        sheet.line(xs, ys, role, width=1.5, dash=dash)
        sheet.marks(xs, ys, role, marker, size=6, halo=1)
        ends.append(EndLabel(points[-1][1], labels[place], role, marker, dash))
    plot.label_ends(ends)
    told = "; ".join(
        f"{label}: " + ", ".join(f"round {n} {fixed(wer, 1)} %" for n, wer in points)
        for label, points in lines
    )
    return sheet.svg(name, title, f"{told}.")
