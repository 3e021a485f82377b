"""What the command makes of recordings and of rounds, before any phone."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import paper
from harness.cli.paper import _checked, _overrides, _verdicts
from harness.errors import InputError
from harness.lab import RunSettings
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.systems import load_system
from harness.paper.systems.early_exit import SYSTEM as EARLY_EXIT
from harness.paper.systems.mobileasr import SYSTEM
from harness.paths import data_root
from harness.scenario import expand_jobs, load_scenario
from harness.speech import CorpusSpec, build_corpus

EXPERIMENTS = {experiment.key: experiment for experiment in SYSTEM.experiments}


def test_every_recorded_speaker_is_a_job(tmp_path: Path) -> None:
    spec = CorpusSpec(speakers=("us-male", "ind-male"), train=5, validation=1)
    build_corpus(spec, tmp_path)
    (manifest,) = tmp_path.rglob("*.jsonl")
    loaded = _checked(
        SYSTEM, EXPERIMENTS["figure5"], _overrides(EXPERIMENTS["figure5"], "quick", manifest)
    )
    jobs = expand_jobs(loaded, ())
    assert [job.content.data.speaker for job in jobs] == ["ind-male", "us-male"]
    assert {job.content.data.manifest for job in jobs} == {str(manifest)}


def test_those_who_are_only_listened_to_are_no_jobs(tmp_path: Path) -> None:
    spec = CorpusSpec(speakers=("us-male", "ind-male"), train=2, validation=1)
    build_corpus(spec, tmp_path)
    (manifest,) = tmp_path.rglob("*.jsonl")
    lines = manifest.read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"us-male"' not in line or '"validation"' in line]
    manifest.write_text("".join(kept))
    overrides = _overrides(EXPERIMENTS["figure5"], "quick", manifest)
    jobs = expand_jobs(_checked(SYSTEM, EXPERIMENTS["figure5"], overrides), ())
    assert [job.content.data.speaker for job in jobs] == ["ind-male"]
    manifest.write_text("".join(line for line in kept if '"validation"' in line))
    with pytest.raises(InputError, match="nobody has sentences to train on"):
        _overrides(EXPERIMENTS["figure5"], "quick", manifest)


def test_without_recordings_it_is_the_people_that_come_with_the_project() -> None:
    loaded = _checked(
        SYSTEM, EXPERIMENTS["figure5"], _overrides(EXPERIMENTS["figure5"], "quick", None)
    )
    assert {job.content.data.corpus for job in expand_jobs(loaded, ())} == {"people"}


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        _overrides(EXPERIMENTS["figure5"], "quick", tmp_path)


def test_models_that_are_given_are_heard_beside_the_scenarios_own(tmp_path: Path) -> None:
    shipped = data_root() / "models" / "conformer-mini"
    for name in ("b", "a"):
        shutil.copytree(shipped, tmp_path / name)
        manifest = json.loads((shipped / "manifest.json").read_text())
        (tmp_path / name / "manifest.json").write_text(json.dumps({**manifest, "name": name}))
    (tmp_path / "no-model").mkdir()
    heard, cost = EARLY_EXIT.experiments
    overrides = _overrides(heard, "quick", None, tmp_path)
    jobs = expand_jobs(_checked(EARLY_EXIT, heard, overrides), ())
    own, one, other = dict.fromkeys(job.content.model for job in jobs)
    assert (own.name, own.path) == ("conformer-mini", None)
    assert [one.path, other.path] == [str(tmp_path / name) for name in "ab"]
    assert len(jobs) == 3 * 2
    assert _overrides(cost, "quick", None, tmp_path) == []
    with pytest.raises(InputError, match="there is no model in it"):
        _overrides(heard, "quick", None, tmp_path / "no-model")
    (tmp_path / "c").symlink_to(shipped)
    with pytest.raises(InputError, match="c is named conformer-mini, as conformer-mini is"):
        _overrides(heard, "quick", None, tmp_path)


def test_the_papers_model_is_not_shipped_and_the_error_says_how_to_make_one() -> None:
    with pytest.raises(InputError, match="harness model build --arch ds2"):
        _checked(SYSTEM, EXPERIMENTS["table1"], [])


def test_every_verdict_is_told_on_a_line_of_its_own() -> None:
    made = sections(
        SYSTEM, SYSTEM.chosen(["table5,table8,figure5"]), Given(missing={"figure5": "why"})
    )
    assert [_verdicts(one) for one in made] == [
        [("equal", "8 of 8 figures of arithmetic")],
        [("never judged", "")],
        [("not measured", "why")],
    ]
    (reached,) = sections(SYSTEM, SYSTEM.chosen(["table9"]), Given())
    assert _verdicts(reached) == [
        ("not reached", "4 of 14 figures of arithmetic"),
        ("equal", "6 of 14 figures of arithmetic"),
    ]


@pytest.mark.parametrize(("name", "adds"), [("omc", True), ("early-exit", False)])
def test_a_federated_experiment_has_rounds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, adds: bool
) -> None:
    asked: list[RunSettings] = []
    monkeypatch.setattr(
        paper, "open_session", lambda **_: nullcontext(SimpleNamespace(servers=(), farm=None))
    )
    monkeypatch.setattr("harness.lab.open_bench", lambda *_, **__: None)
    monkeypatch.setattr(
        "harness.lab.run_scenario", lambda *_, **more: asked.append(more["settings"])
    )
    system = load_system(name)
    experiment = system.experiments[0]
    loaded = load_scenario(experiment.scenario, experiment.overrides("quick"))
    paper._run(system, experiment, loaded, tmp_path / "run", "virtual", None)
    (settings,) = asked
    assert (settings.feed is not None) == adds
