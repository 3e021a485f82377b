"""Samples and phases -> the table and its fidelity."""

import pytest

from harness.contract.events import Finished, PhaseChange
from harness.results.samples import SAMPLE_SCHEMA
from harness.sampling import PhaseInterval, collect, phase_intervals, read_series
from tests.unit.readings.messages import message
from tests.unit.sampling.frames import TOKEN, frame, header


def rows_of(text: str, *args: object) -> list[dict[str, object]]:
    table = collect(read_series(text.encode()), *args).table  # type: ignore[arg-type]
    assert table.schema == SAMPLE_SCHEMA
    return table.to_pylist()


def test_cpu_is_of_one_core_and_of_the_phone() -> None:
    text = (
        header()
        + frame(0, "100.00", pid=9, ticks=1000, cpu="cpu  100 0 0 900")
        + frame(1, "101.00", pid=9, ticks=1150, cpu="cpu  500 0 0 1300")
        + frame(2, "102.50", pid=9, ticks=1300, cpu="cpu  500 0 0 1300")
    )
    first, second, third = rows_of(text)
    assert first["trainer_cpu_percent_one_core"] is None
    assert second["trainer_cpu_percent_one_core"] == pytest.approx(150)
    assert second["trainer_cpu_percent_phone"] == pytest.approx(100 * 150 / 800)
    assert second["phone_cpu_percent"] == pytest.approx(50)
    assert third["trainer_cpu_percent_one_core"] == pytest.approx(100)
    assert third["phone_cpu_percent"] is None  # no tick of the phone's clock went by


def test_another_process_with_the_same_pid_is_another_process() -> None:
    text = (
        header()
        + frame(0, "100.00", pid=9, ticks=1000)
        + frame(1, "101.00", pid=9, ticks=50, process_start=9999)
        + frame(2, "102.00", pid=9, ticks=40, process_start=9999)
    )
    values = [row["trainer_cpu_percent_one_core"] for row in rows_of(text)]
    assert values == [None, None, None]  # nor may CPU time run backwards


def test_a_zombie_and_an_absent_process_have_no_figures() -> None:
    text = header() + frame(0, "100.00", pid=9, state="Z") + frame(1, "101.00")
    for row in rows_of(text):
        assert row["trainer_pid"] is None
        assert row["trainer_rss_mb"] is None
        assert row["available_mb"] == 2000


def test_what_the_phone_does_not_say_is_null() -> None:
    text = header() + frame(0, "100.00", available_kb=None, cpu=None)
    text += frame(1, "101.00", available_kb=None, cpu=None)
    for row in rows_of(text):
        for name in (
            "available_mb",
            "total_mb",
            "free_mb",
            "phone_cpu_percent",
            "battery_percent",
            "battery_plugged",
            "battery_updates_stopped",
            "temperature_c",
            "trainer_pss_mb",
            "thermal_status",
        ):
            assert row[name] is None, name
    row = rows_of(header() + frame(0, "100.00", pid=9))[0]
    assert row["free_mb"] is None  # its meminfo has no MemFree
    assert (row["trainer_rss_mb"], row["trainer_swap_mb"]) == (2, 1)


def test_answers_join_the_second_they_belong_to() -> None:
    battery = "\n  level: 80\n  scale: 100\n  temperature: 251\n"
    thermal = "\nThermal Status: 3\nCurrent temperatures from HAL:\n"
    thermal += "Temperature{mValue=61.5, mType=0, mName=c, mStatus=3}\n"
    pss = "\n** MEMINFO in pid 9 [x] **\n App Summary\n   TOTAL PSS:  3072  TOTAL RSS: 1\n"
    text = (
        header()
        + frame(0, "100.00", pid=9)
        + frame(1, "101.00")
        + frame(
            2,
            "102.00",
            extra=f"\n{TOKEN} battery 1{battery}\n{TOKEN} pss 100.10 101.90{pss}"
            f"\n{TOKEN} thermal 100.90 101.10{thermal}",
        )
    )
    rows = rows_of(text)
    assert [row["battery_percent"] for row in rows] == [None, 80, None]
    assert rows[1]["battery_temperature_c"] == pytest.approx(25.1)
    assert [row["trainer_pss_mb"] for row in rows] == [3, None, None]
    other = rows_of(text.replace("in pid 9 [x]", "in pid 8 [x:ballast1]"))
    assert [row["trainer_pss_mb"] for row in other] == [None, None, None]
    assert [row["temperature_c"] for row in rows] == [None, 61.5, None]
    assert rows[1]["thermal_status"] == 3


def test_phases_tag_samples() -> None:
    text = header() + "".join(frame(n, f"{100 + n}.00") for n in range(6))
    intervals = [
        PhaseInterval("train", 1, 101000, 103000),
        PhaseInterval("load", None, 100500, 101000),
        PhaseInterval("evaluate", 1, 104500, None),
    ]
    rows = rows_of(text, intervals)
    assert [row["phase"] for row in rows] == ["idle", "train", "train", "idle", "idle", "evaluate"]
    assert [row["epoch"] for row in rows] == [None, 1, 1, None, None, 1]


def test_phases_of_an_event_log() -> None:
    def change(seq: int, t: int, phase: str, state: str, epoch: int | None = None) -> PhaseChange:
        return PhaseChange(seq=seq, t_boot_ms=t, phase=phase, state=state, epoch=epoch)  # type: ignore[arg-type]

    events = [
        change(0, 10, "load", "begin"),
        change(1, 20, "load", "end"),
        Finished(
            seq=2,
            t_boot_ms=25,
            epochs=0,
            kept_epoch=0,
            kept_checkpoint=None,
            wer_before_percent=1,
            wer_after_percent=1,
        ),
        change(3, 30, "train", "begin", 1),
    ]
    assert phase_intervals(events) == [
        PhaseInterval("load", None, 10, 20),
        PhaseInterval("train", 1, 30, None),
    ]


