"""What the paper states: judged by its own figures, and by what was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.memory.published import load_published
from harness.paper.claims import Order, claims_of, in_order
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import READERS, Source
from harness.paper.published import measured_of
from harness.paper.sections import Section
from harness.paper.summary import summary
from harness.paper.systems.mobileasr import SYSTEM
from harness.report.load import load_run
from harness.results.model import AttemptResult
from tests.fixtures.report_run import RunShape, make_run

SIX = ("us-male", "us-female", "uk-male", "uk-female", "ind-male", "ind-female")
BEFORE = {who: 30.0 + 5 * number for number, who in enumerate(SIX)}
SHAPE = RunShape(
    profiles=("oneplus-7t",), sub_models=("S1",), rounds=2, epochs=4, speakers=SIX[:2],
    before=BEFORE,
)  # fmt: skip


def figures3_and_4(run: Path) -> dict[str, tuple[str, str]]:
    """Return what is claimed -> (verdict, evidence) of a run."""
    source = Source(load_run(run), "report.html", {})
    made = sections(SYSTEM, SYSTEM.chosen(["figure3,figure4"]), Given({"figure4": source}))
    return {c.says: (c.verdict, c.evidence) for section in made for c in section.claims}


def test_every_item_that_claims_something_is_one() -> None:
    stated = SYSTEM.claims.stated
    assert {claim.item for claim in stated} <= {item.key for item in SYSTEM.items}
    assert len({claim.says for claim in stated}) == len(stated)
    for claim in stated:
        assert claim.quote
        assert claim.at
        assert sum(bool(by) for by in (claim.order, claim.attempts, claim.rule)) <= 1
        assert (claim.in_print is None) == (claim.why == "")
        # one that nothing measured can judge is about the page, and then the page is judged
        assert claim.order or claim.attempts or claim.rule or claim.in_print


def test_orders_name_rows_and_figures_that_there_are() -> None:
    published = load_published()
    for claim in SYSTEM.claims.stated:
        if claim.order is None:
            continue
        says = measured_of(published, claim.item)
        assert {row for chain in claim.order.chains for row in chain} <= {r.name for r in says.rows}
        columns = {column.key for column in says.columns}
        assert claim.order.metric in columns | set(READERS)
        assert claim.order.label or claim.order.metric in columns


def test_the_papers_own_figures_are_judged() -> None:
    published = load_published()
    found = {
        claim.says: claim.in_print
        for item in ("table1", "table2", "table3")
        for claim in claims_of(SYSTEM.claims, item, measured_of(published, item))
    }
    assert found["WER rises with each layer that is frozen"] == "does not hold"  # S4 in print
    assert found["WER rises with freezing, S2 to S4 left out"] == "holds"
    assert found["The lower rate takes more epochs with every sub-model"] == "holds"
    assert found["The lower rate takes 9 epochs more or above"] == "does not hold"  # S8: 4 and 3
    assert found["S5 comes to the same WER at both rates"] == "holds"
    assert found["S8 trains for less time than S1 and S5"] == "no figures"


def test_without_a_run_nothing_is_said_of_it_and_all_claims_are_listed() -> None:
    made = sections(SYSTEM, SYSTEM.chosen(None), Given())
    counted = summary(made)
    assert counted.claims == len(SYSTEM.claims.stated)
    assert set(counted.here) == {"cannot be said", "not compared"}
    assert counted.in_print["does not hold"] >= 6


def test_a_claim_of_every_speaker_fails_by_one(tmp_path: Path) -> None:
    def spoilt(result: AttemptResult) -> AttemptResult:
        if result.round == 2 and result.speaker == "us-female":
            return result.model_copy(update={"wer_after_percent": result.wer_before_percent})
        return result

    good = figures3_and_4(make_run(tmp_path / "good", SHAPE))
    assert good["Round 2 lowers the WER of every speaker"][0] == "holds"
    bad = figures3_and_4(make_run(tmp_path / "bad", replace(SHAPE, spoil=spoilt)))
    verdict, evidence = bad["Round 2 lowers the WER of every speaker"]
    assert verdict == "does not hold"
    assert "1 of 2 speakers; not for us-female" in evidence
    assert bad["Round 1 lowers the WER of every speaker"][0] == "holds"


def _with_wers(*wers: float) -> RunShape:
    def changed(result: AttemptResult) -> AttemptResult:
        epochs = tuple(
            epoch.model_copy(update={"wer_percent": wer})
            for epoch, wer in zip(result.epochs, wers, strict=True)
        )
        best = min(range(len(wers)), key=lambda number: wers[number])
        return result.model_copy(
            update={
                "epochs": epochs,
                "wer_before_percent": wers[0],
                "wer_after_percent": wers[best],
                "kept_epoch": best,
            }
        )

    return replace(SHAPE, epochs=len(wers) - 1, spoil=changed)


@pytest.mark.parametrize(
    ("wers", "monotone", "steepest"),
    [
        ((40, 30, 25, 24), "holds", "holds"),
        ((40, 30, 31, 24), "does not hold", "holds"),
        ((40, 38, 25, 24), "holds", "does not hold"),
        ((40, 30, 30, 30), "holds", "holds"),
        ((40, 40, 40, 40), "does not hold", "does not hold"),
    ],
)
def test_the_shape_of_round_1(
    tmp_path: Path, wers: tuple[float, ...], monotone: str, steepest: str
) -> None:
    found = figures3_and_4(make_run(tmp_path, _with_wers(*wers)))
    assert found["WER never rises from one epoch to the next"][0] == monotone
    assert found["WER falls most in the first epoch"][0] == steepest
    assert found["Round 2 lowers the WER less than round 1"][0] == "does not hold"  # it is equal


def test_epochs_of_both_rounds_are_added(tmp_path: Path) -> None:
    few = figures3_and_4(make_run(tmp_path / "few", _with_wers(40, 30, 20, 10)))
    many = figures3_and_4(make_run(tmp_path / "many", _with_wers(40, 30, 20, 10, 9, 8, 7)))
    says = "More than half need over ten epochs, both rounds together"
    assert few[says] == (
        "does not hold",
        "For 0 of 2 speakers; epochs until the one kept: us-male 6, us-female 6.",
    )
    assert many[says][0] == "holds"


def test_too_few_speakers_cannot_tell_of_accent_or_gender(tmp_path: Path) -> None:
    says = "What is gained depends on neither accent nor gender"
    found = figures3_and_4(make_run(tmp_path, replace(SHAPE, speakers=SIX)))
    verdict, evidence = found[says]
    assert verdict == "cannot be said"
    assert "6 speakers give p 0.067 at best" in evidence


def test_what_is_claimed_of_each_is_not_said_of_those_that_finished(tmp_path: Path) -> None:
    run = make_run(tmp_path, SHAPE)
    lost = next(path for path in run.rglob("result.json") if "us-female" in path.read_text())
    lost.unlink()
    found = figures3_and_4(run)
    verdict, evidence = found["Round 1 lowers the WER of every speaker"]
    assert verdict == "cannot be said"
    assert evidence.endswith("1 job did not finish.")
    assert found["Training lowers the mean WER"][0] == "holds"


def test_rounds_that_did_not_run_are_not_judged(tmp_path: Path) -> None:
    found = figures3_and_4(make_run(tmp_path, replace(SHAPE, rounds=1)))
    assert found["Round 2 lowers the WER of every speaker"][0] == "cannot be said"
    assert found["Round 2 lowers the WER less than round 1"][0] == "cannot be said"


@pytest.mark.parametrize(
    ("values", "expected", "verdict"),
    [
        ([1, 2, 3], "rises", "holds"),
        ([1, 1, 3], "rises", "holds"),
        ([1, 3, 2], "rises", "does not hold"),
        ([2, 2], "rises", "does not hold"),
        ([3, 2], "falls", "holds"),
        ([3], "falls", "does not hold"),
        ([3, 3], "equal", "holds"),
        ([3, 4], "equal", "does not hold"),
    ],
)
def test_orders(values: list[float], expected: str, verdict: str) -> None:
    names = tuple(map(str, range(len(values))))
    order = Order.model_validate({"metric": "x", "expected": expected, "chains": [names]})
    assert in_order(order, [list(zip(names, values, strict=True))])[0] == verdict


def test_a_difference_may_be_demanded_of_each_chain() -> None:
    order = Order.model_validate(
        {"metric": "x", "expected": "rises", "at_least": 2, "chains": [["a", "b"], ["a", "c"]]}
    )
    assert in_order(order, [[("a", 1), ("b", 3)], [("a", 1), ("c", 4)]])[0] == "holds"
    assert in_order(order, [[("a", 1), ("b", 3)], [("a", 1), ("c", 2)]])[0] == "does not hold"


def test_claims_are_counted_by_verdict() -> None:
    made: list[Section] = sections(SYSTEM, SYSTEM.chosen(["table9"]), Given())
    assert summary(made).equal == Counter({"equal": 6, "not reached": 4, "given": 4})
