from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.figures.plot import integer_ticks, spread_out, steps, tick_text

PLACES = st.floats(-50, 250, allow_nan=False)


@given(st.lists(PLACES, min_size=1, max_size=8))
def test_labels_keep_apart_and_inside(wanted: list[float]) -> None:
    placed = spread_out(wanted, 14, 0, 200)
    assert len(placed) == len(wanted)
    assert min(placed) >= -1e-6
    assert max(placed) <= 200 + 1e-6
    for lower, higher in pairwise(sorted(placed)):
        assert higher - lower >= 14 - 1e-6
    # whoever wanted to be higher is not lower
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert [placed[n] for n in order] == sorted(placed)


def test_labels_that_do_not_collide_stay() -> None:
    assert spread_out([10, 100, 50], 14, 0, 200) == [10, 100, 50]


def test_two_at_one_place_part_evenly() -> None:
    assert spread_out([50, 50], 14, 0, 200) == [43, 57]


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.integers(1, 9))
def test_steps_cover_the_range(low: float, span: float, about: int) -> None:
    ticks = steps(low, low + span, about)
    assert len(ticks) >= 2
    assert ticks[0] <= low + 1e-6 * (abs(low) + span)
    assert ticks[-1] >= low + span - 1e-6 * (abs(low) + span)
    assert len(ticks) <= about + 3


@pytest.mark.parametrize(
    ("low", "high", "about", "ticks"),
    [
        (0, 58.4, 4, [0, 20, 40, 60]),
        (0, 0.24, 3, [0, 0.1, 0.2, 0.3]),
        (0, 1, 4, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_steps_are_round(low: float, high: float, about: int, ticks: list[float]) -> None:
    assert steps(low, high, about) == ticks


def test_tick_texts_differ() -> None:
    ticks = [0, 0.25, 0.5]
    assert [tick_text(tick, ticks) for tick in ticks] == ["0.00", "0.25", "0.50"]
    assert tick_text(-20000, [-20000, 0]) == "−20,000"


@pytest.mark.parametrize(("last", "room"), [(1, 200), (15, 200), (15, 90), (400, 200)])
def test_epochs_are_whole_and_fit(last: int, room: float) -> None:
    ticks = integer_ticks(last, room)
    assert ticks[0] == 0
    assert ticks[-1] <= last
    assert len(ticks) * len(str(last)) * 6.2 < room
