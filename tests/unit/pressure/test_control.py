"""The controller on a phone in numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pressure.control import Controller, Reading, Settings
from harness.pressure.goal import Goal
from tests.unit.pressure.simulated import SimulatedPhone, run


def test_it_settles_without_going_far_under_the_goal() -> None:
    phone = SimulatedPhone(idle_mb=3000, fill_mb_per_s=200)
    controller = Controller(Goal(1700, 50, "x"))
    lowest = 3000.0
    for _ in range(40):
        decisions = run(phone, controller, 1)
        lowest = min(lowest, phone.value_mb)
    assert decisions[-1].state == "settled"
    assert abs(phone.value_mb - 1700) <= 50
    assert lowest > 1700 - 50


def test_three_readings_in_a_row_within_the_tolerance_are_settled() -> None:
    controller = Controller(Goal(1000, 50, "x"))
    states = [
        controller.step(Reading(t, available_mb)).state
        for t, available_mb in enumerate([1010, 990, 1060, 1010, 990, 1000])
    ]
    assert states == ["ramping"] * 5 + ["settled"]


def test_growth_is_a_ramp() -> None:
    controller = Controller(Goal(500, 50, "x"), Settings(max_step_mb=100))
    first = controller.step(Reading(0, 800))
    assert first.ballast_mb == 100
    assert first.changed


@settings(max_examples=50)
@given(
    idle=st.floats(900, 12000),
    share=st.floats(0.1, 0.9),
    noise=st.floats(0, 0.3),
    fill=st.floats(200, 3000),
    lag=st.integers(0, 3),
    swallow=st.floats(0, 0.6),
    seed=st.integers(0, 999),
)
def test_it_converges_and_stays(
    idle: float, share: float, noise: float, fill: float, lag: int, swallow: float, seed: int
) -> None:
    goal_mb = idle * share
    goal = Goal(goal_mb, max(20.0, 0.05 * goal_mb), "x")
    phone = SimulatedPhone(
        idle_mb=idle,
        noise_mb=noise * goal.tolerance_mb,
        fill_mb_per_s=fill,
        lag_s=lag,
        swallow=swallow,
        seed=seed,
    )
    controller = Controller(goal)
    run(phone, controller, 240)
    assert controller.state == "settled"
    tail = []
    for _ in range(60):
        run(phone, controller, 1)
        tail.append(abs(phone.value_mb - goal_mb) <= goal.tolerance_mb)
    assert sum(tail) >= 57


@settings(max_examples=25)
@given(seed=st.integers(0, 9999), rate=st.floats(0.005, 0.03), lag=st.integers(0, 1))
def test_killed_ballast_is_replaced(seed: int, rate: float, lag: int) -> None:
    goal = Goal(1500, 75, "x")
    phone = SimulatedPhone(idle_mb=3000, fill_mb_per_s=500, lag_s=lag, seed=seed)
    controller = Controller(goal)
    run(phone, controller, 60)
    assert controller.state == "settled"
    phone.random_kills = rate
    run(phone, controller, 120)
    assert controller.state == "settled"  # kills in the hold never end it
    phone.random_kills = 0
    run(phone, controller, 30)
    assert abs(phone.value_mb - 1500) <= 75
    assert controller.kills == phone.kills


@settings(max_examples=25)
@given(
    seed=st.integers(0, 9999),
    grow=st.floats(5, 300),
    peak=st.floats(50, 1200),
    noise=st.floats(0, 15),
)
def test_a_trainer_that_grows_leaves_the_background_as_it_is(
    seed: int, grow: float, peak: float, noise: float
) -> None:
    phone = SimulatedPhone(idle_mb=4000, seed=seed, noise_mb=noise)
    controller = Controller(Goal(1500, 75, "x"))
    run(phone, controller, 60)
    before = controller.ballast_mb
    phone.trainer = lambda t: min(peak, max(0.0, (t - 70) * grow))
    run(phone, controller, 90)
    assert abs(controller.ballast_mb - before) <= 75
    assert abs(phone.value_mb - 1500) <= 75


def test_memory_read_a_second_late_is_no_error_to_act_on() -> None:
    controller = Controller(Goal(1500, 40, "x"))
    for t in range(5):
        controller.step(Reading(t, 1500))
    assert controller.state == "settled"
    # The trainer's 400 MB show before MemAvailable knows of them.
    changes = [
        controller.step(Reading(9, 1500, 400)).changed,
        controller.step(Reading(10, 1100, 400)).changed,
        controller.step(Reading(11, 1100, 400)).changed,
    ]
    assert changes == [False] * 3


def test_a_goal_above_what_the_phone_has() -> None:
    phone = SimulatedPhone(idle_mb=1000)
    last = run(phone, Controller(Goal(1500, 50, "x")), 60)[-1]
    assert last.state == "unreachable"
    assert "only 1000 MB without ballast" in last.why


def test_ballast_that_is_swapped_out_whole() -> None:
    phone = SimulatedPhone(idle_mb=2000, swallow=1.0, fill_mb_per_s=5000)
    last = run(phone, Controller(Goal(1000, 50, "x")), 400)[-1]
    assert last.state == "unreachable"
    assert "swapped" in last.why


def test_lmkd_stands_in_the_way() -> None:
    phone = SimulatedPhone(idle_mb=2000, kill_below_mb=900)
    last = run(phone, Controller(Goal(500, 25, "x")), 400)[-1]
    assert last.state == "unreachable"
    assert "killed ballast" in last.why
    assert phone.kills >= 6


def test_one_odd_reading_moves_nothing_once_settled() -> None:
    controller = Controller(Goal(1500, 50, "x"))
    for t in range(6):
        controller.step(Reading(t, 1510))
    assert controller.state == "settled"
    odd = controller.step(Reading(7, 2500))
    assert (odd.changed, odd.within) == (False, False)
    assert not controller.step(Reading(8, 1505)).changed


@pytest.mark.parametrize("value", [1475.0, 1525.0])
def test_within_the_dead_band_nothing_moves(value: float) -> None:
    controller = Controller(Goal(1500, 50, "x"))
    assert not any(controller.step(Reading(t, value)).changed for t in range(20))
