"""One model of many: against numbers that were worked out apart, and against plain numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.federated.aggregate import aggregate
from harness.federated.arrived import Answer
from harness.federated.privacy import epsilon
from harness.scenario.federated import Federated, Privacy

SERVER = [1.0, -2.0, 0.5, 4.0]
CLIENTS = [[1.2, -2.0, 0.1, 4.4], [0.6, -1.0, 0.5, 4.0], [1.0, -2.5, 0.9, 3.0]]
EXAMPLES = [60, 20, 40]


def write(path: Path, **values: object) -> Path:
    np.savez(path, **{name: np.asarray(value, np.float32) for name, value in values.items()})
    return path


class Server:
    """Rounds in a folder, each entry of SERVER a variable of its own."""

    def __init__(self, folder: Path, **federated: object) -> None:
        self.folder = folder
        self.federated = Federated.model_validate(federated)
        self.round = 0
        self.moments: Path | None = None
        self.model = write(folder / "model-0.npz", **self.named(SERVER))

    @staticmethod
    def named(values, holds=(1, 1, 1, 1)) -> dict[str, object]:
        return {f"w{n}": [value] for n, value in enumerate(values) if holds[n]}

    def step(self, clients=CLIENTS, examples=EXAMPLES, holds=((1, 1, 1, 1),) * 3):
        self.round += 1
        answers = [
            Answer(f"c{n}", write(self.folder / f"c{n}.npz", **self.named(values, held)), count)
            for n, (values, held, count) in enumerate(zip(clients, holds, examples, strict=True))
        ]
        model = self.folder / f"model-{self.round}.npz"
        moments = self.folder / f"moments-{self.round}.npz"
        made = aggregate(
            self.model,
            answers,
            self.federated,
            round_=self.round,
            moments=self.moments,
            model=model,
            moments_out=moments,
        )
        self.model, self.moments = model, moments if moments.is_file() else None
        return made

    @property
    def weights(self) -> list[float]:
        with np.load(self.model) as stored:
            return [float(stored[f"w{n}"][0]) for n in range(4)]


def about(*values: float):
    return pytest.approx(values, abs=2e-7)


def test_by_examples(tmp_path):
    server = Server(tmp_path)
    made = server.step()
    assert server.weights == about(1.0333333, -2.0, 0.4333333, 3.8666667)
    assert made.weights == pytest.approx({"c0": 0.5, "c1": 1 / 6, "c2": 1 / 3})
    assert made.norms["c0"] == pytest.approx(np.linalg.norm(np.subtract(CLIENTS[0], SERVER)))


def test_all_alike(tmp_path):
    server = Server(tmp_path, weighting="equal")
    server.step()
    assert server.weights == about(0.9333333, -1.8333333, 0.5, 3.8)


def test_a_lost_client_does_not_count(tmp_path):
    server = Server(tmp_path)
    server.step([CLIENTS[0], CLIENTS[2]], [60, 40], [(1, 1, 1, 1), (1, 1, 1, 1)])
    assert server.weights == about(1.12, -2.2, 0.42, 3.84)


def test_entry_by_entry_over_those_who_trained_it(tmp_path):
    holds = [(1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1)]
    server = Server(tmp_path)
    assert server.step(holds=holds).untrained == []
    assert server.weights == about(1.0333333, -2.0, 0.7666667, 3.0)
    server = Server(tmp_path, missing="unchanged")
    server.step(holds=holds)
    assert server.weights == about(1.0333333, -2.0, 0.6333333, 3.6666667)
    server = Server(tmp_path)
    assert server.step(holds=[(1, 1, 0, 0)] * 3).untrained == ["w2", "w3"]
    assert server.weights == about(1.0333333, -2.0, 0.5, 4.0)


def test_fedadam_remembers_from_round_to_round(tmp_path):
    server = Server(tmp_path, strategy="fedadam", server_learning_rate=0.01)
    server.step()
    assert server.weights == about(1.0076923, -2.0, 0.4913043, 3.9906977)
    # round 2 by hand, in the way of Reddi et al.
    first = np.array([1 / 30, 0.0, -2 / 30, -4 / 30])
    start = np.array(server.weights)
    server.step()
    with np.load(tmp_path / "c0.npz") as stored:
        assert len(stored.files) == 4
    mean = np.average(np.subtract(CLIENTS, start), axis=0, weights=EXAMPLES)
    m = 0.9 * (0.1 * first) + 0.1 * mean
    v = 0.99 * (0.01 * first**2) + 0.01 * mean**2
    assert server.weights == about(*(start + 0.01 * m / (np.sqrt(v) + 1e-3)))


def test_the_other_optimisers_of_the_server(tmp_path):
    mean = np.array([1 / 30, 0.0, -2 / 30, -4 / 30])
    tau = 1e-3
    for name, moved in {
        "fedavgm": mean,
        "fedadagrad": mean / (np.abs(mean) + tau),
        "fedyogi": 0.1 * mean / (np.sqrt(0.01 * mean**2) + tau),
    }.items():
        server = Server(tmp_path, strategy=name, server_learning_rate=0.5)
        server.step()
        assert server.weights == about(*(np.array(SERVER) + 0.5 * moved)), name
    heavy = Server(tmp_path, strategy="fedavgm")
    heavy.step()
    before = np.array(heavy.weights)
    heavy.step(clients=[list(before)] * 3)
    assert heavy.weights == about(*(before + 0.9 * mean))


def test_robust_means_leave_the_odd_ones_out(tmp_path):
    clients = [*CLIENTS, [1e6, -1e6, 1e6, -1e6], [0.8, -1.5, 0.3, 3.6]]
    differences = np.subtract(clients, SERVER)
    for name, robust in {
        "median": np.median(differences, axis=0),
        "trimmed": np.sort(differences, axis=0)[1:-1].mean(axis=0),
    }.items():
        server = Server(tmp_path, strategy={"name": name, "trim": 0.2})
        server.step(clients, [10] * 5, ((1, 1, 1, 1),) * 5)
        assert server.weights == pytest.approx(np.add(SERVER, robust), abs=1e-6), name


def test_clipped_and_noisy(tmp_path):
    privacy = {"clip": 0.1, "noise": 1e-9}
    server = Server(tmp_path, privacy=privacy)
    made = server.step()
    differences = np.subtract(CLIENTS, SERVER)
    norms = np.linalg.norm(differences, axis=1, keepdims=True)
    clipped = differences * np.minimum(1, 0.1 / norms)
    assert server.weights == pytest.approx(SERVER + clipped.mean(axis=0), abs=1e-6)
    assert list(made.norms.values()) == pytest.approx(norms[:, 0])
    assert set(made.weights.values()) == {1 / 3}
    spread = []
    for seed in range(60):
        noisy = Server(tmp_path, privacy={"clip": 3.0, "noise": 2.0, "seed": seed})
        noisy.step([SERVER] * 3)
        spread += list(np.subtract(noisy.weights, SERVER))
    assert np.std(spread) == pytest.approx(2.0 * 3.0 / 3, rel=0.15)
    again = [Server(tmp_path, privacy={"clip": 3.0, "noise": 2.0}) for _ in range(2)]
    for server in again:
        server.step()
    assert again[0].weights == again[1].weights


def test_epsilon_is_that_of_the_gaussian_mechanism():
    # the best order by calculus: rounds / 2 z^2 + sqrt(2 rounds log(1/delta)) / z
    for noise, rounds in ((1.0, 1), (4.0, 10), (0.5, 3)):
        exact = rounds / (2 * noise**2) + np.sqrt(2 * rounds * np.log(1e5)) / noise
        found = epsilon(Privacy(clip=1.0, noise=noise, delta=1e-5), rounds)
        assert exact <= found < 1.01 * exact


def test_the_order_of_the_answers_makes_the_bits(tmp_path):
    rng = np.random.default_rng(1)
    start = write(tmp_path / "start.npz", a=rng.normal(size=(30, 7)), b=rng.normal(size=5))
    answers = [
        Answer(f"c{n}", write(tmp_path / f"{n}.npz", a=rng.normal(size=(30, 7))), n + 1)
        for n in range(4)
    ]
    digests = set()
    for turn in range(2):
        made = aggregate(
            start,
            answers,
            Federated(),
            round_=1,
            moments=None,
            model=tmp_path / f"m{turn}.npz",
            moments_out=tmp_path / f"o{turn}.npz",
        )
        digests.add(made.model.sha256)
    assert len(digests) == 1
    assert made.untrained == ["b"]


@pytest.mark.parametrize(
    ("came", "what"),
    [
        ({"w0": [1.0, 2.0]}, "w0 was not sent, or in another shape"),
        ({"other": [1.0]}, "other was not sent"),
        ({"w0": [np.nan]}, "NaN"),
    ],
)
def test_an_answer_that_is_no_answer(tmp_path, came, what):
    start = write(tmp_path / "start.npz", w0=[1.0])
    answer = Answer("odd", write(tmp_path / "odd.npz", **came), 1)
    with pytest.raises(InputError, match=what):
        aggregate(
            start,
            [answer],
            Federated(),
            round_=1,
            moments=None,
            model=tmp_path / "model.npz",
            moments_out=tmp_path / "moments.npz",
        )
    assert not list(tmp_path.glob("model.*"))
