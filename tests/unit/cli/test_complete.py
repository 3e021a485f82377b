"""Completion: what bash, zsh and fish are offered, and that each can be set up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.cli.complete import scenario_names
from tests.fixtures.command import harness_argv


def offered(folder: Path, *words: str) -> list[str]:
    """Return what bash is offered after these words, the last one half typed."""
    answer = subprocess.run(
        harness_argv(),
        cwd=folder,
        env={
            **os.environ,
            "_HARNESS_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("harness", *words)),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.stdout.split()


def test_commands_scenarios_runs_and_profiles_are_offered(tmp_path: Path) -> None:
    (tmp_path / "runs" / "night-1").mkdir(parents=True)
    (tmp_path / "runs" / "night-1" / "run.json").write_text("{}")
    (tmp_path / "quiet.yaml").write_text("")
    assert offered(tmp_path, "nigh") == ["nightly"]
    assert offered(tmp_path, "run", "qui") == ["quickstart", "quiet.yaml"]
    assert "paper/table1" in offered(tmp_path, "plan", "paper/")
    assert offered(tmp_path, "resume", "ni") == ["night-1"]
    assert offered(tmp_path, "farm", "up", "--profile", "pix") == ["pixel-4"]


def test_files_in_other_folders_are_offered(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("a.yaml", "b.txt", ".hidden.yaml"):
        (tmp_path / "mine" / name).write_text("")
    assert scenario_names(f"{tmp_path}/mine/") == [f"{tmp_path}/mine/a.yaml"]
    assert scenario_names(f"{tmp_path}/mi") == [f"{tmp_path}/mine/"]


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bashrc"),
        ("zsh", ".zshrc"),
        ("fish", ".config/fish/completions/harness.fish"),
    ],
)
def test_it_is_installed_for_each_shell(tmp_path: Path, shell: str, file: str) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    answer = subprocess.run(
        harness_argv("--install-completion", shell),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / file).is_file()
