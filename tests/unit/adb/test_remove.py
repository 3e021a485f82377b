"""Removing what a process that is about to end still changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adb.errors import CommandFailed
from harness.adb.phone import Phone
from tests.fixtures.fake_adb import FakeAdb, FakePhone


def _phone(fake: FakeAdb, shell: str) -> Phone:
    fake.phones = [FakePhone("R58", shell=shell)]
    return Phone(fake.server, "R58")


def test_a_file_that_goes_while_its_folder_is_removed(fake_adb: FakeAdb, tmp_path: Path) -> None:
    """What toybox says of it, and that it stops there."""
    folder = tmp_path / "data" / "local" / "tmp" / "attempt"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    once = f"""rm() {{
      if [ -e {tmp_path}/raced ]; then command rm "$@"; return; fi
      : > {tmp_path}/raced; echo "rm: lock: No such file or directory" >&2; return 1
    }}"""
    _phone(fake_adb, once).remove([str(folder)])
    assert not folder.exists()
    assert (tmp_path / "raced").exists()


def test_what_stays_is_an_error(fake_adb: FakeAdb, tmp_path: Path) -> None:
    phone = _phone(fake_adb, 'rm() { echo "rm: x: Permission denied" >&2; return 1; }')
    with pytest.raises(CommandFailed, match="Permission denied"):
        phone.remove([str(tmp_path / "a" / "b" / "c")])
