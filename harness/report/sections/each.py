"""Every attempt: a table, and each one second by second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import heat, style, trouble
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any]:
    present = {phase.phase for attempt in page.attempts for phase in attempt.result.phases}
    return {
        "heat_values": heat.values_of,
        "serials_tell": page.facets.serials,
        "phases_present": [name for name in style.PHASES if name in present],
        "kills": trouble.kills(page.attempts),
    }


SECTION = Section(key="each", title="Every attempt", link="Attempts", place=80, view=_view)
