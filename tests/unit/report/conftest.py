"""Runs that several tests of the report read; each page is made once."""

from pathlib import Path

import pytest

from harness.report import build_report
from harness.report.load import RunData, load_run


@pytest.fixture(scope="session")
def quick(quick_run: Path) -> RunData:
    return load_run(quick_run)


@pytest.fixture(scope="session")
def quick_page(quick_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("page") / "index.html"
    return build_report(quick_run, out).read_text(encoding="utf-8")