def test_fidelity_counts_what_is_missing() -> None:
    numbers = [0, 1, 2, 5, 6]
    text = header() + "".join(
        frame(n, f"{100 + n}.{10 * (n == 6):02}", end=f"{100 + n}.12", self_ticks=2 * n)
        for n in numbers
    )
    series = read_series(text.encode())
    record = collect(series).record
    assert record is not None
    assert (record.expected, record.missing) == (7, 2)
    assert record.start_jitter_p99_ms == 100
    assert record.cost_mean_ms == pytest.approx((4 * 120 + 20) / 5)
    assert record.sampler_cpu_percent_one_core == pytest.approx(100 * 0.12 / 6.1)
    rows = collect(series).table.to_pylist()
    assert [row["seq"] for row in rows] == numbers
    assert rows[3]["due_boot_ms"] == 105000
    # A sampler that died at tick 6 misses what came after, but not the tick of the stop itself.
    assert collect(series, (), 110100).record.missing == 2 + 3  # type: ignore[union-attr]
    assert collect(series, (), 107100).record.missing == 2  # type: ignore[union-attr]


def test_two_starts_of_the_sampler_make_one_axis() -> None:
    other = "#s00000001"
    text = header() + frame(0, "100.00") + frame(1, "101.00", self_ticks=9)
    text += header("104.00", token=other) + frame(0, "104.00", token=other, self_ticks=1)
    collected = collect(read_series(text.encode()))
    assert collected.table.column("seq").to_pylist() == [0, 1, 4]
    assert collected.record is not None
    assert collected.record.missing == 2


def test_no_sample_at_all() -> None:
    collected = collect(read_series(b"rubbish"))
    assert collected.table.num_rows == 0
    assert collected.table.schema == SAMPLE_SCHEMA
    assert (collected.record, collected.peak_rss_mb) == (None, None)


def test_peak_rss_is_the_kernels() -> None:
    assert collect(read_series((header() + frame(0, "100.00", pid=9)).encode())).peak_rss_mb == 4


def test_a_battery_and_a_pss_as_protobuf() -> None:
    battery = message({2: 2, 5: 3000000, 8: 1, 9: 64, 10: 100, 11: 4011, 12: 297, 13: "Li-ion"})
    pss = message({4: message({1: message({1: 9, 2: "x", 9: message({2: 20480, 7: 1024})})})})
    data = (
        header().encode()
        + frame(0, "100.00", pid=9).encode()
        + frame(1, "101.00", pid=9, extra="@A@").encode()
        + frame(2, "102.00", pid=9, extra="@B@").encode()
    )
    data = data.replace(b"@A@", f"\n{TOKEN} battery_proto 0\n".encode() + battery)
    data = data.replace(b"@B@", f"\n{TOKEN} pss_proto 101.02 101.52\n".encode() + pss)
    first, second, _ = collect(read_series(data)).table.to_pylist()
    assert (first["battery_percent"], first["battery_plugged"]) == (64, True)
    assert first["battery_temperature_c"] == pytest.approx(29.7)
    assert first["battery_updates_stopped"] is False
    assert second["battery_percent"] is None
    assert second["trainer_pss_mb"] == 21


ONLINE = """cpu  113613 21 2406 5547556 641 0 144 0 0 0
cpu0 26133 18 1309 2725972 370 0 134 0 0 0
cpu1 32707 2 422 2709984 266 0 2 0 0 0
cpu2 28312 0 587 67 0 0 7 0 0 0
cpu3 26460 0 86 111532 5 0 0 0 0 0"""
OFFLINE = """cpu  113913 21 2412 8207884 686 0 145 0 0 0
cpu0 26236 18 1312 2726072 371 0 135 0 0 0
cpu1 32808 2 424 2710084 268 0 2 0 0 0
cpu3 26560 0 87 111632 6 0 0 0 0 0"""


@pytest.mark.parametrize("whole", [True, False])
def test_a_core_that_goes_off_line_makes_no_share_of_the_phone(whole: bool) -> None:
    texts = [text if whole else text.partition("\n")[0] for text in (ONLINE, OFFLINE, ONLINE)]
    text = header() + "".join(
        frame(number, f"{100 + number}.00", pid=9, ticks=1000 + 290 * number, cpu=cpu)
        for number, cpu in enumerate(texts)
    )
    series = read_series(text.encode())
    rows = collect(series).table.to_pylist()
    assert [row["phone_cpu_percent"] for row in rows] == [None, None, None]
    assert [row["trainer_cpu_percent_phone"] for row in rows] == [None, None, None]
    assert rows[1]["trainer_cpu_percent_one_core"] == pytest.approx(290)
    assert series.notes == [
        "phone_cpu_percent: absent 2 times: the CPU counters do not go with the clock"
    ]


def test_values_that_are_none_are_counted_and_told() -> None:
    battery = "\n  level: 80\n  scale: 100\n  temperature: -2147483648\n"
    text = header() + "".join(
        frame(number, f"{100 + number}.00", extra=f"\n{TOKEN} battery {number}{battery}")
        for number in range(3)
    )
    (note,) = read_series(text.encode()).notes
    assert note.startswith("battery_percent: absent 3 times: temperature_c: -214748364.8 °C")
