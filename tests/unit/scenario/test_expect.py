"""An expectation names a figure that there is, over something that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.report.expect import _OVER_EPOCHS
from harness.results.model import AttemptResult, EpochRecord
from harness.results.scoring import FIGURES as ASKED_FIGURES
from harness.scenario import LoadedScenario, Scenario, parse_scenario
from harness.scenario.figures import ASKED_FOR, FIGURES, FIGURES_OVER_EPOCHS
from harness.scenario.report import Report
from harness.yamlio import parse_yaml

HEAD = "name: mine\nmodel: ds2-mini\n"


def scenario(expect: str) -> LoadedScenario:
    raw, lines = parse_yaml(f"{HEAD}expect: [{expect}]\n", "mine.yaml")
    return parse_scenario(raw, lines, folder=Path())


@pytest.mark.parametrize("metric", FIGURES)
def test_each_figure_is_one_of_a_result(metric: str) -> None:
    if metric in ASKED_FOR:  # tests/unit/scenario/test_report.py expects them
        assert metric in ASKED_FIGURES.values()
        assert ASKED_FOR[metric] in Report.model_fields
        return
    assert metric == "wer_percent" or metric in AttemptResult.model_fields
    assert scenario(f"{{metric: {metric}, below: 5}}").scenario.expect[0].metric == metric


@pytest.mark.parametrize("metric", FIGURES_OVER_EPOCHS)
def test_each_figure_over_epochs_is_one_of_an_epoch(metric: str) -> None:
    assert metric in EpochRecord.model_fields
    assert metric in _OVER_EPOCHS
    scenario(f"{{metric: {metric}, falls_over: epoch}}")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("{metric: wer, below: 5}", ["no figure 'wer'", "Did you mean wer_percent?"]),
        ("{metric: peak_rss, below: 5}", ["Did you mean peak_rss_mb?"]),
        ("{metric: accuracy, above: 5}", ["no figure 'accuracy'", "minutes_per_epoch"]),
        ("{metric: peak_rss_mb, falls_over: epoch}", ["by epoch", "train_loss"]),
        (
            "{metric: peak_rss_mb, rises_over: trainer.batchsize}",
            ["Did you mean trainer.batch_size?"],
        ),
    ],
)
def test_what_there_is_not_is_refused_with_its_line(expect: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        scenario(expect)
    assert "mine.yaml:3: expect[0]" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_an_override_is_named_and_an_old_run_is_read() -> None:
    raw, lines = parse_yaml(HEAD, "mine.yaml")
    text = "expect=[{metric: wer, below: 5}]"
    with pytest.raises(InputError, match=r"--set expect=.*no figure 'wer'"):
        parse_scenario(raw, lines, folder=Path(), overrides=[text])
    Scenario.model_validate({**raw, "expect": [{"metric": "wer", "below": 5}]})


@pytest.mark.parametrize(
    ("matrix", "over", "fine"),
    [
        ("{trainer.epochs: [1, 2]}", "trainer.epochs", True),
        ("{trainer.epochs: [1, 2]}", "epoch", True),
        ("{trainer.epochs: [1, 2]}", "data.speaker", False),
        ("{trainer.epochs: [1]}", "trainer.epochs", False),
        ("{pressure: [null, {fits: S5}]}", "pressure.fits", True),
        ("{include: [{trainer.epochs: 1}, {trainer.epochs: 2}]}", "trainer.epochs", True),
        ("{}", "trainer.sub_model", True),  # what the phones choose
        ("{}", "phones.profile", True),
    ],
)
def test_what_is_the_same_in_all_jobs_is_told_before_they_run(
    matrix: str, over: str, fine: bool
) -> None:
    text = f"""name: t
model: ds2-mini
matrix: {matrix}
expect: [{{metric: wer_percent, falls_over: {over}}}]
"""
    raw, lines = parse_yaml(text, "s.yaml")
    if fine:
        parse_scenario(raw, lines, folder=Path())
        return
    with pytest.raises(InputError, match=r"s\.yaml:4: expect\[0\]: .* is the same in all jobs"):
        parse_scenario(raw, lines, folder=Path())


def test_an_axis_that_set_takes_away_is_no_mistake_of_the_file() -> None:
    text = """name: t
model: ds2-mini
matrix: {trainer.epochs: [1, 2]}
expect: [{metric: wer_percent, falls_over: trainer.epochs}]
"""
    raw, lines = parse_yaml(text, "s.yaml")
    parse_scenario(raw, lines, folder=Path(), overrides=["trainer.epochs=3"])
