"""WER of the global model by round: a line a client, and their mean."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.figures.plot import EndLabel, Plot, integer_ticks, steps, text_px
from harness.report.figures.sheet import DASHED, Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.rounds import Training
from harness.report.text import one_line

WIDTH, HEIGHT = 380.0, 230.0
LONGEST = 14
"""Letters of a client's name."""
MANY = 12
"""With more clients than this only the mean and the worst are named."""


def rounds_figure(training: Training) -> Drawn:
    """Draw one training."""
    rounds = training.evaluated
    named = training.clients if len(training.clients) <= MANY else ()
    sheet = Sheet(WIDTH, max(HEIGHT, 58 + Plot.height_for(len(named) + 1)))
    last = max(rounds[-1].number, 1)
    highest = max(rate for round_ in rounds for rate in round_.rates.values())
    ticks = steps(0, max(highest, 1), 4)
    means = [(r.number, r.mean_rate) for r in rounds if r.mean_rate is not None]
    ends = [*_client_ends(training, named), EndLabel(means[-1][1], _label("mean", means), "ink")]
    right = WIDTH - 30 - max(text_px(end.text) for end in ends)
    box = (30, 24, right, sheet.height - 34)
    plot = Plot(sheet, box, (-0.03 * last, 1.03 * last), (0, ticks[-1]))
    plot.y_axis(ticks, "WER, %")
    numbers = integer_ticks(last, right - 26)
    plot.x_axis(numbers, [str(number) for number in numbers], "round")
    for client in training.clients:
        points = _points(training, client)
        if not points:
            continue
        xs = plot.xs([number for number, _ in points])
        ys = plot.ys([rate for _, rate in points])
        sheet.line(xs, ys, "soft", width=1.0, dash=DASHED)
        sheet.marks(xs, ys, "soft", "o", size=3)
    sheet.line(
        plot.xs([number for number, _ in means]),
        plot.ys([rate for _, rate in means]),
        "ink",
        width=2.0,
    )
    plot.label_ends(ends)
    title = f"WER of the global model by round: {one_line(training.strategy)}"
    told = ", ".join(f"round {number} {fixed(rate, 1)} %" for number, rate in means)
    return sheet.svg(f"rounds-{training.key}", title, f"Mean over the clients: {told}.")


def _points(training: Training, client: str) -> list[tuple[int, float]]:
    return [(r.number, r.rates[client]) for r in training.evaluated if client in r.rates]


def _client_ends(training: Training, named: Sequence[str]) -> list[EndLabel]:
    return [
        EndLabel(points[-1][1], _label(client, points), "soft", dash=DASHED)
        for client in named
        if (points := _points(training, client))
    ]


def _label(name: str, points: Sequence[tuple[int, float]]) -> str:
    return f"{one_line(name, LONGEST)} {fixed(points[-1][1], 1)}"
