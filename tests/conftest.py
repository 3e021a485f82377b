"""Fixtures of all tests; each part keeps its own in ``tests/fixtures``."""

from pathlib import Path

_FIXTURES = Path(__file__).parent / "fixtures"

pytest_plugins = [
    f"tests.fixtures.{path.stem}"
    for path in sorted(_FIXTURES.glob("*.py"))
    if path.stem != "__init__"
]
