"""Rules of leaving early over what every exit said: a worked case, oracles, curves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.contract.exits import Answer, ExitRule
from harness.metrics.exits import (
    MOST_THRESHOLDS,
    ORACLES,
    Heard,
    agreed_at,
    chosen_threshold,
    curve,
    halves,
    left_at,
    outcome,
    sure_at,
)

# exits after layers 2, 4 and 6; computed apart, with numpy, from logits of three frames
ENTROPY_NATS = (1.341148499965, 0.970747543942, 0.101096732939)
ENTROPY_AS_CODE = (-0.335287124991, -0.242686885986, -0.025274183235)
POSTERIOR = (0.408424895131, 0.83626354001, 0.980079208238)
GREEDY = ("a", "a", "ab")
LAYERS = (2, 4, 6)


def answers(
    texts: Sequence[str | None] = GREEDY,
    entropy: Sequence[float | None] = ENTROPY_NATS,
    posterior: Sequence[float | None] = POSTERIOR,
) -> tuple[Answer, ...]:
    return tuple(
        Answer(exit=f"exit{place}", text=text, seconds=0.1, entropy=one, posterior=other)
        for place, (text, one, other) in enumerate(
            zip(texts, entropy, posterior, strict=True), start=1
        )
    )


def heard(name: str, *texts: str, reference: str = "a b c d") -> Heard:
    values = [float(len(texts) - place) for place in range(len(texts))]
    return Heard(name, reference, answers(texts, values, [1 / (1 + value) for value in values]))


@pytest.mark.parametrize(
    ("rule", "layer"),
    [
        (ExitRule(rule="entropy", threshold=0.05), 6),
        (ExitRule(rule="entropy", threshold=0.2), 6),
        (ExitRule(rule="entropy", threshold=1.0), 4),
        (ExitRule(rule="entropy", threshold=1.4), 2),
        (ExitRule(rule="posterior", threshold=0.4), 2),
        (ExitRule(rule="posterior", threshold=0.5), 4),
        (ExitRule(rule="posterior", threshold=0.9), 6),
        (ExitRule(rule="posterior", threshold=0.99), 6),
        (ExitRule(rule="agreement"), 4),
        (ExitRule(rule="fixed", exit="exit1"), 2),
        (ExitRule(), 6),
    ],
)
def test_an_utterance_leaves_where_the_rule_is_first_met(rule: ExitRule, layer: int) -> None:
    assert LAYERS[left_at(answers(), rule)] == layer


def test_an_entropy_as_the_authors_code_has_it_is_most_negative_where_least_is_known() -> None:
    # by "at most", the first exit always does: the code's own sign turns the rule around
    said = answers(entropy=ENTROPY_AS_CODE)
    assert sure_at(said, "entropy", ENTROPY_AS_CODE[0]) == 0


def test_what_a_rule_goes_by_has_to_be_there() -> None:
    with pytest.raises(ValueError, match="no posterior"):
        left_at(answers(posterior=(0.1, None, 0.2)), ExitRule(rule="posterior", threshold=0.5))
    with pytest.raises(ValueError, match="no text"):
        left_at(answers(texts=("a", None, "b")), ExitRule(rule="agreement"))


@pytest.mark.parametrize(
    ("texts", "two", "three"),
    [("aab", 1, 2), ("abb", 2, 2), ("abab", 3, 3), ("abbb", 2, 3), ("aabbc", 1, 4)],
)
def test_neighbours_agree(texts: str, two: int, three: int) -> None:
    assert agreed_at(tuple(texts)) == two
    assert agreed_at(tuple(texts), 3) == three


def test_mean_depth_and_shares() -> None:
    places = iter((0, 2, 1, 1))
    found = outcome(
        [heard(f"u{number}", "a", "a b", "a b c") for number in range(4)],
        LAYERS,
        lambda _: next(places),
    )
    assert found.depth == 4.0
    assert found.share_percent == (25, 50, 25)
    assert (found.errors.errors, found.errors.reference_words) == (3 + 1 + 2 + 2, 16)
    with pytest.raises(ValueError, match="each exit"):
        outcome([heard("u1", "a", "b")], LAYERS, lambda _: 0)


def test_oracles_know_what_was_said() -> None:
    one = heard("u1", "a b", "a b c d", "a b c")
    no_worse, fewest = (choose(one) for choose in ORACLES.values())
    assert (no_worse, fewest) == (1, 1)
    other = heard("u2", "a b c", "a b c d", "a b c")
    no_worse, fewest = (choose(other) for choose in ORACLES.values())
    assert (no_worse, fewest) == (0, 1)
    alike = heard("u3", "a", "a b c d", "a b c d")
    assert [choose(alike) for choose in ORACLES.values()] == [1, 1]  # the shallowest of the best


def test_thresholds_are_chosen_on_other_utterances_than_they_are_judged_on() -> None:
    many = [heard(f"u{number}", "a", "a b", "a b c d") for number in range(60)]
    choosing, judging = halves(many)
    assert {one.name for one in choosing}.isdisjoint(one.name for one in judging)
    assert len(choosing) + len(judging) == 60
    assert min(len(choosing), len(judging)) > 15
    assert halves(list(reversed(many)))[0] == tuple(reversed(choosing))
    # the half that judges hears nothing: the curve is the same, what it comes to is not
    deaf = [one if one in choosing else heard(one.name, "", "", "") for one in many]
    for rule in ("entropy", "posterior"):
        good, bad = curve(many, LAYERS, rule), curve(deaf, LAYERS, rule)
        assert [point.threshold for point in good] == [point.threshold for point in bad]
        assert [point.chosen_on for point in good] == [point.chosen_on for point in bad]
        assert {point.judged_on.errors.wer_percent for point in bad} == {100.0}


@pytest.mark.parametrize("rule", ["entropy", "posterior"])
def test_a_curve_goes_from_shallow_to_deep_with_fewer_errors(rule: str) -> None:
    many = [heard(f"u{number}", "a", "a b", "a b c d") for number in range(40)]
    points = curve(many, LAYERS, "entropy" if rule == "entropy" else "posterior")
    assert [point.judged_on.depth for point in points] == [2, 4, 6]
    assert [point.judged_on.errors.wer_percent for point in points] == [75, 50, 0]
    choosing, _ = halves(many)
    last = outcome(choosing, LAYERS, lambda _: 2)
    assert chosen_threshold(points, last) == points[-1]
    assert chosen_threshold(points, last, 60) == points[1]
    assert chosen_threshold(points, last, 50) == points[1]  # what is allowed may be lost
    assert chosen_threshold(points[:2], last) == points[1]  # none is good enough


def test_a_deeper_point_without_fewer_errors_stands_on_no_curve() -> None:
    many = [heard(f"u{number}", "a b", "a", "a b") for number in range(40)]
    (point,) = curve(many, LAYERS, "entropy")
    assert point.judged_on.depth == 2


def test_an_utterance_is_in_the_same_half_in_every_process() -> None:
    choosing, _ = halves([heard(f"u{number}", "a") for number in range(12)])
    assert [utterance.name for utterance in choosing] == ["u2", "u5", "u7", "u8", "u10", "u11"]


def test_a_curve_tries_few_thresholds_all_of_the_half_that_chooses() -> None:
    # each its own entropy at the first exit, which hears nothing; the second hears all
    many = [
        Heard(f"u{number}", "a b", answers(("", "a b"), (number + 1.0, 0.0), (0.5, 1.0)))
        for number in range(300)
    ]
    choosing, _ = halves(many)
    points = curve(many, (2, 4), "entropy")
    assert 40 < len(points) <= MOST_THRESHOLDS < len(choosing)
    values = {answer.entropy for utterance in choosing for answer in utterance.answers}
    assert {point.threshold for point in points} <= values
    assert points[0].judged_on.depth < points[-1].judged_on.depth
