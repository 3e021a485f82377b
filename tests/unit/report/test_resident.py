"""What a page says of training whose weights stay in few bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.build import build_report
from tests.fixtures.report_run import RunShape, make_run

SHAPE = {"profiles": ("oneplus-7t",), "sub_models": ("S1",), "epochs": 2}
STILL, SHARE = "Training stood still in", "Share of the codes of weights"


@pytest.mark.parametrize("known", [True, False])
def test_what_loading_took_and_what_training_took_stand_apart(tmp_path: Path, known: bool) -> None:
    update = {"load_peak_mb": 31.4, "train_peak_mb": 77.7} if known else {}
    path = make_run(
        tmp_path,
        RunShape(
            **SHAPE, speakers=("us-male",), spoil=lambda result: result.model_copy(update=update)
        ),
    )
    page = build_report(path).read_text()
    assert ("… to load" in page) == known
    assert (">31<" in page and ">78<" in page) == known


@pytest.mark.parametrize(
    ("changed", "says", "not_said"),
    [(0.0, (STILL, SHARE), ()), (0.031, (SHARE, ">3.10<"), (STILL,)), (None, (), (STILL, SHARE))],
)
def test_the_share_of_codes_stands_on_the_page_and_none_is_an_alarm(
    tmp_path: Path, changed: float | None, says: tuple[str, ...], not_said: tuple[str, ...]
) -> None:
    path = make_run(
        tmp_path,
        RunShape(
            **SHAPE,
            speakers=("us-male",),
            spoil=lambda result: result.model_copy(update={"changed_codes": changed}),
        ),
    )
    page = build_report(path).read_text()
    assert all(words in page for words in says)
    assert not any(words in page for words in not_said)
