"""Federated, personalised, and one after the other: WER by speaker side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.report.approaches import Approach, SideBySide, Voice, side_by_side
from harness.report.changed import beside
from harness.report.load import RunData, as_attempts, load_run
from harness.report.observed import observed
from harness.report.overlay import overlays
from harness.report.page import render
from harness.results.federated import last_model, last_models
from harness.results.model import AttemptResult
from harness.results.store import HypothesisRow, Rows
from harness.results.wer_interval import Utterance, mean_wer_interval
from tests.unit.report.test_rounds import run_of

ROUNDS = "federated: {rounds: 2}"


def heard(name: str, errors: int) -> HypothesisRow:
    return HypothesisRow(
        epoch=1, id=name, reference="a b", hypothesis="", substitutions=errors, deletions=0,
        insertions=0, reference_words=2,
    )  # fmt: skip


def personal(data: RunData, rates: dict[str, float], start: str | None = None) -> RunData:
    """Return a run in which the clients of a federated one train for themselves."""
    last = {a.result.client.client: a.result for a in data.attempts if a.result.client}
    results: list[AttemptResult] = [
        result.model_copy(
            update={
                "run_id": "alone", "job_id": f"{client}-alone", "client": None, "update": None,
                "start_sha256": start, "wer_before_percent": 60.0, "kept_epoch": 1,
                "wer_after_percent": rates[client], "axes": {"data.speaker": client},
            }
        )
        for client, result in last.items()
        if client in rates
    ]  # fmt: skip
    attempts = tuple(
        replace(a, read_hypotheses=lambda: Rows([heard("u1", 1), heard("u2", 0)]))
        for a in as_attempts(results)
    )
    record = data.record.model_copy(update={"run_id": "alone", "plan": ()})
    return RunData(record, attempts)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return load_run(run_of(tmp_path_factory.mktemp("together"), ROUNDS, {}))


def test_parts_of_rounds_stand_in_no_chart_and_no_row_of_personalisations(
    together: RunData,
) -> None:
    alone = personal(together, dict.fromkeys(("ann", "bob"), 40.0))
    again = replace(alone, record=alone.record.model_copy(update={"run_id": "again"}))
    assert overlays([together, together]) is None
    assert beside([together, together]) == ()
    jobs = [job for row in beside([together, alone, again]) for run in row.jobs for job in run]
    assert jobs
    assert all(job.result.client is None for job in jobs)


def test_three_ways_for_each_speaker(together: RunData) -> None:
    (end,) = together.last_models
    runs = (
        together,
        personal(together, {"ann": 20.0, "bob": 50.0}),
        personal(together, {"ann": 10.0, "bob": 30.0, "cy": 5.0}, end.sha256),
    )
    beside = side_by_side(runs)
    assert beside is not None
    assert [approach.name for approach in beside.approaches] == [
        "federated, 2 rounds of fedavg", "personalised", "federated, then personalised",
    ]  # fmt: skip
    assert (beside.speakers, beside.common) == (("ann", "bob", "cy"), ("ann", "bob"))
    summaries = beside.summaries
    assert [(s.before, s.after, s.worst) for s in summaries] == [
        (60.0, 40.0, "ann"), (60.0, 35.0, "bob"), (60.0, 20.0, "bob"),
    ]  # fmt: skip
    assert beside.best[0].name == "federated, then personalised"
    # what was heard stays on the phones of a federated run: nothing is known of its interval
    assert summaries[0].interval is None
    assert summaries[1].interval is not None
    assert beside.unheard
    page = render(runs)
    assert "Together, alone, or both?" in page
    assert "Where no interval stands" in page
    assert "–</td>" in page


def test_weights_that_no_run_of_the_page_made_are_named(together: RunData) -> None:
    other = personal(together, {"ann": 20.0}, "f" * 64)
    scenario = {**other.record.scenario, "model": {"checkpoint": "x/best.npz"}}
    other = replace(other, record=other.record.model_copy(update={"scenario": scenario}))
    beside = side_by_side((together, other))
    assert beside is not None
    assert beside.approaches[1].name == "personalised from best.npz"


def test_where_nothing_can_stand_side_by_side_there_is_no_section(together: RunData) -> None:
    assert side_by_side((together,)) is None
    alone = personal(together, {"ann": 20.0})
    assert side_by_side((alone, personal(together, {"ann": 10.0}))) is None
    assert side_by_side((together, personal(together, {}))) is None
    assert "Together, alone" not in render((together,))


def test_speech_that_is_not_the_same_is_said() -> None:
    def approach(words: int) -> Approach:
        return Approach("x", "r", (), {"ann": Voice(9.0, 8.0, frozenset({words}), ())}, True)

    assert SideBySide((approach(9), approach(10)), ("ann",), ("ann",)).unlike == ("ann",)
    assert SideBySide((approach(9), approach(9)), ("ann",), ("ann",)).unlike == ()


def test_a_verdict_compares_no_round_with_a_personalisation(together: RunData) -> None:
    jobs = [attempt.job for run in observed([together]) for attempt in run]
    assert len(set(jobs)) == len(jobs)
    record = together.record.model_copy(update={"plan": together.record.plan[:1]})
    by_words = observed([replace(together, record=record), together])
    roles = {job.job.count('"client"') for run in by_words for job in run}
    assert roles == {1}


# -- where a personalisation starts ---------------------------------------------------------------


def test_the_last_model_of_a_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, ROUNDS, {})
    (model,) = last_models(run)
    assert (model.round, model.strategy) == (2, "fedavg")
    assert last_model(run, "model.checkpoint") == model.path
    assert model.path.is_file()


def test_no_last_model(tmp_path: Path) -> None:
    run = run_of(tmp_path, ROUNDS, {(name, 1): "lost" for name in ("ann", "bob", "cy")})
    with pytest.raises(InputError, match="no federated training of this run came to a model"):
        last_model(run, "model.checkpoint")
    text = (run / "run.json").read_text().replace('"2026-01-01T00:10:00Z"', "null")
    (run / "run.json").write_text(text)
    with pytest.raises(InputError, match="has not ended"):
        last_model(run, "model.checkpoint")
    with pytest.raises(InputError, match="run"):
        last_model(tmp_path / "nowhere", "model.checkpoint")


def test_of_several_trainings_one_must_be_named(tmp_path: Path) -> None:
    text = "matrix: {federated.strategy: [fedavg, median]}\nfederated: {rounds: 1}"
    run = run_of(tmp_path, text, {})
    with pytest.raises(InputError, match="holds 2 federated trainings") as told:
        last_model(run, "model.checkpoint")
    assert "(fedavg)" in str(told.value.hint)
    assert "(median)" in str(told.value.hint)


# -- how sure a mean is ---------------------------------------------------------------------------


def utterances(errors: list[int]) -> list[Utterance]:
    return [Utterance(str(n), e, 0, 0, 4) for n, e in enumerate(errors)]


def test_the_interval_of_a_mean_is_narrower_than_that_of_one_speaker() -> None:
    speakers = [utterances([0, 1, 2, 3]) for _ in range(8)]
    one, many = mean_wer_interval(speakers[:1]), mean_wer_interval(speakers)
    assert one is not None
    assert many is not None
    assert one[0] < many[0] < 37.5 < many[1] < one[1]


@pytest.mark.parametrize("speakers", [[], [[]], [utterances([1])], [utterances([0, 0])]])
def test_no_interval_of_too_little(speakers: list[list[Utterance]]) -> None:
    assert mean_wer_interval(speakers) is None
