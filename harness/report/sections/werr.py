"""WERR: how much better than a named baseline, by setting and speaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.werr import AVERAGES, against_first, in_words, matrices
from harness.report.word_classes import KIND_WORDS


def _view(page: PageData) -> Mapping[str, Any] | None:
    found = [*matrices(page.runs)]
    beside = against_first(page.runs)
    if beside is not None:
        found.append(beside)
    if not found:
        return None
    return {
        "matrices": [(matrix, in_words(matrix)) for matrix in found],
        "kind_words": KIND_WORDS,
        "averages": AVERAGES,
    }


SECTION = Section(
    key="werr", title="How much better than the baseline?", link="WERR", place=31, view=_view
)
