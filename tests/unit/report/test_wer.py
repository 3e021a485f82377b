"""What a page says beside a WER: that a baseline does not know the speech, and how sure it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report import build_report, summary_line
from harness.report.answer import key_figures
from harness.report.expect import check_all
from harness.report.load import RunData, load_run
from harness.report.outcome import changes, small_multiples
from harness.report.wer import counts_text, interval_text
from harness.report.words import headline
from tests.fixtures.report_run import BEFORE, RunShape, make_run, small

HARD = {**BEFORE, "ind-male": 134.8}


def run(tmp_path: Path, shape: RunShape) -> RunData:
    return load_run(make_run(tmp_path, shape))


@pytest.mark.parametrize(("before", "said"), [(99.9, False), (100.0, True), (134.8, True)])
def test_a_baseline_of_100_percent_or_more_does_not_know_the_speech(
    tmp_path: Path, before: float, said: bool
) -> None:
    data = run(tmp_path, small(before={"us-male": before}))
    text = "the baseline does not know the speech of us-male"
    places = (
        headline(data),
        summary_line([attempt.result for attempt in data.attempts]),
        " ".join(figure.label for figure in key_figures([data], (), None)),
        check_all([{"metric": "wer_percent", "falls_over": "epoch"}], data.final)[0].evidence,
        str(build_report(make_run(tmp_path / "again", small(before={"us-male": before})))
            .read_text(encoding="utf-8")),
    )  # fmt: skip
    assert [text in place for place in places] == [said] * len(places)
    (panel,) = small_multiples(data.final).panels
    assert panel.unknown_speech is said
    assert ("100 %: hears nothing" in places[-1]) is said


def test_a_fall_from_unknown_speech_is_no_fall_to_be_proud_of(tmp_path: Path) -> None:
    data = run(tmp_path, RunShape(before=HARD, sub_models=("S1", "S8")))
    sentence = headline(data)
    # named beside, not among those whose WER fell, though its points fell most
    assert "WER fell for us-male in 4 of 4 settings, most for us-male with S1" in sentence
    assert "the baseline does not know the speech of ind-male (WER 134.8 % before" in sentence


def test_tables_carry_the_interval_and_the_kinds_of_errors(quick: RunData) -> None:
    row = changes(quick.final)[0]
    assert row.after is not None
    assert row.after_interval is not None
    low, high = row.after_interval.low_percent, row.after_interval.high_percent
    assert low is not None
    assert high is not None
    assert low < row.after.median < high
    assert counts_text(row.after_interval) == "S\xa016 D\xa00 I\xa00 of 100\xa0words"
    assert interval_text(row.after_interval) == f"{low:.1f}–{high:.1f}"


def test_the_page_names_the_method(quick_page: str) -> None:
    assert "95 % interval (bootstrap over utterances)" in quick_page
    assert "of 100\xa0words" in quick_page


def test_without_hypotheses_there_is_no_interval(tmp_path: Path) -> None:
    path = make_run(tmp_path, small())
    for hypotheses in path.glob("attempts/*/*/hypotheses.jsonl"):
        hypotheses.unlink()
    (row,) = changes(load_run(path).final)
    assert row.after_interval is None
    assert interval_text(row.after_interval) == ""
    assert counts_text(row.after_interval) == "–"


def test_damaged_hypotheses_do_not_cost_the_page(tmp_path: Path) -> None:
    path = make_run(tmp_path, small())
    for hypotheses in path.glob("attempts/*/*/hypotheses.jsonl"):
        hypotheses.write_text("nonsense\n")
    assert "hypotheses.jsonl" in build_report(path).read_text(encoding="utf-8")
