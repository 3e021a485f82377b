"""The interval of a WER: by utterances, seeded, and honest about few of them."""

from __future__ import annotations

import numpy as np
import pytest

from harness.results.store import HypothesisRow
from harness.results.wer_interval import Utterance, WerInterval, utterances_of, wer_interval


def utterance(number: int, errors: int, words: int = 10) -> Utterance:
    return Utterance(f"u{number}", errors, 0, 0, words)


def interval(*utterances: Utterance) -> WerInterval:
    interval = wer_interval(utterances)
    assert interval is not None
    return interval


def width(interval: WerInterval) -> float:
    assert interval.low_percent is not None
    assert interval.high_percent is not None
    return interval.high_percent - interval.low_percent


def test_the_same_utterances_give_the_same_interval_in_any_order() -> None:
    utterances = [utterance(number, number % 4) for number in range(12)]
    assert interval(*utterances) == interval(*reversed(utterances))


def test_counts_of_each_kind_stand_beside_it() -> None:
    counted = interval(Utterance("a", 3, 2, 1, 10), Utterance("b", 1, 0, 4, 6))
    assert (counted.substitutions, counted.deletions, counted.insertions) == (4, 2, 5)
    assert (counted.words, counted.utterances) == (16, 2)


def test_more_utterances_give_a_narrower_interval() -> None:
    few = interval(*(utterance(number, number % 5) for number in range(5)))
    many = interval(*(utterance(number, number % 5) for number in range(200)))
    assert width(many) < width(few) / 3


def test_repeats_of_the_same_utterances_are_no_new_evidence() -> None:
    utterances = [utterance(number, number % 5) for number in range(8)]
    assert width(interval(*utterances * 20)) == pytest.approx(width(interval(*utterances)))


def test_one_utterance_has_no_interval_and_no_words_have_no_wer() -> None:
    assert not interval(utterance(1, 3)).known
    assert wer_interval([]) is None
    assert wer_interval([utterance(1, 2, words=0)]) is None


def test_no_error_at_all_is_not_said_to_be_certain() -> None:
    assert not interval(utterance(1, 0), utterance(2, 0)).known


def test_a_draw_without_words_is_left_out() -> None:
    assert np.isfinite(width(interval(utterance(1, 1, words=0), utterance(2, 5))))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(200):
        heard = interval(*(utterance(n, int(rng.binomial(10, 0.3))) for n in range(30)))
        inside += (heard.low_percent or 0) <= 30 <= (heard.high_percent or 0)
    assert 175 <= inside <= 200


def test_one_epoch_of_one_speaker_is_taken() -> None:
    def row(epoch: int) -> HypothesisRow:
        return HypothesisRow(
            epoch=epoch, id="1", reference="a b", hypothesis="a", substitutions=0, deletions=1,
            insertions=0, reference_words=2,
        )  # fmt: skip

    assert utterances_of([row(0), row(1)], 1, "anna") == (Utterance("anna/1", 0, 1, 0, 2),)
