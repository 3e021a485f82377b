"""One name for each person, the same each time, and never one for two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.speech.sources import Source, Sources
from harness.speech.speaker_names import person, speaker_name
from harness.speech.spool import Spool

PEOPLE = st.text(min_size=1, max_size=90).filter(lambda raw: any(c.isalnum() for c in raw))


def speaker_names(everybody: Sequence[str]) -> dict[str, str]:
    """Return the names that the recordings of several people get."""
    sources = Sources(Spool())
    for raw in everybody:
        sources.append(Source(Path("x.wav"), "", "", raw, ""))
    return dict(zip(map(person, everybody), (source.speaker for source in sources), strict=True))


@pytest.mark.parametrize(
    ("raw", "beginning"),
    [
        ("Zo\u00eb", "zoe-"),
        ("\u0410\u043d\u043d\u0430 1", "1-"),
        ("\u041c\u0430\u0440\u0438\u044f", "speaker-"),
        ("-x.", "x-"),
        ("a/../b", "a-"),
        ("x" * 61, "x" * 51 + "-"),
    ],
)
def test_what_cannot_be_written_keeps_a_digest(raw, beginning):
    name = speaker_name(raw)
    assert name.startswith(beginning)
    assert re.fullmatch(r"[0-9a-f]{8}", name[-8:])
    assert len(name) <= 60


@given(PEOPLE)
def test_a_name_can_be_a_file_name_and_is_stable(raw):
    name = speaker_name(raw)
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?", name)
    assert name == speaker_name(unicodedata.normalize("NFD", raw))


@given(st.lists(PEOPLE, max_size=12))
def test_two_people_never_have_one_name(everybody):
    names = speaker_names(everybody)
    assert set(names) == {person(raw) for raw in everybody}
    assert len(set(names.values())) == len(names)


def test_names_that_differ_in_case_or_a_space_are_told_apart():
    names = speaker_names(["Anna", "anna", "Bo B", "bo-b"])
    assert names["anna"] == "anna"
    assert names["bo-b"] == "bo-b"
    assert names["Anna"].startswith("anna-")
    assert names["Bo B"].startswith("bo-b-")
    assert speaker_names(["Anna"]) == {"Anna": "anna"}


@pytest.mark.parametrize("raw", ["", " ", "???", "-", "\u200b"])
def test_what_is_no_name(raw):
    with pytest.raises(InputError, match="no name for a speaker"):
        speaker_name(raw)
