"""What a farm leaves is removed whole, whatever stands in the way."""

from pathlib import Path

from harness.virtual.reaper import remove_tree


def test_a_tree_with_closed_folders_is_removed(tmp_path: Path) -> None:
    inner = tmp_path / "phone" / "data" / "local"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    for folder in (inner, inner.parent):
        folder.chmod(0o000)
    remove_tree(tmp_path / "phone")
    assert not (tmp_path / "phone").exists()


def test_a_folder_that_somebody_else_has_removed_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "gone")
