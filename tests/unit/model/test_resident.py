"""Weights that stay encoded while a network trains, against numpy and against tensorflow."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.model.adam import Adam  # noqa: E402
from harness.model.network import NetworkVariables  # noqa: E402
from harness.model.resident import variable as blocks  # noqa: E402
from harness.model.resident.chosen import encoded_weights  # noqa: E402
from harness.model.resident.codings import Half, Linear, Squared, codings  # noqa: E402
from harness.model.resident.lots import Lots, Place  # noqa: E402
from harness.model.resident.product import Stack  # noqa: E402
from harness.model.resident.variable import EncodedVariable, cuts  # noqa: E402
from harness.model.sgd import Sgd  # noqa: E402
from tests.fixtures import resident_oracle as oracle  # noqa: E402
from tests.fixtures.small_network import SMALL  # noqa: E402

pytestmark = pytest.mark.tensorflow

ROWS, COLUMNS, RATE = 12, 6, 3e-3
RESIDENT = ("f16", "int8")


def values(seed, size=1.0):
    drawn = np.random.default_rng(seed).standard_normal((ROWS, COLUMNS)) * size
    return drawn.astype(np.float32)


def held(resident, *, stochastic=True, optimiser="adam"):
    variables = NetworkVariables(
        {"w": values(0), "b": values(1)[0]}, ["w"], codings(resident, 5.0), stochastic=stochastic
    )
    weights = dict(variables.by_name)
    if optimiser == "sgd":
        return weights, Sgd(variables.rounding)
    return weights, Adam(weights, variables.rounding, variables.codings)


def take(weights, optimiser, gradient, rate=RATE):
    step = optimiser.layerwise(weights, tf.constant(rate), 5.0)
    step.apply({"w": tf.constant(gradient)})
    step.end()
    return float(optimiser.changed())


def test_lots_are_those_of_numpy_even_and_pairwise_independent():
    table = Lots(tf.constant(70_001), tf.constant(99_999), 5, 90)
    lots = table.of(Place(3, 40, 50), 1 / 3).numpy()
    expected = oracle.lots(70_001, 99_999, 3, 40, 50, 1 / 3)
    assert np.abs((lots - expected + 0.5) % 1.0 - 0.5).max() < 1e-6
    assert lots.min() >= 0.0
    assert lots.max() < 1.0
    many = np.stack([oracle.lots(5, step, 1, 8, 8).ravel() for step in range(4000)])
    assert np.abs(many.mean(0) - 0.5).max() < 0.03
    apart = np.corrcoef(many.T)[~np.eye(64, dtype=bool)]
    assert np.abs(apart).max() < 0.08
    assert not np.array_equal(oracle.lots(5, 1, 1, 8, 8), oracle.lots(6, 1, 1, 8, 8))


@pytest.mark.parametrize("stochastic", [True, False], ids=["by lot", "nearest"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("resident", RESIDENT)
def test_steps_are_those_of_numpy(resident, optimiser, stochastic):
    weights, moves = held(resident, stochastic=stochastic, optimiser=optimiser)
    expected = oracle.Weight(values(0), resident, stochastic=stochastic)
    assert np.allclose(weights["w"].read_value(), expected.value, rtol=1e-6, atol=1e-7)
    for seed in range(1, 6):
        gradient = values(seed, 0.3)
        share = take(weights, moves, gradient)
        changed = getattr(expected, optimiser)(gradient.astype(np.float64), RATE)
        near = np.isclose(weights["w"].read_value(), expected.value, rtol=1e-5, atol=1e-6)
        assert near.mean() > 0.97  # float32 rounds some other way at the very edge
        assert share == pytest.approx(changed / gradient.size, abs=0.03)


@pytest.mark.parametrize("resident", RESIDENT)
def test_small_steps_arrive_by_lot_and_are_lost_to_the_nearest(resident):
    gradient = np.ones((ROWS, COLUMNS), np.float32)
    moved = {}
    for stochastic in (True, False):
        weights, moves = held(resident, stochastic=stochastic, optimiser="sgd")
        start = weights["w"].read_value().numpy()
        rate = 1e-5 if resident == "f16" else 4e-4  # far below half a code of most weights
        shares = [take(weights, moves, gradient, rate) for _ in range(60)]
        moved[stochastic] = float((start - weights["w"].read_value()).numpy().mean() / (60 * rate))
        if stochastic:
            assert 0 < np.mean(shares) < 0.5
    clipped = 5.0 / np.sqrt(gradient.size)
    assert moved[True] == pytest.approx(clipped, rel=0.25)
    assert moved[False] < 0.5 * clipped


def test_a_new_scale_alone_is_no_change():
    """All columns get a new scale, for the sake of one number each that grows past it."""
    weights, moves = held("int8", stochastic=False, optimiser="sgd")
    weights["w"].assign(values(0, 1e-3))
    start = weights["w"].read_value().numpy()
    outward = np.where(np.abs(start) == np.abs(start).max(0), -np.sign(start), 0.0) * 1e-9
    assert take(weights, moves, outward.astype(np.float32), 1.0) == 0.0
    assert not np.array_equal(start, weights["w"].read_value())  # it did


def test_nothing_moves_without_a_gradient():
    for resident in RESIDENT:
        weights, moves = held(resident, optimiser="sgd")
        start = weights["w"].read_value().numpy()
        assert take(weights, moves, np.zeros((ROWS, COLUMNS), np.float32)) == 0.0
        assert np.array_equal(start, weights["w"].read_value())


def test_other_seeds_round_otherwise_and_the_same_seed_the_same():
    after = {}
    for run, seed in enumerate((0, 0, 9)):
        weights, moves = held("int8", optimiser="sgd")
        moves._rounding.seed.assign(seed)
        take(weights, moves, values(3, 0.1))
        after[run] = weights["w"].read_value().numpy()
    assert np.array_equal(after[0], after[1])
    assert not np.array_equal(after[0], after[2])


@pytest.mark.parametrize(
    "coding", [Half(), Half(13), Linear(), Squared()], ids=["half", "half-13", "linear", "squared"]
)
def test_rounding_by_lot_is_right_on_average(coding):
    value = values(4, 0.01)
    total = np.zeros_like(value, np.float64)
    before = {ending: tf.constant(part) for ending, part in coding.packed(value).items()}
    scale = np.abs(value).max(0, keepdims=True)
    for step in range(400):
        lots = oracle.lots(1, step, 0, ROWS, COLUMNS).astype(np.float32)
        encoded = coding.encoded(tf.constant(value), before, tf.constant(lots))
        total += coding.decoded(encoded.parts).numpy()
    step_size = {Half: 2.0**-10, Linear: 1 / 115, Squared: 2 / 127}[type(coding)]
    assert np.abs(total / 400 - value).max() < 0.12 * np.max(scale * step_size)


def test_a_second_moment_above_zero_never_becomes_zero():
    value = np.float32([[1.0, 0.0], [1e-9, 0.0]])
    encoded = Squared(positive=True).encoded(tf.constant(value), None, tf.zeros([2, 2]))
    decoded = Squared(positive=True).decoded(encoded.parts).numpy()
    assert decoded[1, 0] > 0
    assert not decoded[:, 1].any()


def test_values_set_again_as_they_were_read_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 20)
    for resident in RESIDENT:
        variable = EncodedVariable("w", values(2).reshape(2, 6, 6), codings(resident, 5).weights)
        assert len(variable.blocks) == 4  # of 3 x 6
        first = variable.read_value()
        variable.assign(first)
        assert np.allclose(first, variable.read_value(), rtol=1e-6, atol=0)
        variable.clear(tf.constant(0.0))
        assert not variable.read_value().numpy().any()


def test_blocks_cover_all_of_a_variable_once_and_none_is_large():
    shapes = [(1, 2), (4096, 2048), (1000, 1030), (7, 10**5), (2, 1984, 2048), (15, 7, 1, 16)]
    for shape in shapes:
        times = np.zeros(shape, np.int8)
        for cut in cuts(shape):
            times[tuple(slice(b, b + n) for b, n in zip(cut.begin, cut.size, strict=True))] += 1
            assert cut.rows * cut.columns <= max(blocks.BLOCK, shape[-1])
            assert cut.columns == shape[-1]
        assert (times == 1).all()
    assert len(cuts((15, 7, 1, 16))) == 1


def test_products_with_blocks_are_those_with_the_whole(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 12)
    variable = EncodedVariable("w", values(2).reshape(2, 6, 6), codings("f16", 5).weights)
    assert variable.is_stack
    stack, whole = Stack(variable, tf.constant(0.0)), variable.read_value()
    x = tf.constant(values(3)[:10].reshape(2, 5, 6))
    assert np.allclose(stack.times(x), tf.matmul(x, whole), atol=1e-5)
    assert np.allclose(stack.back(x), tf.matmul(x, whole, transpose_b=True), atol=1e-5)


def test_matrices_that_train_are_encoded_and_nothing_else():
    names = encoded_weights(replace(SMALL, resident="f16", clip="layer"))
    assert {"conv1_kernel", "blstm1_input", "blstm1_recurrent", "fc1_kernel", "fc2_kernel"} <= names
    assert not any(n.endswith(("bias", "gamma", "beta", "mean", "variance")) for n in names)
    assert encoded_weights(SMALL) == frozenset()
