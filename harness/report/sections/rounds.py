"""Federated training: WER by round, and a table of clients by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.figures.rounds import rounds_figure
from harness.report.page_data import PageData
from harness.report.rounds import trainings
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    found = trainings(page.runs)
    if not found:
        return None
    return {
        "trainings": [
            (training, rounds_figure(training) if training.evaluated else None)
            for training in found
        ]
    }


SECTION = Section(
    key="rounds", title="What did the rounds come to?", link="Rounds", place=15, view=_view
)
