"""Several runs: what was asked differently, and the same jobs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import changed
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    if not page.several:
        return None
    return {
        "differences": changed.differences(page.runs),
        "beside": changed.beside(page.runs),
        "metrics": changed.METRICS,
    }


SECTION = Section(
    key="differ", title="What differs between the runs?", link="Differences", place=50, view=_view
)
