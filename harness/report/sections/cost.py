"""What training cost: phases, energy, memory, and what was moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import cost
from harness.report.energy import energy_rows
from harness.report.figures.need import need_scatter
from harness.report.memory import NeedRow, need_rows
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    if not page.attempts:
        return None
    needs = cost.needs(page.final)
    return {
        "energy": energy_rows([(strip.attempt, strip.energy) for strip in page.strips]),
        "phase_costs": cost.phase_costs(page.attempts),
        "coded": [a for a in page.attempts if a.result.changed_codes is not None],
        "needs": needs,
        "need_rows": _need_rows(page),
        "need_figure": need_scatter(needs, "all") if needs else None,
    }


def _need_rows(page: PageData) -> list[NeedRow]:
    return [
        row
        for run in page.runs
        for row in need_rows(cost.needs(run.final), run.record.models, run.record.scenario)
    ]


SECTION = Section(key="cost", title="What did it cost?", link="Cost", place=70, view=_view)
