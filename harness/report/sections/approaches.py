"""Federated, personalised, and one after the other, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.approaches import side_by_side
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    beside = side_by_side(page.runs)
    return None if beside is None else {"beside": beside, "interval_method": METHOD}


SECTION = Section(
    key="approaches", title="Together, alone, or both?", link="Approaches", place=17, view=_view
)
