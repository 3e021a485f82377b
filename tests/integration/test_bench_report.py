"""The benchmark of the report, small: it runs, and a page of many attempts is brief but whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from harness.report import build_report
from tests.benchmarks.bench_report import LIMITS, shape_of
from tests.fixtures.report_run import make_run


def test_it_measures_a_report_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.benchmarks.bench_report",
            "--attempts",
            "1",
            "--seconds",
            "60",
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    assert "Traceback" not in done.stderr
    assert told["attempts"] == 72
    assert told["rows"] > 72 * 50
    assert told["limits"] == LIMITS
    assert told["peak_rss_mb"] > 50


def test_beyond_sixty_attempts_every_strip_is_there_and_small(tmp_path: Path) -> None:
    run = make_run(tmp_path, shape_of(72, 600))
    page = build_report(run).read_text(encoding="utf-8")
    strips = re.findall(r'<details class="strip.*?(?=<details class="strip|<h3)', page, re.DOTALL)
    assert len(strips) == 72
    assert all("<svg" in strip and "medians over its epochs" in strip for strip in strips)
    assert max(len(strip) for strip in strips) < 9_000
    assert "the strips are brief" in page
