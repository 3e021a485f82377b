"""Whether ``logcat`` did what it was asked."""

from __future__ import annotations

from harness.adb.shell import ShellResult


def log_problem(result: ShellResult) -> str:
    """Return why a phone's log could not be read or cleared, empty if it could (pure).

    Some phones end with 0 and print their complaint only: ``logcat: Unexpected EOF!``.
    """
    complaints = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    if not result.stdout.strip() and any(line.startswith("logcat:") for line in complaints):
        return complaints[0][:200]
    if result.code == 0:
        return ""
    return (complaints[0] if complaints else f"logcat ended with exit code {result.code}")[:200]
