"""/proc/stat of a virtual phone, and files that are rewritten in place."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readings.proc_stat import parse_proc_stat
from harness.virtual.system.kernel_files import FixedFile, stat_text

_ticks = st.integers(0, 10**10)


@given(_ticks, _ticks, st.integers(1, 16), _ticks)
def test_core_times_sum_to_the_whole(user: int, system: int, cores: int, up: int) -> None:
    shown = parse_proc_stat(stat_text(user, system, cores, up, 1_700_000_000, 42))
    assert shown.all is not None
    assert len(shown.cores) == cores
    assert sum(c.user for c in shown.cores.values()) == shown.all.user == user
    assert sum(c.system for c in shown.cores.values()) == shown.all.system == system
    assert sum(c.idle for c in shown.cores.values()) == shown.all.idle
    assert shown.all.idle == max(0, up * cores - user - system)
    assert (shown.boot_time_s, shown.processes) == (1_700_000_000, 42)


@given(_ticks, _ticks, _ticks, _ticks)
def test_stat_never_changes_its_length(a: int, b: int, c: int, d: int) -> None:
    assert len(stat_text(a, b, 8, c, d, 5)) == len(stat_text(0, 0, 8, 0, 0, 0))


@given(_ticks, _ticks, st.integers(1, 16), _ticks)
def test_stat_has_single_blanks_as_the_kernel_prints_it(
    user: int, system: int, cores: int, up: int
) -> None:
    """Patterns of pure-python-adb and others want them."""
    lines = stat_text(user, system, cores, up, 1_700_000_000, 42).decode().splitlines()
    assert lines[0].startswith("cpu  ")
    assert all("  " not in line.removeprefix("cpu  ") for line in lines)
    interrupts = next(line for line in lines if line.startswith("intr ")).split()[1:]
    assert int(interrupts[0]) == sum(map(int, interrupts[1:]))


def test_a_fixed_file_keeps_inode_and_length(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    file = FixedFile(path, b"one\n")
    inode = path.stat().st_ino
    file.write(b"two\n")
    assert path.read_bytes() == b"two\n"
    assert path.stat().st_ino == inode
    with pytest.raises(ValueError, match="5 bytes for a file of 4"):
        file.write(b"three")
    file.close()
    file.write(b"six\n")
    file.close()
    assert path.read_bytes() == b"two\n"


def test_readers_never_see_half_a_write(tmp_path: Path) -> None:
    path = tmp_path / "stat"
    texts = [letter * 2000 for letter in (b"a", b"b")]
    file = FixedFile(path, texts[0])
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            file.write(texts[n % 2])

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    for _ in range(3000):
        text = path.read_bytes()
        assert len(text) == 2000
        seen.add(len(set(text)))
    stop.set()
    writer.join()
    file.close()
    # whole file systems in memory never mix two writes; on a disk's it's rare, and lengths hold
    assert 1 in seen
