"""Character errors, against jiwer and by hand."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.characters import CharacterErrors, character_errors

TEXT = st.lists(st.text("abc", min_size=1, max_size=4), max_size=4).map(" ".join)


def test_by_hand():
    assert character_errors([("ab c", "ab")]) == CharacterErrors(0, 2, 0, 4)
    assert character_errors([("  ab   c ", "ab c")]) == CharacterErrors(0, 0, 0, 4)
    assert character_errors([("", "ab"), ("a", "a")]) == CharacterErrors(0, 0, 2, 1)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), min_size=1, max_size=5))
def test_as_jiwer(pairs):
    found = character_errors(pairs)
    assert found.cer_percent == pytest.approx(100 * jiwer.cer(*map(list, zip(*pairs, strict=True))))
    assert found == sum((character_errors([pair]) for pair in pairs), CharacterErrors())


def test_where_nothing_is_said_there_is_no_rate():
    assert character_errors([("", "ab")]).cer_percent is None
    assert character_errors([]).cer_percent is None
