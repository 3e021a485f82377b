"""Checkpoints in fewer bits: their bytes, and what is heard after reading them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    rows = [
        (attempt, attempt.result.stored)
        for data in page.runs
        for attempt in data.final
        if attempt.result.stored is not None
    ]
    rows.sort(key=lambda row: (row[0].result.speaker, row[1].size_bytes, row[0].key))
    return {"rows": rows} if rows else None


SECTION = Section(
    key="stored",
    title="What did smaller checkpoints cost?",
    link="Checkpoints",
    place=36,
    view=_view,
)
