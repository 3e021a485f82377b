"""Rare words and common ones, and characters: what ``report`` of the scenario asks for besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.word_classes import (
    KIND_WORDS,
    epochs_of,
    in_words,
    list_in_words,
    percent,
    run_classes,
)
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    found = run_classes(page.runs)
    if not found:
        return None
    return {
        "found": [
            (
                own,
                in_words(own),
                list_in_words(own),
                [] if page.brief else [(row, epochs_of(row, own.scoring)) for row in own.rows],
            )
            for own in found
        ],
        "kind_words": KIND_WORDS,
        "percent": percent,
        "method": METHOD,
    }


SECTION = Section(
    key="word_classes", title="Which words were misheard?", link="Words", place=32, view=_view
)
