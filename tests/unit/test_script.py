"""The README's commands with nothing in the environment."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("script", ["bootstrap", "demo", "docs", "test"])
def test_python_is_told_a_path_where_the_environment_has_none(script: str, tmp_path: Path) -> None:
    # without PATH, Python does not know where it is itself, and makes no environment
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || { env; exit 7; }\n')
    python.chmod(0o755)
    done = subprocess.run(
        [ROOT / "script" / script],
        env={"HOME": str(tmp_path), "PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7
    assert "\nPATH=/" in f"\n{done.stdout}"


PIP = """
for number in range(3):
    print("Collecting package%d>=1 (from x)" % number, flush=True)
print("  Downloading package0-1.whl (3 kB)", flush=True)
print("Installing collected packages: a, b", flush=True)
raise SystemExit({code})
"""


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "script" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("code", [0, 1])
def test_bootstrap_says_what_it_waits_for(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    bootstrap.EVERY_S = 0.0
    command = [sys.executable, "-c", PIP.format(code=code)]
    assert bootstrap.told(command, time.monotonic()) is (code == 0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("1 packages: collecting package0>=1")
    assert lines[-1].endswith("3 packages: installing all of them")


def test_bootstrap_does_not_chatter(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.EVERY_S = 1000.0
    bootstrap.told([sys.executable, "-c", PIP.format(code=0)], time.monotonic())
    assert len(capsys.readouterr().err.splitlines()) == 1
