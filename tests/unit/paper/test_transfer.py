"""The page of transfer learning: pairs of baselines, WERR with its sign, claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.metrics.rare_words import Vocabulary
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.sections import Section
from harness.paper.systems.transfer import SYSTEM
from harness.paper.systems.transfer.pairs import fine_tunings
from harness.report.load import Attempt, load_run
from harness.results.model import EpochRecord
from harness.results.scoring import Scoring
from harness.results.store import HypothesisRow, Rows
from harness.scenario import expand_jobs, load_scenario
from harness.scenario.report import Report
from tests.fixtures.report_run import make_run, small


@dataclass(frozen=True)
class Tuning:
    """What one fine-tuning came to: words wrong of ten in each of 20 utterances, losses."""

    speaker: str
    baseline: str
    wrong: int
    losses: tuple[float, ...] = (30.0, 20.0, 10.0)
    sentences: int = 60
    before: int = 10


def attempt_of(like: Attempt, tuning: Tuning) -> Attempt:
    rows = Rows(
        HypothesisRow(
            epoch=epoch, id=f"v{n}", reference="a " * 10, hypothesis="", substitutions=wrong,
            deletions=0, insertions=0, reference_words=10,
        )
        for epoch, wrong in ((0, tuning.before), (3, tuning.wrong)) for n in range(20)
    )  # fmt: skip
    epochs = tuple(
        EpochRecord(
            epoch=number, wer_percent=1.0, substitutions=0, deletions=0, insertions=0,
            reference_words=1, train_loss=loss, train_seconds=1, evaluate_seconds=1,
            battery_percent=None, available_mb=None, best=False, steps=12 * number,
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


def grid(made: dict[str, Section], item: str, number: int = 1) -> dict[str, list[str]]:
    rows = made[item].grids[number].rows
    return {name: [cell.measured for cell in cells] for name, cells in rows}


def test_claims_go_by_intervals_of_pairs(run_of: Callable[..., Source]) -> None:
    source = run_of(
        Tuning("es-female", "random", 9), Tuning("es-female", "multilingual", 3, (15.0, 9.0, 5.0)),
        Tuning("it-female", "random", 8), Tuning("it-female", "multilingual", 8, (40.0, 30.0)),
        Tuning("de-female", "random", 5), Tuning("de-female", "multilingual", 5, (9.0,)),
        Tuning("es-female", "en-it-fr", 2), Tuning("de-female", "en-it-fr", 7),
        Tuning("it-female", "far", 4),
    )  # fmt: skip
    made = page(source)
    verdict = {key: [claim.verdict for claim in own.claims] for key, own in made.items()}
    assert verdict["werr"] == ["holds", "cannot be said"]
    assert verdict["zero_shot"] == ["holds", "holds"]
    assert verdict["recipes"] == verdict["domains"] == ["cannot be said"] * 2
    assert verdict["convergence"] == ["does not hold"]
    rows = grid(made, "werr")
    assert rows["es-female, 60 sentences"][:2] == ["90.0", "30.0"]
    assert rows["es-female, 60 sentences"][2].startswith("+66.7")
    assert grid(made, "zero_shot")["de-female, 60 sentences"][3].startswith("−40.0")
    effort = grid(made, "convergence")
    assert effort["es-female, 60 sentences"][:4] == ["10.0", "3", "36", "3.0"]
    assert effort["es-female, 60 sentences"][5:8] == ["2", "24", "2.0"]
    assert effort["it-female, 60 sentences"][5:8] == ["never", "", ""]
    assert grid(made, "domains")["it-female, 60 sentences"][1] == "80.0"
    assert grid(made, "domains")["it-female, 60 sentences"][4].startswith("+50.0")
    assert set(grid(made, "domains", 2)["it-female, 60 sentences"]) == {""}
    counted = Scoring(Report(), Vocabulary(("a",)), frozenset())
    of_classes = replace(source, data=replace(source.data, scoring=counted))
    assert set(grid(page(of_classes), "domains", 2)["it-female, 60 sentences"]) == {"none"}


def test_recipes_are_compared_before_and_after_the_same_fine_tuning(
    run_of: Callable[..., Source],
) -> None:
    source = run_of(
        Tuning("it-female", "A-20", 6, sentences=20, before=9),
        Tuning("it-female", "B-20", 7, sentences=20, before=10),
        Tuning("it-female", "C-20", 3, sentences=20, before=6),
        Tuning("it-female", "A-200", 2, sentences=20, before=2),
        Tuning("it-female", "C-200", 2, sentences=20, before=2),
    )
    made = page(source)
    before, after = grid(made, "recipes"), grid(made, "recipes", 2)
    assert list(before) == ["20 sentences", "200 sentences"]
    assert before["20 sentences"][:2] == ["90.0", "100.0"]
    assert before["20 sentences"][2].startswith("−11.1")
    assert before["20 sentences"][4].startswith("+33.3")
    assert after["20 sentences"][3] == "30.0"
    assert before["200 sentences"][1:3] == ["", ""]
    assert [claim.verdict for claim in made["recipes"].claims] == ["cannot be said", "holds"]


def test_what_has_no_partner_is_left_out(run_of: Callable[..., Source]) -> None:
    source = run_of(
        Tuning("it-female", "random", 8), Tuning("it-female", "multilingual", 4, sentences=20)
    )
    assert fine_tunings(source) == []
    assert page(source)["werr"].missing


def jobs_with(models: Path | None) -> dict[str | None, set[tuple[str | None, int | None]]]:
    experiment = SYSTEM.experiments[0]
    assert experiment.with_models is not None
    more = experiment.with_models(experiment.scenario, models)
    loaded = load_scenario(experiment.scenario, [*experiment.overrides("quick"), *more])
    of: dict[str | None, set[tuple[str | None, int | None]]] = {}
    for job in expand_jobs(loaded):
        data, model = job.content.data, job.content.model
        of.setdefault(job.content.baseline, set()).add((data.speaker, data.train))
        assert (model.checkpoint is not None) == (job.content.baseline == "random")
        if model.checkpoint is not None:
            assert (loaded.folder / model.checkpoint).is_file()
        assert Path(str(model.name or model.path)).name.startswith("ds2-small")
    return of


def test_its_scenario_has_the_same_speech_for_both_baselines() -> None:
    of = jobs_with(None)
    assert of["random"] == of["multilingual"]
    assert len(of["random"]) == 5


def test_baselines_that_are_there_are_compared_too(tmp_path: Path) -> None:
    names = ["far", "en-it-fr", *(f"it-{r}-{n}" for r in "abc" for n in (20, 60, 200)), "it-l-60"]
    for name in names:
        (tmp_path / f"ds2-small-{name}").mkdir()
        (tmp_path / f"ds2-small-{name}" / "manifest.json").touch()
    of = jobs_with(tmp_path)
    assert of["random"] == of["multilingual"] == {*of["far"], *of["en-it-fr"]}
    recipes = {name: speech for name, speech in of.items() if name and name[1] == "-"}
    assert len(recipes) == 10
    assert all(speech == {("it-female", 20)} for speech in recipes.values())


def test_a_folder_without_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the baselines of this page"):
        jobs_with(tmp_path)
