"""The pure part against exact vectors (``tests/golden/pruning.json``)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.pruning.density import layer_densities
from harness.pruning.levels import level_in
from harness.pruning.matrices import mask_of, unit_scores
from harness.pruning.scores import entry_scores, moved

VECTORS = json.loads((Path(__file__).parents[2] / "golden" / "pruning.json").read_text())
MASKS = VECTORS["pruning_masks"]
PATTERNS = {
    "whole_row": "input_unit",
    "half_row": "half_input_unit",
    "whole_column": "output_unit",
    "half_column": "half_output_unit",
}
SCORES = {"weight": "weight", "gradient_momentum": "momentum", "product": "product"}
W = np.array(MASKS["w"])


def momentum():
    first = moved(np.zeros_like(W), np.array(MASKS["g_round1"]))
    return moved(first, np.array(MASKS["g_round2"]))


def test_momentum_and_product():
    np.testing.assert_allclose(momentum(), MASKS["momentum"], atol=1e-12)
    np.testing.assert_allclose(entry_scores(W, momentum(), "product"), MASKS["product"], atol=1e-12)
    # before anything was trained the weights count
    np.testing.assert_array_equal(entry_scores(W, None, "momentum"), np.abs(W))


@pytest.mark.parametrize("name", PATTERNS)
def test_scores_of_units(name):
    scores = unit_scores(np.abs(W), PATTERNS[name])
    np.testing.assert_allclose(scores, MASKS["unit_scores_by_weight"][name], atol=1e-12)


@pytest.mark.parametrize("case", MASKS["masks"])
def test_masks(case):
    pattern, level, score = case.split(", ")
    scores = entry_scores(W, momentum(), SCORES[score.removeprefix("by ")])
    mask = mask_of(scores, PATTERNS[pattern], float(level.removeprefix("S=")))
    np.testing.assert_array_equal(mask, MASKS["masks"][case])


@pytest.mark.parametrize("case", MASKS["joint"])
def test_masks_of_halves_that_are_ranked_together(case):
    pattern, level = case.split(", ")
    mask = mask_of(np.abs(W), PATTERNS[pattern], float(level.removeprefix("S=")), halves="joint")
    np.testing.assert_array_equal(mask, MASKS["joint"][case])


@pytest.mark.parametrize("case", VECTORS["layer_density"]["cases"])
def test_densities(case):
    for rule, expected in case["densities"].items():
        came = layer_densities(case["norms"], case["sparsity"], rule, case["counts"])
        np.testing.assert_allclose(came, expected, atol=1e-11)
        held = np.dot(np.minimum(came, 1), case["counts"]) / sum(case["counts"])
        assert np.mean(came) == pytest.approx(case["mean_density"][rule])
        assert held == pytest.approx(case["parameter_density"][rule])


def test_levels():
    levels = VECTORS["pruning_level"]
    rounds = range(1, 11)
    assert [level_in("constant", 0.5, r) for r in rounds] == levels["constant"]
    stepped = [level_in("stepped", 0.5, r, rise=10, steps=5) for r in rounds]
    assert stepped == pytest.approx(levels["step_5_every_2"])
    cubic = [level_in("cubic", 0.5, r, rise=8) for r in rounds]
    assert cubic == pytest.approx(levels["cubic_over_8"])


@pytest.mark.parametrize("refine", [True, False])
def test_refinement_lets_units_grow_back(refine):
    case = VECTORS["mask_refinement"]
    expected = case["with_refinement" if refine else "without_refinement"]
    w = np.array(case["w"])
    first = mask_of(np.abs(w), "output_unit", 1 / 3)
    assert first[0].astype(int).tolist() == case["mask_round1"]
    w = w + np.array(case["delta"])
    if not refine:
        w[~first] = 0
    np.testing.assert_allclose(w, expected["w"], atol=1e-12)
    second = mask_of(np.abs(w), "output_unit", 1 / 3, among=None if refine else first)
    assert second[0].astype(int).tolist() == expected["mask_round2"]


def test_half_the_units_of_any_pattern_are_half_the_matrix():
    for pattern in PATTERNS.values():
        left = mask_of(np.abs(W), pattern, 0.5).sum()
        assert left == VECTORS["pruned_shapes"]["parameters_left"]


def test_arithmetic():
    """The relative rises of Table 5, from the digits that are printed."""
    printed = {"0.1": 6.7, "0.2": 7.0, "0.3": 7.4, "0.4": 7.9, "0.5": 8.9}
    for level, expected in VECTORS["pruning_arithmetic"]["voice_search_relative_percent"].items():
        assert round(100 * (printed[level] - 6.4) / 6.4, 1) == pytest.approx(expected)
    assert VECTORS["pruning_arithmetic"]["parameters_130M_MB"] == 130e6 * 4 / 1e6
