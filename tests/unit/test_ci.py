"""What CI tries a second time."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def ci() -> ModuleType:
    path = Path(__file__).parents[2] / ".ci" / "second_try.py"
    spec = importlib.util.spec_from_file_location("second_try", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def integration(count: int) -> list[str]:
    return [f"tests/integration/test_a.py::test_{n}" for n in range(count)]


def never(names: Sequence[str]) -> int:
    raise AssertionError(f"tried again: {names}")


def test_nothing_failed(ci: ModuleType) -> None:
    assert ci.second_try(0, [], never) == (0, "ci: 0 flaky tests")


@pytest.mark.parametrize(
    ("code", "failed"),
    [
        (1, []),  # lint, or a skip
        (2, integration(1)),  # Ctrl-C
        (3, integration(1)),  # pytest itself
        (1, ["tests/unit/test_a.py::test_x"]),
        (1, ["tests/simulation/test_a.py::test_x", *integration(1)]),
        (1, integration(4)),
    ],
)
def test_what_is_final(ci: ModuleType, code: int, failed: list[str]) -> None:
    ended, words = ci.second_try(code, failed, never)
    assert ended == code
    assert "flaky" not in words


def test_a_flaky_test_is_listed(ci: ModuleType) -> None:
    tried: list[Sequence[str]] = []

    def passes(names: Sequence[str]) -> int:
        tried.append(names)
        return 0

    failed = integration(3)
    ended, words = ci.second_try(1, failed, passes)
    assert ended == 0
    assert tried == [failed]
    assert words.split("\n") == [
        "ci: 3 flaky: passed the second time",
        *(f"  {name}" for name in failed),
    ]


def test_twice_is_broken(ci: ModuleType) -> None:
    ended, words = ci.second_try(1, integration(1), lambda _: 1)
    assert ended == 1
    assert "1 failed" in words


def test_the_names_are_in_the_cache_of_pytest(ci: ModuleType, tmp_path: Path) -> None:
    cache = tmp_path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    assert ci.failed_tests(cache) == []
    (tmp_path / "test_a.py").write_text("def test_passes(): pass\ndef test_fails(): assert False\n")
    words = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", "."]
    subprocess.run(words, cwd=tmp_path, capture_output=True)
    assert ci.failed_tests(cache) == ["test_a.py::test_fails"]
