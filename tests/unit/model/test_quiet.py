"""What tensorflow says about itself is held back, unless it cannot be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os
from harness.model.quiet import import_quietly

import_quietly()
os.write(2, b"me")
"""


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 0, "me"),
        ("raise RuntimeError('broken')", 1, "I am great"),
    ],
)
def test_words_of_an_import(tmp_path, text, code, message):
    (tmp_path / "tensorflow.py").write_text(f"import os; os.write(2, b'I am great')\n{text}\n")
    process = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(tmp_path)!r}){CODE}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == code
    assert process.stderr.startswith(message)
    assert ("I am great" in process.stderr) == bool(code)
