"""What a scenario asks of pressure, in megabytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.pressure import resolve_goal

NEEDS = {"S1": 900.0, "S5": 500.0, "S8": 300.0}
CANDIDATES = ("S1", "S5", "S8")


def test_megabytes_as_given() -> None:
    goal = resolve_goal(available_mb=1000)
    assert (goal.available_mb, goal.tolerance_mb, goal.text) == (1000, 50, "available_mb: 1000")
    assert resolve_goal(available_mb=4000).tolerance_mb == 100  # capped
    assert resolve_goal(available_mb=4000, tolerance_mb=250).tolerance_mb == 250


def test_fits_lies_midway_to_the_next_larger_need() -> None:
    goal = resolve_goal(fits="S5", candidates=CANDIDATES, need_mb=NEEDS, base_mb=80)
    assert goal.available_mb == 80 + (500 + 900) / 2
    assert goal.tolerance_mb == pytest.approx(0.05 * goal.available_mb)
    assert goal.text == "fits: S5"


def test_the_tolerance_never_reaches_a_neighbours_need() -> None:
    near = {"S1": 110.0, "S5": 100.0}
    goal = resolve_goal(fits="S5", candidates=("S1", "S5"), need_mb=near, tolerance_mb=60)
    assert goal.tolerance_mb == 2.5


def test_the_largest_gets_a_margin() -> None:
    goal = resolve_goal(fits="S1", candidates=CANDIDATES, need_mb=NEEDS, base_mb=80)
    assert goal.available_mb == pytest.approx(80 + 1.15 * 900)


@given(
    st.dictionaries(
        st.sampled_from([f"S{i}" for i in range(1, 9)]), st.integers(20, 4000), min_size=2
    ),
    st.floats(0, 500),
    st.data(),
)
def test_exactly_the_wanted_one_is_chosen(
    needs: dict[str, int], base: float, data: st.DataObject
) -> None:
    candidates = sorted(needs, key=lambda name: -needs[name])
    wanted = data.draw(st.sampled_from(candidates))
    need_mb = {name: float(mb) for name, mb in needs.items()}
    if list(needs.values()).count(needs[wanted]) > 1:
        with pytest.raises(InputError, match="tells them apart"):
            resolve_goal(fits=wanted, candidates=candidates, need_mb=need_mb)
        return
    goal = resolve_goal(fits=wanted, candidates=candidates, need_mb=need_mb, base_mb=base)
    for error in (-goal.tolerance_mb, 0, goal.tolerance_mb):
        available = goal.available_mb + error - base
        chosen = next((name for name in candidates if available / need_mb[name] >= 1), None)
        assert chosen == wanted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "either"),
        ({"available_mb": 5.0, "fits": "S1"}, "either"),
        ({"available_mb": -1.0}, "above 0"),
        ({"fits": "S3", "candidates": CANDIDATES, "need_mb": NEEDS}, "no need_mb for S3"),
        ({"fits": "S1", "candidates": ("S1", "S2"), "need_mb": {"S1": 1.0}}, "S2"),
    ],
)
def test_what_cannot_be_resolved(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolve_goal(**arguments)  # type: ignore[arg-type]
