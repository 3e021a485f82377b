"""JUnit XML of a run: a test case a job, and one an expectation of the scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.report.expect import Check
from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed
from harness.report.skipped import retry_command
from harness.report.text import clean
from harness.results.files import write_bytes
from harness.results.run import PlanRecord

ERRORS = ("InternalError", "ProvisionFailed", "GateTimedOut", "DeviceLost", "Interrupted")
"""Kinds that say the test could not be made; the rest are failures of what is tested."""


def write_junit(data: RunData, checks: Sequence[Check], path: Path) -> Path:
    """Write ``junit.xml`` to ``path``.

    Raises:
        StoreError: It cannot be written.
    """
    write_bytes(path, junit_xml(data, checks))
    return path


def junit_xml(data: RunData, checks: Sequence[Check]) -> bytes:
    """Return the run as JUnit XML (the common subset: no vendor's elements)."""
    root = ET.Element("testsuites", {"name": clean(data.record.name)})
    jobs = _jobs(data)
    root.append(_suite("jobs", data, jobs))
    if checks:
        root.append(_suite("expectations", data, [_expectation(data, one) for one in checks]))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(name: str, data: RunData, cases: Sequence[ET.Element]) -> ET.Element:
    def count(tag: str) -> str:
        return str(sum(case.find(tag) is not None for case in cases))

    seconds = sum(float(case.get("time", "0")) for case in cases)
    suite = ET.Element(
        "testsuite",
        {
            "name": clean(f"{data.record.name}.{name}"),
            "tests": str(len(cases)),
            "failures": count("failure"),
            "errors": count("error"),
            "skipped": count("skipped"),
            "time": f"{seconds:.3f}",
            # xs:dateTime without a zone is what most readers accept
            "timestamp": clean(data.record.started_utc)[:19],
        },
    )
    suite.extend(cases)
    return suite


def _jobs(data: RunData) -> list[ET.Element]:
    by_job: dict[str, list[Attempt]] = {}
    for one in data.attempts:
        by_job.setdefault(one.result.job_id, []).append(one)
    cases = [_job(data, attempts) for attempts in by_job.values()]
    waiting = [plan for plan in data.record.plan if plan.job_id not in by_job]
    reasons = {job.job_id: job.reason for job in data.skipped}
    return cases + [_waiting(data, plan, reasons.get(plan.job_id)) for plan in waiting]


def _case(data: RunData, name: str, seconds: float) -> ET.Element:
    return ET.Element(
        "testcase",
        {
            "classname": clean(data.record.name),
            "name": clean(name),
            "time": f"{max(0.0, seconds):.3f}",
        },
    )


def _job(data: RunData, attempts: Sequence[Attempt]) -> ET.Element:
    last = attempts[-1].result
    case = _case(data, last.job_id, sum(one.result.seconds for one in attempts))
    if last.failure is not None:
        tag = "error" if last.failure.kind in ERRORS else "failure"
        detail = ET.SubElement(
            case, tag, {"type": last.failure.kind, "message": clean(last.failure.message)}
        )
        detail.text = clean("\n".join(last.failure.evidence))
    out = ET.SubElement(case, "system-out")
    out.text = clean("\n".join(_told(one) for one in attempts))
    return case


def _told(one: Attempt) -> str:
    result = one.result
    head = f"attempt {result.attempt} on {result.phone.serial} ({result.phone.origin})"
    if result.failure is not None:
        return f"{head}: {result.failure.kind}: {result.failure.message}"
    before, after = fixed(result.wer_before_percent, 2), fixed(result.wer_after_percent, 2)
    return f"{head}: {one.sub_model.name or 'no sub-model'}, WER {before} % to {after} %"


def _waiting(data: RunData, plan: PlanRecord, skipped_for: str | None) -> ET.Element:
    case = _case(data, plan.job_id, 0.0)
    message = "no result yet"
    if skipped_for is not None:
        message = f"{skipped_for}; to run it: {retry_command(data.record.run_id)}"
    ET.SubElement(case, "skipped", {"message": clean(message)})
    return case


def _expectation(data: RunData, check: Check) -> ET.Element:
    case = _case(data, check.claim, 0.0)
    if check.verdict == "does not hold":
        ET.SubElement(case, "failure", {"type": "Expectation", "message": clean(check.evidence)})
    elif check.verdict == "cannot be said":
        # skipped would count as a pass: nobody knows whether it holds
        ET.SubElement(case, "error", {"type": "NotJudged", "message": clean(check.evidence)})
    return case
