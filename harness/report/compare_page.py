"""One page of a comparison, and its JUnit: what got worse, on which phone, by how much."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.report import numbers, words
from harness.report.approaches import side_by_side
from harness.report.changed import differences
from harness.report.compare_words import ORDER, WORDS, counts, sentence
from harness.report.exits_beside import rules_beside
from harness.report.expect import check_all
from harness.report.figures.trend import trend_chart
from harness.report.junit import junit_xml
from harness.report.load import RunData
from harness.report.page import chrome, environment, picker
from harness.report.serials import phone_name
from harness.report.streaming import streams_beside
from harness.report.text import clean
from harness.report.trend import Night, night_of, past_runs, trends
from harness.report.wer import unknown_speech
from harness.report.werr import AVERAGES, WerrMatrix, against_first
from harness.report.werr import in_words as werr_in_words
from harness.report.word_classes import KIND_WORDS
from harness.results.compare import METRICS, WER, Comparison, Finding, Observation
from harness.results.files import write_bytes
from harness.results.wer_interval import METHOD

LINKED_ATTEMPTS = 4
"""Attempts of a figure that its row leads to, the worst first."""


@dataclass(frozen=True)
class Judged:
    """A run with those that it was judged by."""

    line: str
    """The verdict in one line."""
    comparison: Comparison | None
    """None where there was nothing to compare with."""
    runs: tuple[RunData, ...]
    """The runs before, the oldest first, and the run in question."""
    observations: tuple[tuple[Observation, ...], ...]
    """What was compared, a run an entry."""
    bad: tuple[str, ...] = ()
    """What is wrong with the run itself, in words."""
    history: tuple[Path, ...] = ()
    """Run folders of nights that are no baseline, for the trend."""

    @cached_property
    def werr(self) -> WerrMatrix | None:
        """WERR of the run in question against the first of the others."""
        return against_first((self.runs[0], self.runs[-1])) if len(self.runs) > 1 else None

    @property
    def now(self) -> RunData:
        """The run in question."""
        return self.runs[-1]


def write_compare_page(out: Path, judged: Judged) -> Path:
    """Write the page.

    Raises:
        StoreError: It cannot be written, or a night's ``run.json`` is damaged.
    """
    comparison, now = judged.comparison, judged.now
    findings = sorted(
        comparison.findings if comparison else (),
        key=lambda finding: ORDER.index(finding.judgement),
    )
    nights = _nights(judged)
    last = len(judged.runs)
    links = {night.run_id: _links(night, out.parent) for night in nights}
    report = links[now.record.run_id].get("report", "")
    page = (
        environment()
        .get_template("compare.html.j2")
        .render(
            **chrome("picker.js"),
            sentence=sentence(comparison, judged.bad),
            line=judged.line,
            counts=counts(comparison),
            words=WORDS,
            comparison=comparison,
            rows=[
                (
                    finding,
                    before_text(finding),
                    now_text(finding),
                    _attempts(finding, now) if report else [],
                )
                for finding in findings
            ],
            report=report,
            trends=[(trend, trend_chart(trend)) for trend in trends(nights)],
            nights=nights[::-1],
            links=links,
            interval_method=METHOD,
            beside=side_by_side(judged.runs),
            matrices=[] if judged.werr is None else [(judged.werr, werr_in_words(judged.werr))],
            kind_words=KIND_WORDS,
            averages=AVERAGES,
            exits=rules_beside(judged.runs),
            streams=streams_beside(judged.runs),
            unknown_speech=unknown_speech(now.final),
            before=[run.record for run in judged.runs[:-1]],
            now=now.record,
            origins=words.origins(judged.runs),
            origin_words=words.ORIGIN_WORDS,
            differences=differences(judged.runs) if last > 1 else (),
            compared=[run.record for run in judged.runs],
            picker=picker(judged.runs, {last - 1, last}),
        )
    )
    write_bytes(out, page.encode("utf-8"))
    return out


def _nights(judged: Judged) -> list[Night]:
    """Return all runs that are known, the oldest first."""
    last = len(judged.runs) - 1
    nights = [
        night_of(data, observations, "now" if number == last else "baseline")
        for number, (data, observations) in enumerate(
            zip(judged.runs, judged.observations, strict=True)
        )
    ]
    nights += past_runs(judged.history, [night.run_id for night in nights])
    # the run in question stands last, even if its clock was wrong
    return sorted(nights, key=lambda night: (night.role == "now", night.started_utc, night.run_id))


def _links(night: Night, folder: Path) -> dict[str, str]:
    pages = {"report": "index.html", "comparison": "compare.html"}
    links = {name: night.link(page, folder) for name, page in pages.items()}
    if night.role == "now":
        del links["comparison"]
    return {name: link for name, link in links.items() if link}


def _attempts(finding: Finding, now: RunData) -> list[str]:
    """Return keys of the attempts behind a figure, the worst first, as in the run's own report."""
    numbered = [
        (f"a{number}", attempt)
        for number, attempt in enumerate(now.attempts, 1)
        if phone_name(attempt.result.phone) == finding.phone
    ]
    if finding.metric == "failed_attempts":
        return [key for key, attempt in numbered if not attempt.finished][:LINKED_ATTEMPTS]
    field = {WER: "wer_after_percent"}.get(finding.metric, finding.metric)
    values = [
        (value, key)
        for key, attempt in numbered
        if attempt.final
        and attempt.finished
        and (value := getattr(attempt.result, field, None)) is not None
    ]
    if not values:  # a figure of the samples, not of the result
        return [key for key, attempt in numbered if attempt.final][:LINKED_ATTEMPTS]
    return [key for _, key in sorted(values, reverse=True)[:LINKED_ATTEMPTS]]


def shown(finding: Finding, value: float | None) -> str:
    """Return a figure of a finding with its own digits and unit."""
    digits = next(metric.digits for metric in METRICS if metric.name == finding.metric)
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
    for finding in comparison.findings:
        case = ET.SubElement(
            suite,
            "testcase",
            {
                "classname": name,
                "name": clean(f"{finding.label} on {finding.phone}"),
                "time": "0.000",
            },
        )
        sentence = clean(
            f"{before_text(finding)} to {now_text(finding)} ({finding.change_text}): {finding.why}"
        )
        if finding.judgement == "worse":
            ET.SubElement(case, "failure", {"type": "Worse", "message": sentence})
        elif finding.judgement == "too few to tell":
            ET.SubElement(case, "skipped", {"message": sentence})
        else:
            ET.SubElement(case, "system-out").text = sentence
    return suite
