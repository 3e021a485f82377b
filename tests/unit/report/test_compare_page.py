"""The page of ``harness compare`` and ``nightly``: its sentence, its trend, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.verdict import judge
from harness.report import build_report
from harness.report.changed import beside, differences
from harness.report.compare_words import counts, sentence
from harness.report.figures.trend import trend_chart
from harness.report.load import load_runs
from harness.report.observed import observed
from harness.report.trend import Night, night_of, past_runs, trends
from harness.results.compare import Comparison, Finding, Judgement
from harness.results.model import AttemptResult
from harness.results.nightly import NightlyRecord, Verdict, read_nightly, write_nightly
from harness.results.store import RunFolder
from tests.fixtures.report_run import Failing, RunShape, make_run, small
from tests.unit.report.test_build import Page

SHAPE = small(repeats=5, epochs=1, expect=())


def slower(factor: float, mark: str = "00") -> Callable[[AttemptResult], AttemptResult]:
    def spoil(result: AttemptResult) -> AttemptResult:
        serial = f"VLAB-{result.phone.profile}-1-{mark}"
        phone = result.phone.model_copy(update={"serial": serial, "origin": "virtual"})
        minutes = factor * (result.minutes_per_epoch or 0.0)
        return result.model_copy(update={"phone": phone, "minutes_per_epoch": minutes})

    return spoil


def night(root: Path, number: int, factor: float = 1.0) -> Path:
    shape = replace(SHAPE, seed=number, spoil=slower(factor, f"{number:04x}"))
    run = make_run(root, shape, f"night-{number}")
    folder = RunFolder.open(run)
    started = {"started_utc": f"2026-03-{number:02d}T02:00:00Z", "phones": ()}
    folder.write_record(folder.record().model_copy(update=started))
    return run


def judged(runs: list[Path], history: list[Path]) -> Verdict:
    build_report(runs[-1])
    place = runs[-1] / "report"
    verdict = judge(
        runs, alpha=0.5, minimum={}, out=place / "compare.html", junit=place / "nightly.xml",
        history=history,
    )  # fmt: skip
    write_nightly(RunFolder(runs[-1]), NightlyRecord(plan_key="k", verdict=verdict))
    return verdict


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A good night, a slow one, and one that is slow again and judged by the first."""
    root = tmp_path_factory.mktemp("nights")
    runs = [night(root, number, factor) for number, factor in ((1, 1.0), (2, 3.0), (3, 2.0))]
    judged(runs[:1], [])
    judged(runs[:2], runs[:1])
    judged([runs[0], runs[2]], runs[:2])
    return runs


def text_of(run: Path) -> str:
    return (run / "report" / "compare.html").read_text(encoding="utf-8")


def test_the_trend_stands_before_the_figures_and_has_the_nights_that_were_not_good(
    nights: list[Path],
) -> None:
    text = text_of(nights[2])
    assert text.index('id="trend"') < text.index('id="worse"') < text.index('id="runs-known"')
    (described,) = re.findall(r'<desc id="trend-minutes_per_epoch-d">([^<]*)', text)
    values = [float(word) for word in re.findall(r"\d+\.\d+", described)]
    assert len(values) == 3
    assert values[1] == pytest.approx(3 * values[0], rel=0.1)


def test_runs_baselines_and_attempts_are_led_to(nights: list[Path]) -> None:
    text = text_of(nights[2])
    links = {
        link for link in re.findall(r'href="([^"#][^"]*)"', text) if not link.startswith("http")
    }
    assert "../../night-1/report/compare.html" in links
    assert "../../night-2/report/compare.html" in links
    assert any(link.startswith("index.html#a") for link in links)
    for link in links:
        path, _, key = link.partition("#")
        page = (nights[2] / "report" / path).resolve()
        assert page.is_file(), link
        assert not key or f'id="{key}"' in page.read_text(encoding="utf-8")


def test_a_page_that_is_not_there_is_not_led_to(tmp_path: Path) -> None:
    runs = [night(tmp_path, 1), night(tmp_path, 2)]
    out = tmp_path / "elsewhere" / "page.html"
    judge(runs, alpha=0.5, minimum={}, out=out, junit=out.with_suffix(".xml"))
    assert not re.findall(r'href="[^#]', out.read_text(encoding="utf-8"))


def test_the_heading_is_a_sentence(nights: list[Path]) -> None:
    (heading,) = [text for tag, text in Page(text_of(nights[2])).headings if tag == "h1"]
    assert heading.startswith("Worse: minutes an epoch on VLAB-oneplus-7t-1 (+")
    assert heading.endswith(".")
    (first,) = [text for tag, text in Page(text_of(nights[0])).headings if tag == "h1"]
    assert first == "There is no good run of the same jobs yet: nothing was compared."


