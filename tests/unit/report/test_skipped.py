"""Jobs that were skipped stand in headline, report and JUnit, with the reason and what to do."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.lab.ledger.ledger import Ledger
from harness.report import build_report
from harness.report.junit import junit_xml
from harness.report.load import RunData, load_run
from harness.report.skipped import skipped_groups
from harness.report.words import headline
from harness.results.store import RunFolder
from tests.fixtures.report_run import RunShape, make_run, small
from tests.fixtures.tasks import phone_task

RETRY = "harness resume 20260301-120000-quick --retry-failed"
REASON = "no phone left that fits <b>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    shape = small(sub_models=("S1", "S5", "S8"), stop_after=1)
    path = make_run(tmp_path, shape)
    folder = RunFolder.open(path)
    names = [job.job_id for job in folder.record().plan]
    tasks = [phone_task(name, index) for index, name in enumerate(names)]
    with Ledger.create(folder.ledger_path, tasks) as ledger:
        for name in names[1:]:
            ledger.set_state(name, "skipped", REASON)
    folder.write_record(folder.record().model_copy(update={"finished_utc": "2026-03-01T12:05:24Z"}))
    return path


@pytest.fixture
def data(path: Path) -> RunData:
    return load_run(path)


def test_the_headline_counts_them_with_the_reason(data: RunData) -> None:
    assert headline(data).endswith(f"; 2 jobs were skipped ({REASON}).")


def test_they_are_grouped_by_reason(data: RunData) -> None:
    (group,) = skipped_groups(data.skipped)
    assert group.reason == REASON
    assert [job.job_id for job in group.jobs] == [job.job_id for job in data.record.plan[1:]]


def test_junit_says_why_and_what_to_do(data: RunData) -> None:
    root = ET.fromstring(junit_xml(data, ()))
    messages = [skipped.get("message") for skipped in root.iter("skipped")]
    assert messages == [f"{REASON}; to run it: {RETRY}"] * 2


def test_the_page_says_why_and_what_to_do(path: Path) -> None:
    page = build_report(path).read_text(encoding="utf-8")
    assert "no phone left that fits &lt;b&gt;" in page
    assert RETRY in page
    assert "Nothing failed." not in page


def test_a_run_without_a_ledger_or_with_a_damaged_one_still_has_its_page(tmp_path: Path) -> None:
    whole = make_run(tmp_path, RunShape(stop_after=1))
    assert load_run(whole).skipped == ()
    RunFolder.open(whole).ledger_path.write_bytes(b"nonsense" * 200)
    damaged = load_run(whole)
    assert damaged.skipped == ()
    assert any("ledger.sqlite" in problem for problem in damaged.problems)
