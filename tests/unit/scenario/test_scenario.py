"""Scenario files: what they mean, and how a mistake in one is told."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from harness.contract import job as contract
from harness.errors import InputError
from harness.paths import data_root
from harness.scenario import (
    JobSpec,
    LoadedScenario,
    expand_jobs,
    load_scenario,
    parse_scenario,
    scenario_schema,
    tasks_of,
)
from harness.scenario.demands import Demands
from harness.scenario.identity import job_identity
from harness.scenario.schema import JobContent, Stop, Trainer
from harness.yamlio import parse_yaml

HEAD = "name: t\nmodel: ds2-mini\n"


def load(text: str, *overrides: str) -> LoadedScenario:
    raw, lines = parse_yaml(textwrap.dedent(text), "s.yaml")
    return parse_scenario(raw, lines, folder=Path(), overrides=overrides)


def jobs(text: str, *overrides: str, only: tuple[str, ...] = ()) -> list[JobSpec]:
    return expand_jobs(load(text, *overrides), only)


def told(text: str, *overrides: str, only: tuple[str, ...] = ()) -> str:
    with pytest.raises(InputError) as caught:
        jobs(text, *overrides, only=only)
    assert caught.value.exit_code == 2
    return str(caught.value)


# -- what a file means ----------------------------------------------------------------------------


def test_a_small_file_says_much_and_defaults_are_the_papers() -> None:
    (job,) = jobs(HEAD)
    trainer = job.content.trainer
    assert (trainer.batch_size, trainer.epochs) == (5, 15)
    assert (trainer.learning_rate, trainer.stop.available_below_mb) == (None, None)  # the model's
    assert (trainer.settled_learning_rate, trainer.stop.settled_available_below_mb) == (1e-4, 300)
    assert (trainer.stop.patience, trainer.stop.battery_below_percent) == (2, 25.0)
    assert trainer.candidates is None  # those of the network
    data = job.content.data
    assert (data.corpus, data.train, data.validation) == ("accents", 60, 20)
    assert job.content.pressure is None
    assert job.content.gates == "lab"


def test_a_scenario_with_every_part_expands_to_its_matrix() -> None:
    text = (Path(__file__).parents[2] / "data" / "table3_learning_rate.yaml").read_text()
    found = jobs(text)
    assert len(found) == 3 * 2 * 3
    assert {job.axes["pressure.fits"] for job in found} == {"S1", "S5", "S8"}
    assert load(text).scenario.retry.trainer_killed == 1


def test_defaults_agree_with_the_contract() -> None:
    stop = Stop()
    contract_stop = contract.Stop.model_validate({}).model_dump()
    settled = {"available_below_mb": stop.settled_available_below_mb}
    assert {**stop.model_dump(), **settled} == contract_stop
    trainer = Trainer()
    ours = {**trainer.model_dump(), "learning_rate": trainer.settled_learning_rate}
    for field, value in contract.Training.model_validate({}).model_dump().items():
        assert ours[field] == value, field


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("ds2-tiny", "ds2-tiny"),
        ("{name: ds2-tiny}", "ds2-tiny"),
        ("{arch: ds2, size: tiny}", "ds2-tiny"),
        ("{arch: ds2, size: full}", "ds2"),
        ("{path: my.tflite, checkpoint: my.npz}", "my.tflite"),
    ],
)
def test_ways_to_name_a_model(model: str, label: str) -> None:
    (job,) = jobs(f"name: t\nmodel: {model}\n")
    assert job.content.model.label == label


def test_arch_and_size_are_the_same_job_as_the_name() -> None:
    (job,) = jobs("name: a\nmodel: {arch: ds2, size: tiny}\n")
    (other,) = jobs("name: b\ntitle: else\nmodel: ds2-tiny\n")
    assert job.identity == other.identity


def test_what_came_later_leaves_older_jobs_the_same() -> None:
    (before,) = jobs(HEAD)
    (last,) = jobs(HEAD + "trainer: {keep: last}\n")
    assert last.identity != before.identity
    content = before.content.model_dump(mode="json")
    del content["trainer"]["keep"]
    without = job_identity(content, repeat=1, round_number=1, rounds=1, avoid=[])
    assert without == before.identity


def test_off_is_a_word() -> None:
    (job,) = jobs(HEAD + "gates: off\n")
    assert job.content.gates == "off"


def test_a_required_field_may_stand_in_the_matrix_alone() -> None:
    found = jobs("name: t\nmatrix: {model.name: [ds2-mini, ds2-tiny], pressure.fits: [S1, S8]}\n")
    assert [(j.content.model.name, j.content.pressure.fits) for j in found] == [  # type: ignore[union-attr]
        ("ds2-mini", "S1"),
        ("ds2-mini", "S8"),
        ("ds2-tiny", "S1"),
        ("ds2-tiny", "S8"),
    ]


def test_include_adds_and_exclude_takes() -> None:
    found = jobs(
        HEAD
        + """\
