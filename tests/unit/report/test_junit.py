from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.paths import data_root
from harness.report.expect import Check
from harness.report.junit import junit_xml
from harness.report.load import RunData, load_run
from tests.fixtures.report_run import Failing, RunShape, make_run, small

CHECKS = (
    Check("a", "holds", "yes"),
    Check("b", "does not hold", "no"),
    Check("c", "cannot be said", "who knows"),
)


def test_a_case_a_job_and_one_an_expectation(quick: RunData) -> None:
    root = ET.fromstring(junit_xml(quick, CHECKS))
    jobs, expectations = root.findall("testsuite")
    assert (jobs.get("tests"), jobs.get("errors"), jobs.get("failures")) == ("12", "1", "0")
    assert len(jobs.findall("testcase")) == 12
    names = [case.get("name") for case in jobs]
    assert len(set(names)) == 12
    assert (expectations.get("tests"), expectations.get("failures")) == ("3", "1")


def test_an_expectation_that_could_not_be_judged_is_no_pass(quick: RunData) -> None:
    _, expectations = ET.fromstring(junit_xml(quick, CHECKS)).findall("testsuite")
    assert (expectations.get("errors"), expectations.get("skipped")) == ("1", "0")
    assert expectations.find(".//error[@type='NotJudged']") is not None


def test_a_job_that_was_retried_with_success_passes_and_tells_of_it(quick: RunData) -> None:
    root = ET.fromstring(junit_xml(quick, ()))
    told = [out.text or "" for out in root.iter("system-out")]
    retried = [text for text in told if "attempt 2" in text]
    assert len(retried) == 1
    assert "TrainerKilled" in retried[0]


def test_failures_of_what_is_tested_are_failures(tmp_path: Path) -> None:
    shape = small(failing=(Failing(0, "ScoreMismatch", retried=False, evidence=("line 1",)),))
    root = ET.fromstring(junit_xml(load_run(make_run(tmp_path, shape)), ()))
    (failure,) = root.iter("failure")
    assert failure.get("type") == "ScoreMismatch"
    assert failure.text == "line 1"
    assert not list(root.iter("error"))


def test_jobs_without_a_result_are_skipped(tmp_path: Path) -> None:
    root = ET.fromstring(junit_xml(load_run(make_run(tmp_path, RunShape(stop_after=0))), ()))
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("skipped")) == ("12", "12")


def test_what_xml_forbids_is_replaced(tmp_path: Path) -> None:
    shape = small(
        failing=(Failing(0, "TrainerCrashed", retried=False, evidence=("\x1b[31m<&\x00",)),)
    )
    root = ET.fromstring(junit_xml(load_run(make_run(tmp_path, shape)), ()))
    (failure,) = root.iter("failure")
    assert failure.text == "�[31m<&�"


@pytest.mark.parametrize(
    "shape",
    [
        RunShape(stop_after=0),
        small(failing=(Failing(0, "TrainerCrashed", retried=False, evidence=("\x00<&",)),)),
        small(expect=()),
    ],
    ids=["waiting", "failed", "no expectation"],
)
def test_it_keeps_to_its_schema(tmp_path: Path, shape: RunShape) -> None:
    from lxml import etree

    data = load_run(make_run(tmp_path, shape))
    schema = etree.XMLSchema(etree.parse(str(data_root() / "reports" / "junit.xsd")))
    checks = CHECKS if shape.expect else ()
    schema.assertValid(etree.fromstring(junit_xml(data, checks)))
    broken = junit_xml(data, checks).replace(b"tests=", b"test=")
    assert not schema.validate(etree.fromstring(broken))
