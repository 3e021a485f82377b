"""Forgetting: what the personalised model does for its owner, and for others on the same phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.forgetting import forgetting, in_words, who
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    rows = forgetting(page.changes)
    if not rows:
        return None
    return {
        "rows": rows,
        "summary": in_words(rows),
        "who": who(rows),
        "method": METHOD,
        "start_kept": any(
            attempt.result.kept_epoch == 0 for row in rows for attempt in row.change.attempts
        ),
        "repeated": any(len(row.change.attempts) > 1 for row in rows),
        "with_settings": any(row.change.settings for row in rows),
        "with_rounds": any(row.change.round > 1 for row in rows),
    }


SECTION = Section(
    key="forgetting",
    title="What became of other speakers?",
    link="Forgetting",
    place=35,
    view=_view,
)
