"""One spelling for labels, hypotheses and references."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.alphabet import ENGLISH
from harness.errors import InputError
from harness.metrics import word_errors
from harness.metrics.host import score
from harness.speech.text import (
    APOSTROPHES,
    WORD_BREAKS,
    normalise_text,
    transcript,
)


@given(st.text(max_size=60))
def test_normalised_text_is_in_the_alphabet_and_stays(text):
    normal = normalise_text(text)
    assert set(normal) <= set(ENGLISH)
    assert normal == normalise_text(normal) == " ".join(normal.split())


EXAMPLES = [
    ("Don't STOP!", "dont stop"),
    ("It\u2019s the teachers\u2018 room", "its the teachers room"),
    ("don\u00b4t", "dont"),
    ("well-known, e-mail \u2014 twenty-one", "well known e mail twenty one"),
    ("Caf\u00e9 d\u00e9j\u00e0-vu", "cafe deja vu"),
    ("Stra\u00dfe, \u0141\u00f3d\u017a, \u00c6sop", "strasse lodz aesop"),
    ("\ufb01ne soft\u00adhyphen", "fine softhyphen"),
    ("\tA\n b ...", "a b"),
    ("hello\u2026 \u201creally?\u201d", "hello really"),
]


@pytest.mark.parametrize(("raw", "normal"), EXAMPLES)
def test_normalisation(raw, normal):
    assert normalise_text(raw) == transcript(raw) == normal


@pytest.mark.parametrize(
    ("raw", "message"),
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
        ("<noise>", "annotations: <noise>"),
        ("", "no letters"),
        (" ... ", "no letters"),
    ],
)
def test_what_would_lose_a_word_is_refused(raw, message):
    with pytest.raises(InputError, match=rf"list\.csv:7: .*{message}") as refused:
        transcript(raw, "list.csv:7")
    assert message == "no letters" or refused.value.hint


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
    assert len(rows) == 9
    for written, becomes in rows:
        examples = re.findall("`(.+?)`", written)
        if becomes != "error":
            assert [transcript(example) for example in examples] == [becomes.strip("`")]
            continue
        for example in examples:
            with pytest.raises(InputError):
                transcript(example)


@pytest.mark.parametrize(
    ("raw", "marked"),
    [
        ("[laughter] the child", "[laughter]"),
        ("the child (coughs)", "(coughs)"),
        ("drop {breath} the tue", "{breath}"),
        ("x <unk> y", "<unk>"),
        ("well *um* yes", "*um*"),
        ("left ( alone", "("),
        ("a \uff08b\uff09 c", "\uff08b\uff09"),
    ],
)
def test_annotations_are_refused_kept_or_dropped(raw, marked):
    with pytest.raises(InputError, match=re.escape(f"annotations: {marked}")):
        transcript(raw)
    assert transcript(raw, annotations="keep") == normalise_text(raw)
    if len(marked) > 1:
        inside = normalise_text(marked)
        left = transcript(raw, annotations="drop").split()
        assert left == [word for word in normalise_text(raw).split() if word != inside]


def test_what_stands_alone_in_brackets_is_no_text():
    with pytest.raises(InputError, match="no letters"):
        transcript("[noise]", annotations="drop")


SPOKEN = set("&%@#+=*/<>^|~\\\u00a7\u066a\u2030\u2031\u0609\u060a")


def _parts(character: str) -> str:
    return unicodedata.decomposition(character)


def _outcome(character: str) -> str:
    """What a character between two letters comes to."""
    try:
        text = transcript(f"a{character}b", annotations="keep")
    except InputError as error:
        return "refused: " + re.sub(r".*has (\w+).*", r"\1", error.what, flags=re.DOTALL)
    return {"ab": "vanishes", "a b": "space"}.get(text, "letters")


def test_every_character_of_unicode_follows_the_documented_table():
    """By category: no character joins words, adds a word or is lost without a rule for it."""
    wrong = []
    for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE01F0)):
        character = chr(code)
        category = unicodedata.category(character)
        if category in ("Cn", "Co", "Cs"):
            continue
        outcome = _outcome(character)
        if character in APOSTROPHES:
            allowed = ("vanishes",)
        elif character in WORD_BREAKS:
            allowed = ("space", "refused: symbols")
        elif category in ("Cf", "Mn", "Me"):
            # marks that are letters of their own in Unicode's decomposition (Greek iota below)
            allowed = ("vanishes", "refused: letters", "refused: symbols")
        elif category in ("Zs", "Zl", "Zp", "Cc"):
            allowed = ("space",)
        elif category[0] == "N" or character.isnumeric():
            allowed = ("refused: digits",)
        elif category in ("Sc", "So", "Sm") or character in SPOKEN:
            allowed = ("refused: symbols", "refused: digits", "refused: letters")
            if character in "*<>":  # annotations, whose words are kept here
                allowed = ("space",)
        elif category[0] in "LM":
            allowed = ("letters", "refused: letters", "refused: digits", "refused: symbols")
            if category == "Lm" or category[0] == "M" or "<isolated>" in _parts(character):
                allowed += ("vanishes", "space")
        else:  # punctuation and modifier symbols
            allowed = ("space", "refused: symbols", "vanishes")
        if outcome not in allowed:
            wrong.append(f"U+{code:04X} {category}: {outcome}")
    assert not wrong, wrong[:20]


@pytest.mark.parametrize("apostrophe", [*APOSTROPHES])
def test_apostrophes_of_every_kind_vanish(apostrophe):
    assert transcript(f"don{apostrophe}t") == "dont"


@pytest.mark.parametrize("raw", ["cola\u2122", "n\u00ba one", "\u24d0b", "\u338f", "a\u00aeb"])
def test_letters_set_apart_are_no_letters(raw):
    with pytest.raises(InputError, match="symbols"):
        transcript(raw)
