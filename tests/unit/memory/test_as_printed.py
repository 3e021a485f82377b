import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract import SUB_MODELS
from harness.memory.as_printed import (
    DEFAULT,
    PAPER,
    READINGS,
    as_printed_sizes,
    estimate,
)
from harness.model.configuration import MINI, sub_model_parameters
from harness.model.configuration import PAPER as NETWORK
from harness.model.sizes import network_sizes

TABLE_9 = {"S1": 1.98, "S5": 1.63, "S8": 0.96}


def lambda_gb(sub_model, reading=DEFAULT, batch_size=5):
    return estimate(PAPER, sub_model, batch_size, reading).total / 1024


def test_the_sizes_are_those_of_the_network_that_is_built():
    mine = sub_model_parameters(NETWORK)
    assert {name: PAPER.trainable(name) for name in SUB_MODELS} == mine
    assert PAPER.parameters == network_sizes(NETWORK).parameters == 30_242_752
    assert PAPER.activations == pytest.approx(6_881_640)


def test_terms_once_and_errors_once_a_sample():
    assert lambda_gb("S1", "once") == pytest.approx(1.543, abs=5e-4)
    assert lambda_gb("S1", "errors_per_sample") == pytest.approx(1.993, abs=5e-4)
    assert lambda_gb("S5", "errors_per_sample") == pytest.approx(1.687, abs=5e-4)
    assert lambda_gb("S8", "errors_per_sample") == pytest.approx(1.124, abs=5e-4)


def test_the_terms_add_up():
    terms = estimate(PAPER, "S5", 2, "errors_per_sample")
    assert terms.errors == pytest.approx(2 * terms.gradients)
    assert terms.optimizer == pytest.approx(2 * terms.gradients)
    assert terms.gradients == pytest.approx(19_967_004 * 4 / 2**20)
    assert terms.total == pytest.approx(terms.training + 325)


def test_the_default_is_the_nearest_of_the_readings_that_follow_from_the_page():
    def distance(reading):
        return max(abs(lambda_gb(name, reading) - printed) for name, printed in TABLE_9.items())

    pages = [name for name in READINGS if name != "nearest"]
    assert min(pages, key=distance) == DEFAULT
    assert min(READINGS, key=distance) == "nearest"


@given(st.sampled_from(list(READINGS)), st.integers(1, 64), st.sampled_from((PAPER, "mini")))
def test_more_layers_and_larger_batches_never_need_less(reading, batch_size, sizes):
    sizes = network_sizes(MINI) if sizes == "mini" else sizes
    needs = [estimate(sizes, name, batch_size, reading).total for name in SUB_MODELS]
    assert needs == sorted(needs, reverse=True)
    more = [estimate(sizes, name, batch_size + 1, reading).total for name in SUB_MODELS]
    assert all(b > a for a, b in zip(needs, more, strict=True))


def test_only_the_papers_network_has_the_printed_activations():
    assert as_printed_sizes(network_sizes(NETWORK)) is PAPER
    mini = network_sizes(MINI)
    assert as_printed_sizes(mini) is mini
    # [T, F, C] of three CONV, [T, 2 x 128] of four BLSTM, [T, 256] and [T, 28] of FC
    assert mini.activations == 160 * (80 * 16 + 40 * 16 + 20 * 16 + 4 * 256 + 256 + 28)


def test_no_such_reading_or_sub_model():
    with pytest.raises(KeyError):
        estimate(PAPER, "S1", 5, "as_meant")
    with pytest.raises(ValueError, match="S9"):
        estimate(PAPER, "S9", 5)
