"""The sampler on a virtual phone through the real adb: every second, also over a lost cable."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adb.phone import Phone
from harness.contract.events import PhaseChange
from harness.readings import (
    MeminfoPackage,
    parse_battery,
    parse_meminfo_package,
    parse_meminfo_proto,
)
from harness.sampling import Sampler, SamplerSettings, SamplingError, read_series
from tests.fixtures.bare_phone import BarePhone
from tests.fixtures.farm import FarmPhone

DUMPSYS = """#!/bin/sh
case "$1" in
battery)
  [ -e "${0%/*}/battery.hangs" ] && exec sleep 60
  echo "Current Battery Service state:
  USB powered: true
  level: 64
  scale: 100
  voltage: 4011
  temperature: 297" ;;
meminfo) sleep 0.4; read -r pid < "${0%/*}/trainer.pid"; echo "** MEMINFO in pid $pid [$3] **
 App Summary
           TOTAL PSS:    20480            TOTAL RSS:    40960      TOTAL SWAP (KB):        0" ;;
thermalservice) echo "Thermal Status: 1
Current temperatures from HAL:
	Temperature{mValue=41.5, mType=0, mName=cpu, mStatus=0}" ;;
*) echo "Can't find service: $1" ;;
esac
"""
PIDOF = """#!/bin/sh
read -r pid < "${0%/*}/trainer.pid" && [ -e "/proc/$pid/stat" ] && echo "$pid"
"""
TRAINER = """
import sys, time
held = bytearray(40 << 20)
while True:
    held[:] = held
    until = time.process_time() + 0.02
    while time.process_time() < until:
        pass
    time.sleep(0.03)
