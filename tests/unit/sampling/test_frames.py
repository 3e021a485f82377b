"""The sampler's file in any pieces."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sampling.frames import Frame, FrameReader, Stopped
from tests.unit.sampling.frames import TOKEN, frame, header

FILE = (
    header()
    + frame(0, "100.00", end="100.02")
    + frame(1, "101.01", pid=9, extra=f"\n{TOKEN} battery 0\n  level: 50\n  scale: 100\n")
    + frame(
        2,
        "102.00",
        pid=9,
        extra=f"\n{TOKEN} pss 101.05 101.55\n** MEMINFO in pid 9 [x] **\n"
        f"\n{TOKEN} thermal 101.00 101.20\nThermal Status: 0\n",
    )
    + f"\n{TOKEN} battery 2\n  level: 49\n\n{TOKEN} stopped stop 3\n"
).encode()


def read(data: bytes) -> list[Frame | Stopped]:
    return FrameReader().feed(data)


def test_all_parts_of_a_file() -> None:
    first, second, third, last = read(FILE)
    assert isinstance(first, Frame)
    assert (first.number, first.start_ms, first.end_ms, first.pid) == (0, 100000, 100020, None)
    assert first.header.due_ms(3) == 103000
    assert first.sections["meminfo"].startswith("MemTotal: 4096000 kB")
    assert first.battery is None
    assert isinstance(second, Frame)
    assert second.pid == 9
    assert second.battery == (0, b"  level: 50\n  scale: 100", False)
    assert isinstance(third, Frame)
    pss = third.slow["pss"]
    assert (pss.began_ms, pss.ended_ms) == (101050, 101550)
    assert third.slow.keys() == {"pss", "thermal"}
    assert isinstance(last, Stopped)
    assert (last.reason, last.number) == ("stop", 3)
    assert last.battery == (2, b"  level: 49", False)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 200), max_size=40))
def test_any_pieces_give_the_same(sizes: list[int]) -> None:
    reader = FrameReader()
    items: list[Frame | Stopped] = []
    at = 0
    for size in sizes:
        items += reader.feed(FILE[at : at + size])
        at += size
    items += reader.feed(FILE[at:])
    assert items == read(FILE)
    assert reader.dropped == 0


@settings(max_examples=80)
@given(st.integers(0, len(FILE)))
def test_a_torn_tail_is_never_half_a_frame(cut: int) -> None:
    whole = read(FILE)
    assert read(FILE[:cut]) == whole[: len(read(FILE[:cut]))]


@settings(max_examples=80)
@given(st.integers(0, len(FILE)), st.integers(0, 300), st.binary(max_size=60))
def test_damage_costs_only_what_it_hits(at: int, length: int, junk: bytes) -> None:
    items = read(FILE[:at] + junk + FILE[at + length :])
    for item in items:
        assert isinstance(item, (Frame, Stopped))


def test_a_sampler_that_was_killed_and_started_again() -> None:
    other = "#s00000001"
    killed = frame(1, "101.00")[:-15]
    text = (header() + frame(0, "100.00") + killed + header("105.50", token=other)) + frame(
        0, "105.50", token=other
    )
    reader = FrameReader()
    items = reader.feed(text.encode())
    assert [item.start_ms for item in items if isinstance(item, Frame)] == [100000, 105500]
    assert reader.dropped == 1
    assert items[1].header.due_ms(0) == 105500


def test_a_reading_cannot_fake_a_frame() -> None:
    fake = "\n#s11111111 end 0 100.00\n#s11111111 frame 7 1.00\nx # end\n"
    items = read((header() + frame(0, "100.00", extra=f"\n{TOKEN} battery 0\n{fake}")).encode())
    assert len(items) == 1
    assert items[0].battery is not None
    assert b"frame 7" in items[0].battery.data


def test_a_section_that_nobody_knows_is_kept_as_text() -> None:
    text = header() + frame(0, "100.00", extra=f"\n{TOKEN} gpu\n257000000\n\n{TOKEN} Od-d\nx\n")
    (item,) = read(text.encode())
    assert isinstance(item, Frame)
    assert item.sections["gpu"] == "257000000"
    assert "Od-d" not in item.sections


def test_a_message_comes_through_byte_for_byte() -> None:
    message = b"\n\n\x00\n#s\xff\n#s0badcafe\n\x00\n"
    text = header() + frame(0, "100.00", extra="\0") + frame(1, "101.00", extra="\1")
    data = text.encode()
    data = data.replace(b"\0", f"\n{TOKEN} battery_proto 0\n".encode() + message)
    data = data.replace(b"\1", f"\n{TOKEN} pss_proto 100.50 100.90\n".encode() + message)
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        reader = FrameReader()
        first, second = [item for piece in pieces for item in reader.feed(piece)]
        assert first.battery == (0, message, True)
        assert isinstance(second, Frame)
        assert second.slow["pss"] == (100500, 100900, message, True)
