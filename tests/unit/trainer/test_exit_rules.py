"""Rules for exits: against vectors worked out elsewhere, and against all paths of small logits."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.contract.exits import Answer, ExitRule
from harness.contract.network import Exit, Layer, Network, SubModel
from harness.trainer.beam import n_best, posterior
from harness.trainer.decode import log_softmax
from harness.trainer.exit_rules import leaves, mean_entropy
from harness.trainer.info import ModelInfo
from harness.trainer.listening import SegmentRun, heard_by_rule

LOGITS = np.array(
    [
        [[1.0, 0.5, 0.2, 0.1], [0.3, 0.6, 0.4, 0.2], [0.9, 0.1, 0.3, 0.2]],
        [[2.5, 0.5, 0.2, 0.1], [0.1, 2.0, 0.4, 0.2], [2.0, 0.1, 0.9, 0.2]],
        [[6.0, 0.5, 0.2, 0.1], [0.1, 5.0, 0.4, 0.2], [0.3, 0.1, 5.5, 0.2]],
    ],
    np.float32,
)
"""Of three exits: 3 frames, 4 outputs, the first the blank."""
EXITS = ("low", "mid", "high")
HIGHEST = {
    "nats": (1.341148499965, 0.970747543942, 0.101096732939),
    "bits": (1.934868289996, 1.400492667601, 0.145851755261),
    "normalised": (0.967434144998, 0.7002463338, 0.072925877631),
    "as_code": (-0.335287124991, -0.242686885986, -0.025274183235),
}
INFO = ModelInfo(
    batch_size=2, max_frames=3, max_label=3, alphabet="abc", blank=0, sample_rate=16_000,
    window=512, hop=256, time_stride=1,
    network=Network(
        family="three",
        layers=tuple(Layer(name=name, parameters=1) for name in ("A", "B", "C")),
        sub_models=(SubModel(name="all", layers=("A", "B", "C"), exits=EXITS),),
        exits=tuple(Exit(name=name, depth=n) for n, name in enumerate(EXITS, 1)),
        alphabet="abc",
    ),
)  # fmt: skip


def segments(*rows, ran=None):
    """Yield the segments of a batch: a row is the exits' logits."""
    for number, by_row in enumerate(zip(*rows, strict=True), 1):
        if ran is not None:
            ran.append(number)
        yield SegmentRun(by_row, float(number))


def left(rule, *rows, ran=None):
    return heard_by_rule(segments(*rows, ran=ran), ExitRule(**rule), INFO)


@pytest.mark.parametrize("unit", HIGHEST)
def test_entropies(unit):
    # the vectors were worked out in double precision from decimal logits
    found = [mean_entropy(logits, 0, unit) for logits in LOGITS]
    assert found == pytest.approx(HIGHEST[unit], abs=1e-7)


def test_entropy_of_frames_that_are_no_blank():
    assert mean_entropy(LOGITS[0], 0, frames="non_blank") == pytest.approx(1.374963616724, abs=1e-7)
    assert mean_entropy(np.array([[9.0, 0, 0, 0]], np.float32), 0, frames="non_blank") == 0
    assert mean_entropy(np.zeros((0, 4), np.float32), 0) == 0
    assert mean_entropy(np.full((1, 4), np.nan, np.float32), 0) is None
    assert mean_entropy(np.array([[0, -np.inf]], np.float32), 0) == 0


@pytest.mark.parametrize(
    ("rule", "exit_"),
    [
        ({}, "high"),
        ({"rule": "fixed", "exit": "low"}, "low"),
        ({"rule": "fixed", "exit": "mid"}, "mid"),
        ({"rule": "fixed", "exit": "high"}, "high"),
        ({"rule": "agreement"}, "mid"),
        ({"rule": "entropy", "threshold": 0.05}, "high"),
        ({"rule": "entropy", "threshold": 0.2}, "high"),
        ({"rule": "entropy", "threshold": 1.0}, "mid"),
        ({"rule": "entropy", "threshold": 1.4}, "low"),
        ({"rule": "entropy", "threshold": -0.3, "entropy": "as_code"}, "low"),
        ({"rule": "posterior", "threshold": 0.0}, "low"),
        ({"rule": "posterior", "threshold": 1.0}, "high"),
    ],
)
def test_where_an_utterance_leaves(rule, exit_):
    ran = []
    (found,) = left(rule, LOGITS, ran=ran)
    depth = EXITS.index(exit_) + 1
    assert (found.exit, found.text) == (exit_, ["a", "a", "ab"][depth - 1])
    assert ran == list(range(1, depth + 1))
    assert found.seconds == sum(ran)
    assert [answer.exit for answer in found.answers] == list(EXITS[:depth])
    assert found.answers[-1].text == found.text


