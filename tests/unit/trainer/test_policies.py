"""Algorithms 1 and 2, with the sequences of the published facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trainer.policies import (
    Patience,
    resources_allow,
    select_sub_model,
    start_patience,
)

PAPER_GB = {"S1": 1.98, "S5": 1.63, "S8": 0.96}  # Table 9
NEED = {name: gb * 1024 for name, gb in PAPER_GB.items()}
CANDIDATES = ("S1", "S5", "S8")


@pytest.mark.parametrize(
    ("available_gb", "chosen"),
    [
        (4.7, "S1"),
        (1.98, "S1"),
        (1.97, "S5"),
        (1.63, "S5"),
        (1.62, "S8"),
        (0.96, "S8"),
        (0.9, None),
    ],
)
def test_first_that_fits_is_chosen(available_gb, chosen):
    assert select_sub_model(available_gb * 1024, NEED, CANDIDATES) == chosen


@given(st.floats(0, 10_000))
def test_more_memory_never_chooses_a_smaller_one(available_mb):
    order = [*CANDIDATES, None]
    less = order.index(select_sub_model(available_mb, NEED, CANDIDATES))
    more = order.index(select_sub_model(available_mb + 100, NEED, CANDIDATES))
    assert more <= less


@pytest.mark.parametrize(
    ("battery", "available", "why"),
    [
        (26, 400, None),
        (25, 400, "battery"),
        (24.9, 100, "battery"),
        (90, 300, "memory"),
        (None, None, None),
        (None, 299, "memory"),
    ],
)
def test_resources(battery, available, why):
    limits = {"battery_below_percent": 25, "available_below_mb": 300}
    assert resources_allow(battery, available, **limits) == why


def stops_after(patience: Patience, wers: list[float]) -> int | None:
    for epoch, wer in enumerate(wers, 1):
        patience = patience.after(wer)
        if patience.stop:
            return epoch
    return None


IMPROVING = [30, 28, 26, 24, 22]
WORSENING = [30, 31, 32, 33, 34]
MIXED = [30, 28, 29, 29, 27, 28, 28]


@pytest.mark.parametrize(
    ("p", "wers", "stop"),
    [
        (1, IMPROVING, 2),  # as printed, p = 1 stops an improving run at its second epoch
        (1, WORSENING, None),
        (1, MIXED, 2),
        (2, IMPROVING, None),  # and p >= 2 stops none
        (2, WORSENING, None),
        (2, MIXED, None),
        (3, [5, 5, 5, 5, 5, 5], None),
        (1, [0, 9], 1),  # past_WER starts at 0
    ],
)
def test_as_printed(p, wers, stop):
    assert stops_after(start_patience("as_printed", p, 40), wers) == stop


@pytest.mark.parametrize(
    ("p", "wers", "stop"),
    [
        (1, IMPROVING, None),
        (1, WORSENING, 2),
        (2, WORSENING, 3),
        (2, MIXED, 4),
        (3, MIXED, None),
        (2, [41, 42], 2),  # never better than before training
        (1, [40], 1),  # equal is not better
    ],
)
def test_best_so_far(p, wers, stop):
    assert stops_after(start_patience("best_so_far", p, 40), wers) == stop


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(1, 5))
def test_best_so_far_stops_exactly_after_p_epochs_without_a_new_best(wers, p):
    expected = None
    best, since = 50.0, 0
    for epoch, wer in enumerate(wers, 1):
        best, since = (wer, 0) if wer < best else (best, since + 1)
        if since == p:
            expected = epoch
            break
    assert stops_after(start_patience("best_so_far", p, 50.0), wers) == expected
