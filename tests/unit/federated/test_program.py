"""Rounds without phones: who is asked, what is made of answers, and going on after a crash."""

from __future__ import annotations

import pytest

from harness.federated import federated_program
from harness.results.federated import models_of
from tests.fixtures.fake_feed import FakeFeed, HostDiedError
from tests.fixtures.federated import write_scenario


def run(folder, text, *overrides, into="run", **more):
    loaded = write_scenario(folder, text, *overrides)
    feed = FakeFeed(folder / into, loaded, **more)
    federated_program(folder)(feed)
    return feed


def roles(feed, role):
    jobs = [task.job for task in feed.tasks() if task.kind == "phone"]
    return [(j.client.round, j.client.client) for j in jobs if j.client.role == role]


def test_rounds_and_evaluations(tmp_path):
    feed = run(tmp_path, "federated: {rounds: 5, clients_per_round: 2, evaluate_every: 2, seed: 4}")
    trained = roles(feed, "train")
    assert [round_ for round_, _ in trained] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert len({client for _, client in trained}) == 3
    assert sorted({round_ for round_, _ in roles(feed, "evaluate")}) == [2, 4, 5]
    assert len(roles(feed, "evaluate")) == 9
    models = models_of(tmp_path / "run")
    assert [model.round for model in models] == [0, 1, 2, 3, 4, 5]
    assert len({model.sha256 for model in models}) == 6
    assert not feed.notes


def test_who_is_lost_or_late_is_left_out_and_told(tmp_path):
    fates = {("ann", 1): "lost", ("bob", 2): "late", ("cy", 3): "idle"}
    feed = run(
        tmp_path,
        "federated: {rounds: 4}",
        fate=lambda client, round_: fates.get((client, round_), "ok"),
    )
    models = {model.round: model for model in models_of(tmp_path / "run")}
    answered = {n: [a.client for a in model.answers] for n, model in models.items() if n}
    assert answered == {
        1: ["bob", "cy"],
        2: ["ann", "cy"],
        3: ["ann", "bob"],
        4: ["ann", "bob", "cy"],
    }
    assert [(gone.client, gone.why) for gone in models[3].left_out] == [
        ("cy", "it trained no epoch (ended by battery)")
    ]
    assert feed.notes == ["round 2: bob did not answer in time and is stopped"]
    late = [task.task_id for task in feed.tasks() if task.task_id.startswith("bob-r002")]
    assert [feed.outcomes(late)[job].state for job in late] == ["withdrawn"]


def test_a_round_that_fails_waits_for_nobody(tmp_path):
    feed = run(
        tmp_path,
        "federated: {rounds: 2, min_answers: 3}",
        fate=lambda client, _: "late" if client == "bob" else "ok",
    )
    assert [model.round for model in models_of(tmp_path / "run")] == [0]
    jobs = [task.task_id for task in feed.tasks() if task.kind == "phone"]
    assert feed.outcomes(jobs).keys() == set(jobs), "none is left"


def test_too_few_answers_end_the_training(tmp_path):
    feed = run(
        tmp_path,
        "federated: {rounds: 4, min_answers: 2}",
        fate=lambda client, round_: "lost" if round_ == 2 and client != "cy" else "ok",
    )
    assert [model.round for model in models_of(tmp_path / "run")] == [0, 1]
    (note,) = feed.notes
    assert note.startswith("federated training ends in round 2: ")
    assert not [round_ for round_, _ in roles(feed, "train") if round_ > 2]


def test_training_ends_when_it_gets_no_better(tmp_path):
    falls = run(tmp_path, "federated: {rounds: 3, stop_patience: 1}", into="falls")
    assert len(models_of(tmp_path / "falls")) == 4
    assert not falls.notes
    stands = run(
        tmp_path, "federated: {rounds: 9, stop_patience: 2}", into="stands", rate=lambda _: 50.0
    )
    assert [model.round for model in models_of(tmp_path / "stands")] == [0, 1, 2]
    assert stands.notes == [
        "federated training ends: 2 evaluations without a lower word error rate than 50.0 %"
    ]


@pytest.mark.parametrize("strategy", ["fedavg", "fedadam", "median"])
def test_a_host_that_dies_comes_to_the_same_bits(tmp_path, strategy):
    text = f"federated: {{rounds: 3, clients_per_round: 2, strategy: {strategy}}}"
    whole = run(tmp_path, text, into="whole")
    expected = [model.sha256 for model in models_of(tmp_path / "whole")]
    for dies_after in (5, 8):
        into = f"dies-{dies_after}"
        with pytest.raises(HostDiedError):
            run(tmp_path, text, into=into, dies_after=dies_after)
        again = run(tmp_path, text, into=into)
        assert [model.sha256 for model in models_of(tmp_path / into)] == expected
        assert len(again.asked) == len(whole.asked) - dies_after


def test_clients_with_a_part_of_the_network(tmp_path):
    run(
        tmp_path,
        "federated: {rounds: 1}",
        holds=lambda client, name: client == "ann" or name.startswith("fc"),
    )
    models = models_of(tmp_path / "run")
    assert models[1].untrained == 0


def test_epsilon_grows_with_the_rounds(tmp_path):
    run(tmp_path, "federated: {rounds: 2, privacy: {clip: 1.0, noise: 4.0}}")
    spent = [model.epsilon for model in models_of(tmp_path / "run")]
    assert spent[0] is None
    assert 0 < spent[1] < spent[2]


def test_each_combination_of_the_matrix_is_trained(tmp_path):
    run(tmp_path, "federated: {rounds: 1}\nmatrix: {federated.strategy: [fedavg, median]}\n")
    models = models_of(tmp_path / "run")
    assert sorted(model.strategy for model in models) == ["fedavg", "fedavg", "median", "median"]
    assert len({model.federation for model in models}) == 2
