"""How soon trainings come to a loss: by hand, on a run that is made up, and on its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.build import build_report
from harness.report.load import load_run
from harness.report.to_loss import LossTable, in_words, loss_tables
from harness.results.store import RunFolder
from harness.results.to_loss import lowest_loss, reached
from harness.scenario.report import Report
from tests.fixtures.report_run import RunShape, make_run

SHAPE = RunShape(profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1", "S8"), epochs=3)
LOSSES = {"S1": (30.0, 8.0, 7.0), "S8": (40.0, 20.0, 9.0)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_run(tmp_path_factory.mktemp("runs"), SHAPE)
    for folder in RunFolder.open(path).attempts():
        result = folder.result()
        losses = (None, *LOSSES[result.axes["pressure.fits"]])
        epochs = tuple(
            epoch.model_copy(update={"train_loss": loss, "train_seconds": 2.0, "steps": 4 * n})
            for n, (epoch, loss) in enumerate(zip(result.epochs, losses, strict=True))
        )
        folder.write_result(result.model_copy(update={"epochs": epochs}))
    return path


def only(run: Path, **report: object) -> LossTable:
    (table,) = loss_tables([load_run(run, asked=Report.model_validate(report))])
    return table


def test_steps_and_seconds_until_the_first_epoch_that_is_as_low(run: Path) -> None:
    attempts = [folder.result() for folder in RunFolder.open(run).attempts()]
    results = {result.axes["pressure.fits"]: result for result in attempts}
    assert lowest_loss(results["S8"]) == 9.0
    found = reached(results["S1"], 9.0)
    assert found is not None
    assert (found.epoch, found.steps, found.seconds) == (2, 8, 6.0)
    assert reached(results["S8"], 8.9) is None


def test_beside_the_lowest_loss_of_the_baseline(run: Path) -> None:
    table = only(run, baseline={"pressure.fits": "S8"})
    (row,) = table.rows
    assert row.loss == 9.0
    assert row.base is not None
    assert (row.base.epoch, row.base.steps, row.new.epoch, row.new.steps) == (3, 12, 2, 8)
    assert row.new.peak_rss_mb is not None
    assert in_words(table).startswith("1 of 1 training came to its lowest loss in fewer epochs")


def test_a_loss_that_is_given_and_one_that_is_never_reached(run: Path, tmp_path: Path) -> None:
    table = only(run, loss=7.5)
    assert [(row.new.epoch, row.new.times) for row in table.rows] == [(3, 1), (None, 0)]
    assert in_words(table) == "1 of 2 trainings came to a loss of 7.5."
    asked = Report.model_validate({"loss": 7.5, "baseline": {"pressure.fits": "S8"}})
    page = build_report(run, tmp_path / "p.html", asked).read_text()
    assert "How soon did it come to a loss?" in page
    assert '<td class="n bad">never</td>' in page
    assert "How soon" not in build_report(run, tmp_path / "without.html").read_text()
