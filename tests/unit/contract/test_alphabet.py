"""What a network can write."""

from __future__ import annotations

import dataclasses

import pytest

from harness.contract.alphabet import ENGLISH, in_words, problem
from harness.model.deepspeech2.configuration import TINY


@pytest.mark.parametrize("alphabet", [ENGLISH, " abcèéàù'", " äöüß", " œ'"])
def test_an_alphabet(alphabet):
    assert problem(alphabet) == ""


@pytest.mark.parametrize(
    ("alphabet", "words"),
    [
        ("", "space"),
        (" ", "letters"),
        ("abc", "space"),
        (" aba", "'a' twice"),
        (" a\n", "U+000A"),
        (" a\u00a0", "U+00A0"),
        (" a\U0001d41a", "U+1D41A"),
        (" a\u0301", "mark without its letter"),
        (" a\u212b", "NFC"),
        (" aB", "capital letter: 'B'"),
    ],
)
def test_no_alphabet(alphabet, words):
    assert words in problem(alphabet)
    (wrong,) = dataclasses.replace(TINY, alphabet=alphabet).problems()
    assert wrong.location == ("alphabet",)


def test_a_network_has_outputs_for_its_own_letters():
    config = dataclasses.replace(TINY, alphabet=" abcè")
    assert (TINY.alphabet, TINY.outputs, config.outputs) == (ENGLISH, 28, 6)
    assert config.describe().alphabet == " abcè"
    assert config.layer_specs()[-1].weights["kernel"].shape == (TINY.dense, 6)


def test_in_words():
    assert in_words(ENGLISH) == "a-z"
    assert in_words(ENGLISH + "è'") == "a-z and è'"
    assert in_words(" abè") == "abè"
