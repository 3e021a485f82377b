"""Values that are often written wrong are answered with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import make_plan
from harness.paths import data_root
from harness.scenario import LoadedScenario, expand_jobs, parse_scenario, tasks_of
from harness.scenario.paths import field_paths, suggestion
from harness.scenario.schema import Scenario
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import make_phone


def load(text: str, *overrides: str) -> LoadedScenario:
    model = "" if text.startswith("model:") else "model: ds2-mini\n"
    raw, lines = parse_yaml(f"name: t\n{model}{text}\n", "s.yaml")
    return parse_scenario(raw, lines, folder=Path(), overrides=overrides)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "data: {speaker: [us-male, uk-female]}",
            "s.yaml:3: data.speaker: one value is meant here, not a list\n"
            "  To run a job for each: matrix: {data.speaker: [us-male, uk-female]}.",
        ),
        ("trainer: {batch_size: [1, 2]}", "matrix: {trainer.batch_size: [1, 2]}"),
        ("trainer: {sub_model: [S1, S2]}", "matrix: {trainer.sub_model: [S1, S2]}"),
        ("pressure: {available_mb: '1.7GB'}", "Sizes are MiB, without a unit: write 1741."),
        ("pressure: {available_mb: 1700 MiB}", "write 1700."),
        ("sampling: {period_s: 1s}", "without a unit"),
        ("data: {speaker: Anna}", "'Anna' is not a name\n  Write anna."),
        ("phones: {ram_mb: 6GB}", 'Sizes are MiB, without a unit: write ">= 6144".'),
        ("phones: {ram_mb: '>= 6 GB, < 8 GB'}", 'write ">= 6144, < 8192".'),
        ("phones: {android: 14+}", 'Write ">= 14".'),
        ("phones: {android: 14 or later}", 'Write ">= 14".'),
        ("phones: {android: new}", 'Write for example ">= 10"'),
        ("phones: oneplus-7t", "Write phones: {profile: oneplus-7t}."),
        ("phones: [a, b]", "Write phones: {profile: [a, b]}."),
        ("phones: 2", "Write phones: {count: 2}."),
        ("phones: {serial: 123}", 'Write serial: "123", in quotes.'),
        ("phones: {each: yes}", "Write true, without quotes."),
        ("pressure: S5", "Write pressure: {fits: S5}."),
        ("pressure: 1700", "Write pressure: {available_mb: 1700}."),
        ("pressure: [1700, 1200]", "matrix: {pressure.available_mb: [1700, 1200]}."),
        ("pressure: none", "Leave pressure out"),
        ("pressure: {fits: 5}", "Sub-models have names such as S5."),
        ("limits: {train_s: 6h}", "Times are seconds, without a unit: write 21600."),
        ("trainer: {stop: {battery_below_percent: 25%}}", "Write 25, without quotes"),
        ("trainer: {epochs: '3'}", "Write 3, without quotes."),
        ("trainer: {epochs: 3.0}", "Write 3."),
        ("trainer: {candidates: S1;S5}", "Write candidates: [S1, S5]."),
        ("trainer: {keep: [best, last]}", "matrix: {trainer.keep: [best, last]}."),
        ("trainer: {stop: 3}", "It has policy, patience,"),
        ("data: accents", "Write data: {corpus: accents}."),
        ("data: {train: all}", "Leave it out"),
        ("gates: none", "s.yaml:3: gates: must be 'strict', 'lab' or 'off' (it is 'none')"),
        ("gates: [strict, lab]", "matrix: {gates: [strict, lab]}."),
        ("repeats: [2, 3]", "not a list\n  Write 2."),
        ("model: models/ds2-mini", "Write model: {path: models/ds2-mini}."),
        ("model: DS2-mini", "Write ds2-mini."),
        ("model: [ds2-mini, ds2-tiny]", "matrix: {model: [ds2-mini, ds2-tiny]}."),
        ("epochs: 3", "Did you mean trainer.epochs? Write trainer: {epochs: 3}."),
        ("speaker: us-male", "Write data: {speaker: us-male}."),
        ("expect: [wer_percent < 5]", "Write {metric: wer_percent, below: 5}."),
        ("expect: {metric: wer_percent, below: 5}", "Write expect: [{metric: wer_percent, below"),
        ("expect: [{metric: wer_percent, below: 5%}]", "Write 5, without quotes"),
        ("title: 5", 'Write "5", in quotes.'),
        ("matrix: {trainer.epochs: 3}", "Write trainer.epochs: [3]."),
        ("matrix: {repeats: [1, 2]}", "It stands at the top: repeats: ..."),
        ("matrix: {exclude: {trainer.epochs: 3}}", "Write exclude: [{trainer.epochs: 3}]."),
        ("matrix: {pressure: [none, {fits: S5}]}", "In a matrix, write null."),
        ("data: {train: 0}", "data.train: must be greater than or equal to 1 (it is 0)"),
        ("expect: [{metric: WER_percent, below: 5}]", "Names are in lower case: wer_percent."),
        ("matrix: {trainer: {epochs: [1, 2]}}", "matrix: {trainer.epochs: [1, 2]}."),
    ],
)
def test_what_to_write(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    assert words in str(caught.value)


def test_a_list_in_an_override() -> None:
    with pytest.raises(
        InputError, match=r"--set .*not a list\n.*matrix: {trainer.epochs: \[1, 2\]"
    ):
        load("", "trainer.epochs=[1, 2]")


def test_a_model_without_a_manifest_is_none_and_the_others_are_named() -> None:
    with pytest.raises(InputError) as caught:
        check_scenario(load("model: ds2"), Materials(Path()))
    assert "there is no model 'ds2'" in str(caught.value)
    folders = (data_root() / "models").glob("*/manifest.json")
    names = sorted(path.parent.name for path in folders)
    assert "ds2" not in names
    assert f"Models here: {', '.join(names)}." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: {path: .}", "s.yaml:2: model.path: .: there is no manifest.json in this folder"),
        ("model: ds2mini", "Did you mean ds2-mini?"),
        ("data: {manifest: a.jsonl}", "s.yaml:3: data.manifest: a.jsonl: no such file"),
        ("data: {speaker: us_male}", "Did you mean us-male?"),
        ("gates: {battery: 5}", "s.yaml:3: gates.battery: unknown key 'battery'"),
        ("matrix: {model: [ds2mini]}", "s.yaml:3: matrix.model: there is no model"),
        ("matrix: {phones.profile: [x1]}", "s.yaml:3: matrix.phones.profile: no device profile"),
    ],
)
def test_where_what_is_not_there_was_written(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_scenario(load(text), Materials(Path()))
    assert words in str(caught.value)


def test_a_folder_without_a_manifest_of_recordings(tmp_path: Path) -> None:
    (tmp_path / "rec").mkdir()
    with pytest.raises(InputError, match=r"no manifest\.jsonl in this folder\n.*corpus import"):
        check_scenario(load("data: {manifest: rec}"), Materials(tmp_path))


@pytest.mark.parametrize("version", ["14", '"== 14"'])
def test_one_version_of_android_where_a_later_one_may_be_meant(version: str) -> None:
    jobs = Materials(Path()).needs(tasks_of(expand_jobs(load(f"phones: {{android: {version}}}"))))
    (group,) = make_plan(jobs, [make_phone("A")]).unplaced
    assert group.lines()[-1].endswith('write android: ">= 14"')
    jobs = Materials(Path()).needs(tasks_of(expand_jobs(load('phones: {android: ">= 14"}'))))
    (group,) = make_plan(jobs, [make_phone("A")]).unplaced
    assert "later one" not in "\n".join(group.lines())


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("epochs", "trainer.epochs"),
        ("sub_model", "trainer.sub_model"),
        ("epoch", "trainer.epochs"),
        ("lerning_rate", "trainer.learning_rate"),
        ("trainer.stop.patence", "trainer.stop.patience"),
        ("stop.patience", "trainer.stop.patience"),
        ("speaker", "data.speaker"),
        ("repeat", "repeats"),
    ],
)
def test_the_field_that_was_meant(word: str, meant: str) -> None:
    assert suggestion(word, field_paths(Scenario)) == f"Did you mean {meant}?"
