"""The cut of a speaker's recordings: disjoint by sentence, the same for the same seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.speech import splitting
from harness.speech.splitting import Place, rank

TEXTS = st.lists(st.integers(0, 15).map(lambda n: f"sentence {n}"), min_size=4, max_size=60)


def split_speaker(texts: list[str], speaker: str, *, seed: int = 0, **asked) -> dict[int, Place]:
    """Return the place of each recording; those that are not needed have none."""
    order = sorted(set(texts), key=lambda text: rank(seed, text))
    takes = [[n for n, own in enumerate(texts) if own == text] for text in order]
    places = splitting.split_speaker(lambda: map(len, takes), speaker, **asked)
    return {
        number: place
        for numbers, (place, used) in zip(takes, places, strict=True)
        for number in numbers[:used]
    }


@given(TEXTS, st.integers(1, 4), st.integers(0, 9))
def test_no_sentence_is_in_two_places(texts, rounds, seed):
    if len(set(texts)) < 2 * rounds:
        with pytest.raises(InputError, match="too few"):
            split_speaker(texts, "anna", rounds=rounds, seed=seed)
        return
    places = split_speaker(texts, "anna", rounds=rounds, seed=seed)
    assert len({(texts[n], place) for n, place in places.items()}) == len(
        {texts[n] for n in places}
    )
    assert {(p.split, p.round) for p in places.values()} == {
        (split, number) for split in ("train", "validation") for number in range(1, rounds + 1)
    }
    assert places == split_speaker(texts, "anna", rounds=rounds, seed=seed)


def test_the_papers_cut():
    texts = [f"sentence {n}" for n in range(170)]
    places = split_speaker(texts, "anna", rounds=2, train=60, validation=20)
    for number in (1, 2):
        here = [p.split for p in places.values() if p.round == number]
        assert (here.count("train"), here.count("validation")) == (60, 20)
    assert len(places) == 160


def test_a_quarter_validates_unless_told():
    texts = [f"sentence {n}" for n in range(40)]
    splits = [p.split for p in split_speaker(texts, "anna").values()]
    assert (splits.count("train"), splits.count("validation")) == (30, 10)
    splits = [p.split for p in split_speaker(texts, "anna", train=15).values()]
    assert (splits.count("train"), splits.count("validation")) == (15, 5)


@pytest.mark.parametrize("asked", [{"train": 31, "validation": 10}, {"rounds": 21}, {"train": 99}])
def test_too_few_are_said(asked):
    texts = [f"sentence {n}" for n in range(40)]
    with pytest.raises(InputError, match=r"anna has too few .* 40 of 40 sentences"):
        split_speaker(texts, "anna", **asked)


def test_who_reads_the_same_prompts_validates_on_the_same():
    texts = [f"sentence {n}" for n in range(40)]
    splits = {texts[n]: p.split for n, p in split_speaker(texts, "x").items()}
    assert splits == {texts[::-1][n]: p.split for n, p in split_speaker(texts[::-1], "y").items()}
