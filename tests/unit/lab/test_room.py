"""Goal, need and stop rule work together, or it is said before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.lab.planning.needs import JobNeeds
from harness.lab.planning.plan import make_plan
from harness.lab.planning.settle import default_stop_mb
from harness.lab.ports import LabPhone
from harness.scenario import LoadedScenario, expand_jobs, parse_scenario, tasks_of
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import make_phone

HEAD = "name: t\nmodel: ds2-mini\n"


def load(text: str) -> LoadedScenario:
    raw, lines = parse_yaml(HEAD + text, "s.yaml")
    return parse_scenario(raw, lines, folder=Path())


def needs(text: str) -> list[JobNeeds]:
    return Materials(Path()).needs(tasks_of(expand_jobs(load(text))))


def warnings(text: str, *phones: LabPhone) -> list[str]:
    (job,) = make_plan(needs(text), phones or [make_phone("A")]).jobs
    return list(job.warnings)


@pytest.mark.parametrize("sub_model", ["S1", "S5", "S8"])
def test_what_is_left_out_comes_from_the_model_and_leaves_room_to_train(sub_model: str) -> None:
    (job,) = needs(f"pressure: {{fits: {sub_model}}}\n")
    trainer = job.spec.content.trainer
    assert trainer.learning_rate == job.model.manifest.learning_rate == 5e-4
    assert job.goal is not None
    room = job.goal.available_mb - job.goal.tolerance_mb - job.model.manifest.trainer_base_mb
    assert trainer.stop.available_below_mb is not None
    assert 0 < trainer.stop.available_below_mb < room - job.memory.mb[sub_model]


def test_what_is_said_counts() -> None:
    (job,) = needs("trainer: {learning_rate: 0.01, stop: {available_below_mb: 7}}\n")
    trainer = job.spec.content.trainer
    assert (trainer.learning_rate, trainer.stop.available_below_mb) == (0.01, 7)


def test_a_job_keeps_its_name_when_it_is_settled() -> None:
    loaded = load("pressure: {fits: S5}\n")
    (spec,) = expand_jobs(loaded)
    (job,) = Materials(Path()).needs(tasks_of([spec]))
    assert (job.spec.job_id, job.spec.identity) == (spec.job_id, spec.identity)
    assert job.task.task_id == spec.job_id


def test_the_default_stop_is_never_above_the_papers() -> None:
    assert default_stop_mb([50.0]) == pytest.approx(1.9)
    assert default_stop_mb([100.0, 100.0]) == pytest.approx(3.8)
    assert default_stop_mb([10_000.0, 90_000.0]) == 300.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "pressure: {available_mb: 1.7}\n",
            ["s.yaml:3: pressure.available_mb", "1.7 GiB is 1741"],
        ),
        (
            "matrix:\n  pressure.available_mb: [200, 1.7]\n",
            ["s.yaml:4: matrix.pressure.available_mb", "leaves nothing to train in"],
        ),
        (
            "pressure: {fits: S5}\ntrainer: {stop: {available_below_mb: 300}}\n",
            ["s.yaml:4: trainer.stop.available_below_mb", "no epoch can begin", "Leave it out"],
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_line(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_scenario(load(text), Materials(Path()))
    for word in words:
        assert word in str(caught.value)


def test_a_goal_above_the_ram_of_every_phone_is_refused() -> None:
    text = "pressure: {available_mb: 170000}\n"
    with pytest.raises(InputError, match="more than any phone that fits has"):
        warnings(text)
    assert make_plan(needs(text), []).unplaced


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pressure: {available_mb: 60}\n", "no sub-model fits, and nothing will be trained"),
        (
            "pressure: {available_mb: 140}\ntrainer: {sub_model: S1}\n",
            "S1 is forced and needs 166 MiB, the goal leaves 115 MiB",
        ),
        (
            "pressure: {available_mb: 140}\ntrainer: {stop: {available_below_mb: 50}}\n",
            "training may end early: no epoch begins at or below 50 MiB",
        ),
    ],
)
def test_what_may_not_work_is_warned_of(text: str, words: str) -> None:
    (warning,) = warnings(text)
    assert words in warning


def test_a_phone_with_too_little_is_warned_of_where_nothing_presses() -> None:
    small = make_phone("A", idle_available_mb=100.0)
    (warning,) = warnings("trainer: {sub_model: S1}\n", small)
    assert "S1 is forced and needs 166 MiB, A has, when idle, 75 MiB" in warning
    assert warnings("pressure: {fits: S5}\n") == []
    assert warnings("") == []


def test_a_job_that_only_evaluates_needs_no_room_for_an_epoch() -> None:
    text = "pressure: {fits: S5}\ntrainer: {epochs: 0, stop: {available_below_mb: 300}}\n"
    assert warnings(text) == []