"""


class Bench:
    """A bare phone with just enough tools for the sampler, and a busy process as its trainer."""

    def __init__(self, bare: BarePhone, tmp_path: Path) -> None:
        self.bare = bare
        self.phone = Phone(bare.server, bare.address)
        self.bin = bare.root.root_dir / "system/bin"
        for name, text in (("dumpsys", DUMPSYS), ("pidof", PIDOF)):
            (self.bin / name).unlink(missing_ok=True)
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.folder = f"{bare.tmp}/mobileasr/attempts/j-1/sampler"
        self.local = tmp_path / "samples.txt"
        self.trainer: subprocess.Popen[bytes] | None = None

    def sampler(self, monotonic: Callable[[], float] = time.monotonic, **settings: Any) -> Sampler:
        how = SamplerSettings(**settings)
        return Sampler(self.phone, self.folder, self.local, how, monotonic=monotonic)

    def start_trainer(self) -> int:
        self.trainer = subprocess.Popen([sys.executable, "-c", TRAINER])
        (self.bin / "trainer.pid").write_text(f"{self.trainer.pid}\n")
        return self.trainer.pid

    def end_trainer(self) -> None:
        if self.trainer is not None:
            self.trainer.kill()
            self.trainer.wait()
            self.trainer = None

    def uptime_ms(self) -> int:
        return round(float(Path("/proc/uptime").read_text().split()[0]) * 1000)


@pytest.fixture
def bench(make_bare_phone: Callable[..., BarePhone], tmp_path: Path) -> Iterator[Bench]:
    made = Bench(make_bare_phone("none"), tmp_path)
    yield made
    made.end_trainer()


def test_every_second_with_the_trainers_figures_and_phases(bench: Bench) -> None:
    sampler = bench.sampler(every_s={"pss": 2, "thermal": 2})
    sampler.setup()
    assert sampler.capabilities is not None
    assert sampler.capabilities.absent == ()
    sampler.start()
    time.sleep(1.1)
    begin_ms, pid = bench.uptime_ms(), bench.start_trainer()
    time.sleep(4.1)
    bench.end_trainer()
    end_ms = bench.uptime_ms()
    time.sleep(1.1)
    sampler.stop()
    sampler.stop()

    events = [
        PhaseChange(seq=0, t_boot_ms=begin_ms, phase="train", state="begin", epoch=2),
        PhaseChange(seq=1, t_boot_ms=end_ms, phase="train", state="end", epoch=2),
    ]
    table, record = sampler.table(events)
    rows = table.to_pylist()
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    assert len(rows) >= 6
    assert (record.missing, record.expected) == (0, len(rows))
    assert record.start_jitter_p99_ms < 500
    assert record.sampler_cpu_percent_one_core is not None
    assert 0 < record.sampler_cpu_percent_one_core < 20

    training = [row for row in rows if row["phase"] == "train"]
    assert 3 <= len(training) <= 5
    assert {row["epoch"] for row in training} == {2}
    assert rows[0]["phase"] == rows[-1]["phase"] == "idle"
    assert {row["trainer_pid"] for row in training} == {pid}
    assert rows[0]["trainer_pid"] is None
    assert rows[-1]["trainer_pid"] is None
    settled = training[1:]
    assert all(row["trainer_rss_mb"] > 40 for row in settled)
    # It sleeps 30 ms for each 20 ms of work (and copies 40 MB): well under one core, well over 0.
    assert all(5 < row["trainer_cpu_percent_one_core"] < 100 for row in settled)
    assert all(0 < row["trainer_cpu_percent_phone"] <= 100 for row in settled)
    assert all(row["available_mb"] > 0 for row in rows)
    assert all(row["battery_percent"] == 64 for row in rows[:-1])
    assert all(row["battery_plugged"] for row in rows[:-1])
    assert any(row["trainer_pss_mb"] == 20 for row in rows)
    assert {row["temperature_c"] for row in rows} >= {41.5}
    assert sampler.collect().peak_rss_mb > 40  # type: ignore[operator]
    assert len(read_series(bench.local.read_bytes()).samples) == len(rows)

    sampler.teardown()
    assert bench.phone.stat(bench.folder) is None


def test_a_lost_cable_loses_no_second(bench: Bench) -> None:
    sampler = bench.sampler(period_s=0.5)
    sampler.start()
    time.sleep(1)
    bench.bare.thread.call(lambda: bench.bare.faults.lose_cable(4.0))
    time.sleep(6)
    sampler.stop()
    _, record = sampler.table()
    assert record.missing == 0
    assert record.expected >= 13
    assert sampler.notes == []


def test_a_battery_service_that_hangs_delays_nothing(bench: Bench) -> None:
    sampler = bench.sampler(period_s=0.5)
    sampler.setup()
    sampler.start()
    time.sleep(1.2)
    (bench.bin / "battery.hangs").touch()
    time.sleep(2.6)
    sampler.stop()
    table, record = sampler.table()
    levels = table.column("battery_percent").to_pylist()
    assert record.missing == 0
    assert record.expected >= 7
    assert levels[0] == 64
    assert levels[-3:] == [None] * 3  # absent, not 0 and not the last one repeated
    assert all(mb > 0 for mb in table.column("available_mb").to_pylist())


def test_a_phone_is_not_sampled_for_ever_by_a_host_that_is_gone(bench: Bench) -> None:
    # A clock that stands still never sees that the lease wants renewing: as if the host had died.
    sampler = bench.sampler(period_s=0.2, lease_s=2, monotonic=lambda: 0.0)
    sampler.start()
    second = bench.phone.shell(f"cd {bench.folder} && sh ./loop.sh")
    assert second.code == 3
    assert "already running" in second.stdout
    deadline = time.monotonic() + 8
    while sampler.series.stopped is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sampler.series.stopped == "lease"
    assert bench.phone.stat(f"{bench.folder}/lock") is None
    sampler.stop()
    assert sampler.notes == []


def test_a_phone_that_tells_nothing_is_refused(bench: Bench) -> None:
    sampler = bench.sampler(proc_dir=f"{bench.folder}/nothing")
    with pytest.raises(SamplingError, match="neither"):
        sampler.start()


def test_protobuf_is_preferred_and_says_what_the_text_says(
    stub_phone: FarmPhone, tmp_path: Path
) -> None:
    phone = stub_phone.phone
    folder = f"{stub_phone.work_dir}/attempts/j-2/sampler"
    settings = SamplerSettings(proc_dir=stub_phone.proc_dir, period_s=0.5)
    sampler = Sampler(phone, folder, tmp_path / "samples.txt", settings)
    sampler.setup()
    found = sampler.capabilities
    assert found is not None
    assert found.commands["pss"].proto
    assert found.commands["battery"] == ("dumpsys battery --proto", True)
    sampler.start()
    time.sleep(1.6)
    text = parse_battery(phone.shell("dumpsys battery").raw)
    sampler.stop()
    table, record = sampler.table()
    sampler.teardown()
    again = Sampler(
        phone,
        folder,
        tmp_path / "again.txt",
        settings,
        capabilities=found,  # known from elsewhere: the loop has to be put there all the same
    )
    again.start()
    again.stop()
    assert again.series.samples
    again.teardown()
    levels = table.column("battery_percent").to_pylist()[:-1]
    assert record.missing == 0
    assert levels == [text.percent] * len(levels)
    assert set(table.column("battery_plugged").to_pylist()[:-1]) == {text.plugged}

    own = f"{stub_phone.work_dir}/own"
    pid = phone.query(
        f"echo $$; dumpsys meminfo -s $$ > {own}.txt; dumpsys meminfo -s --proto $$ > {own}.bin"
    ).strip()
    by_text = parse_meminfo_package(phone.read_file(f"{own}.txt"))
    by_proto = parse_meminfo_proto(phone.read_file(f"{own}.bin"))
    assert isinstance(by_proto, MeminfoPackage)
    of_text, of_proto = by_text.processes[0], by_proto.processes[0]
    assert (of_text.pid, of_proto.pid) == (int(pid), int(pid))
    assert of_text.name == of_proto.name
    assert of_proto.total_pss_kb == pytest.approx(of_text.total_pss_kb, rel=0.2)
    assert of_proto.summary.keys() >= {"Native Heap", "Code", "System"}


def test_samples_that_came_damaged_are_read_again_from_the_phone(bench: Bench) -> None:
    sampler = bench.sampler(period_s=0.25, gather_s=0.5)
    sampler.start()
    garble = bench.bare.faults
    bench.bare.thread.call(lambda: setattr(garble, "garble_share", 0.02))
    time.sleep(2)
    bench.bare.thread.call(lambda: setattr(garble, "garble_share", 0.0))
    assert sampler.series.samples is not None  # what was read before counts for nothing then
    sampler.stop()
    assert bench.local.read_bytes() == bench.phone.read_file(f"{bench.folder}/samples.txt")
    _, record = sampler.table()
    assert (record.missing, sampler.series.dropped) == (0, 0)
    assert sampler.notes == ["samples came damaged and were read again"]
