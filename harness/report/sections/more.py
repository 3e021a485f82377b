"""Figures of other packages (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    more, _ = page.extra
    return {"more": more} if more else None


SECTION = Section(key="more", title="More figures", link="More", place=90, view=_view)
