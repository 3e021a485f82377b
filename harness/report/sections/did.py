"""Whether a run worked: what failed, by kind, then what was expected, and the run's plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import words
from harness.report.page_data import PageData
from harness.report.section import Section

NAMED = 12
"""Failed attempts of a kind that are named; the others are counted."""


def _view(page: PageData) -> Mapping[str, Any]:
    return {
        "groups": page.failures,
        "kind_meaning": words.KIND_MEANING,
        "most": NAMED,
    }


SECTION = Section(key="did", title="Did it work?", link="Result", place=10, view=_view)
