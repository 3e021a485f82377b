"""Whether the page can be trusted and the run repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import trust
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any]:
    return {
        "phones": trust.phones(page.runs),
        "gates": trust.notable_gates(page.attempts),
        "notes": trust.notes(page.runs),
        "trainers": trust.trainers(page.runs),
        "modelled": trust.MODELLED if "virtual" in page.origins else (),
    }


SECTION = Section(
    key="trust", title="Can I trust and repeat it?", link="Trust", place=110, view=_view
)
