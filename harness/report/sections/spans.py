"""What a phone with little memory should train: WER of sub-models against memory and seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.report.figures.front import Cost, cost_front
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.spans import Span, SpanGroup, span_groups
from harness.results.wer_interval import METHOD

DRAWN = 8
"""So many groups have figures and sentences; the table has all."""


def _view(page: PageData) -> Mapping[str, Any] | None:
    groups = span_groups(page.personal)
    if not groups:
        return None
    return {
        "groups": groups,
        "drawn": [(group, _figures(group)) for group in groups[:DRAWN]],
        "not_drawn": len(groups[DRAWN:]),
        "method": METHOD,
        "with_settings": any(group.settings for group in groups),
    }


def _figures(group: SpanGroup) -> list[tuple[str, Markup]]:
    return [
        (title, drawn)
        for title, label, front, cost, letter in (
            (
                "WER after against memory",
                "must be free, MiB",
                group.front_by_memory,
                lambda span: span.needs_mb,
                "m",
            ),
            (
                "WER after against time",
                "training, seconds",
                group.front_by_seconds,
                lambda span: span.median_seconds,
                "s",
            ),
        )
        if (drawn := _figure(group, front, cost, title, label, letter)) is not None
    ]


def _figure(
    group: SpanGroup,
    front: Sequence[Span],
    cost: Callable[[Span], float | None],
    title: str,
    label: str,
    letter: str,
) -> Markup | None:
    costs = [
        Cost(
            span.sub_model,
            value,
            span.after_percent,
            span.after_interval.ends if span.after_interval else None,
            span in front,
        )
        for span in group.spans
        if (value := cost(span)) is not None
    ]
    if len(costs) < 2:
        return None
    before = next((s.before_percent for s in group.spans if s.before_percent is not None), None)
    return cost_front(costs, before, label, f"{group.key}-{letter}", f"{title}, {group.name}")


SECTION = Section(
    key="spans", title="What should a weak phone train?", link="Spans", place=34, view=_view
)
"""Whenever several sub-models of one model were trained on the same speakers."""
