"""Which harness this is, and what a user's type checker knows of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.lab.host import versions
from harness.version import commit, version_words

ROOT = Path(__file__).parents[2]


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit(tmp_path) == "", "no checkout"
    git(tmp_path, "init", "--quiet")
    assert commit(tmp_path) == "", "no commit"
    (tmp_path / "file").write_text("a")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "untracked").write_text("a run is no change of the harness")
    assert commit(tmp_path) == head[:12]
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert commit(tmp_path) == head[:12]
    (tmp_path / "file").write_text("b")
    assert commit(tmp_path) == f"{head[:12]}-dirty"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(tmp_path) == "", "no git"


def test_version_and_run_record_say_it() -> None:
    known = commit()
    assert bool(known) == (ROOT / ".git").exists()
    shown = f" (commit {known})" if known else ""
    assert version_words() == f"mobileasr-lab {harness.__version__}{shown}"
    assert versions()["mobileasr-lab"] == harness.__version__
    assert versions().get("commit", "") == known


def test_the_changelog_knows_this_version() -> None:
    released = re.findall(r"(?m)^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text())
    assert released[0] in ("Unreleased", harness.__version__)
    assert harness.__version__ in released


SCRIPT = """\
import pandas as pd

import harness

run = harness.open_run("runs/latest")
attempts: pd.DataFrame = run.attempts
name: str = run.record.run_id
reveal_type(run)
run.no_such_frame
"""


def test_a_users_script_is_type_checked(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("script.py")]
    assert [line.partition(": ")[2] for line in lines] == [
        'note: Revealed type is "harness.export.frames.Run"',
        'error: "Run" has no attribute "no_such_frame"  [attr-defined]',
    ], done.stdout
