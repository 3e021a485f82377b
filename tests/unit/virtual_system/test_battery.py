"""The battery model: figures that agree with each other, and what ``dumpsys battery`` shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readings.battery import parse_battery
from harness.virtual.system.battery import (
    AMBIENT_C,
    DISCHARGING,
    FULL,
    IDLE_MA,
    MA_PER_BUSY_CORE,
    SETTABLE,
    BatteryService,
    BatteryState,
    Power,
)

_states = st.builds(
    BatteryState.at,
    st.floats(0, 100),
    st.floats(500, 10_000),
    st.sampled_from(["none", "usb", "ac"]),
)
_seconds = st.floats(0, 3600)
_cores = st.floats(0, 8)


@given(_states, st.lists(st.tuples(_seconds, _cores), max_size=6))
def test_charge_stays_between_empty_and_full(
    state: BatteryState, steps: list[tuple[float, float]]
) -> None:
    for seconds, cores in steps:
        state = state.step(seconds, cores)
        assert 0 <= state.charge_mah <= state.capacity_mah
        assert 1 <= state.level <= 100
        assert 3000 < state.voltage_mv < 4800
        assert AMBIENT_C - 1 < state.temperature_c < AMBIENT_C + 120


@given(st.floats(20, 100), _cores)
def test_an_hour_unplugged_takes_exactly_the_load(percent: float, cores: float) -> None:
    state = BatteryState.at(percent, 20_000)
    after = state
    for _ in range(60):
        after = after.step(60, cores)
    used = state.charge_mah - after.charge_mah
    assert used == pytest.approx(IDLE_MA + MA_PER_BUSY_CORE * cores)
    assert after.status == DISCHARGING


@given(_states, _cores, _cores)
def test_more_load_never_leaves_more_charge_or_less_heat(
    state: BatteryState, a: float, b: float
) -> None:
    low, high = sorted((a, b))
    less, more = state.step(600, low), state.step(600, high)
    assert more.charge_mah <= less.charge_mah + 1e-6
    if state.power == "none":
        assert more.temperature_c >= less.temperature_c - 1e-6


@pytest.mark.parametrize(
    ("power", "cores", "status"), [("usb", 0, "charging"), ("usb", 4, "not charging")]
)
def test_status_follows_the_current(power: Power, cores: float, status: str) -> None:
    state = BatteryState.at(50, 4000, power).step(1, cores)
    assert parse_battery(BatteryService(state).dump(29)).status_name == status


def test_a_full_battery_stays_full_on_a_strong_charger() -> None:
    state = BatteryState.at(100, 4000, "ac").step(3600, 2)
    assert (state.status, state.charge_mah, state.current_ma) == (FULL, 4000, 0)


def test_voltage_rises_with_charge() -> None:
    voltages = [BatteryState.at(p, 4000).voltage_mv for p in range(0, 101, 5)]
    assert voltages == sorted(voltages)
    assert voltages[-1] > 4300


@given(_states, st.integers(28, 36))
def test_every_releases_dump_says_what_the_battery_is(state: BatteryState, sdk: int) -> None:
    shown = parse_battery(BatteryService(state).dump(sdk))
    assert shown.percent == state.level
    assert shown.voltage_mv == state.voltage_mv
    assert shown.charge_counter_raw == state.charge_counter_uah
    assert shown.plugged == (state.power != "none")
    assert shown.temperature_c == pytest.approx(state.temperature_c, abs=0.05)
    assert (shown.dock_powered is not None) == (sdk >= 33)
    assert (shown.capacity_level is not None) == (sdk >= 35)
    assert shown.updates_stopped is False


def test_faked_values_hide_the_battery_until_reset() -> None:
    service = BatteryService(BatteryState.at(80, 4000, "usb"))
    faked = service.set("level", 12).unplug()
    faked = faked.with_state(BatteryState.at(50, 4000, "ac"))
    shown = parse_battery(faked.dump(30))
    assert (shown.percent, shown.plugged, shown.updates_stopped) == (12, False, True)
    assert shown.voltage_mv == BatteryState.at(80, 4000, "usb").voltage_mv
    back = parse_battery(faked.reset().dump(30))
    assert (back.percent, back.ac_powered, back.updates_stopped) == (50, True, False)


@pytest.mark.parametrize("key", SETTABLE)
def test_each_settable_key_shows(key: str) -> None:
    service = BatteryService(BatteryState.at(80, 4000))
    for value in (0, 1):
        before, after = service.dump(33), service.set(key, 5 + value).dump(33)
        assert before != after.replace("  (UPDATES STOPPED -- use 'reset' to restart)\n", "") or (
            key == "present"
        )
