"""What zram takes of apps in the background, and what stays."""

from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.system.memory import charged_kb, swapped_after

_kb = st.integers(0, 1 << 22)


@given(_kb, _kb, st.booleans(), _kb, st.floats(0, 1000))
def test_never_more_than_packs_or_fits(
    swapped: int, packs: int, background: bool, free: int, seconds: float
) -> None:
    swapped = min(swapped, packs)
    after = swapped_after(swapped, packs, background=background, free_kb=free, seconds=seconds)
    assert 0 <= after <= packs
    assert after <= swapped + free
    assert after <= swapped or background
    assert charged_kb(packs, after) <= packs


def test_a_cached_app_is_packed_within_seconds_and_comes_back_in_use() -> None:
    swapped, seconds = 0, 0
    while swapped < 156_000:
        swapped = swapped_after(swapped, 156_000, background=True, free_kb=1 << 22, seconds=1.0)
        seconds += 1
    assert seconds == 2
    assert charged_kb(260_000, swapped) == 260_000 - 104_000
    assert swapped_after(swapped, 156_000, background=False, free_kb=0, seconds=1.0) == 0


def test_what_does_not_pack_stays() -> None:
    assert swapped_after(0, 0, background=True, free_kb=1 << 22, seconds=60.0) == 0