@pytest.mark.parametrize(("texts", "exit_"), [("abbc", "c"), ("abab", "d"), ("aaaa", "b")])
def test_neighbours_agree_and_not_the_first(texts, exit_):
    rule = ExitRule(rule="agreement")
    answers = [Answer(exit=name, text=t, seconds=0) for name, t in zip("abcd", texts, strict=True)]
    last = [leaves(rule, answers[: n + 1], last=n == 3) for n in range(4)]
    assert "abcd"[last.index(True)] == exit_


def test_what_just_reaches_its_threshold_leaves():
    blanks = np.array([[[9.0, 0, 0, 0]]] * 3, np.float32)  # no frame that is no blank: 0 nats
    (found,) = left({"rule": "entropy", "threshold": 0.0, "frames": "non_blank"}, blanks)
    assert (found.exit, found.answers[0].entropy) == ("low", 0)
    nothing = np.zeros((3, 0, 4), np.float32)  # one hypothesis has all of the probability
    (found,) = left({"rule": "posterior", "threshold": 1.0}, nothing)
    assert (found.exit, found.answers[0].posterior) == ("low", 1)


def test_posteriors_of_given_scores():
    lists = [[-11, -11.2, -11.9, -12.5], [-8, -10.1, -10.9, -12], [-5, -9.5, -10, -11]]
    given = (0.408424895131, 0.83626354001, 0.980079208238)
    assert [posterior(scores) for scores in lists] == pytest.approx(given, abs=1e-11)
    exits = []
    for threshold in (0.4, 0.5, 0.9, 0.99, 0.999):
        rule = ExitRule(rule="posterior", threshold=threshold)
        answers = [
            Answer(exit=name, text="", seconds=0, posterior=sure)
            for name, sure in zip(EXITS, given, strict=True)
        ]
        exits.append(next(n for n in range(3) if leaves(rule, answers[: n + 1], last=n == 2)))
    assert exits == [0, 1, 2, 2, 2]
    assert posterior([-4.0]) == 1
    assert posterior([]) is None


def test_a_posterior_is_of_the_n_best_and_no_more_of_the_beam():
    rule = {"rule": "posterior", "threshold": 1.0, "beam": 10}
    scores = [score for _, score in n_best(LOGITS[0], 0, beam=10, count=10)]
    for count in (2, 10):
        (found,) = left({**rule, "n_best": count}, LOGITS)
        assert found.answers[0].posterior == pytest.approx(posterior(scores[:count]))
    assert posterior(scores[:2]) > posterior(scores)


def test_entropies_of_other_rules_are_nats_of_all_frames():
    rule = {"rule": "agreement", "entropy": "bits", "frames": "non_blank"}
    (found,) = left(rule, LOGITS)
    nats = [answer.entropy for answer in found.answers]
    assert nats == pytest.approx(HIGHEST["nats"][:2], abs=1e-7)


