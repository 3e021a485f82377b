"""Rare and common words apart, against vectors made with fbai-speech's scorer beside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.alignment import COSTS, aligned, errors_of
from harness.metrics.rare_words import ByClass, Vocabulary, by_class
from harness.metrics.words import WordErrors
from tests.unit.metrics.golden import golden

TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8).map(" ".join)
VECTORS = golden("rare_words")


def expected(case):
    return WordErrors(case["sub"], case["dele"], case["ins"], case["words"])


@pytest.mark.parametrize("listed", ["global", "per_utterance"])
def test_vectors(listed):
    found = sum(
        (
            by_class(*pair, set(VECTORS["rare"]), listed=listed, costs="4/3/3")
            for pair in VECTORS["pairs"]
        ),
        ByClass(),
    )
    case = VECTORS[f"expected_{listed}"]
    assert found.both == expected(case["all"])
    assert found.rare == expected(case["rare"])
    assert found.common == expected(case["common"])
    assert found.rare.wer_percent == pytest.approx(case["rare"]["wer_percent"])


def test_the_lists_of_the_vectors_utterances_are_their_own_rare_words():
    for (reference, _), rare in zip(VECTORS["pairs"], VECTORS["rare_per_utterance"], strict=True):
        assert set(rare) == set(VECTORS["rare"]) & set(reference.split())


@pytest.mark.parametrize("listed", ["global", "per_utterance"])
@pytest.mark.parametrize("costs", COSTS)
@given(reference=TEXT, hypothesis=TEXT, rare=st.sets(st.sampled_from("abcd")))
def test_classes_add_up(listed, costs, reference, hypothesis, rare):
    found = by_class(reference, hypothesis, rare, listed=listed, costs=costs)
    assert found.both == errors_of(aligned(reference, hypothesis, costs))
    said = sum(word in rare for word in reference.split())
    assert found.rare.reference_words == said
    if listed == "per_utterance" and not said:
        assert found.rare == WordErrors()


def test_a_class_without_words_has_no_rate():
    found = by_class("a b", "a", {"c"})
    assert found.rare.wer_percent is None
    assert found.common.wer_percent == 50


def test_words_by_rank_and_by_count():
    words = Vocabulary.counted(["c a b a", "a b", "d"])
    assert words == Vocabulary(("a", "b", "c", "d"), (3, 2, 1, 1))
    assert words.outside_of(2) == {"c", "d"}
    assert words.at_most(1) == {"c", "d"}
    assert words.at_most(0) == set()
    # what was said and is met nowhere is rare; what nobody said is not
    assert words.outside_of(2, ["a e"]) == {"c", "d", "e"}
    assert words.at_most(0, ["a e"]) == {"e"}
    assert words.outside_of(9) == set()


def test_words_without_counts_have_none():
    with pytest.raises(ValueError, match="no counts"):
        Vocabulary(("a", "b")).at_most(1)
