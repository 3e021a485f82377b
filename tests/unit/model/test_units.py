"""Units that are left out: the smaller network computes what the whole one does with zeros."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.errors import InputError
from harness.model.config_file import load_network
from harness.model.deepspeech2.configuration import MINI, MINI_EE
from harness.model.initial import initial_weights
from harness.pruning.cells import Selection, gathered
from harness.pruning.choice import kept_of, ranked, units_kept
from tests.fixtures.small_network import SMALL
from tests.unit.model.test_conformer import SMALL as CONFORMER


def _shapes(config):
    specs = config.layer_specs()
    return {s.full_name(n): w.shape for s in specs for n, w in s.weights.items()}


@pytest.mark.parametrize(
    "config", [SMALL, MINI, MINI_EE, CONFORMER], ids=["small", "mini", "exits", "conformer"]
)
def test_what_is_gathered_has_the_shapes_of_the_smaller_network(config):
    last = config.unit_groups()[-1].layer.lower()
    weights = {  # so that layers keep other shares
        name: value * (3 if name.startswith(last) else 1)
        for name, value in initial_weights(config, 0).items()
    }
    groups = ranked(config.unit_groups(), weights, None, "weight")
    kept = kept_of(groups, units_kept(groups, 0.4, "by_parameters"))
    units = {g.layer: len(kept[g.name]) for g in config.unit_groups()}
    small = config.with_units(units)
    came = gathered(Selection(config.unit_groups(), kept), weights)
    assert {name: value.shape for name, value in came.items()} == _shapes(small)
    assert len(set(units.values())) > 1
    assert not list(small.problems())


def test_every_layer_with_units_is_there():
    layers = [group.layer for group in MINI.unit_groups()]
    assert list(dict.fromkeys(layers)) == [spec.name for spec in MINI.layer_specs()][:-1]
    assert {g.layer for g in MINI.unit_groups() if not g.usual} == {"CONV1", "CONV2", "CONV3"}


@pytest.mark.tensorflow
def test_the_smaller_network_hears_what_the_whole_one_hears_without_those_units(
    small_config, small_weights, small_batch
):
    pytest.importorskip("tensorflow")
    from harness.model.network import Network, NetworkVariables

    groups = small_config.unit_groups()
    ranks = ranked(groups, small_weights, None, "weight")
    kept = kept_of(ranks, units_kept(ranks, 0.5, "uniform"))
    selection = Selection(groups, kept)
    masked = {
        name: value * selection.mask(name, value.shape) if selection.touches(name) else value
        for name, value in small_weights.items()
    }
    for name, value in masked.items():  # a variance of zero is no variance
        if name.endswith("variance"):
            value[...] = small_weights[name]
    units = {group.layer: len(kept[group.name]) for group in groups}
    small = small_config.with_units(units)
    batch = small_batch(0)
    x, in_len = batch.x, batch.in_len
    whole = Network(small_config, variables=NetworkVariables(masked)).infer(x, in_len)
    came = gathered(selection, small_weights)
    left = Network(small, variables=NetworkVariables(came)).infer(x, in_len)
    whole_back = Network(small_config, variables=NetworkVariables(small_weights)).infer(x, in_len)
    np.testing.assert_array_equal(left[1], whole[1])
    np.testing.assert_allclose(left[0], whole[0], atol=1e-5)
    assert not np.allclose(left[0], whole_back[0], atol=1e-2)


@pytest.mark.tensorflow
def test_a_smaller_conformer_hears_what_the_whole_one_hears_without_those_units():
    pytest.importorskip("tensorflow")
    from harness.model.network import Network, NetworkVariables

    rng = np.random.default_rng(3)
    weights = initial_weights(CONFORMER, 1)
    for name, value in weights.items():
        if name.endswith("vectors"):
            weights[name] = value + rng.uniform(0.1, 0.3, value.shape).astype(np.float32)
    groups = CONFORMER.unit_groups()
    ranks = ranked(groups, weights, None, "weight")
    kept = kept_of(ranks, units_kept(ranks, 0.5, "by_parameters"))
    selection = Selection(groups, kept)
    masked = {
        name: value * selection.mask(name, value.shape) if selection.touches(name) else value
        for name, value in weights.items()
    }
    assert not np.array_equal(masked["l2_half_after_out"], weights["l2_half_after_out"])
    small = CONFORMER.with_units({group.layer: len(kept[group.name]) for group in groups})
    x = rng.standard_normal((3, 48, 12)).astype(np.float32)
    frames = np.array([48, 20, 0], np.int32)
    heard = [
        Network(config, variables=NetworkVariables(own)).infer(x, frames)
        for config, own in (
            (small, gathered(selection, weights)),
            (CONFORMER, masked),
            (CONFORMER, weights),
        )
    ]
    np.testing.assert_allclose(heard[0][0], heard[1][0], atol=1e-5)
    assert not np.allclose(heard[0][0], heard[2][0], atol=1e-2)


def test_a_file_may_say_the_inner_width_of_each_layer(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("base: conformer-mini\ninner: [9, 8, 7, 6, 5, 4]\n")
    assert load_network(path).inner_widths == (9, 8, 7, 6, 5, 4)
    path.write_text("base: conformer-mini\ninner: [9, 8, 0, 6, 5, 4]\n")
    with pytest.raises(InputError, match="must be 6 numbers of 1 or more, one a layer"):
        load_network(path)


def test_a_file_may_say_the_cells_of_each_layer(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("base: ds2-tiny\ncells: [16, 8, 4, 12]\n")
    config = load_network(path)
    assert config.blstm_cells == (16, 8, 4, 12)
    assert config.summary == "3 CONV, 4 BLSTM x 16 8 4 12, 2 FC"
    assert replace(config, cells=None).summary == "3 CONV, 4 BLSTM x 16, 2 FC"
    path.write_text("base: ds2-tiny\ncells: [16, 8, 0, 12]\n")
    with pytest.raises(InputError, match="four numbers of 1 or more"):
        load_network(path)