@pytest.mark.parametrize(
    ("rule", "seconds"),
    [
        # what is heard is decoded once; a rule asks each exit up to where it leaves
        ({}, 1),
        ({"rule": "fixed", "exit": "mid"}, 1),
        ({"rule": "agreement"}, 2),
        ({"rule": "entropy", "threshold": 1.0}, 2 + 1),
        ({"rule": "posterior", "threshold": 1.0}, 3 + 1),
        ({"rule": "entropy", "threshold": 1.4, "answers": "all"}, 1 + 1),
    ],
)
def test_the_rule_is_paid_for_up_to_where_an_utterance_leaves(rule, seconds, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("harness.trainer.listening.time.perf_counter", lambda: next(clock))
    (found,) = left(rule, LOGITS)
    assert found.rule_seconds == seconds


def test_segments_run_while_a_row_is_left():
    ran = []
    sure = LOGITS[[2, 2, 2]]
    found = left({"rule": "entropy", "threshold": 1.0}, LOGITS, sure, ran=ran)
    assert [(each.exit, each.rows) for each in found] == [("mid", 2), ("low", 2)]
    assert ran == [1, 2]
    assert len(found[1].answers) == 1
    ran.clear()
    found = left({"rule": "fixed", "exit": "low", "answers": "all"}, LOGITS, sure, ran=ran)
    assert ran == [1, 2, 3]
    assert [each.seconds for each in found] == [1.0, 1.0]
    assert [answer.text for answer in found[0].answers] == ["a", "a", "ab"]


def brute_force(logits, blank):
    """Return the probability of each labelling, from all paths."""
    log_p = log_softmax(logits)
    found = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        labels = tuple(n for n, _ in itertools.groupby(path) if n != blank)
        score = sum(frame[n] for frame, n in zip(log_p, path, strict=True))
        found[labels] = found.get(labels, 0.0) + math.exp(score)
    return sorted(((p, labels) for labels, p in found.items()), reverse=True)


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_beam_is_exact(seed):
    rng = np.random.default_rng(seed)
    logits = (rng.standard_normal((5, 3)) * 2).astype(np.float32)
    blank = seed % 3
    whole = brute_force(logits, blank)
    found = n_best(logits, blank, beam=1000, count=1000)
    assert sum(math.exp(score) for _, score in found) == pytest.approx(1, abs=1e-9)
    assert [labels for labels, _ in found] == [labels for _, labels in whole]
    assert [math.exp(s) for _, s in found] == pytest.approx([p for p, _ in whole], rel=1e-9)


def test_a_narrow_beam_is_a_list_of_its_length():
    logits = np.random.default_rng(1).standard_normal((40, 28)).astype(np.float32)
    found = n_best(logits, 0, beam=10, count=10)
    assert len(found) == len({labels for labels, _ in found}) == 10
    assert found == sorted(found, key=lambda each: -each[1])
    assert n_best(logits, 0, beam=10, count=4) == found[:4]
    assert n_best(np.zeros((0, 28), np.float32), 0, beam=10, count=4) == [((), 0.0)]


def test_no_number_is_no_certainty():
    bad = np.full_like(LOGITS, np.nan)
    for rule in ({"rule": "entropy", "threshold": 1.0}, {"rule": "posterior", "threshold": 0.0}):
        (found,) = left(rule, bad)
        assert found.exit == "high"
        assert found.answers[0].posterior is None


GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "exits.json").read_text())


def golden_logits(case):
    logits = np.array(case["logits"], np.float32)
    return logits if len(logits) else logits.reshape(0, 4)


@pytest.mark.parametrize("case", GOLDEN["entropies"])
def test_golden_entropies(case):
    found = mean_entropy(golden_logits(case), case["blank"], case["unit"], case["frames"])
    assert found == pytest.approx(case["entropy"], abs=1e-9)


@pytest.mark.parametrize("case", GOLDEN["beams"])
def test_golden_beams(case):
    found = n_best(golden_logits(case), case["blank"], beam=case["beam"], count=case["n_best"])
    assert [list(labels) for labels, _ in found] == case["labels"]
    assert [score for _, score in found] == pytest.approx(case["scores"], abs=1e-9)
    assert posterior([score for _, score in found]) == pytest.approx(case["posterior"])


@pytest.mark.parametrize("case", GOLDEN["decisions"])
def test_golden_decisions(case):
    segments = [[np.array(row, np.float32) for row in each] for each in case["logits"]]
    runs = iter([SegmentRun(each, 1.0) for each in segments])
    info = replace(INFO, blank=case["blank"])
    found = heard_by_rule(runs, ExitRule.model_validate(case["rule"]), info)
    assert case["segments"] == len(segments) - len(list(runs))
    for row, wanted in zip(found, case["left"], strict=True):
        assert (row.exit, row.text, row.seconds) == tuple(
            wanted[name] for name in ("exit", "text", "seconds")
        )
        for answer, other in zip(row.answers, wanted["answers"], strict=True):
            assert answer.model_dump() == pytest.approx(other, abs=1e-9)
