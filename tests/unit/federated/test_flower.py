"""Flower's own strategies, and an app, unmodified on a run without phones."""

from __future__ import annotations

import sys
import textwrap

import numpy as np
import pytest

from harness.errors import HarnessError, InputError
from harness.federated import check_server
from harness.results.federated import models_of
from harness.results.tasks import TaskFolder
from tests.fixtures.fake_feed import HostDiedError
from tests.fixtures.flower import run, scenario

PLAIN = "{flower: FedAvg, arguments: {fraction_evaluate: 0.0}}"


def final(folder) -> dict[str, np.ndarray]:
    (task,) = [path.name for path in (folder / "tasks").glob("final-*")]
    with np.load(TaskFolder(folder, task).checkpoint_path) as stored:
        return {name: stored[name] for name in stored.files}


def digest(folder) -> str:
    (task,) = [path.name for path in (folder / "tasks").glob("final-*")]
    return TaskFolder(folder, task).result().value["sha256"]


def test_fedavg_of_flower_is_fedavg_of_ours(tmp_path):
    run(tmp_path, PLAIN, into="flower")
    run(tmp_path, "fedavg", into="ours")
    ours = models_of(tmp_path / "ours")[-1]
    with np.load(
        TaskFolder(tmp_path / "ours", f"model-{ours.federation}-002").checkpoint_path
    ) as stored:
        theirs = final(tmp_path / "flower")
        assert theirs.keys() == set(stored.files)
        for name, value in theirs.items():
            assert np.allclose(value, stored[name], atol=1e-5), name


@pytest.mark.parametrize(
    "strategy",
    [
        "{flower: FedAdam, arguments: {eta: 0.1}}",
        "{flower: FedYogi}",
        "{flower: FedAvgM, arguments: {server_momentum: 0.5}}",
        "{flower: FedProx, arguments: {proximal_mu: 0.25}}",
        "{flower: FedMedian}",
        "{flower: FedTrimmedAvg, arguments: {beta: 0.34}}",
        "{flower: Krum}",
    ],
)
def test_strategies_as_they_are(tmp_path, strategy):
    feed = run(tmp_path, strategy)
    models = models_of(tmp_path / "run")
    assert [model.round for model in models] == [0, 1, 2]
    assert len(models[1].answers) == 3
    trained = [t.job for t in feed.tasks() if t.kind == "phone" and t.job.client.role == "train"]
    mu = 0.25 if "FedProx" in strategy else 0.0
    assert {job.client.proximal for job in trained} == {mu}
    rounds = {t.job.client.round for t in feed.tasks()
              if t.kind == "phone" and t.job.client.role == "evaluate"}  # fmt: skip
    assert rounds == {1, 2}


def test_a_wrapped_strategy_from_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(
        textwrap.dedent(
            """
            from flwr.serverapp.strategy import (
                DifferentialPrivacyServerSideFixedClipping, FedAvg,
            )

            def make(noise):
                return DifferentialPrivacyServerSideFixedClipping(
                    FedAvg(fraction_evaluate=0.0), noise, 1.0, 3
                )
            """
        )
    )
    strategy = "{path: 'mine.py:make', arguments: {noise: 0.5}}"
    run(tmp_path, strategy, into="one")
    run(tmp_path, strategy, into="two")
    assert digest(tmp_path / "one") == digest(tmp_path / "two"), "its noise is seeded"


def test_a_host_that_dies_comes_to_the_same_bits(tmp_path):
    strategy = "{flower: FedAdam, arguments: {eta: 0.1, fraction_train: 0.67}}"
    whole = run(tmp_path, strategy, into="whole", rounds=3)
    for dies_after in (4, 10):
        into = f"dies-{dies_after}"
        with pytest.raises(HostDiedError):
            run(tmp_path, strategy, into=into, rounds=3, dies_after=dies_after)
        again = run(tmp_path, strategy, into=into, rounds=3)
        assert digest(tmp_path / into) == digest(tmp_path / "whole")
        assert len(again.asked) == len(whole.asked) - dies_after


