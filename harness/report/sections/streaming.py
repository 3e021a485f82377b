"""Recordings heard while they went on: WER, real-time factor, how late the last word is, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.streaming import TOLD, in_words, stream_rows
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    rows = stream_rows(attempt for data in page.runs for attempt in data.final)
    if not rows:
        return None
    return {
        "rows": rows,
        "summary": in_words(rows),
        "not_told": len(rows[TOLD:]),
        "modelled": any(a.result.phone.origin != "device" for row in rows for a in row.attempts),
        "method": METHOD,
    }


SECTION = Section(
    key="streaming",
    title="What did hearing speech while it went on cost?",
    link="Streaming",
    place=19,
    view=_view,
)
