"""Completion: what bash, zsh and fish are offered, and that each can be set up."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
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


# -- in the shells themselves ---------------------------------------------------------------------


@pytest.fixture
def at_home(tmp_path: Path) -> dict[str, str]:
    """A home with completion for all shells, and a run; the environment that finds ``harness``."""
    (tmp_path / "runs" / "night-1").mkdir(parents=True)
    (tmp_path / "runs" / "night-1" / "run.json").write_text("{}")
    programs = Path(sys.executable).parent
    if not (programs / "harness").is_file():
        pytest.skip("the command is not installed beside this Python")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        "TERM": "xterm",
    }
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"):
        environment.pop(variable, None)
    for shell in ("bash", "zsh", "fish"):
        subprocess.run(
            ["harness", "--install-completion", shell],
            env=environment,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=60,
        )
    return environment


TYPED = {
    "harness resume ni": "night-1",
    "harness plan quick": "quickstart",
    "harness farm up --profile pix": "pixel-4",
}


def needs(shell: str) -> str:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}")
    return program


def test_fish_completes(at_home: dict[str, str], tmp_path: Path) -> None:
    for typed, meant in TYPED.items():
        answer = subprocess.run(
            [needs("fish"), "-c", f"complete -C '{typed}'"],
            env=at_home,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert meant in answer.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_first_tab_completes(at_home: dict[str, str], tmp_path: Path, shell: str) -> None:
    """Type as a person does, in a terminal."""
    typed, meant = "harness resume ni", "harness resume night-1"
    assert typed.rpartition(" ")[2] in TYPED[typed]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(needs(shell), [shell, "-i"], at_home)
    seen = ""
    try:
        deadline = time.monotonic() + 60
        sent = False
        while meant not in seen and time.monotonic() < deadline:
            if not select.select([terminal], [], [], 2.0)[0]:
                if not sent:  # the shell has said all that it says before one types
                    os.write(terminal, f"{typed}\t".encode())
                    sent = True
                continue
            raw = os.read(terminal, 4096).decode(errors="replace")
            seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|.\x08", "", raw)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert meant in seen
