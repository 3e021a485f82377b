"""What a farm leaves is removed whole, whatever stands in the way."""

import os
from pathlib import Path
from typing import Any

import pytest

from harness.virtual.reaper import remove_tree


def test_a_tree_with_closed_folders_is_removed(tmp_path: Path) -> None:
    inner = tmp_path / "phone" / "data" / "local"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    for folder in (inner, inner.parent):
        folder.chmod(0o000)
    remove_tree(tmp_path / "phone")
    assert not (tmp_path / "phone").exists()


def test_a_folder_that_cannot_be_opened_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may open any folder, so the refusal is played."""
    inner = tmp_path / "phone" / "data"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    refused: list[str] = []
    really_open = os.open

    def open_(path: Any, *values: Any, **names: Any) -> int:
        if str(path).endswith("data") and not refused:
            refused.append(str(path))
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(path, *values, **names)

    monkeypatch.setattr(os, "open", open_)
    remove_tree(tmp_path / "phone")
    assert refused
    assert not (tmp_path / "phone").exists()


def test_a_folder_that_somebody_else_has_removed_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "gone")
