"""The statistics: what they must find, what they must not, and how often they err."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from harness.results.compare import Finding, Observation, compare
from harness.results.compare_stats import (
    Block,
    least_p,
    nights_p,
    permutation_p,
    student_upper,
    tarone,
)
from harness.results.wer_interval import Utterance

SIMULATED = int(os.environ.get("MOBILEASR_NIGHTS", "18"))
"""Made-up nights a figure; docs/nightly.md has the command with more."""


def night(
    rng: np.random.Generator,
    run: str,
    *,
    slower: float = 0.0,
    wer: float = 0.0,
    nights_sd: float = 0.0,
    phones: int = 2,
    repeats: int = 4,
) -> list[Observation]:
    """Two speakers a phone; the first phone's time changes by ``slower``."""
    found = []
    for phone in range(phones):
        warm = rng.normal(0, nights_sd)
        for speaker in range(2):
            for repeat in range(repeats):
                late = math.log1p(slower) if phone == 0 else 0.0
                values = {
                    "wer_percent": 30 + 5 * speaker + 3 * (repeat % 3) + rng.normal(0, 0.3) + wer,
                    "minutes_per_epoch": (1 + speaker)
                    * math.exp(warm + rng.normal(0, 0.02) + late),
                    "peak_rss_mb": 150 * math.exp(rng.normal(0, 0.005)),
                    "battery_mah_per_epoch": 10 * math.exp(warm / 2 + rng.normal(0, 0.05)),
                    "failed_attempts": float(rng.random() < 0.02),
                }
                found.append(
                    Observation(run, f"p{phone}", f"s{speaker}-{repeat}", f"s{speaker}", values)
                )
    return found


def heard(run: str, errors: int, utterances: int = 12) -> Observation:
    words = tuple(
        Utterance(f"anna/{number}", errors + number % 3, 0, 0, 10) for number in range(utterances)
    )
    wer = 100 * sum(utterance.errors for utterance in words) / (10 * utterances)
    return Observation(run, "p0", "job", "job", {"wer_percent": wer, "peak_rss_mb": 150.0}, words)


def test_a_wer_carries_its_interval_and_nothing_else_does() -> None:
    findings = compare([heard("n1", 2), heard("n2", 2)], [heard("now", 3)]).findings
    of_metric = {finding.metric: finding for finding in findings}
    wer = of_metric["wer_percent"]
    assert wer.before_interval is not None
    assert wer.now_interval is not None
    assert wer.before_interval[0] < 30 < wer.before_interval[1]
    assert wer.now_interval[0] < 40 < wer.now_interval[1]
    assert of_metric["peak_rss_mb"].now_interval is None


def test_without_hypotheses_a_comparison_has_no_interval() -> None:
    bare = [Observation("n", "p0", "job", "job", {"wer_percent": 30.0})]
    (finding,) = compare(bare, bare).findings
    assert finding.now_interval is None


def found(metric: str, before: int, repeats: int = 4, seed: int = 1, **tonight: float) -> Finding:
    rng = np.random.default_rng(seed)
    past = [one for n in range(before) for one in night(rng, f"n{n}", repeats=repeats)]
    result = compare(past, night(rng, "now", repeats=repeats, **tonight))
    return next(
        finding for finding in result.findings if finding.metric == metric and finding.phone == "p0"
    )


