"""Which phones fit, what is said when none does, and what is checked before any is touched."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from harness.errors import InputError, NoPhoneError
from harness.lab.planning.candidates import one_for_each
from harness.lab.planning.checks import check_profiles, check_scenario
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, make_plan
from harness.lab.ports import LabPhone
from harness.scenario import (
    LoadedScenario,
    expand_jobs,
    load_scenario,
    parse_scenario,
    tasks_of,
)
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import make_phone

HEAD = "name: t\nmodel: ds2-tiny\ntrainer: {batch_size: 2}\n"
PHONES = [
    make_phone("A"),
    make_phone("B"),
    make_phone("R", profile="redmi-note-7-pro", ram_total_mb=5700.0, idle_available_mb=1500.0),
]


def load(text: str) -> LoadedScenario:
    raw, lines = parse_yaml(textwrap.dedent(HEAD + text), "s.yaml")
    return parse_scenario(raw, lines, folder=Path())


def plan(text: str, phones: list[LabPhone] = PHONES) -> Plan:
    jobs = Materials(Path()).needs(tasks_of(expand_jobs(load(text))))
    return make_plan(one_for_each(jobs, phones), phones)


def candidates(text: str) -> list[tuple[str, ...]]:
    return [job.candidates for job in plan(text).jobs]


def test_demands_choose_candidates() -> None:
    assert candidates("") == [("A", "B", "R")]
    assert candidates("phones: {profile: redmi-note-7-pro}\n") == [("R",)]
    assert candidates('phones: {ram_mb: ">= 6000"}\n') == [("A", "B")]
    assert candidates("phones: {count: 2}\n") == [("A", "B")]
    made = plan("phones: {serial: B}\n")
    assert [phone.serial for phone in made.phones] == ["B"]
    assert set(made.unfit) == {"A", "R"}


def test_each_makes_one_job_a_phone_with_an_identity_of_its_own() -> None:
    made = plan("phones: {each: true}\nrounds: 2\n")
    jobs = [job.spec for job in made.jobs]
    assert [job.axes["phones.serial"] for job in jobs] == ["A", "B", "R"] * 2 or len(jobs) == 6
    assert len({job.identity for job in jobs}) == 6
    assert len({job.job_id for job in jobs}) == 6
    by_id = {job.job_id: job for job in jobs}
    for job in jobs:
        if job.round == 2:
            beside = made.jobs[jobs.index(job)].task.beside
            assert beside is not None
            assert (by_id[beside].axes, by_id[beside].round) == (job.axes, 1)
    again = [job.spec.identity for job in plan("phones: {each: true}\nrounds: 2\n").jobs]
    assert again == [job.identity for job in jobs]


def test_excluded_phones_are_avoided() -> None:
    text = """\
        matrix:
          pressure.available_mb: [900, 1200]
          exclude: [{pressure.available_mb: 1200, phones.profile: redmi-note-7-pro}]
        """
    assert candidates(textwrap.dedent(text)) == [("A", "B", "R"), ("A", "B")]


def test_no_phone_that_fits_says_what_was_wanted_and_what_is_there() -> None:
    made = plan('phones: {ram_mb: ">= 9000"}\n')
    with pytest.raises(NoPhoneError) as caught:
        made.check()
    assert caught.value.exit_code == 3
    text = str(caught.value)
    assert "wanted ram_mb >= 9000" in text
    assert "R (redmi-note-7-pro): wanted ram_mb >= 9000, has 5700" in text
    with pytest.raises(NoPhoneError, match="fits: wanted ram_mb"):
        made.check(skip_unfit=True)  # nothing would be left
    with pytest.raises(NoPhoneError, match="wanted 4 phones, only 3 fit"):
        plan("phones: {count: 4}\n").check()
    with pytest.raises(NoPhoneError, match="wanted 4 phones, only 3 fit"):
        plan("phones: {count: 4, each: true}\n").check()
    with pytest.raises(NoPhoneError, match="no usable phone at all"):
        plan("", []).check()


def test_all_jobs_that_fit_no_phone_are_told_at_once_and_the_others_planned() -> None:
    text = """\
        repeats: 2
        matrix:
          phones.profile: [oneplus-7t, redmi-note-7-pro, pixel-4]
          include: [{phones.profile: pixel-4a}]
        """
    made = plan(textwrap.dedent(text))
    assert [job.candidates for job in made.jobs] == [("A", "B")] * 2 + [("R",)] * 2 + [()] * 4
    assert [len(group.jobs) for group in made.unplaced] == [2, 2]
    assert made.time.seconds > 0
    with pytest.raises(NoPhoneError) as caught:
        made.check()
    lines = str(caught.value).splitlines()
    assert len(lines) == 7, lines
    assert lines[0].startswith("2 jobs ")
    assert lines[0].endswith("no phone fits: wanted profile pixel-4")
    assert lines[1] == "  A, B (oneplus-7t): wanted profile pixel-4, has oneplus-7t"
    assert lines[-1] == "Nothing was started. The other 4 jobs fit: --skip-unfit runs them alone."
    made.check(skip_unfit=True)


def test_a_goal_above_what_a_phone_has_is_warned_of() -> None:
    (job,) = plan("pressure: {available_mb: 3000}\n").jobs
    assert len(job.warnings) == 1
    assert "R has only 1500 MiB" in job.warnings[0]
    assert job.needs.goal is not None
    assert job.needs.goal.text == "available_mb: 3000"


def test_a_plan_predicts_needs_and_time() -> None:
    (job,) = plan("pressure: {fits: S5}\n").jobs
    record = job.record()
    assert set(record.need_mb) >= {"S1", "S5", "S8"}
    assert job.needs.goal is not None
    assert (
        record.need_mb["S5"]
        < job.needs.goal.available_mb - job.needs.model.manifest.trainer_base_mb
        < record.need_mb["S1"]
    )
    short, long = plan("matrix: {trainer.epochs: [1, 50]}\n").jobs
    assert 0 < short.estimate_s < long.estimate_s


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phones: {profil: x}\n", r"s\.yaml:4: phones\.profil.*unknown key.*\n.*'profile'"),
        ("phones: {profile: oneplus-8}\n", r"s\.yaml:4: phones\.profile: .*'oneplus-8'"),
        ('phones: {ram_mb: "much"}\n', r"s\.yaml:4: phones\.ram_mb"),
        ("gates: {battery: 3}\n", r"s\.yaml:4: gates.*"),
        ("matrix:\n  phones.profile: [oneplus-7t, nokia]\n", r"'nokia'"),
        (
            "matrix:\n  phones.profil: [oneplus-7t]\n",
            r"s\.yaml:5: .*'phones\.profil'\n.*phones\.profile\?",
        ),
        ("gates: {screen_on: false}\n", r"s\.yaml:4: .*stay_awake.*\n.*stay_awake: false"),
        ("gates: {limits_s: {battery: 9}}\n", r"s\.yaml:4: .*no gate 'battery'"),
    ],
)
def test_wrong_demands_are_bad_input(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_scenario(load(text), Materials(Path()))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model: ds2-gigantic\n", r"model\.name: there is no model 'ds2-gigantic'\n.*ds2-tiny"),
        ("model: {path: nowhere}\n", r"no such model file or folder"),
        ("model: {path: .}\n", r"model\.path: .*: there is no manifest\.json"),
        ("model: {name: ds2-tiny, checkpoint: x.npz}\n", r"model\.checkpoint: .*cannot be used"),
        ("trainer: {batch_size: 3}\n", r"no file for batch size 3\n.*It has batch sizes 2"),
        ("data: {corpus: librispeech}\n", r"no corpus 'librispeech'"),
        ("data: {speaker: klingon}\n", r"unknown speaker 'klingon'\n.*us-male"),
        ("data: {manifest: no.jsonl, speaker: x}\n", r"data\.manifest: .*no\.jsonl: no such file"),
    ],
)
def test_what_a_scenario_names_must_be_there(tmp_path: Path, text: str, told: str) -> None:
    head = {"name": "t", "model": "ds2-tiny", "trainer": {"batch_size": 2}}
    changed, lines = parse_yaml(text, "s.yaml")
    loaded = parse_scenario({**head, **changed}, lines, folder=tmp_path)
    with pytest.raises(InputError, match=told):
        check_scenario(loaded, Materials(tmp_path, cache=tmp_path / "cache"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data:\n  speaker: klingon\n", r"^s\.yaml:5: data\.speaker: unknown speaker"),
        (
            "data: {train: 1, validation: 1}\nmatrix:\n  data.speaker: [us-male, klingon]\n",
            r"^s\.yaml:6: .*data\.speaker: unknown",
        ),
        ("matrix:\n  trainer.batch_size: [2, 3]\n", r"^s\.yaml:5: .*no file for batch size 3"),
    ],
)
def test_what_is_not_there_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_scenario(load(text), Materials(tmp_path, cache=tmp_path / "cache"))


def test_an_unreadable_model_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": 3}')
    loaded = parse_scenario(
        {"name": "t", "model": {"path": "."}}, parse_yaml("", "s.yaml")[1], folder=tmp_path
    )
    with pytest.raises(InputError, match=r"manifest\.json"):
        Materials(tmp_path).needs(tasks_of(expand_jobs(loaded)))


def test_shipped_scenarios_are_right() -> None:
    """Each names phones, gates and models that there are (speech is synthesised elsewhere)."""
    folder = Path(__file__).parents[3] / "scenarios"
    names = set()
    for path in sorted(folder.glob("*.yaml")):
        loaded = load_scenario(path)
        assert loaded.scenario.name == path.stem.replace("_", "-")
        specs = expand_jobs(loaded)
        check_profiles(loaded, specs)
        for job in Materials(loaded.folder).needs(tasks_of(specs)):
            assert job.flatbuffer.path.is_file()
            assert (job.goal is None) == (job.spec.content.pressure is None)
        names.add(path.stem)
    assert {"quickstart", "batch_size", "smoke"} <= names
