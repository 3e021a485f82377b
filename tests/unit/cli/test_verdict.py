"""What may not be called good: an expectation that was not judged, a job that trained nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.ending import end_of_run
from harness.cli.untrained import untrained_reason
from harness.cli.verdict import judge
from harness.lab import RunSummary
from harness.results.model import AttemptResult
from harness.results.nightly import Verdict
from harness.results.store import RunFolder
from tests.fixtures.report_run import make_run, small


def rewritten(run: Path, **changes: object) -> None:
    """Change each result of a run folder."""
    for path in run.glob("attempts/*/*/result.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def expecting(run: Path, *expect: dict[str, object]) -> None:
    """Change what a run's scenario expects."""
    path = run / "run.json"
    record = json.loads(path.read_text())
    record["scenario"]["expect"] = list(expect)
    path.write_text(json.dumps(record))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = make_run(tmp_path, small())
    expecting(made)
    return made


def judged(run: Path) -> Verdict:
    return judge([run], alpha=0.05, minimum={}, out=run / "compare.html", junit=run / "nightly.xml")


def summary(run: Path) -> RunSummary:
    results = tuple(RunFolder.open(run).last_results())
    return RunSummary(run.name, run, len(results), 0, 0, 0, False, results)


def test_a_run_with_nothing_wrong(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(run).exit_code == 0
    assert end_of_run(summary(run), report=False, as_json=True, expected=True) == 0
    assert json.loads(capsys.readouterr().out)["unmet_expectations"] == []


@pytest.mark.parametrize(
    ("expect", "word"),
    [
        ({"metric": "peak_rss_mb", "below": 0.5}, "below 0.5: In 0 of 1"),
        ({"metric": "wer", "below": 5}, "could not be judged"),
        ({"metric": "peak_rss_mb", "rises_over": "trainer.threads"}, "could not be judged"),
    ],
)
def test_an_expectation_that_does_not_hold_or_was_not_judged(
    run: Path, capsys: pytest.CaptureFixture[str], expect: dict[str, object], word: str
) -> None:
    expecting(run, expect)
    verdict = judged(run)
    assert (verdict.word, verdict.exit_code) == ("failed", 1)
    assert f"expectation {expect['metric']}" in verdict.line
    assert word in verdict.line
    assert end_of_run(summary(run), report=False, as_json=True) == 0
    assert end_of_run(summary(run), report=False, as_json=True, expected=True) == 1
    assert str(expect["metric"]) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("memory", "available_below_mb"),
        ("battery", "battery_below_percent"),
        ("no_sub_model_fits", "no sub-model fits"),
    ],
)
def test_a_result_without_an_epoch_is_not_good(
    run: Path, capsys: pytest.CaptureFixture[str], reason: str, words: str
) -> None:
    rewritten(run, epochs=[], stop_reason=reason)
    verdict = judged(run)
    assert (verdict.word, verdict.exit_code) == ("failed", 1)
    assert "trained no epoch" in verdict.line
    assert words in verdict.line
    assert end_of_run(summary(run), report=False, as_json=True) == 1
    assert words in capsys.readouterr().out


def test_a_job_that_only_evaluates_is_no_such_result(run: Path) -> None:
    rewritten(run, epochs=[], stop_reason="epochs_done", epochs_planned=0)
    results: tuple[AttemptResult, ...] = summary(run).results
    assert results
    assert not any(untrained_reason(result) for result in results)


def test_werr_is_against_the_first_run(run: Path, tmp_path: Path) -> None:
    later = make_run(tmp_path / "later", small())
    for path in later.rglob("*.json"):
        path.write_text(path.read_text().replace(run.name, "later"))
    for attempt in RunFolder.open(later).attempts():
        rows = attempt.hypotheses()
        attempt.write_hypotheses(
            row.model_copy(update={"substitutions": 2 * row.substitutions}) for row in rows
        )
    page, junit = tmp_path / "c.html", tmp_path / "c.xml"
    verdict = judge([run, later], alpha=0.05, minimum={}, out=page, junit=junit)
    (figure,) = verdict.werr
    assert (figure.baseline, figure.of) == (run.name, "all")
    assert figure.werr_percent == pytest.approx(-100)
    assert figure.new_errors == 2 * figure.base_errors
    assert figure.new_words == figure.base_words
    assert "How much better than the first run?" in page.read_text()
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    alone = judge([run], alpha=0.05, minimum={}, out=page, junit=junit)
    assert alone.werr == ()
    assert "How much better than the first run?" not in page.read_text()
