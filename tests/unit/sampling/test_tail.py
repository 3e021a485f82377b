"""The newest end of the file says what reading all of it says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sampling.samples import read_series
from harness.sampling.tail import Tail
from tests.unit.sampling.frames import TOKEN, frame, header

FAKE = "\n#s11111111 end 7 100.00\n#s11111111 stopped stop 3\nMemAvailable: 1 kB\n"
FILE = (
    header()
    + frame(0, "100.00", available_kb=1000)
    + frame(1, "101.00", available_kb=None, extra=f"\n{TOKEN} battery 0\n{FAKE}\n")
    + frame(2, "102.00", pid=9, available_kb=3000, extra=f"\n{TOKEN} battery 1\n{FAKE}\n")
    + f"\n{TOKEN} battery 2\n  level: 49\n\n{TOKEN} stopped stop 3\n"
).encode()


def after(data: bytes, sizes: list[int]) -> Tail:
    tail = Tail(TOKEN)
    at = 0
    for size in sizes:
        tail.feed(data[at : at + size])
        at += size
    tail.feed(data[at:])
    return tail


@settings(max_examples=200)
@given(st.integers(0, len(FILE)), st.lists(st.integers(1, 300), max_size=20))
def test_whatever_has_come_in_any_pieces(cut: int, sizes: list[int]) -> None:
    data = FILE[:cut]
    tail = after(data, sizes)
    series = read_series(data)
    assert tail.begun == bool(series.samples)
    assert tail.stopped == (series.stopped is not None)
    values = series.samples[-1].values if series.samples else {}
    available = tail.available_kb()
    assert (None if available is None else available / 1024) == values.get("available_mb")


def test_a_sampler_that_goes_on_has_not_stopped() -> None:
    tail = after(FILE, [])
    assert tail.stopped
    tail.feed(frame(3, "103.00").encode())
    assert not tail.stopped


@settings(max_examples=100)
@given(st.integers(0, len(FILE)), st.integers(0, 300), st.binary(max_size=60))
def test_damage_raises_nothing(at: int, length: int, junk: bytes) -> None:
    tail = after(FILE[:at] + junk + FILE[at + length :], [100, 1, 1000])
    tail.available_kb()
