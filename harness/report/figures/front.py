"""WER of sub-models against what they cost, with the line that none is better than."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.figures.plot import EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import digits_for, fixed
from harness.report.sub_models import RankedSubModel
from harness.report.text import one_line

WIDTH, HEIGHT = 380.0, 240.0
LONGEST = 14
"""Characters of a sub-model's name that are written."""


@dataclass(frozen=True)
class Cost:
    """One sub-model.

    Attributes:
        sub_model: Which; it has its colour and mark.
        cost: In the figure's unit.
        wer_percent: After training.
        ends: Between what the WER lies, where known.
        on_front: No other is better in both.
    """

    sub_model: RankedSubModel
    cost: float
    wer_percent: float
    ends: tuple[float, float] | None
    on_front: bool


def cost_front(
    costs: Sequence[Cost], before_percent: float | None, label: str, name: str, title: str
) -> Drawn:
    """Draw WER against a cost; marks on the front are full and joined, the others hollow.

    Args:
        costs: At least one.
        before_percent: WER before training, a dashed rule; None: not known.
        label: Of the cost, with its unit.
        name: Prefix of ids.
        title: For those who listen.
    """
    labels = {each.sub_model: one_line(each.sub_model.label, LONGEST) for each in costs}
    sheet = Sheet(WIDTH, max(HEIGHT, 64 + Plot.height_for(len(costs))))
    tops = [end for each in costs for end in (each.ends or (each.wer_percent,))]
    scale = steps(0, max([*tops, before_percent or 0.0]) or 1.0, 5)
    ticks = steps(min(each.cost for each in costs), max(each.cost for each in costs), 4)
    left = 10 + 6.4 * max(len(tick_text(tick, scale)) for tick in scale)
    right = WIDTH - max(46.0, 30 + max(map(text_px, labels.values())))
    room = (ticks[-1] - ticks[0]) * 0.05
    box = (left, 24.0, right, sheet.height - 36)
    plot = Plot(sheet, box, (ticks[0] - room, ticks[-1] + room), (0, scale[-1]))
    plot.y_axis(scale, "WER, %")
    plot.x_axis(ticks, [tick_text(tick, ticks) for tick in ticks], label)
    if before_percent is not None:
        plot.rule(before_percent, "rule")
        sheet.text(right, plot.y(before_percent) - 4, "before", "soft", anchor="right")
    front = sorted((each.cost, each.wer_percent) for each in costs if each.on_front)
    sheet.line(plot.xs([x for x, _ in front]), plot.ys([y for _, y in front]), "rule", width=1.4)
    for each in costs:
        x, y = plot.x(each.cost), plot.y(each.wer_percent)
        role = each.sub_model.role
        if each.ends is not None:
            sheet.line([x, x], plot.ys(each.ends).tolist(), role, width=1.0, alpha=0.7)
        sheet.marks([x], [y], role, each.sub_model.marker, size=9, hollow=not each.on_front)
    plot.label_ends(
        [
            EndLabel(
                each.wer_percent,
                labels[each.sub_model],
                each.sub_model.role,
                each.sub_model.marker,
                line=False,
            )
            for each in costs
        ]
    )
    digits = digits_for(each.cost for each in costs)
    told = [_told(each, digits) for each in costs]
    start = "" if before_percent is None else f"Before training {fixed(before_percent, 1)} %. "
    return sheet.svg(name, title, f"{start}{label}: {'; '.join(told)}.")


def _told(each: Cost, digits: int) -> str:
    said = f"{each.sub_model.label}: {fixed(each.wer_percent, 1)} % at {fixed(each.cost, digits)}"
    if each.ends is not None:
        said += f", between {fixed(each.ends[0], 1)} and {fixed(each.ends[1], 1)} %"
    return said + ", on the front" * each.on_front
