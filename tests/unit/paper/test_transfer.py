"""The page of transfer learning: pairs of baselines, WERR with its sign, claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.sections import Section
from harness.paper.systems.transfer import SYSTEM
from harness.paper.systems.transfer.pairs import fine_tunings
from harness.report.load import Attempt, load_run
from harness.results.model import EpochRecord
from harness.results.store import HypothesisRow, Rows
from harness.scenario import expand_jobs, load_scenario
from tests.fixtures.report_run import make_run, small


@dataclass(frozen=True)
class Tuning:
    """What one fine-tuning came to: words wrong of ten in each of 20 utterances, losses."""

    speaker: str
    baseline: str
    wrong: int
    losses: tuple[float, ...] = (30.0, 20.0, 10.0)
    sentences: int = 60


def attempt_of(like: Attempt, tuning: Tuning) -> Attempt:
    rows = Rows(
        HypothesisRow(
            epoch=3, id=f"v{n}", reference="a " * 10, hypothesis="", substitutions=tuning.wrong,
            deletions=0, insertions=0, reference_words=10,
        )
        for n in range(20)
    )  # fmt: skip
    epochs = tuple(
        EpochRecord(
            epoch=number, wer_percent=1.0, substitutions=0, deletions=0, insertions=0,
            reference_words=1, train_loss=loss, train_seconds=1, evaluate_seconds=1,
            battery_percent=None, available_mb=None, best=False,
        )
        for number, loss in enumerate(tuning.losses, 1)
    )  # fmt: skip
    axes = {"baseline": tuning.baseline, "data.train": tuning.sentences}
    update = {"axes": axes, "speaker": tuning.speaker, "epochs": epochs, "kept_epoch": 3}
    return replace(like, result=like.result.model_copy(update=update), read_hypotheses=lambda: rows)


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Source]:
    data = load_run(make_run(tmp_path_factory.mktemp("run"), small()))

    def made(*tunings: Tuning) -> Source:
        attempts = tuple(attempt_of(data.final[0], tuning) for tuning in tunings)
        plan = data.record.plan[:1] * len(attempts)
        record = data.record.model_copy(update={"plan": plan})
        return Source(replace(data, record=record, attempts=attempts), "report/index.html", {})

    return made


def page(source: Source | None = None) -> dict[str, Section]:
    given = Given({"transfer": source} if source else {})
    return {section.item.key: section for section in sections(SYSTEM, SYSTEM.items, given)}


def verdicts(made: dict[str, Section]) -> list[str]:
    return [claim.verdict for section in made.values() for claim in section.claims]


def test_without_a_run_only_arithmetic_is_judged() -> None:
    made = page()
    assert set(verdicts(made)) == {"cannot be said"}
    cells = [cell for _, row in made["readings"].grids[0].rows for cell in row]
    assert [(cell.printed, cell.verdict) for cell in cells] == [("32", "equal"), ("53", "equal")]
    assert made["werr"].missing
    assert all(not c.verdict for _, row in made["werr"].grids[0].rows for c in row)


def test_claims_go_by_intervals_of_pairs(run_of: Callable[..., Source]) -> None:
    source = run_of(
        Tuning("es-female", "random", 9), Tuning("es-female", "multilingual", 3, (15.0, 9.0, 5.0)),
        Tuning("it-female", "random", 8), Tuning("it-female", "multilingual", 8, (40.0, 30.0)),
        Tuning("de-female", "random", 5), Tuning("de-female", "multilingual", 7, (9.0,)),
    )  # fmt: skip
    made = page(source)
    assert verdicts(made) == [
        "holds", "cannot be said", "holds", "cannot be said", "cannot be said", "does not hold",
    ]  # fmt: skip
    rows = {name: [cell.measured for cell in cells] for name, cells in made["werr"].grids[1].rows}
    assert rows["es-female, 60 sentences"][:2] == ["90.0", "30.0"]
    assert rows["es-female, 60 sentences"][2].startswith("+66.7")
    assert rows["de-female, 60 sentences"][2].startswith("−40.0")
    epochs = {name: [c.measured for c in row] for name, row in made["convergence"].grids[1].rows}
    assert epochs["es-female, 60 sentences"] == ["10.0", "3", "2"]
    assert epochs["it-female, 60 sentences"] == ["10.0", "3", "never"]


def test_what_has_no_partner_is_left_out(run_of: Callable[..., Source]) -> None:
    source = run_of(
        Tuning("it-female", "random", 8), Tuning("it-female", "multilingual", 4, sentences=20)
    )
    assert fine_tunings(source) == []
    assert page(source)["werr"].missing


def test_its_scenario_starts_from_both_baselines() -> None:
    experiment = SYSTEM.experiments[0]
    loaded = load_scenario(experiment.scenario, experiment.overrides("quick"))
    jobs = expand_jobs(loaded)
    pairs = {(job.content.data.speaker, job.content.data.train) for job in jobs}
    assert len(jobs) == 2 * len(pairs) == 10
    for job in jobs:
        checkpoint = job.content.model.checkpoint
        assert (checkpoint is not None) == (job.content.baseline == "random")
        if checkpoint is not None:
            assert (loaded.folder / checkpoint).is_file()
        assert Path("models", str(job.content.model.name)).name == "ds2-small"
