from typing import Any

import pytest

from harness.report.expect import Check, check_all, not_met
from harness.report.load import RunData, as_attempts


def verdict(data: RunData, **item: Any) -> tuple[str, str]:
    (check,) = check_all([item], data.final)
    return check.verdict, check.evidence


def test_wer_falls_from_the_baseline_to_what_was_kept(quick: RunData) -> None:
    assert verdict(quick, metric="wer_percent", falls_over="epoch") == (
        "holds",
        "In 11 of 11 finished attempts.",
    )
    assert verdict(quick, metric="wer_percent", rises_over="epoch")[0] == "does not hold"


def test_one_attempt_that_does_not_fall_is_enough(quick: RunData) -> None:
    results = [one.result for one in quick.final]
    worse = results[0].model_copy(update={"wer_after_percent": 99.0})
    checks = check_all(
        [{"metric": "wer_percent", "falls_over": "epoch"}], as_attempts([worse, *results[1:]])
    )
    assert checks[0].verdict == "does not hold"
    assert checks[0].evidence == "In 10 of 11 finished attempts."


def test_other_series_compare_first_and_last(quick: RunData) -> None:
    assert verdict(quick, metric="train_loss", falls_over="epoch")[0] == "holds"
    assert verdict(quick, metric="battery_percent", falls_over="epoch")[0] == "does not hold"


def test_over_an_axis_medians_must_not_turn(quick: RunData) -> None:
    found = verdict(quick, metric="wer_percent", rises_over="trainer.sub_model")
    assert found[0] == "holds"
    assert found[1].startswith("Medians: S1: ")
    assert verdict(quick, metric="peak_rss_mb", falls_over="trainer.sub_model")[0] == "holds"
    assert verdict(quick, metric="peak_rss_mb", rises_over="trainer.sub_model")[0] != "holds"


def test_a_limit_names_the_worst(quick: RunData) -> None:
    high = max(one.result.peak_rss_mb or 0 for one in quick.final if one.finished)
    found = verdict(quick, metric="peak_rss_mb", below=high)
    assert found[0] == "does not hold"
    assert f"{high:.0f}" in found[1]
    assert verdict(quick, metric="peak_rss_mb", below=high + 1)[0] == "holds"
    assert verdict(quick, metric="peak_rss_mb", above=1)[0] == "holds"


@pytest.mark.parametrize(
    "item",
    [
        {"metric": "no_such_metric", "below": 3},
        {"metric": "no_such_metric", "falls_over": "epoch"},
        {"metric": "wer_percent", "rises_over": "trainer.batch_size"},
        {"metric": "wer_percent", "rises_over": "no.such.axis"},
        {"metric": "wer_percent"},
    ],
)
def test_what_cannot_be_said_is_not_said_to_hold(quick: RunData, item: dict[str, Any]) -> None:
    assert verdict(quick, **item)[0] == "cannot be said"


def test_an_item_that_is_no_expectation_is_not_passed_over(quick: RunData) -> None:
    (check,) = check_all(["wer falls"], quick.final)
    assert check.verdict == "cannot be said"


def test_what_is_no_pass_is_named_with_its_reason() -> None:
    checks = (
        Check("a", "holds", "Yes."),
        Check("b", "does not hold", "No."),
        Check("c", "cannot be said", "Nothing was measured."),
    )
    assert not_met(checks) == ("b: No.", "c: could not be judged. Nothing was measured.")


def test_without_results_nothing_holds() -> None:
    (check,) = check_all([{"metric": "wer_percent", "falls_over": "epoch"}], [])
    assert check.verdict == "cannot be said"
