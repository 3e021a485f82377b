"""Which run is meant, and whether a new one can be made, before phones are started for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.runs import check_new_run, run_folder
from harness.errors import InputError


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".x", "my run", "x" * 200, "a..b", "-x"])
def test_what_no_folder_is_called(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a name for a run folder"):
        check_new_run(tmp_path, name)


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    with pytest.raises(InputError, match="already"):
        check_new_run(tmp_path, "night")
    check_new_run(tmp_path / "not" / "yet", "night")
    check_new_run(tmp_path, None)
    assert not (tmp_path / "not").exists()


def test_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        check_new_run(tmp_path / "file" / "runs", None)


def test_the_run_that_was_meant(tmp_path: Path) -> None:
    for name, day in (("night-1", 2), ("quick", 1)):
        (tmp_path / name).mkdir()
        record = {"started_utc": f"2026-11-0{day}T00:00:00Z"}
        (tmp_path / name / "run.json").write_text(json.dumps(record))
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text("{")
    assert run_folder(Path("latest"), tmp_path) == tmp_path / "night-1"
    with pytest.raises(InputError, match="Did you mean night-1\\?"):
        run_folder(Path("nigth-1"), tmp_path)
