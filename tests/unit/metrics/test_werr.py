"""WERR: the vectors, pooled against averaged, and what has none."""

from __future__ import annotations

import pytest

from harness.metrics.werr import relative_reduction_percent, werr_over, werr_percent
from harness.metrics.words import WordErrors
from tests.unit.metrics.golden import golden

VECTORS = golden("werr")


def errors(percent, words=100):
    return WordErrors(substitutions=round(percent * words / 100), reference_words=words)


@pytest.mark.parametrize("case", VECTORS["cases"])
def test_vectors(case):
    found = relative_reduction_percent(case["base"], case["new"])
    assert found == pytest.approx(100 * case["werr"])


def test_worse_is_below_zero():
    assert werr_percent(errors(10), errors(15)) == pytest.approx(-50)


def test_pooled_and_averaged_differ():
    pairs = [(errors(20), errors(12)), (errors(5), errors(4))]
    assert werr_over(pairs) == pytest.approx(100 * VECTORS["ratio_of_means"])
    assert werr_over(pairs, "mean_of_ratios") == pytest.approx(100 * VECTORS["mean_of_ratios"])


def test_what_has_no_rate_has_no_werr():
    nothing = WordErrors()
    assert werr_percent(nothing, errors(5)) is None
    assert werr_percent(errors(5), nothing) is None
    assert werr_percent(errors(0), errors(5)) is None  # a share of nothing
    assert werr_over([]) is None
    assert werr_over([(errors(20), errors(10)), (errors(0), errors(0))]) == pytest.approx(50)
    assert werr_over([(errors(20), errors(10)), (errors(0), errors(0))], "mean_of_ratios") is None
