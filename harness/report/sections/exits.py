"""Early exits: where utterances left the network, by which rule, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from harness.report.exits import ExitGroup, exit_groups, in_words, rule_rows
from harness.report.figures.depth import over_depth
from harness.report.figures.shares import WIDTH, ShareBar, share_bars
from harness.report.leaving import HALVES, depth_lines
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD

DRAWN = 8
"""So many speakers, models and phones have figures; the table has all."""


def _view(page: PageData) -> Mapping[str, Any] | None:
    rows = rule_rows(attempt for data in page.runs for attempt in data.final)
    if not rows:
        return None
    groups = exit_groups(rows)
    return {
        "rows": rows,
        "summary": in_words(groups),
        "groups": [(group, _figures(group)) for group in groups[:DRAWN]],
        "not_drawn": len(groups[DRAWN:]),
        "method": METHOD,
        "halves": HALVES,
    }


def _figures(group: ExitGroup) -> list[tuple[str, Markup]]:
    """Return what each figure of a group is called, and the figure."""
    first, key = group.first, group.key
    figures: list[tuple[str, Markup]] = []
    whom = f"{first.speaker} by {first.model}"
    if group.lines:
        title = f"WER against layers computed, {whom}"
        drawn = over_depth(group.lines, f"{key}-d", title, group.ticks, WIDTH)
        figures.append(("As measured", drawn))
    if group.judged and group.answered is not None:
        title = f"What thresholds would do, {whom}"
        drawn = over_depth(depth_lines(group.answered), f"{key}-t", title, group.ticks, WIDTH)
        figures.append(("What thresholds would do", drawn))
    bars = [ShareBar(row.rule, row.share_percent) for row in group.rules]
    names = [f"{exit_.exit}, layer {exit_.depth}" for exit_ in group.exits]
    whole = [bar for bar in bars if len(bar.shares) == len(names)]
    title = f"Where utterances left, {whom}"
    figures.append(("Where utterances left", share_bars(whole, names, f"{key}-s", title)))
    return figures


SECTION = Section(
    key="exits", title="At which exit did utterances leave?", link="Exits", place=18, view=_view
)
