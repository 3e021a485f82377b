"""One spelling for labels, hypotheses and references."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.metrics import word_errors
from harness.metrics.host import score
from harness.model.configuration import ALPHABET as MODEL_ALPHABET
from harness.speech.text import ALPHABET, normalise_text, transcript


@given(st.text(max_size=60))
def test_normalised_text_is_in_the_alphabet_and_stays(text):
    normal = normalise_text(text)
    assert set(normal) <= set(ALPHABET)
    assert normal == normalise_text(normal) == " ".join(normal.split())


def test_the_model_writes_what_normalising_leaves():
    assert MODEL_ALPHABET == ALPHABET


EXAMPLES = [
    ("Don't STOP!", "dont stop"),
    ("It\u2019s the teachers\u2018 room", "its the teachers room"),
    ("don\u00b4t", "dont"),
    ("well-known, e-mail \u2014 twenty-one", "well known e mail twenty one"),
    ("Caf\u00e9 d\u00e9j\u00e0-vu", "cafe deja vu"),
    ("Stra\u00dfe, \u0141\u00f3d\u017a, \u00c6sop", "strasse lodz aesop"),
    ("\ufb01ne soft\u00adhyphen", "fine softhyphen"),
    ("\tA\n b ...", "a b"),
    ("hello\u2026 (really?)", "hello really"),
]


@pytest.mark.parametrize(("raw", "normal"), EXAMPLES)
def test_normalisation(raw, normal):
    assert normalise_text(raw) == transcript(raw) == normal


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("21 cars", "digits"),
        ("half: \u00bd", "digits"),
        ("x\u00b2", "digits"),
        ("\u0663", "digits"),
        ("\u043f\u0440\u0438\u0432\u0435\u0442", "CYRILLIC"),
        ("namaste \u0928\u092e", "DEVANAGARI"),
        ("AT&T", "read aloud: &"),
        ("ten %", "read aloud: %"),
        ("\u20ac", "read aloud"),
        ("<noise>", "read aloud"),
        ("", "no letters"),
        (" ... ", "no letters"),
    ],
)
def test_what_would_lose_a_word_is_refused(raw, said):
    with pytest.raises(InputError, match=rf"list\.csv:7: .*{said}") as refused:
        transcript(raw, "list.csv:7")
    assert said == "no letters" or refused.value.hint


@given(st.text(max_size=60))
def test_a_transcript_is_normalised_or_refused(raw):
    try:
        normal = transcript(raw)
    except InputError:
        return
    assert normal == normalise_text(raw) != ""


@pytest.mark.parametrize(("raw", "normal"), EXAMPLES)
def test_spelling_is_never_a_word_error(raw, normal):
    """Trainer and host both score normalised text: what only looks different is no error."""
    assert word_errors(transcript(raw), normal).errors == 0
    assert score([(transcript(raw), normal)]).errors == 0


def test_the_manual_tells_the_truth():
    manual = (Path(__file__).parents[3] / "docs" / "speech.md").read_text()
    rows = re.findall(r"^\| (`.+`) \| (`.+`|error) \| .* \|$", manual, re.MULTILINE)
    assert len(rows) == 8
    for written, becomes in rows:
        examples = re.findall("`(.+?)`", written)
        if becomes != "error":
            assert [transcript(example) for example in examples] == [becomes.strip("`")]
            continue
        for example in examples:
            with pytest.raises(InputError):
                transcript(example)
