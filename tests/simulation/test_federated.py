"""Rounds over many clients with losses, late answers and a host that dies; no phones, no time.

``MOBILEASR_CLIENTS=1000 pytest tests/simulation/test_federated.py`` takes minutes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from harness.federated import federated_program
from harness.results.federated import ModelRecord, models_of
from harness.scenario import LoadedScenario, load_scenario
from harness.scenario.client_jobs import model_task
from tests.fixtures.fake_feed import FakeFeed, HostDiedError
from tests.fixtures.federated import write_scenario

CLIENTS = int(os.environ.get("MOBILEASR_CLIENTS", "40"))
ROUNDS = 6
LOST, LATE, IDLE = 0.15, 0.1, 0.05
HELD = ("fc2", "fc1")
"""Weights that clients train: the fewer, the quicker."""


def fate(client: str, round_: int) -> str:
    draw = random.Random(f"{client}:{round_}").random()
    if draw < LOST:
        return "lost"
    if draw < LOST + LATE:
        return "late"
    return "idle" if draw < LOST + LATE + IDLE else "ok"


def holds(client: str, name: str) -> bool:
    return name.startswith(HELD[: 1 + (hash_of(client) % 2)])


def hash_of(client: str) -> int:
    return random.Random(client).randrange(1000)


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedScenario:
    asked = max(2, CLIENTS // 4)
    write_scenario(
        tmp_path,
        f"""\
        federated:
          rounds: {ROUNDS}
          clients_per_round: {asked}
          min_answers: 1
          evaluate_every: {ROUNDS}
          strategy: fedadam
        """,
        speakers=[f"client-{number:04d}" for number in range(CLIENTS)],
    )
    return load_scenario(tmp_path / "federated.yaml")


def run(folder: Path, loaded: LoadedScenario, **more: object) -> tuple[FakeFeed, list[ModelRecord]]:
    feed = FakeFeed(folder, loaded, fate=fate, holds=holds, **more)  # type: ignore[arg-type]
    federated_program(loaded.folder)(feed)  # type: ignore[arg-type]
    return feed, models_of(folder)


def test_what_must_hold_whatever_happens(tmp_path: Path, loaded: LoadedScenario) -> None:
    feed, models = run(tmp_path / "whole", loaded)
    assert [model.round for model in models] == list(range(ROUNDS + 1))
    late: list[str] = []
    for model in models[1:]:
        asked = set(model.asked)
        fates = {client: fate(client, model.round) for client in asked}
        answered = {share.client for share in model.answers}
        left_out = {gone.client for gone in model.left_out}
        assert answered == {client for client, what in fates.items() if what == "ok"}
        assert left_out == {client for client, what in fates.items() if what == "idle"}
        assert sum(share.weight for share in model.answers) == pytest.approx(1.0)
        late += [client for client, what in fates.items() if what == "late"]
    assert len(set(feed.asked)) == len(feed.asked), "nobody is asked the same twice"
    told = sum(note.count("client-") for note in feed.notes)
    assert told == len(late), "who was late is told"


def test_a_host_that_dies_again_and_again(tmp_path: Path, loaded: LoadedScenario) -> None:
    _, models = run(tmp_path / "whole", loaded)
    rng = random.Random(3)
    deaths = 0
    while True:
        try:
            _, again = run(tmp_path / "dies", loaded, dies_after=rng.randint(1, CLIENTS // 2))
            break
        except HostDiedError:
            deaths += 1
    assert deaths >= 3
    assert [model.sha256 for model in again] == [model.sha256 for model in models]
    name = model_task(models[0].federation, ROUNDS)
    assert (tmp_path / "dies" / "tasks" / name / "moments.npz").is_file()