def test_exact_p_values_by_hand() -> None:
    apart = Block((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert permutation_p([apart]) == pytest.approx(1 / 20)  # 6 choose 3
    assert least_p([apart, apart]) == pytest.approx(1 / 400)
    assert permutation_p([Block((4.0, 5.0, 6.0), (1.0, 2.0, 3.0))]) == 1.0
    assert permutation_p([Block((1.0, 1.0), (1.0, 1.0))]) == 1.0
    assert permutation_p([]) == 1.0


def test_drawn_arrangements_agree_with_counted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    blocks = [Block(tuple(rng.normal(0, 1, 4)), tuple(rng.normal(0.5, 1, 3))) for _ in range(2)]
    counted = permutation_p(blocks)
    monkeypatch.setattr("harness.results.compare_stats.EXACT_UP_TO", 1000)
    assert permutation_p(blocks) == pytest.approx(counted, abs=0.05)
    assert permutation_p(blocks) != counted


@pytest.mark.parametrize(
    ("t", "freedom", "p"), [(6.314, 1, 0.05), (2.015, 5, 0.05), (3.707, 6, 0.005), (0.0, 3, 0.5)]
)
def test_student_as_in_tables(t: float, freedom: int, p: float) -> None:
    assert student_upper(t, freedom) == pytest.approx(p, rel=2e-3)


def test_a_night_among_nights() -> None:
    assert nights_p([1.0, 1.1, 0.9, 1.05], 1.02) > 0.3
    assert nights_p([1.0, 1.1, 0.9, 1.05], 3.0) < 0.001
    assert nights_p([1.0, 1.0, 1.0], 1.0) == 1.0
    assert nights_p([1.0, 1.0, 1.0], 1.1) == 0.0
    with pytest.raises(ValueError, match="fewer than two"):
        nights_p([1.0], 2.0)


def test_tests_that_can_never_speak_cost_the_others_nothing() -> None:
    assert tarone([0.001], 0.05) == 0.05
    assert tarone([0.001] * 10, 0.05) == pytest.approx(0.005)
    assert tarone([0.001] * 2 + [0.5] * 50, 0.05) == pytest.approx(0.025)


def test_the_same_numbers_are_no_change() -> None:
    rng = np.random.default_rng(0)
    once = night(rng, "a")
    again = [Observation("b", one.phone, one.job, one.settings, one.values) for one in once]
    result = compare(once, again)
    assert not result.worse
    assert not result.judged("better")


def test_a_slower_phone_is_found_and_named() -> None:
    slow = found("minutes_per_epoch", before=1, slower=0.2)
    assert slow.judgement == "worse"
    assert slow.change == pytest.approx(0.2, abs=0.03)
    assert "not known yet" in slow.why
    assert found("minutes_per_epoch", before=1, slower=-0.2).judgement == "better"
    assert found("peak_rss_mb", before=1, slower=0.2).judgement == "no change found"


def test_the_seeds_own_scatter_does_not_hide_a_worse_wer() -> None:
    worse = found("wer_percent", before=2, wer=2.0)
    assert worse.judgement == "worse"
    assert worse.change == pytest.approx(2.0, abs=0.5)


def test_too_few_repeats_are_said_and_never_called_fine() -> None:
    few = found("wer_percent", before=1, repeats=1, wer=30.0)
    assert few.judgement == "too few to tell"
    assert "at best" in few.why


@pytest.mark.parametrize("slower", [0.03, -0.03])
def test_a_measurable_trifle_is_no_alarm(slower: float) -> None:
    """Beyond repeats and nights, so that the smallest change that matters is all that decides."""
    rng = np.random.default_rng(1)
    past = [observed for n in range(7) for observed in night(rng, f"n{n}", repeats=8)]
    tonight = night(rng, "now", repeats=8, slower=slower)

    def judged(**minimum: float) -> Finding:
        findings = compare(past, tonight, minimum=minimum).findings
        return next(f for f in findings if (f.metric, f.phone) == ("minutes_per_epoch", "p0"))

    trifle = judged()
    assert trifle.judgement == "no change found"
    assert trifle.why == "measurable, but less than 5.0 %"
    matters = judged(minutes_per_epoch=0.01)
    assert matters.judgement == ("worse" if slower > 0 else "better")


def test_nights_that_differ_by_themselves_raise_no_alarm() -> None:
    rng = np.random.default_rng(5)
    past = [one for n in range(4) for one in night(rng, f"n{n}", nights_sd=0.1)]
    tonight = night(rng, "now", slower=0.15, nights_sd=0.0)
    time = next(
        finding
        for finding in compare(past, tonight).findings
        if finding.metric == "minutes_per_epoch"
    )
    assert time.judgement == "no change found"
    assert "nights differ" in time.why


def test_a_job_on_another_phone_has_no_counterpart() -> None:
    rng = np.random.default_rng(0)
    before = night(rng, "a", phones=1)
    now = night(rng, "b", phones=2)
    result = compare(before, now)
    assert len(result.unmatched) == 8
    other = [finding for finding in result.findings if finding.phone == "p1"]
    assert {one.judgement for one in other} == {"too few to tell"}


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.parametrize("nights_sd", [0.0, 0.02])
def test_false_alarms_and_power(before: int, nights_sd: float) -> None:
    alarms, power = 0, {0.1: 0, 0.4: 0}
    for seed in range(SIMULATED):
        rng = np.random.default_rng((seed, before))
        past = [o for n in range(before) for o in night(rng, f"n{n}", nights_sd=nights_sd)]
        alarms += compare(past, night(rng, "now", nights_sd=nights_sd)).worse
        if seed % 3 == 0:
            for change in power:
                tonight = night(rng, "now", nights_sd=nights_sd, slower=change)
                power[change] += any(
                    (finding.metric, finding.phone) == ("minutes_per_epoch", "p0")
                    for finding in compare(past, tonight).judged("worse")
                )
    tries = len(range(0, SIMULATED, 3))
    told = ", ".join(f"+{change:.0%}: {hits / tries:.0%}" for change, hits in power.items())
    print(f"\n{before} nights before, nights differ by {nights_sd:.0%}: ", end="")
    print(f"false alarms {alarms / SIMULATED:.1%} of {SIMULATED}, found of {tries} {told}")
    # a night is called worse by chance in at most 1 of 20, where nights do not differ; the bound
    # leaves three standard errors
    limit = 0.05 if not nights_sd or before >= 3 else 0.2
    assert alarms / SIMULATED <= limit + 3 * math.sqrt(limit * (1 - limit) / SIMULATED)
    assert power[0.4] / tries >= 0.3
