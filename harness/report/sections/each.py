"""Every attempt: a table, and each one second by second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import axes, heat, style
from harness.report.numbers import column_digits
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.strips import numbered_by
from harness.report.wer import interval_after, interval_text

_OF_THEIR_OWN = (axes.SUB_MODEL, axes.SPEAKER, axes.PROFILE)
"""Settings that have a column whether they vary or not."""


def _view(page: PageData) -> Mapping[str, Any] | None:
    if not page.attempts:
        return None
    present = {phase.phase for attempt in page.attempts for phase in attempt.result.phases}
    varying = [path for _, path in page.facets.paths if path not in _OF_THEIR_OWN]
    results = [attempt.result for attempt in page.attempts]
    return {
        "heat_values": heat.values_of,
        "serials_tell": page.facets.serials,
        "paths": varying,
        "label_of": axes.label_of,
        "value_at": axes.value_at,
        "shown": axes.shown,
        "told_by": numbered_by(page.attempts),
        "sure": {
            attempt.key: interval_text(interval_after([attempt])) for attempt in page.attempts
        },
        "epoch_digits": column_digits(result.minutes_per_epoch for result in results),
        "phases_present": [name for name in style.PHASES if name in present],
        "kills": page.kills,
    }


SECTION = Section(key="each", title="Every attempt", link="Attempts", place=80, view=_view)
