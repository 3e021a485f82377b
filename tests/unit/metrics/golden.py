"""Exact vectors of `tests/golden` that this folder's tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "golden"


def golden(name: str) -> Any:
    """Return one file of vectors."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
