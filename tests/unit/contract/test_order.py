"""The batches of an epoch."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from harness.contract.order import WINDOW_BATCHES, epoch_batches

lengths_of = st.lists(st.integers(1, 1000), min_size=1, max_size=80)


@given(st.integers(0, 2**40), st.integers(1, 100), lengths_of, st.integers(1, 12))
def test_every_row_once_in_batches_of_at_most_the_size(seed, epoch, lengths, size):
    batches = epoch_batches(seed, epoch, lengths, size)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert sum(len(batch) < size for batch in batches) <= 1


@given(st.integers(0, 99), lengths_of, st.integers(1, 12))
def test_a_window_is_cut_by_length(seed, lengths, size):
    """Batches of one window do not overlap in length."""
    if len(lengths) > WINDOW_BATCHES * size:
        lengths = lengths[: WINDOW_BATCHES * size]
    batches = epoch_batches(seed, 1, lengths, size)
    spans = sorted((min(lengths[r] for r in b), max(lengths[r] for r in b)) for b in batches)
    assert all(low[1] <= high[0] for low, high in itertools.pairwise(spans))


def test_epochs_and_seeds_differ():
    lengths = list(range(60))
    seen = {str(epoch_batches(seed, epoch, lengths, 5)) for seed in (0, 1) for epoch in (1, 2, 3)}
    assert len(seen) == 6
