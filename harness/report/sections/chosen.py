"""Which sub-model each trainer chose, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import decisions
from harness.report.figures.selection import selection
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    chosen = [
        decision
        for run in page.runs
        for decision in decisions.decisions(
            run.attempts, decisions.candidates_of(run.record.scenario)
        )
    ]  # fmt: skip
    if not chosen:
        return None
    return {
        "choices": [choice for decision in chosen for choice in decision.choices],
        "decisions": [
            (decision, selection(decision, str(number)))
            for number, decision in enumerate(chosen, 1)
        ],
    }


SECTION = Section(
    key="chosen", title="Which sub-model was chosen?", link="Choice", place=60, view=_view
)