def test_a_server_that_does_not_do_the_same_again_is_found_out(tmp_path):
    (tmp_path / "mine.py").write_text(
        textwrap.dedent(
            """
            import os
            from flwr.serverapp.strategy import FedAvg

            class Odd(FedAvg):
                def aggregate_train(self, server_round, replies):
                    arrays, metrics = super().aggregate_train(server_round, replies)
                    name, array = next(iter(arrays.items()))
                    value = array.numpy().copy()
                    value.flat[0] = int.from_bytes(os.urandom(2), "big")
                    arrays[name] = type(array)(value)
                    return arrays, metrics

            def make():
                return Odd(fraction_evaluate=0.0)
            """
        )
    )
    strategy = "{path: 'mine.py:make'}"
    with pytest.raises(HostDiedError):
        run(tmp_path, strategy, rounds=3, dies_after=10)
    with pytest.raises(InputError, match="does not come to what it came to before"):
        run(tmp_path, strategy, rounds=3)


def test_lost_and_late_clients_are_errors_to_the_strategy(tmp_path):
    fates = {("ann", 1): "lost", ("bob", 2): "late"}
    feed = run(tmp_path, PLAIN, fate=lambda client, round_: fates.get((client, round_), "ok"))
    models = {model.round: model for model in models_of(tmp_path / "run")}
    assert [a.client for a in models[1].answers] == ["bob", "cy"]
    assert [a.client for a in models[2].answers] == ["ann", "cy"]
    assert feed.notes == ["round 2: bob did not answer in time and is stopped"]
    before = digest(tmp_path / "run")
    run(tmp_path, PLAIN, fate=lambda *_: "ok")  # resumed: whom it withdrew is late as before
    assert digest(tmp_path / "run") == before


def test_too_few_answers_end_it(tmp_path):
    feed = run(tmp_path, PLAIN, fate=lambda client, _: "lost" if client != "cy" else "ok")
    assert feed.notes[0].startswith("federated training ends: round 1: ")


def test_more_clients_than_there_are_is_no_wait_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.federated.flower.grid.PATIENCE_S", 0.5)
    monkeypatch.setattr("flwr.serverapp.strategy.strategy_utils.sleep", lambda _: None)
    with pytest.raises(HarnessError, match="waits for more than the 3 clients"):
        run(tmp_path, "{flower: FedAvg, arguments: {min_available_nodes: 9}}")


@pytest.mark.parametrize(
    ("strategy", "what"),
    [
        ("{flower: FedMagic}", "Flower has no strategy 'FedMagic'"),
        ("{flower: FedAvg, arguments: {fraction: 1}}", "unexpected keyword argument 'fraction'"),
        ("{path: 'none.py:make'}", "no such file"),
        ("{path: 'torchy.py:make'}", "needs no_such_torch, which is not installed"),
        ("{path: 'empty.py:make'}", "there is no function make"),
        ("{path: 'other.py:make'}", "makes a int, no Flower strategy"),
        ("{app: nowhere}", "no Flower app"),
    ],
)
def test_a_server_that_cannot_be_made_is_told_before_a_run(tmp_path, strategy, what):
    (tmp_path / "torchy.py").write_text("import no_such_torch\n")
    (tmp_path / "empty.py").touch()
    (tmp_path / "other.py").write_text("def make():\n    return 1\n")
    settings = scenario(tmp_path, strategy).scenario.federated
    with pytest.raises(InputError) as error:
        check_server(settings, tmp_path)
    assert what in str(error.value)
    assert str(error.value).startswith("federated.strategy")


def test_without_flower_the_extra_is_named(tmp_path, monkeypatch):
    settings = scenario(tmp_path, PLAIN).scenario.federated
    for name in [name for name in sys.modules if name.startswith("harness.federated.flower")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "flwr"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flwr", None)
    with pytest.raises(InputError, match=r"need the extra \[federated\]"):
        check_server(settings, tmp_path)


def test_weights_travel_in_few_bits_around_any_strategy(tmp_path):
    """Flower sees whole float32 models: its own, gone the way that clients went."""
    run(tmp_path, PLAIN, into="float")
    feed = run(tmp_path, PLAIN, into="small", more=", compression: {format: S1E3M7, share: 0.5}")
    exact, ours = final(tmp_path / "float"), final(tmp_path / "small")
    assert all(np.abs(ours[name] - value).max() < 0.005 for name, value in exact.items())
    assert any(not np.array_equal(ours[name], value) for name, value in exact.items())
    for model in models_of(tmp_path / "small")[1:]:
        for answer in model.answers:
            assert answer.sent_bytes < answer.written.float32_bytes
            assert answer.written.changed > 0.5
    sent = [task for task in feed.tasks() if task.task_id.startswith("sent-")]
    assert len(sent) == 6, "another file for each client and round"
