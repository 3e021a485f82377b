"""Early exits: where utterances left the network, by which rule, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.exits import in_words, rule_rows
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    rows = rule_rows(attempt for data in page.runs for attempt in data.final)
    if not rows:
        return None
    return {"rows": rows, "summary": in_words(rows)}


SECTION = Section(
    key="exits", title="At which exit did utterances leave?", link="Exits", place=18, view=_view
)
