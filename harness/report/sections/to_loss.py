"""How soon trainings came to a loss: steps, time and memory, beside the baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.to_loss import in_words, loss_tables


def _view(page: PageData) -> Mapping[str, Any] | None:
    tables = loss_tables(page.runs)
    return {"tables": [(table, in_words(table)) for table in tables]} if tables else None


SECTION = Section(
    key="to_loss", title="How soon did it come to a loss?", link="Loss", place=33, view=_view
)
