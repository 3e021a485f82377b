"""Content-addressed transfer over the real adb server: skips, repairs, full disks, lost cables."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost, DiskFull, TransferFailed
from harness.adb.phone import Phone
from harness.adb.transfer import LocalFile, ensure_files, return_borrowed
from harness.adb.turns import Turns, WaitStoppedError
from tests.fixtures.bare_phone import BarePhone


@pytest.fixture
def phone(plain_phone: BarePhone) -> Phone:
    return Phone(plain_phone.server, plain_phone.address, "SERIAL1")


@pytest.fixture
def work_dir(plain_phone: BarePhone) -> str:
    return f"{plain_phone.tmp}/my work"


@pytest.fixture
def files(tmp_path: Path) -> list[LocalFile]:
    made = []
    for number, suffix in enumerate((".tflite", ".npz", ".wav", ".wav", "")):
        path = tmp_path / f"file {number}{suffix}"
        path.write_bytes(hashlib.sha256(str(number).encode()).digest() * (2_000 + number))
        made.append(LocalFile.of(path))
    return made


def contents(phone: Phone, work_dir: str) -> dict[str, bytes]:
    return {
        e.name: phone.read_file(f"{work_dir}/cas/{e.name}")
        for e in phone.entries(f"{work_dir}/cas")
        if e.is_file
    }


def expected(files: list[LocalFile]) -> dict[str, bytes]:
    return {file.name: file.path.read_bytes() for file in files}


def test_an_unchanged_file_is_not_pushed_twice(
    phone: Phone, work_dir: str, files: list[LocalFile], tmp_path: Path
) -> None:
    total = sum(file.size for file in files)
    first = ensure_files(phone, work_dir, [*files, files[0]])
    assert (first.pushed_files, first.pushed_bytes, first.skipped_files) == (5, total, 0)
    assert contents(phone, work_dir) == expected(files)
    second = ensure_files(phone, work_dir, files)
    assert (second.pushed_files, second.pushed_bytes) == (0, 0)
    assert (second.skipped_files, second.skipped_bytes) == (5, total)
    copy = tmp_path / "other name.wav"
    copy.write_bytes(files[2].path.read_bytes())
    third = ensure_files(phone, work_dir, [LocalFile.of(copy)])
    assert (third.pushed_files, third.skipped_files) == (0, 1)


def test_known_files_are_not_hashed_again(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    ensure_files(phone, work_dir, files)
    # a phone whose sha256sum fails can still answer for files it has verified before
    tool = plain_phone.root.root_dir / "system/bin/sha256sum"
    tool.unlink()
    tool.write_text("#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    assert phone.shell("sha256sum /dev/null").code == 1
    assert ensure_files(phone, work_dir, files).skipped_files == 5


@pytest.mark.parametrize(
    "damage",
    [
        "printf X | dd of='{path}' bs=1 conv=notrunc",  # one byte, same size
        "truncate -s 100 '{path}'",
        "printf more >> '{path}'",
        "rm '{path}'",
    ],
)
def test_a_damaged_file_is_repaired(
    phone: Phone, work_dir: str, files: list[LocalFile], damage: str
) -> None:
    ensure_files(phone, work_dir, files)
    phone.run(damage.format(path=files[1].on_phone(work_dir)))
    record = ensure_files(phone, work_dir, files)
    assert (record.pushed_files, record.skipped_files) == (1, 4)
    assert contents(phone, work_dir) == expected(files)


def test_a_touched_but_sound_file_is_proven_not_pushed(
    phone: Phone, work_dir: str, files: list[LocalFile]
) -> None:
    ensure_files(phone, work_dir, files)
    path = files[0].on_phone(work_dir)
    phone.run(["touch", path])
    assert ensure_files(phone, work_dir, files).pushed_files == 0
    entry = phone.stat(path)
    assert entry is not None
    assert entry.mtime == files[0].stamp, "the next time it must not be hashed again"


def test_what_a_broken_push_left_is_never_used(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    file = files[0]
    phone.make_folder(f"{work_dir}/cas")
    # right name and size, but never verified: another program's, or written by a broken mv
    phone.write_bytes(file.on_phone(work_dir), bytes(file.size))
    phone.write_bytes(f"{work_dir}/cas/.incoming-1234-{file.name}", b"half")
    record = ensure_files(phone, work_dir, [file])
    assert record.pushed_files == 1
    assert contents(phone, work_dir) == expected([file])


def test_a_full_disk_says_what_was_needed_and_leaves_nothing(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    ensure_files(phone, work_dir, files[:1])
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "disk_free_bytes", 100_000))
    with pytest.raises(DiskFull) as caught:
        ensure_files(phone, work_dir, files)
    # the second file still fitted; the third did not
    assert caught.value.needed_bytes == sum(file.size for file in files[2:])
    assert caught.value.free_bytes is not None
    plain_phone.thread.call(plain_phone.faults.clear)
    assert contents(phone, work_dir) == expected(files[:1])


def test_too_much_is_refused_before_the_push(
    phone: Phone, work_dir: str, files: list[LocalFile], tmp_path: Path
) -> None:
    giant = tmp_path / "giant.bin"
    giant.touch()
    os.truncate(giant, 1 << 43)
    file = LocalFile(giant, "0" * 64, ".bin", 1 << 43)
    with pytest.raises(DiskFull) as caught:
        ensure_files(phone, work_dir, [file])
    assert caught.value.needed_bytes == 1 << 43
    assert contents(phone, work_dir) == {}


def test_a_file_that_is_not_what_it_says(
    phone: Phone, work_dir: str, files: list[LocalFile]
) -> None:
    wrong = LocalFile(files[0].path, "ab" * 32, ".tflite", files[0].size)
    with pytest.raises(TransferFailed, match="another SHA-256"):
        ensure_files(phone, work_dir, [wrong])
    assert contents(phone, work_dir) == {}


def test_a_cable_lost_in_the_middle(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "drop_after_bytes", 150_000))
    record = ensure_files(phone, work_dir, files)
    assert plain_phone.faults.drop_after_bytes is None, "the cable was not lost"
    assert record.pushed_files + record.skipped_files == 5
    assert contents(phone, work_dir) == expected(files)


def test_a_cable_that_stays_away(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    plain_phone.thread.call(lambda: plain_phone.faults.lose_cable(float("inf")))
    with pytest.raises(DeviceLost):
        ensure_files(phone, work_dir, files, lost_timeout_s=0.5)
    plain_phone.thread.call(plain_phone.faults.restore_cable)


def test_what_was_pushed_goes_and_what_was_there_stays(
    phone: Phone, work_dir: str, files: list[LocalFile]
) -> None:
    before, pushed = files[:2], files[2:]
    ensure_files(phone, work_dir, before, keep=True)
    phone.write_text(f"{work_dir}/cas/notes.txt", "not ours")
    ensure_files(phone, work_dir, files)
    assert ensure_files(phone, work_dir, pushed).pushed_files == 0, "the next job pushes nothing"
    phone.write_text(f"{work_dir}/cas/.incoming-00-x", "left over")
    return_borrowed(phone, work_dir)
    assert contents(phone, work_dir) == expected(before) | {"notes.txt": b"not ours"}
    return_borrowed(phone, work_dir)  # nothing is left to do


def test_what_is_borrowed_can_be_kept(phone: Phone, work_dir: str, files: list[LocalFile]) -> None:
    ensure_files(phone, work_dir, files)
    assert ensure_files(phone, work_dir, files[:2], keep=True).pushed_files == 0
    return_borrowed(phone, work_dir)
    assert contents(phone, work_dir) == expected(files[:2])


def test_a_folder_that_is_empty_then_goes_too(
    phone: Phone, work_dir: str, files: list[LocalFile]
) -> None:
    return_borrowed(phone, work_dir)  # nothing was ever pushed
    ensure_files(phone, work_dir, files)
    return_borrowed(phone, work_dir)
    assert phone.stat(f"{work_dir}/cas") is None


def test_a_push_that_broke_off_leaves_nothing_behind(
    phone: Phone, work_dir: str, files: list[LocalFile], plain_phone: BarePhone
) -> None:
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "drop_after_bytes", 150_000))
    ensure_files(phone, work_dir, files)
    return_borrowed(phone, work_dir)
    assert contents(phone, work_dir) == {}


def test_a_phone_waits_for_others_of_its_hub_and_says_so(
    phone: Phone, work_dir: str, files: list[LocalFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone.server, "pushes", Turns(1))
    said: list[bool] = []
    waits, stop = threading.Event(), threading.Event()

    def on_wait(waiting: bool) -> None:
        said.append(waiting)
        waits.set()

    with ThreadPoolExecutor(1) as pool:
        with phone.server.pushes.turn(""):  # another phone of the same server has its turn
            stop.set()
            with pytest.raises(WaitStoppedError):
                ensure_files(phone, work_dir, files, stop=stop, on_wait=on_wait)
            assert contents(phone, work_dir) == {}
            waits.clear()
            pushed = pool.submit(ensure_files, phone, work_dir, files, on_wait=on_wait)
            assert waits.wait(20)
            assert contents(phone, work_dir) == {}, "not before its turn"
        assert pushed.result(20).pushed_files == len(files)
    assert said == [True, True, False]
    with phone.server.pushes.turn(""):  # nothing to push, nothing to wait for
        assert ensure_files(phone, work_dir, files, on_wait=on_wait).pushed_files == 0
    assert len(said) == 3
