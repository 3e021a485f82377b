import pytest

from harness.memory.as_printed import PAPER, PAPER_NETWORK, estimate
from harness.report.cost import needs
from harness.report.load import RunData
from harness.report.memory import models_of, need_rows

SIZES = PAPER.model_dump()
RECORD = {
    "conditions": {
        "date": "2026-01-01",
        "runtime": "r 1",
        "python": "3.11",
        "platform": "p",
        "threads": 2,
        "utterances": 80,
    },
    "files": {"1": "0" * 64},
    "calibrating": [
        {"sub_model": name, "batch_size": size, "need_mb": need * size, "selected_mb": 50.0}
        for name, need in (("S1", 30.0), ("S8", 10.0))
        for size in (1, 10)
    ],
}
MANIFEST = {"sizes": SIZES, "memory": RECORD, "need_mb": {"5": {"S1": 140.0}}}


def test_measured_where_it_was_else_predicted():
    measured = models_of(MANIFEST, "S1", 5)
    assert (measured.measured_mb, measured.predicted) == (140.0, False)
    assert measured.as_printed_mb == pytest.approx(
        estimate(PAPER, PAPER_NETWORK.sub_model("S1").layers, 5).total
    )
    other = models_of(MANIFEST, "S8", 5)
    assert other.measured_mb == pytest.approx(50.0)
    assert other.predicted


@pytest.mark.parametrize("manifest", [{}, {"sizes": {"layers": 3}, "memory": 1, "need_mb": []}])
def test_an_older_or_damaged_manifest_says_nothing(manifest):
    found = models_of(manifest, "S1", 5)
    assert (found.as_printed_mb, found.measured_mb, found.predicted) == (None, None, False)


def test_a_row_for_each_sub_model(quick: RunData):
    found = needs(quick.attempts)
    rows = need_rows(found, {"ds2-tiny": MANIFEST}, {"trainer": {"memory_model": "as_printed"}})
    assert [row.sub_model.name for row in rows] == ["S1", "S5", "S8"]
    assert sum(row.attempts for row in rows) == len(found)
    assert {row.used for row in rows} == {"as printed"}
    first = rows[0].took_mb
    assert first is not None
    own = [one.measured_mb for one in found if one.attempt.sub_model.name == "S1"]
    assert (first.low, first.high) == (min(own), max(own))
    assert {row.used for row in need_rows(found, {}, {})} == {"measured"}


def test_the_page_has_both_models(quick_page: str):
    assert '<table id="needs">' in quick_page
    assert "does not say" in quick_page  # this run's manifest is bare
