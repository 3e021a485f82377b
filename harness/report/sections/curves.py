"""How WER changed: by epoch, before and after, and against the settings that vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.report import axes, outcome, settings
from harness.report.figures.against import against
from harness.report.figures.overlay import overlay_chart
from harness.report.figures.wer import wer_panel
from harness.report.load import Attempt
from harness.report.numbers import digits_for
from harness.report.overlay import Overlay, Overlays, overlays
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    if not page.attempts or (page.final and not page.personal):
        return None  # the rounds of federated training are told by themselves
    small = outcome.small_multiples(page.personal)
    together = overlays(page.runs) if page.several else None
    return {
        "panels": [
            (panel, None if together else wer_panel(panel, small)) for panel in small.panels
        ],
        "overlays": _overlaid(together) if together else [],
        "changes": page.changes,
        "interval_method": METHOD,
        "repeated": any(len(change.attempts) > 1 for change in page.changes),
        "against": _against(page.personal),
        "shown": axes.shown,
        "digits_of": lambda view: digits_for(
            point.median for series in view.series for _, point in series.points
        ),
    }


def _overlaid(together: Overlays) -> list[tuple[Overlay, Markup]]:
    return [(chart, overlay_chart(chart, together)) for chart in together.charts]


def _against(final: Sequence[Attempt]) -> list[tuple[settings.Row, list[tuple[Any, Markup]]]]:
    return [
        (row, [(view, against(view, f"{number}-{n}")) for n, view in enumerate(row.drawn, 1)])
        for number, row in enumerate(settings.against_settings(final), 1)
    ]


SECTION = Section(key="curves", title="How did WER change?", link="Curves", place=30, view=_view)
