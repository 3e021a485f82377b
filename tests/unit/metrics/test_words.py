"""Own word alignment against jiwer."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.metrics import WordErrors, wer_percent, word_errors
from harness.metrics.host import score

TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("the boy saw", "the boy saw", (0, 0, 0, 3)),
        ("the boy saw", "the toy saw", (1, 0, 0, 3)),
        ("the boy saw", "the saw", (0, 1, 0, 3)),
        ("the boy saw", "the old boy saw", (0, 0, 1, 3)),
        ("the boy", "", (0, 2, 0, 2)),
        ("", "the boy", (0, 0, 2, 0)),
        ("", "", (0, 0, 0, 0)),
    ],
)
def test_counts(reference, hypothesis, counts):
    assert word_errors(reference, hypothesis) == WordErrors(*counts)


@given(TEXT.filter(bool), TEXT)
def test_as_many_errors_as_jiwer_finds(reference, hypothesis):
    assert wer_percent([(reference, hypothesis)]) == pytest.approx(
        100 * jiwer.wer(reference, hypothesis)
    )


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_host_and_trainer_agree(pairs):
    own = sum((word_errors(*pair) for pair in pairs), WordErrors())
    assert score(pairs).wer_percent == pytest.approx(own.wer_percent)


@pytest.mark.parametrize("pairs", [[], [("", "")], [("", "a")]])
def test_where_nothing_is_said_there_is_no_rate(pairs):
    """Neither 0 nor 100: nobody knows."""
    for errors in (score(pairs), sum((word_errors(*pair) for pair in pairs), WordErrors())):
        assert errors.wer_percent is None
        with pytest.raises(InputError, match="no word is said"):
            _ = errors.known_wer_percent
    with pytest.raises(InputError, match="no word is said"):
        wer_percent(pairs)