matrix:
  trainer.epochs: [1, 2]
  trainer.batch_size: [5, 10]
  include:
    - {trainer.epochs: 7}
  exclude:
    - {trainer.epochs: 2, trainer.batch_size: 10}
"""
    )
    pairs = [(j.content.trainer.epochs, j.content.trainer.batch_size) for j in found]
    assert pairs == [(1, 5), (1, 10), (2, 5), (7, 5)]


def test_include_alone_is_the_whole_matrix() -> None:
    found = jobs(HEAD + "matrix:\n  include: [{trainer.epochs: 1}, {trainer.batch_size: 1}]\n")
    assert [(j.content.trainer.epochs, j.content.trainer.batch_size) for j in found] == [
        (1, 5),
        (15, 1),
    ]


def test_an_exclude_of_phones_left_open_becomes_a_demand() -> None:
    text = (
        HEAD
        + """\
phones: {ram_mb: ">= 4000"}
matrix:
  pressure.fits: [S1, S8]
  exclude: [{pressure.fits: S8, phones.profile: redmi-note-7-pro}]
"""
    )
    avoid = [job.avoid for job in jobs(text)]
    assert avoid == [(), (Demands(profile="redmi-note-7-pro"),)]


def test_an_exclude_that_is_no_demand_is_told_with_its_line() -> None:
    text = HEAD + "matrix:\n  trainer.seed: [1]\n  exclude:\n    - {phones.ram_mb: much}\n"
    with pytest.raises(InputError, match=r"s\.yaml:6: phones\.ram_mb: not a comparison"):
        jobs(text)


def test_rounds_are_chains_and_repeats_have_their_own_seeds() -> None:
    found = jobs(HEAD + "rounds: 2\nrepeats: 2\ntrainer: {seed: 10}\n")
    assert [(j.repeat, j.round, j.training_seed) for j in found] == [
        (1, 1, 10),
        (1, 2, 10),
        (2, 1, 11),
        (2, 2, 11),
    ]
    assert [task.beside for task in tasks_of(found)] == [
        None,
        found[0].job_id,
        None,
        found[2].job_id,
    ]
    assert [j.index for j in found] == [0, 1, 2, 3]


def test_orders() -> None:
    text = HEAD + "matrix: {pressure.fits: [S1, S5], data.speaker: [a, b, c]}\n"
    written = jobs(text)
    shuffled = jobs(text + "order: {shuffled: 3}\n")
    assert [j.job_id for j in shuffled] != [j.job_id for j in written]
    assert {j.job_id for j in shuffled} == {j.job_id for j in written}
    assert shuffled == jobs(text + "order: {shuffled: 3}\n")
    grouped = jobs(text + "order: fewest-pushes\n")
    assert [j.content.data.speaker for j in grouped] == ["a", "a", "b", "b", "c", "c"]


def test_set_and_only() -> None:
    text = HEAD + "matrix: {pressure.fits: [S1, S5, S8], trainer.learning_rate: [1e-4, 1e-5]}\n"
    found = jobs(text, "trainer.epochs=3", only=("pressure.fits=S5,S8",))
    assert [j.axes["pressure.fits"] for j in found] == ["S5", "S5", "S8", "S8"]
    assert {j.content.trainer.epochs for j in found} == {3}
    (job,) = jobs(text, only=("pressure.fits=S5", "trainer.learning_rate=0.00001"))
    assert job.axes == {"pressure.fits": "S5", "trainer.learning_rate": 1e-5}
    # A field that is an axis: the given value counts, and the axis is gone.
    fixed = jobs(text, "trainer.learning_rate=1e-6")
    assert [j.axes for j in fixed] == [{"pressure.fits": s} for s in ("S1", "S5", "S8")]
    assert {j.content.trainer.learning_rate for j in fixed} == {1e-6}


def test_only_a_later_round_keeps_what_it_stands_on() -> None:
    found = jobs(HEAD + "rounds: 3\nrepeats: 2\n", only=("round=2", "repeat=1"))
    assert [(j.repeat, j.round) for j in found] == [(1, 1), (1, 2)]


# -- how a mistake is told ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (HEAD + "trainer:\n  epoch: 3\n", ["s.yaml:4: trainer.epoch", "unknown key", "'epochs'"]),
        (HEAD + "trainers: {}\n", ["s.yaml:3: trainers", "did you mean 'trainer'"]),
        (HEAD + "trainer:\n  epochs: three\n", ["s.yaml:4: trainer.epochs", "whole number"]),
        (HEAD + 'trainer:\n  epochs: "3"\n', ["s.yaml:4: trainer.epochs", "whole number"]),
        (HEAD + "trainer: {epochs: true}\n", ["s.yaml:3: trainer.epochs"]),
        (HEAD + "trainer: {learning_rate: 2}\n", ["trainer.learning_rate", "less than 1"]),
        (HEAD + "trainer: {candidates: []}\n", ["s.yaml:3: trainer.candidates"]),
        (HEAD + "trainer: {candidates: [a b]}\n", ["trainer.candidates[0]", "match pattern"]),
        (HEAD + "trainer: {sub_model: <b>}\n", ["s.yaml:3: trainer.sub_model", "match pattern"]),
        (HEAD + "pressure: {}\n", ["s.yaml:3: pressure", "either available_mb or fits"]),
        (HEAD + "pressure: {fits: 9}\n", ["s.yaml:3: pressure.fits"]),
        (HEAD + "gates: labs\n", ["s.yaml:3: gates"]),
        ("name: t\n", ["model", "is missing"]),
        ("name: t\nmodel: {arch: ds2}\n", ["s.yaml:2: model", "arch needs size"]),
        ("name: t\nmodel: {name: a, path: b}\n", ["one of name, arch and size, or path"]),
        ("name: ../x\nmodel: ds2-mini\n", ["s.yaml:1: name"]),
        ("- a\n", ["a scenario is a mapping"]),
        (HEAD + "data: {corpus: accents, manifest: x}\n", ["corpus or manifest, not both"]),
        (HEAD + "expect: [{metric: wer, falls_over: epoch, above: 1}]\n", ["expect[0]", "one of"]),
        (HEAD + "matrix: [1]\n", ["s.yaml:3: matrix", "maps dotted paths"]),
        (
            HEAD + "matrix:\n  trainer.epoch: [3]\n",
            ["s.yaml:4: matrix.trainer.epoch", "unknown path", "trainer.epochs?"],
        ),
        (HEAD + "matrix:\n  epochs: [3]\n", ["s.yaml:4", "Did you mean trainer.epochs?"]),
        (HEAD + "matrix:\n  repeats: [3]\n", ["s.yaml:4", "repeats holds for the whole scenario"]),
        (HEAD + "matrix:\n  trainer.epochs: []\n", ["s.yaml:4", "expands to nothing"]),
        (HEAD + "matrix:\n  trainer.epochs: 3\n", ["s.yaml:4", "list of values"]),
        (HEAD + "matrix:\n  trainer.epochs: [3, 3]\n", ["s.yaml:4", "stands twice", "repeats"]),
        (
            HEAD + "matrix:\n  trainer.epochs: [3,\n    many]\n",
            ["s.yaml:5: trainer.epochs", "whole number"],
        ),
        (
            HEAD + "matrix:\n  trainer: [{epochs: 1}]\n  trainer.epochs: [2]\n",
            ["s.yaml:5", "lies within trainer"],
        ),
        (HEAD + "matrix:\n  gates.x: [1]\ngates: lab\n", ["s.yaml:4", "gates is 'lab'"]),
        (
            HEAD + "matrix:\n  trainer.epochs: [3]\n  exclude:\n    - {trainer.epochs: 3}\n",
            ["s.yaml:5: matrix.exclude", "expands to nothing"],
        ),
        (
            HEAD + "matrix:\n  exclude:\n    - {trainer.epoch: 3}\n",
            ["s.yaml:5: matrix.exclude[0]", "unknown path"],
        ),
        (
            HEAD + "matrix:\n  model: [ds2-mini, {name: ds2-mini}]\n",
            ["s.yaml:3: matrix", "same job"],
        ),
        (
            HEAD + f"matrix:\n  trainer.seed: {list(range(1000))}\n"
            f"  data.seed: {list(range(1000))}\n",
            ["1000000 combinations"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, parts: list[str]) -> None:
    message = told(text)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("trainer.epochs=x", ["--set trainer.epochs=x", "whole number"]),
        ("trainer.epoch=3", ["--set trainer.epoch=3", "trainer.epochs?"]),
        ("trainer.epochs", ["an override is path=value"]),
        ("gates.battery=3", ["gates is 'lab'"]),
    ],
)
def test_a_mistake_in_an_override_blames_the_override(override: str, parts: list[str]) -> None:
    message = told(HEAD + "gates: lab\n", "trainer.batch_size=2", override)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("only", "parts"),
    [
        ("pressure.fits=S3", ["no job is left", "pressure.fits is S1, S5"]),
        ("pressure.fit=S1", ["unknown path", "pressure.fits?"]),
        ("rounds=1", ["unknown path", "round?"]),
        ("round", ["a filter is path=value"]),
    ],
)
def test_a_mistake_in_a_filter(only: str, parts: list[str]) -> None:
    message = told(HEAD + "matrix: {pressure.fits: [S1, S5]}\n", only=(only,))
    for part in parts:
        assert part in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file"):
        load_scenario(tmp_path / "nowhere.yaml")


# -- the schema for editors -----------------------------------------------------------------------


def test_the_json_schema_knows_fields_and_dotted_paths() -> None:
    schema = scenario_schema()
    assert schema["additionalProperties"] is False
    assert set(JobContent.model_fields) < set(schema["properties"])
    axes = schema["properties"]["matrix"]["properties"]
    assert axes["trainer.epochs"]["items"]["type"] == "integer"
    assert "include" in axes

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            here = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return here.union(*(references(inner) for inner in node.values()))
        if isinstance(node, list):
            return set().union(*(references(inner) for inner in node))
        return set()

    wanted = {ref.removeprefix("#/$defs/") for ref in references(schema)}
    assert wanted <= set(schema["$defs"])


@pytest.mark.parametrize(
    "path", sorted((data_root() / "scenarios").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_a_shipped_scenario_names_its_schema(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    mark, _, place = first.partition("$schema=")
    assert mark == "# yaml-language-server: "
    assert (path.parent / place).resolve() == data_root() / "scenarios" / "scenario.schema.json"
