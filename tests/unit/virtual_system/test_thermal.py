"""Temperatures of a virtual phone."""

from hypothesis import given
from hypothesis import strategies as st

from harness.readings.thermal import parse_thermal
from harness.virtual.system.thermal import SKIN_LIMITS_C, ThermalState


@given(st.floats(0, 8), st.floats(0, 4000))
def test_under_load_it_warms_and_idle_it_cools(cores: float, seconds: float) -> None:
    cold = ThermalState()
    warm = cold.step(seconds, cores)
    assert warm.cpu_c >= cold.cpu_c - 1e-9
    assert warm.skin_c >= cold.skin_c - 1e-9
    back = warm.step(1e6, 0)
    assert abs(back.cpu_c - cold.cpu_c) < 0.01
    assert abs(back.skin_c - cold.skin_c) < 0.01


def test_status_rises_with_the_skin_and_can_be_overridden() -> None:
    assert ThermalState(skin_c=20).status == 0
    for status, limit in enumerate(SKIN_LIMITS_C, start=1):
        assert ThermalState(skin_c=limit).status == status
    assert ThermalState(skin_c=60, override=0).status == 0


@given(st.integers(29, 36), st.integers(1, 12), st.floats(20, 60))
def test_the_dump_is_read_back(sdk: int, cores: int, battery_c: float) -> None:
    state = ThermalState(cpu_c=55.0, skin_c=41.2)
    shown = parse_thermal(state.dump(sdk, battery_c, cores))
    assert (shown.status, shown.hal_ready, shown.status_overridden) == (2, True, False)
    assert shown.hottest_c() == 55.0
    assert len([t for t in shown.current if t.type == 0]) == cores
    assert shown.current == shown.cached
    (battery,) = [t for t in shown.current if t.type == 2]
    assert abs((battery.value or 0) - battery_c) <= 0.05


def test_before_android_10_it_is_empty() -> None:
    assert ThermalState().dump(28, 30.0, 8) == ""