def test_random_serials_of_virtual_phones_are_no_difference(nights: list[Path]) -> None:
    runs = load_runs([nights[0], nights[2]])
    assert {row.name for group in differences(runs) for row in group.rows} <= {"commit"}


def test_jobs_on_each_phone_stand_beside_those_of_another_farm(tmp_path: Path) -> None:
    runs = []
    for mark in ("0a1b", "2c3d"):
        shape = small(spoil=slower(1.0, mark), repeats=2)
        run = make_run(tmp_path, shape, mark)
        for path in run.glob("attempts/*/*/result.json"):
            result = AttemptResult.model_validate_json(path.read_text(encoding="utf-8"))
            axes = result.axes | {"phones.serial": f"VLAB-oneplus-7t-{result.repeat}-{mark}"}
            path.write_text(result.model_copy(update={"axes": axes}).model_dump_json())
        runs.append(run)
    rows = beside(load_runs(runs))
    assert [[len(own) for own in row.jobs] for row in rows] == [[1, 1], [1, 1]]


def finding(judgement: Judgement, label: str = "peak RSS") -> Finding:
    return Finding(
        metric="peak_rss_mb", label=label, unit="MiB", phone="P", judgement=judgement,
        change=0.1, ratio=True, minimum=0.0, why="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("judgements", "bad", "said"),
    [
        (
            ["worse", "better"],
            [],
            "Worse: peak RSS on P (+10.0 %); better: peak RSS on P (+10.0 %).",
        ),
        (
            ["worse", "too few to tell"],
            [],
            "Worse: peak RSS on P (+10.0 %); 1 of 2 cannot be told.",
        ),
        (["no change found"] * 2, [], "Nothing got worse in 2 figures."),
        (["too few to tell"] * 2, [], "Nothing can be told: every figure has too few repeats."),
        (
            ["no change found"],
            ["1 jobs failed"],
            "Nothing got worse in 1 figure. The run itself is not good: 1 jobs failed.",
        ),
        ([], [], "No job of this run has a figure that could be compared."),
    ],
)
def test_sentences(judgements: list[Judgement], bad: list[str], said: str) -> None:
    comparison = Comparison(
        now="n", before=("b",), alpha=0.05, threshold=0.01,
        findings=tuple(finding(judgement) for judgement in judgements),
    )  # fmt: skip
    assert sentence(comparison, bad) == said
    assert [int(key.figure) for key in counts(comparison)] == [
        judgements.count(name) for name in ("worse", "better", "too few to tell", "no change found")
    ]


def test_nights_of_an_older_version_have_the_figures_of_their_comparison(
    nights: list[Path],
) -> None:
    folder = RunFolder(nights[1])
    mark = read_nightly(folder)
    assert mark is not None
    assert mark.verdict is not None
    old = mark.model_copy(update={"verdict": mark.verdict.model_copy(update={"figures": ()})})
    try:
        write_nightly(folder, old)
        (told,) = past_runs([nights[1]], ["night-1"])
    finally:
        write_nightly(folder, mark)
    (whole,) = past_runs([nights[1]], ["night-1"])
    assert told.role == whole.role == "not good"
    key = ("minutes_per_epoch", "VLAB-oneplus-7t-1")
    assert told.figures[key].figure == whole.figures[key].figure
    assert past_runs(nights[:2], ["night-1", "night-2"]) == []


def test_a_damaged_nightly_record_costs_no_page(tmp_path: Path) -> None:
    runs = [night(tmp_path, number) for number in (1, 2, 3)]
    for run in runs[:2]:
        (run / "nightly.json").write_text("{}")
    judged([runs[1], runs[2]], runs[:1])
    assert text_of(runs[2]).count("nightly.json cannot be read") == 2


def test_figures_that_never_move_from_nothing_are_no_trend(tmp_path: Path) -> None:
    def row(shape: RunShape, name: str) -> Night:
        (data,) = load_runs([make_run(tmp_path, shape, name)])
        return night_of(data, observed([data])[0], "baseline")

    quiet = [row(replace(SHAPE, seed=number), f"q{number}") for number in (1, 2)]
    assert "failed_attempts" not in {trend.metric.name for trend in trends(quiet)}
    failed = row(replace(SHAPE, failing=(Failing(1, "DeviceLost"),)), "f")
    shown = trends([*quiet, failed])
    assert "failed_attempts" in {trend.metric.name for trend in shown}
    assert all("NaN" not in trend_chart(trend) for trend in shown)
