"""Alignments under named costs: against jiwer, and against what costs mean."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.alignment import COSTS, Edit, aligned, errors_of
from harness.metrics.host import score
from tests.unit.metrics.golden import golden

TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9).map(" ".join)


@pytest.mark.parametrize("costs", COSTS)
@given(reference=TEXT, hypothesis=TEXT)
def test_every_word_has_its_place(costs, reference, hypothesis):
    edits = aligned(reference, hypothesis, costs)
    assert " ".join(edit.said for edit in edits if edit.said is not None) == reference
    assert " ".join(edit.heard for edit in edits if edit.heard is not None) == hypothesis
    for edit in edits:
        assert (edit.kind == "match") == (edit.said == edit.heard)
        assert (edit.kind == "insertion") == (edit.said is None)
        assert (edit.kind == "deletion") == (edit.heard is None)


@given(reference=TEXT, hypothesis=TEXT)
def test_costs_of_one_are_jiwers_own_counts(reference, hypothesis):
    assert errors_of(aligned(reference, hypothesis)) == score([(reference, hypothesis)])


@given(reference=TEXT.filter(bool), hypothesis=TEXT)
def test_the_cheapest_by_4_3_3(reference, hypothesis):
    """By brute force: the least that any way through the two texts costs."""
    said, heard = reference.split(), hypothesis.split()
    costs = {(0, 0): 0}
    for i in range(len(said) + 1):
        for j in range(len(heard) + 1):
            ways = [
                *([costs[i - 1, j] + 3] if i else []),
                *([costs[i, j - 1] + 3] if j else []),
                *([costs[i - 1, j - 1] + 4 * (said[i - 1] != heard[j - 1])] if i and j else []),
            ]
            costs[i, j] = min(ways, default=0)
    found = errors_of(aligned(reference, hypothesis, "4/3/3"))
    paid = 4 * found.substitutions + 3 * (found.insertions + found.deletions)
    assert paid == costs[len(said), len(heard)]
    assert found.errors >= round(jiwer.wer(reference, hypothesis) * len(said))


def test_costs_matter():
    case = golden("rare_words")["costs_matter"]
    pair = " ".join(case["ref"]), " ".join(case["hyp"])
    assert errors_of(aligned(*pair, "4/3/3")).errors == case["errors_4_3_3"]
    assert errors_of(aligned(*pair, "1/1/1")).errors == case["errors_1_1_1"]


@pytest.mark.parametrize("costs", COSTS)
def test_nothing_said(costs):
    assert aligned("", "a b", costs) == (
        Edit("insertion", None, "a"),
        Edit("insertion", None, "b"),
    )
    assert aligned("", "", costs) == ()


def test_there_are_no_other_costs():
    with pytest.raises(ValueError, match="one of 1/1/1, 4/3/3"):
        aligned("a", "a", "1/2/3")
