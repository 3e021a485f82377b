"""A worker's folder of files by their content: whole or not there, and no larger than it may be."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from harness.adb.transfer import LocalFile
from harness.lab.engines import shelf as shelf_module
from harness.lab.engines.shelf import ASKED_S, Shelf

SIZE = 1000


def file(number: int) -> tuple[LocalFile, bytes]:
    data = number.to_bytes(2, "big") * (SIZE // 2)
    return LocalFile(Path("x"), hashlib.sha256(data).hexdigest(), ".wav", len(data)), data


def stored(shelf: Shelf, number: int, age_s: float = 0.0) -> LocalFile:
    local_file, data = file(number)
    shelf.store(local_file, 0, data)
    when = time.time() - age_s
    os.utime(shelf.local(local_file).path, (when, when))
    return local_file


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, limit_bytes=3 * SIZE)
    old, older, new = (stored(shelf, n, age) for n, age in ((1, 2000.0), (2, 3000.0), (3, 1000.0)))
    assert shelf.missing([old, older, new]) == ()
    for local_file, age in ((old, 2000.0), (older, 3000.0), (new, 1000.0)):
        os.utime(shelf.local(local_file).path, (time.time() - age,) * 2)
    assert shelf.missing([older]) == ()  # asked for: it is the newest now
    latest = stored(shelf, 4)
    assert shelf.missing([old, older, new, latest]) == (old.name,)
    assert sum(local_file.stat().st_size for local_file in (tmp_path / "cas").iterdir()) == 3 * SIZE


def test_what_is_in_use_stays_however_large_it_all_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, other = Shelf(tmp_path, limit_bytes=SIZE), Shelf(tmp_path, limit_bytes=SIZE)
    monkeypatch.setattr(shelf_module, "KEEP_S", 0.0)
    used = stored(shelf, 1)
    idle = stored(shelf, 2)
    with shelf.using([used]):
        for local_file in (used, idle):
            os.utime(shelf.local(local_file).path, (time.time() - 2 * ASKED_S,) * 2)
        shelf.keep_used()
        stored(other, 3)  # another worker of the same host
        assert other.missing([used, idle]) == (idle.name,)
        assert shelf.local(used).path.read_bytes() == file(1)[1]
    os.utime(shelf.local(used).path, (time.time() - 2 * ASKED_S,) * 2)
    stored(other, 4)
    assert shelf.missing([used]) == (used.name,)


def test_pieces_of_a_dead_coordinator_go_after_a_day_and_those_that_come_stay(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path)
    local_file, data = file(1)
    shelf.store(local_file, 0, data[:10])
    (part,) = (tmp_path / "cas").iterdir()
    stored(shelf, 2)
    assert part.exists()
    os.utime(part, (time.time() - 100_000,) * 2)
    stored(shelf, 3)
    assert not part.exists()


def test_other_bytes_than_the_name_says_are_not_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    local_file, data = file(1)
    with pytest.raises(ValueError, match="arrived as"):
        shelf.store(local_file, 0, data[:-1] + b"!")
    assert list((tmp_path / "cas").iterdir()) == []
    assert shelf.missing([local_file]) == (local_file.name,)
