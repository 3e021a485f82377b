"""Checkpoints in fewer bits on the report's page, and that others have no such section."""

from __future__ import annotations

from pathlib import Path

from harness.report.build import build_report
from harness.results.model import AttemptResult, StoredRecord
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(profiles=("oneplus-7t",), sub_models=("S1",), epochs=2, speakers=("us-male",))
HEADING = "What did smaller checkpoints cost?"


def with_stored(result: AttemptResult) -> AttemptResult:
    stored = StoredRecord(
        epoch=2, size_bytes=1000, coding="<b>int8", variables=3, error=0.0123,
        float32_bytes=4000, wer_percent=(result.wer_after_percent or 0) + 3.25,
    )  # fmt: skip
    return result.model_copy(update={"stored": stored})


def test_bytes_and_what_was_heard_stand_on_the_page(tmp_path: Path) -> None:
    shape = RunShape(**{**vars(SHAPE), "spoil": with_stored})
    page = build_report(make_run(tmp_path, shape)).read_text()
    section = page[page.index(f"{HEADING}</h2>") :]
    assert "&lt;b&gt;int8" in section
    for told in ("1000 B", ">25.0<", ">1.23<", ">+3.2<"):
        assert told in section, told


def test_without_them_there_is_no_section(tmp_path: Path) -> None:
    assert HEADING not in build_report(make_run(tmp_path, SHAPE)).read_text()
