"""Who takes part, with whose speech, and who is asked in a round."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.federated.clients import drawn, federations_of
from harness.lab import Materials, check_scenario
from harness.scenario import Task, parse_scenario
from harness.scenario.client_jobs import later_job, share_of
from harness.scenario.spec import JobSpec
from harness.speech.manifest import Utterance
from harness.speech.parts import dealt
from harness.yamlio import parse_yaml
from tests.fixtures.jobs import write_tone

SPEAKERS = {"ann": "UK", "bob": "UK", "cy": "US"}


@pytest.fixture
def scenario(tmp_path: Path):
    """A function that checks a federated scenario on a manifest of three speakers."""
    lines = []
    for speaker, accent in SPEAKERS.items():
        for index in range(8):
            path = tmp_path / f"{speaker}-{index}.wav"
            write_tone(path, index)
            lines.append(
                {
                    "id": path.stem,
                    "audio": path.name,
                    "text": "a dog",
                    "speaker": speaker,
                    "accent": accent,
                    "duration_s": 1.2,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "split": "train" if index < 5 else "validation",
                    "round": 1,
                }
            )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "three.jsonl").write_text(text)

    def make(federated: str, extra: str = ""):
        text = (
            "name: fed\nmodel: ds2-tiny\ndata: {manifest: three.jsonl}\n"
            f"trainer: {{batch_size: 2}}\n{extra}federated:\n  {federated}\n"
        )
        raw, where = parse_yaml(text, "fed.yaml")
        loaded = parse_scenario(raw, where, folder=tmp_path)
        materials = Materials(tmp_path)
        return check_scenario(loaded, materials), materials

    return make


def test_each_speaker_is_a_client(scenario):
    jobs, _ = scenario("rounds: 2")
    assert [job.spec.client.client for job in jobs] == ["ann", "bob", "cy"]
    assert {job.spec.content.trainer.epochs for job in jobs} == {0}
    (federation,) = federations_of(job.task for job in jobs)
    assert list(federation.starts) == ["ann", "bob", "cy"]
    train = later_job(federation.starts["bob"], "train", 2)
    assert (train.client.role, train.client.round) == ("train", 2)
    assert train.content.data.speaker == "bob"
    trainer = train.content.trainer
    assert (trainer.epochs, trainer.keep, trainer.seed) == (1, "last", 2)
    assert share_of(train).steps is None
    assert not share_of(train).hypotheses


def test_accents_and_shares(scenario):
    jobs, materials = scenario("clients: {by: accent}")
    assert [job.spec.client.client for job in jobs] == ["accent-uk", "accent-us"]
    sizes = [len(materials.utterances(job.spec.content.data, 1, 1, "train")) for job in jobs]
    assert sizes == [10, 5]
    for by in ("iid", "dirichlet"):
        jobs, materials = scenario(f"clients: {{by: {by}, count: 4, seed: 3}}")
        assert [job.spec.client.client for job in jobs] == [f"client-{n}" for n in (1, 2, 3, 4)]
        for split, count in (("train", 15), ("validation", 9)):
            hands = [
                [u.id for u in materials.utterances(job.spec.content.data, 1, 1, split)]
                for job in jobs
            ]
            assert all(hands)
            dealt_out = [name for hand in hands for name in hand]
            assert len(dealt_out) == len(set(dealt_out)) == count


def test_a_strategy_says_what_clients_do(scenario):
    jobs, _ = scenario("strategy: fedsgd")
    train = later_job(jobs[0].spec, "train", 1)
    assert (share_of(train).steps, train.content.trainer.epochs) == (1, 1)
    jobs, _ = scenario("strategy: {name: fedprox, mu: 0.5}")
    assert share_of(later_job(jobs[0].spec, "train", 1)).proximal == 0.5
    assert share_of(later_job(jobs[0].spec, "evaluate", 1)).proximal == 0
    jobs, _ = scenario("local_steps: 7")
    train = later_job(jobs[0].spec, "train", 1)
    assert (share_of(train).steps, train.content.trainer.epochs) == (7, 7)


def test_each_combination_is_a_training_of_its_own(scenario):
    jobs, _ = scenario("rounds: 1", "matrix: {federated.strategy: [fedavg, fedadam]}\n")
    federations = federations_of(job.task for job in jobs)
    assert [f.settings.strategy.name for f in federations] == ["fedavg", "fedadam"]
    assert len({job.spec.job_id for job in jobs}) == 6
    ids = {
        later_job(job, role, 1).job_id
        for federation in federations
        for job in federation.starts.values()
        for role in ("train", "evaluate")
    }
    assert len(ids) == 12


def test_what_does_not_go_with_rounds(scenario):
    for extra, what in (
        ("phones: {each: true}\n", "a client's job runs on one"),
        ("rounds: 2\n", "rounds cut a speaker's speech"),
    ):
        with pytest.raises(InputError, match=what):
            scenario("rounds: 2", extra)


@pytest.mark.parametrize(
    ("federated", "what", "where"),
    [
        ("clients_per_round: 4", "4 clients a round are asked for, there are 3", ":6:"),
        ("min_answers: 9", "9 answers are needed of 3 clients", ":6:"),
        ("clients: {speakers: [zoe]}", "unknown speaker 'zoe'", ":6:"),
        ("clients: {by: iid, count: 12}", "has no validation utterances", ":6:"),
        ("clients: {by: iid}", "count goes with", ":6:"),
        ("strategy: fedmagic", "fedmagic", ":6:"),
        ("strategy: {name: fedadam, beta_3: 1}", "beta_3", ":6:"),
        ("strategy: {name: fedavg, flower: FedAvg}", "give one of", ":6:"),
        ("clients_per_round: 2\n  fraction: 0.5", "not both", ":"),
        ("strategy: {flower: FedAvg}\n  missing: unchanged", "missing is for", ":"),
    ],
)
def test_a_mistake_is_told_with_its_line(scenario, federated, what, where):
    with pytest.raises(InputError) as error:
        scenario(federated)
    assert what in str(error.value)
    assert f"fed.yaml{where}" in str(error.value)


def test_a_clients_job_keeps_its_name_when_settings_grow(scenario):
    jobs, _ = scenario("rounds: 2")
    start = jobs[0].spec
    trainer = start.content.trainer.model_copy(update={"threads": 1})
    grown = start.model_copy(
        update={"content": start.content.model_copy(update={"trainer": trainer})}
    )
    assert later_job(grown, "train", 1).job_id == later_job(start, "train", 1).job_id
    turns = {
        later_job(start, "train", 1, turn=turn, learning_rate=rate).job_id
        for turn in (1, 2)
        for rate in (0.1, 0.2)
    }
    assert len(turns) == 4


def test_the_same_lot_for_the_same_seed():
    names = [f"c{n}" for n in range(20)]
    assert drawn(names, 5, 1, 3) == drawn(names[::-1], 5, 1, 3)
    rounds = {tuple(drawn(names, 5, 1, round_)) for round_ in range(10)}
    assert len(rounds) == 10
    assert drawn(names, 5, 2, 3) != drawn(names, 5, 1, 3)
    assert drawn(names[:3], 5, 1, 1) == names[:3]


def test_a_small_alpha_makes_clients_differ():
    pool = [
        Utterance(f"{s}{n}", Path("x"), "a", s, "x", 1.0, "0", "train", 1)
        for s in "abc"
        for n in range(40)
    ]

    def unevenness(alpha: float) -> float:
        hands = dealt(pool, "dirichlet", 5, alpha=alpha, seed=1)
        assert sorted(u.id for hand in hands for u in hand) == sorted(u.id for u in pool)
        assert all(hands)
        shares = [max(sum(u.speaker == s for u in hand) for s in "abc") for hand in hands]
        return sum(top / len(hand) for top, hand in zip(shares, hands, strict=True)) / 5

    assert unevenness(0.1) > unevenness(100.0)


def test_only_the_start_is_planned_before_a_run(scenario):
    jobs, _ = scenario("rounds: 3")
    assert all(isinstance(job.task, Task) and not job.task.parents for job in jobs)


def test_names_that_no_job_may_have_are_told_before_a_run(scenario, tmp_path):
    manifest = tmp_path / "three.jsonl"
    manifest.write_text(manifest.read_text().replace('"UK"', '"United Kingdom"'))
    jobs = [job.spec for job in scenario("clients: {by: accent}")[0]]
    names = {job.client.client for job in jobs}
    assert names == {"accent-united-kingdom", "accent-us"}
    assert all(JobSpec.model_validate_json(job.model_dump_json()) == job for job in jobs)
    manifest.write_text(manifest.read_text().replace('"ann"', '"Ann B"'))
    with pytest.raises(InputError, match="the speaker 'Ann B' cannot be a client"):
        scenario("clients: {by: speaker}")
