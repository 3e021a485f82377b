"""The README's commands with nothing in the environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

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
