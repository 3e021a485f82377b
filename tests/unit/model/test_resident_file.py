"""A flatbuffer whose weights stay in few bits, against the same steps in tensorflow."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.aim import Aim  # noqa: E402
from harness.model.configuration import Form  # noqa: E402
from harness.model.export import build_model  # noqa: E402
from harness.model.initial import initial_weights  # noqa: E402
from harness.model.network import Network, NetworkVariables  # noqa: E402
from harness.model.optimisers import optimiser_of  # noqa: E402
from harness.model.resident.chosen import encoded_weights  # noqa: E402
from harness.model.step import train_step  # noqa: E402
from harness.trainer import transfer  # noqa: E402
from harness.trainer.batches import Batch  # noqa: E402
from harness.trainer.runtime import FlatbufferModel  # noqa: E402
from tests.fixtures.stairs.configuration import SMALL  # noqa: E402

pytestmark = pytest.mark.tensorflow

RATE, SEED = 1e-2, 77
FORMS = {
    "f16-adam": replace(SMALL, width=6, clip="layer", resident="f16", switched=True),
    "int8-sgd": replace(SMALL, width=6, clip="layer", resident="int8", optimiser="sgd"),
}


@pytest.fixture(
    scope="module", params=["f16-adam", pytest.param("int8-sgd", marks=pytest.mark.nightly)]
)
def made(request, tmp_path_factory):
    config = FORMS[request.param]
    path = tmp_path_factory.mktemp("resident") / "stairs.tflite"
    return config, build_model(config, path, embed=False, sub_models=["all", "upto1"])


def batch(seed):
    rng = np.random.default_rng(seed)
    return Batch(
        x=rng.standard_normal((3, 12, 8)).astype(np.float32),
        in_len=np.array([12, 9, 0], np.int32),
        labels=rng.integers(1, 27, (3, 3)).astype(np.int32),
        lab_len=np.array([3, 2, 0], np.int32),
        rows=2,
    )


def in_tensorflow(config, weights, names):
    variables = NetworkVariables.of(config, weights)
    variables.rounding.seed.assign(SEED)
    network = Network(config, variables=variables, form=Form())
    optimiser = optimiser_of(network)
    losses, shares = [], []
    for number, name in enumerate(names):
        aim, given = Aim.of(config.describe().sub_model(name)), batch(number)
        inputs = [tf.constant(v) for v in (given.x, given.in_len, given.labels, given.lab_len)]
        losses.append(float(train_step(network, optimiser, inputs, tf.constant(RATE), aim).loss))
        shares.append(float(optimiser.changed()))
    return losses, shares, {name: variables.read(name).numpy() for name in weights}


def test_steps_are_those_of_tensorflow(made):
    config, path = made
    names, weights = ("all", "all", "upto1", "all"), initial_weights(config, 1)
    model = FlatbufferModel(path, threads=1)
    model.set_weights(weights)
    model.seed_rounding(SEED)
    losses, shares = [], []
    for number, name in enumerate(names):
        model._moments_of = frozenset(config.describe().layer_names) if number else frozenset()
        losses.append(model.train_step(name, batch(number), RATE))
        shares.append(model.changed_codes)
    expected, changed, after = in_tensorflow(config, weights, names)
    assert losses == pytest.approx(expected, rel=2e-3)
    assert shares == pytest.approx(changed, abs=0.05)
    assert all(0 < share <= 1 for share in shares)
    found = model.get_weights()
    for name, value in after.items():
        near = np.isclose(found[name], value, rtol=2e-3, atol=2e-4)
        assert near.mean() > 0.9, name
        assert (np.abs(found[name] - weights[name]) > 1e-4).any(), name


def test_weights_come_as_float32_rounded_to_the_nearest(made):
    config, path = made
    weights = initial_weights(config, 2)
    model = FlatbufferModel(path, threads=1)
    model.set_weights(weights)
    found = model.get_weights()
    encoded = encoded_weights(config)
    for name, value in weights.items():
        if name not in encoded:
            assert np.array_equal(found[name], value), name
            continue
        most = np.abs(value).max(0)
        step = np.abs(value) * 2.0**-10 if config.resident == "f16" else most / 127
        assert (np.abs(found[name] - value) <= 0.51 * step + 1e-7).all(), name
        assert not np.array_equal(found[name], value), name
    assert model._setters[0] == "set_low"
    # what setting them computed is given back, and what it computes with is still there
    model.set_weights(initial_weights(config, 3))
    model.set_weights(weights)
    again = model.get_weights()
    assert all(np.array_equal(again[name], value) for name, value in found.items())


def test_what_setting_weights_computed_is_given_back_with_them(made):
    config, path = made
    model = FlatbufferModel(path, threads=1)
    weights = initial_weights(config, 2)
    inner, graph = model._interpreter._interpreter, transfer._graph(model._interpreter, "set_low")
    inputs = model._interpreter._get_full_signature_list()["set_low"]["inputs"]
    transfer.put(model._interpreter, "set_low", lambda name: weights[name])
    beside = transfer._beside(model._interpreter, inputs.values(), graph)
    assert beside[: len(inputs)] == list(inputs.values())
    assert len(beside) > len(inputs)
    # constants lie in the file's piece of memory: what is drawn on again must not go
    mapped = [n for n in range(inner.NumTensors(graph)) if n not in beside]
    assert mapped
