"""What holds of every mask, level and density."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pruning.cells import Group, Place, Selection, gathered, group_scores
from harness.pruning.choice import kept_of, ranked, regrown, units_kept
from harness.pruning.density import layer_densities
from harness.pruning.levels import level_in, phase_in
from harness.pruning.matrices import mask_of
from harness.pruning.scores import kept_units

LEVELS = st.floats(0, 0.99)
NORMS = st.lists(st.just(0.0) | st.floats(1e-9, 10), min_size=1, max_size=6)
RULES = st.sampled_from(["uniform", "printed", "times_L", "clip_redistribute", "by_parameters"])
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))
PATTERNS = st.sampled_from(["input_unit", "half_input_unit", "output_unit", "half_output_unit"])


@given(SHAPES, PATTERNS, LEVELS, st.integers(0, 9))
def test_a_mask_takes_whole_units_and_the_lowest_of_them(shape, pattern, level, seed):
    scores = np.random.default_rng(seed).random(shape)
    mask = mask_of(scores, pattern, level)
    axis = 1 if "input" in pattern else 0
    parts = [(scores, mask)]
    if "half" in pattern:
        parts = list(zip(_halves(scores, axis), _halves(mask, axis), strict=True))
    for part, kept in parts:
        if not part.size:
            continue
        whole = kept.all(axis)
        assert (whole == kept.any(axis)).all()
        assert (~whole).sum() == int(level * len(whole) + 1e-9)
        means = part.mean(axis)
        if (~whole).any() and whole.any():
            assert means[~whole].max() <= means[whole].min() + 1e-9


def _halves(a, axis):
    middle = a.shape[axis] // 2
    return np.split(a, [middle], axis) if middle else [a]


@given(NORMS, LEVELS, RULES)
def test_densities_keep_what_is_asked(norms, level, rule):
    counts = [10 * (n + 1) for n in range(len(norms))]
    shares = layer_densities(norms, level, rule, counts)
    assert all(share >= 0 for share in shares)
    if rule == "clip_redistribute":
        assert max(shares) <= 1
        assert np.mean(shares) == pytest.approx(1 - level)
    if rule == "by_parameters":
        assert max(shares) <= 1
        assert np.dot(shares, counts) / sum(counts) == pytest.approx(1 - level)
    if rule == "times_L":
        assert np.mean(shares) == pytest.approx(1 - level)


@given(st.sampled_from(["constant", "stepped", "cubic"]), LEVELS, st.integers(1, 9))
def test_levels_rise_to_the_asked_one_and_phases_follow_each_other(schedule, level, rise):
    steps = max(1, rise // 2)
    levels = [level_in(schedule, level, r, rise, steps) for r in range(1, 15)]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(level)
    phases = [phase_in(schedule, r, rise, 2) for r in range(1, 15)]
    order = ["prune", "refine", "fine_tune"]
    assert phases == sorted(phases, key=order.index)
    assert phases.count("refine") == 2
    assert phases[-1] == "fine_tune"
    begins = phases.index("refine")
    assert levels[begins] == pytest.approx(level)


# -- units of a network: two groups of equal numbers, four gates, a next layer --------------------

H = 5
GROUPS = (
    Group(
        "ahead",
        "cells",
        H,
        (
            Place("input", 2, slice=0, repeats=4, gap=H),
            Place("bias", 1, slice=0, repeats=4, gap=H, scored=False),
            Place("next", 1),
        ),
    ),
    Group(
        "back",
        "cells",
        H,
        (
            Place("input", 2, slice=1, repeats=4, gap=H),
            Place("bias", 1, slice=1, repeats=4, gap=H, scored=False),
            Place("next", 1, first=H),
        ),
    ),
    Group("units", "units", 3, (Place("next", 2),)),
)


def weights(seed):
    rng = np.random.default_rng(seed)
    shapes = {"input": (2, 3, 4 * H), "bias": (2, 4 * H), "next": (2, 2 * H, 3), "other": (2,)}
    return {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}


@given(st.integers(0, 99), LEVELS, RULES)
def test_what_is_gathered_goes_back_where_it_came_from(seed, level, rule):
    values = weights(seed)
    groups = ranked(GROUPS, values, None, "weight")
    kept = kept_of(groups, units_kept(groups, level, rule))
    assert len(kept["ahead"]) == len(kept["back"]) >= 1
    selection = Selection(GROUPS, kept)
    small = gathered(selection, values)
    h, units = len(kept["ahead"]), len(kept["units"])
    assert small["input"].shape == (2, 3, 4 * h)
    assert small["bias"].shape == (2, 4 * h)
    assert small["next"].shape == (2, 2 * h, units)
    for name, value in values.items():
        back = selection.scatter(name, small[name], value)
        np.testing.assert_array_equal(back, value)
        mask = selection.mask(name, value.shape)
        moved = selection.scatter(name, small[name] + 1, value)
        np.testing.assert_allclose(moved - value, mask, atol=1e-5)
    # a cell's gates are those of one cell
    for direction, group in enumerate(("ahead", "back")):
        for gate in range(4):
            columns = [gate * H + unit for unit in kept[group]]
            np.testing.assert_array_equal(
                small["input"][direction][:, gate * h : (gate + 1) * h],
                values["input"][direction][:, columns],
            )


def test_score_of_a_unit_is_the_mean_of_all_its_entries():
    values = {name: np.abs(value.astype(float)) for name, value in weights(1).items()}
    (score, *_) = group_scores(GROUPS[1], values)
    own = np.concatenate(
        [values["input"][1][:, [0, H, 2 * H, 3 * H]].ravel(), values["next"][:, H].ravel()]
    )
    assert score == pytest.approx(own.mean())


@given(st.integers(0, 99))
def test_without_refinement_nothing_comes_back(seed):
    values, others = weights(seed), weights(seed + 1)
    ranks = ranked(GROUPS, values, None, "weight")
    units = units_kept(ranks, 0.4, "uniform")
    first = kept_of(ranks, units)
    ranks = ranked(GROUPS, others, None, "weight")
    frozen = kept_of(ranks, units, before=first)
    assert regrown(first, frozen) == 0
    assert frozen == first
    anew = kept_of(ranks, units)
    assert regrown(first, anew) == sum(len(set(anew[n]) - set(first[n])) for n in first)


def test_equals_go_in_their_order_also_if_their_sums_differ_in_the_last_digit():
    assert kept_units(np.array([0.1 + 0.2, 0.3, 0.9]), 2) == [1, 2]
    assert kept_units(np.array([0.3, 0.1 + 0.2, 0.9]), 2) == [1, 2]
