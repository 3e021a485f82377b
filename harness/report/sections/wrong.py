"""What went wrong, with its evidence: failures, skipped jobs, kills, files that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import words
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any]:
    return {
        "groups": page.failures,
        "kind_meaning": words.KIND_MEANING,
        "kills": page.kills,
        "problems": page.problems,
        "still": [attempt for attempt in page.attempts if attempt.result.changed_codes == 0],
    }


SECTION = Section(key="wrong", title="What went wrong?", link="Failures", place=100, view=_view)
