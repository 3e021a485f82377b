"""Whose shell and tools a virtual phone has."""

import subprocess
from pathlib import Path

import pytest

from harness.virtual.root.tools import has_android_shell, installed_tools

NOT_ON_ANDROID = ("stdbuf", "fold", "toybox", "pkill", "su", "mount")

needs_android = pytest.mark.skipif(
    not has_android_shell(), reason="mksh and toybox are not both installed"
)


@needs_android
def test_androids_shell_and_applets_come_first(tmp_path: Path) -> None:
    tools = installed_tools()
    assert tools.kind == "android"
    assert tools.shell.name == "mksh"
    assert tools.programs["cat"].name == "toybox"
    assert set(tools.lent) == {n for n, path in tools.programs.items() if path.name != "toybox"}
    tools.link_into(tmp_path)
    answer = subprocess.run(
        ["sh", "-c", "echo $KSH_VERSION; seq 2 | cat; date -d @0 +%Y"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        executable=tmp_path / "sh",
    )
    assert "MIRBSD KSH" in answer.stdout
    assert answer.stdout.splitlines()[1:] == ["1", "2", "1970"]


@pytest.mark.parametrize("kind", [pytest.param("android", marks=needs_android), "host"])
def test_no_phone_has_what_no_android_has(tmp_path: Path, kind: str) -> None:
    tools = installed_tools(kind)  # type: ignore[arg-type]
    assert tools.kind == kind
    tools.link_into(tmp_path)
    assert not [name for name in NOT_ON_ANDROID if (tmp_path / name).is_symlink()]
    assert (tmp_path / "sh").exists()


@needs_android
def test_a_folder_of_another_shell_is_relinked(tmp_path: Path) -> None:
    installed_tools("android").link_into(tmp_path)
    installed_tools("host").link_into(tmp_path)
    assert (tmp_path / "cat").readlink().name != "toybox"
