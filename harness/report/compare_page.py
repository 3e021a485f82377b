"""One page of a comparison, and its JUnit: what got worse, on which phone, by how much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.report import numbers, words
from harness.report.changed import differences
from harness.report.expect import check_all
from harness.report.junit import junit_xml
from harness.report.load import RunData
from harness.report.page import chrome, environment
from harness.report.text import clean
from harness.report.wer import unknown_speech
from harness.results.compare import METRICS, Comparison, Finding
from harness.results.files import write_bytes
from harness.results.wer_interval import METHOD

ORDER = ("worse", "better", "too few to tell", "no change found")


def write_compare_page(
    out: Path, line: str, comparison: Comparison | None, before: Sequence[RunData], now: RunData
) -> Path:
    """Write the page.

    Args:
        out: Where.
        line: The verdict in one line.
        comparison: None where there was nothing to compare with.
        before: The runs before.
        now: The run in question.

    Raises:
        StoreError: It cannot be written.
    """
    findings = sorted(
        comparison.findings if comparison else (), key=lambda one: ORDER.index(one.judgement)
    )
    page = (
        environment()
        .get_template("compare.html.j2")
        .render(
            **chrome(),
            line=line,
            comparison=comparison,
            rows=[(finding, before_text(finding), now_text(finding)) for finding in findings],
            interval_method=METHOD,
            unknown_speech=unknown_speech(now.final),
            before=[one.record for one in before],
            now=now.record,
            headline=words.headline(now),
            origins=words.origins([now, *before]),
            origin_words=words.ORIGIN_WORDS,
            differences=differences([before[-1], now]) if before else (),
        )
    )
    write_bytes(out, page.encode("utf-8"))
    return out


def shown(finding: Finding, value: float | None) -> str:
    """Return a figure of a finding with its own digits and unit."""
    digits = next(one.digits for one in METRICS if one.name == finding.metric)
    return f"{numbers.fixed(value, digits)} {finding.unit}".rstrip()


def before_text(finding: Finding) -> str:
    """Return the figure of the runs before; a WER with its interval."""
    return shown(finding, finding.before) + _interval_text(finding.before_interval)


def now_text(finding: Finding) -> str:
    """Return the figure of the run in question; a WER with its interval."""
    return shown(finding, finding.now) + _interval_text(finding.now_interval)


def _interval_text(interval: tuple[float, float] | None) -> str:
    return f" ({numbers.fixed(interval[0], 1)}–{numbers.fixed(interval[1], 1)})" if interval else ""


def write_compare_junit(out: Path, comparison: Comparison | None, now: RunData) -> Path:
    """Write JUnit of a run with its comparison: jobs, expectations, and a case a figure and phone.

    Raises:
        StoreError: It cannot be written.
    """
    checks = check_all(now.record.scenario.get("expect") or (), now.final)
    root = ET.fromstring(junit_xml(now, checks))  # noqa: S314 - our own
    if comparison is not None:
        root.append(_suite(comparison, now))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    write_bytes(out, text + b"\n")
    return out


def _suite(comparison: Comparison, now: RunData) -> ET.Element:
    name = clean(f"{now.record.name}.comparison")
    suite = ET.Element(
        "testsuite",
        {
            "name": name,
            "tests": str(len(comparison.findings)),
            "failures": str(len(comparison.judged("worse"))),
            "errors": "0",
            "skipped": str(len(comparison.judged("too few to tell"))),
            "time": "0.000",
            "timestamp": clean(now.record.started_utc)[:19],
        },
    )
    for one in comparison.findings:
        case = ET.SubElement(
            suite,
            "testcase",
            {"classname": name, "name": clean(f"{one.label} on {one.phone}"), "time": "0.000"},
        )
        told = clean(f"{before_text(one)} to {now_text(one)} ({one.change_text}): {one.why}")
        if one.judgement == "worse":
            ET.SubElement(case, "failure", {"type": "Worse", "message": told})
        elif one.judgement == "too few to tell":
            ET.SubElement(case, "skipped", {"message": told})
        else:
            ET.SubElement(case, "system-out").text = told
    return suite
