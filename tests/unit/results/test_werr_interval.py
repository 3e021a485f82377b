"""WERR with its interval: counts, pairing by utterance, and what has none."""

from __future__ import annotations

import pytest

from harness.results.wer_interval import Utterance
from harness.results.werr_interval import werr


def heard(errors, speaker="s", words=10, first=0):
    return [
        Utterance(f"{speaker}/u{number}", count, 0, 0, words)
        for number, count in enumerate(errors, first)
    ]


def test_pooled_counts():
    found = werr([(heard([4, 2, 0, 2]), heard([1, 1, 0, 0]))])
    assert found.percent == pytest.approx(75)
    assert (found.base.errors, found.new.errors, found.utterances) == (8, 2, 4)
    low, high = found.ends
    assert low < 75 < high <= 100
    assert found.clear


def test_a_regression_is_below_zero():
    found = werr([(heard([1, 1, 1, 2]), heard([2, 2, 2, 3]))])
    assert found.percent == pytest.approx(-80)
    assert found.clear
    assert found.ends[1] < 0


def test_average_of_ratios_weighs_speakers_alike():
    sets = [
        (heard([4, 4, 6, 6]), heard([2, 2, 4, 4])),  # 40 % fewer
        (heard([1, 0, 2, 2], "t"), heard([1, 0, 2, 1], "t")),  # 20 % fewer
    ]
    assert werr(sets).percent == pytest.approx(36)
    averaged = werr(sets, "mean_of_ratios")
    assert averaged.percent == pytest.approx(30)
    assert averaged.ends != werr(sets).ends


def test_the_same_utterances_are_drawn_for_both():
    """What moves both alike does not widen the interval."""
    base = heard([1, 9, 1, 9, 1, 9, 1, 9])
    halved = [Utterance(u.name, u.substitutions, u.deletions, 0, 20) for u in base]
    found = werr([(base, halved)])
    assert found.percent == pytest.approx(50)
    assert found.ends is None  # each draw says the same


def test_repeats_of_one_utterance_are_one():
    once = werr([(heard([4, 2, 1]), heard([1, 1, 1]))])
    thrice = werr([(heard([4, 2, 1]) * 3, heard([1, 1, 1]) * 2)])
    assert thrice.percent == pytest.approx(once.percent)
    assert thrice.ends == pytest.approx(once.ends)
    assert thrice.utterances == 3


def test_only_what_both_heard_counts():
    found = werr([(heard([4, 4]), heard([1, 0, 0], first=1))])
    assert (found.utterances, found.base.errors, found.new.errors) == (1, 4, 1)
    assert found.ends is None  # one utterance says nothing of others
    nothing = werr([(heard([4, 4]), heard([1], speaker="t"))])
    assert (nothing.percent, nothing.ends, nothing.utterances) == (None, None, 0)


@pytest.mark.parametrize(
    "sets",
    [
        [],
        [(heard([0, 0]), heard([1, 2]))],
        [(heard([0, 1], words=0), heard([0, 0], words=0))],
    ],
    ids=["no set", "a baseline without errors", "no words"],
)
def test_none(sets):
    found = werr(sets)
    assert found.percent is None
    assert found.ends is None
    assert not found.clear
    assert found.figures()["werr_percent"] is None
