"""What failed once in CI and may be tried once more: never a unit test, never more than three.

Tests that meet virtual phones or a browser race with a busy machine. One that passes the second
time, alone, is flaky: it is printed in a list at the end, so that somebody mends it.
usage: second_try.py EXIT_CODE     of `script/test`, whose cache says what failed
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
TRIED_AGAIN = ("tests/integration/", "tests/chaos/", "tests/browser/", "tests/docs/")
MOST = 3
"""So many flaky tests are let pass."""
TESTS_FAILED = 1
"""pytest's exit code; lint, types and floors have it too, and then no test has failed."""


def failed_tests(last_failed: Path) -> list[str]:
    """Return the names of the tests that failed, as pytest's cache has them."""
    return sorted(json.loads(last_failed.read_text())) if last_failed.is_file() else []


def second_try(
    code: int, failed: Sequence[str], run: Callable[[Sequence[str]], int]
) -> tuple[int, str]:
    """Say how CI ends.

    Args:
        code: Exit code of the first try.
        failed: Tests that failed in it.
        run: Runs tests by their names and returns the exit code.

    Returns:
        Exit code, and what to print at the end.
    """
    if code == 0:
        return 0, "ci: 0 flaky tests"
    if code != TESTS_FAILED or not failed:
        return code, "ci: there is no test to be tried a second time"
    final = [name for name in failed if not name.startswith(TRIED_AGAIN)]
    if final:
        return code, _listed("failed, and get no second try", final)
    if len(failed) > MOST:
        return code, _listed(f"failed, and more than {MOST} get no second try", failed)
    if run(failed) != 0:
        return TESTS_FAILED, _listed("failed, not all of them passed the second time", failed)
    return 0, _listed("flaky: passed the second time", failed)


def _listed(what: str, names: Sequence[str]) -> str:
    return "\n  ".join([f"ci: {len(names)} {what}", *names])


def _run(names: Sequence[str]) -> int:
    print("ci: trying what failed a second time, on its own", flush=True)
    return subprocess.run([str(ROOT / "script" / "test"), *names], check=False).returncode


if __name__ == "__main__":
    ended, words = second_try(int(sys.argv[1]), failed_tests(LAST_FAILED), _run)
    print(words)
    sys.exit(ended)
