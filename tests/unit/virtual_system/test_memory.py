"""RAM of a virtual phone: one rule, and a text that always agrees with it."""

from hypothesis import given
from hypothesis import strategies as st

from harness.readings.proc_meminfo import parse_proc_meminfo
from harness.virtual.system.memory import MemoryPlan, meminfo

_GB = 1 << 20
_ram = st.floats(1024, 24_576)
_share = st.floats(0.1, 0.9)
_held = st.integers(0, 30 * _GB)


def _plan(ram_mb: float, share: float) -> MemoryPlan:
    return MemoryPlan.of(ram_mb, ram_mb * share)


@given(_ram, _share, _held, _held)
def test_available_is_idle_less_what_is_held_and_never_below_zero(
    ram: float, share: float, processes: int, ballast: int
) -> None:
    plan = _plan(ram, share)
    available = plan.available_kb(processes, ballast)
    assert available == max(0, plan.idle_available_kb - processes - ballast)
    assert 0 <= available <= plan.total_kb


@given(_ram, _share, _held, _held)
def test_the_text_says_the_same_and_its_lines_agree(
    ram: float, share: float, processes: int, ballast: int
) -> None:
    plan = _plan(ram, share)
    shown = parse_proc_meminfo(meminfo(plan, processes, ballast))
    values = shown.values_kb
    assert shown.total_kb == plan.total_kb
    assert shown.available_kb == plan.available_kb(processes, ballast)
    assert min(values.values()) >= 0
    assert values["Active"] + values["Inactive"] <= plan.total_kb * 1.2
    for name in ("MemFree", "Cached", "AnonPages", "Slab", "Buffers"):
        assert values[name] <= plan.total_kb
    assert values["Active(anon)"] + values["Inactive(anon)"] <= values["AnonPages"]
    assert values["SReclaimable"] + values["SUnreclaim"] == values["Slab"]


@given(_ram, _share, _held, _held, _held, _held)
def test_the_text_never_changes_its_length(
    ram: float, share: float, a: int, b: int, c: int, d: int
) -> None:
    plan = _plan(ram, share)
    assert len(meminfo(plan, a, b)) == len(meminfo(plan, c, d)) == len(meminfo(plan, 0, 0))


def test_an_idle_phone_of_the_paper() -> None:
    plan = MemoryPlan.of(8192, 4608)
    shown = parse_proc_meminfo(meminfo(plan, 0, 0))
    assert shown.available_kb == 4608 * 1024
    assert 0.93 < (shown.total_kb or 0) / (8192 * 1024) < 0.97
    pressed = parse_proc_meminfo(meminfo(plan, 100_000, 2_000_000))
    assert (pressed.anon_kb or 0) - (shown.anon_kb or 0) == 2_100_000
    assert (pressed.free_kb or 0) < (shown.free_kb or 0)
