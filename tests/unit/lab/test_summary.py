"""The exit code of a run: what its tasks came to."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lab.summary import RunSummary


@pytest.mark.parametrize(
    ("counts", "interrupted", "code"),
    [
        ({"finished": 2}, False, 0),
        ({"finished": 2, "skipped": 1}, False, 1),
        ({"finished": 2, "failed": 1}, False, 1),
        ({"finished": 2, "unfinished": 1}, False, 1),
        ({"finished": 2}, True, 130),
        ({"failed": 2}, True, 130),
    ],
)
def test_the_exit_code(counts: dict[str, int], interrupted: bool, code: int) -> None:
    all_counts = {"finished": 0, "failed": 0, "skipped": 0, "unfinished": 0, **counts}
    run = RunSummary("r", Path(), **all_counts, interrupted=interrupted, results=())
    assert run.exit_code == code
