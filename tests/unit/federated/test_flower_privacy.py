"""What Flower's differential-privacy wrappers promise, in the model's record."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.federated import check_server
from harness.federated.privacy import epsilon_of, rho
from harness.results.federated import models_of
from tests.fixtures.flower import run, scenario

pytest.importorskip("flwr", reason="the extra [federated] is not installed")

WRAPPED = """
from flwr.serverapp import strategy as s

def make(wrapper="ServerSideFixed", inner="FedAvg", noise=2.0, clients=3, **more):
    own = getattr(s, inner)(fraction_evaluate=0.0)
    kind = getattr(s, f"DifferentialPrivacy{wrapper}Clipping")
    clip = {} if "Adaptive" in wrapper else {"clipping_norm": 1.0}
    return kind(
        strategy=own, noise_multiplier=noise, num_sampled_clients=clients, **clip, **more
    )
"""


def private(folder, arguments="{}", **feed):
    (folder / "mine.py").write_text(WRAPPED)
    run(folder, f"{{path: 'mine.py:make', arguments: {arguments}}}", **feed)
    return [model for model in models_of(folder / "run") if model.round > 0]


def test_epsilon_of_a_wrapper_counts_the_heaviest_client(tmp_path):
    first, last = private(tmp_path)
    # ann and bob have 7 utterances and cy 6, see FakeFeed: 7 / 20 is more than a third
    cost = 1 / (2 * (2.0 / (3 * 7 / 20)) ** 2)
    assert first.privacy_cost == pytest.approx(cost)
    assert first.epsilon < last.epsilon == pytest.approx(epsilon_of(2 * cost, 1e-5))
    assert last.epsilon > epsilon_of(2 * rho(2.0), 1e-5)
    assert "number of utterances" in last.privacy_note


def test_adaptive_clipping_tells_a_count_besides(tmp_path):
    *_, last = private(tmp_path, "{wrapper: ServerSideAdaptive, clipped_count_stddev: 4.0}")
    (tmp_path / "b").mkdir()
    *_, fixed = private(tmp_path / "b")
    assert last.privacy_cost > rho(4.0)
    assert last.epsilon > fixed.epsilon


def test_a_round_without_all_answers_makes_no_model_and_costs_nothing(tmp_path):
    fates = {("ann", 1): "lost"}
    models = private(tmp_path, fate=lambda client, round_: fates.get((client, round_), "ok"))
    assert [model.privacy_cost > 0 for model in models] == [False, True]
    assert models[0].epsilon == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{inner: FedAdam}", "not for FedAdam"),
        ("{inner: FedMedian}", "not for FedMedian"),
        ("{noise: 0.0}", "there is no noise"),
    ],
)
def test_where_epsilon_cannot_be_told_the_reason_is(tmp_path, arguments, why):
    *_, last = private(tmp_path, arguments)
    assert last.epsilon is None
    assert why in last.privacy_note


@pytest.mark.parametrize(
    "arguments",
    ["{wrapper: ClientSideFixed}", "{wrapper: ClientSideAdaptive, clipped_count_stddev: 4.0}"],
)
def test_clipping_that_nobody_would_do_is_refused(tmp_path, arguments):
    (tmp_path / "mine.py").write_text(WRAPPED)
    strategy = f"{{path: 'mine.py:make', arguments: {arguments}}}"
    settings = scenario(tmp_path, strategy).scenario.federated
    with pytest.raises(InputError, match="leaves clipping to a ClientApp"):
        check_server(settings, tmp_path)
