"""The recordings of people that come with the project: whole, cut by speaker, licensed."""

from __future__ import annotations

import csv

import pytest

from harness.errors import InputError
from harness.paths import data_root
from harness.speech import people
from harness.speech.people import people_corpus, people_names

FOLDER = data_root() / "recordings" / "people"
GERMAN = data_root() / "recordings" / "people-de"
SOURCES = (
    data_root() / "recordings/people/SOURCES.md",
    data_root() / "recordings/people-de/SOURCES.md",
)
LISTENED_TO = {"cv01", "librispeech-1688", "librispeech-2033"}


def nothing(_done, _total):
    pass


def test_they_are_imported_once(tmp_path, monkeypatch):
    told = []
    corpus = people_corpus(tmp_path, lambda done, total: told.append((done, total)))
    clips = sorted(path.name for path in (FOLDER / "clips").iterdir())
    assert len(corpus.utterances) == len(clips) == told[-1][1]
    assert set(corpus.speakers) == {*LISTENED_TO, "kathleen", "librispeech-19", "librispeech-26"}
    assert max(utterance.duration_s for utterance in corpus.utterances) < 5.1
    monkeypatch.setattr(people, "import_recordings", None)
    assert people_corpus(tmp_path, nothing).utterances == corpus.utterances


def test_a_cache_that_somebody_cleared_is_filled_again(tmp_path):
    corpus = people_corpus(tmp_path, nothing)
    corpus.utterances[0].audio.unlink()
    again = people_corpus(tmp_path, nothing)
    assert [u.sha256 for u in again.utterances] == [u.sha256 for u in corpus.utterances]
    assert again.utterances[0].audio.is_file()


def test_a_clip_that_is_missing_is_named(tmp_path, monkeypatch):
    root = tmp_path / "data"
    (root / "recordings/people/clips").mkdir(parents=True)
    (root / "recordings/people/people.tsv").write_text("file\ttext\nclips/gone.opus\tone\n")
    monkeypatch.setattr(people, "data_root", lambda: root)
    with pytest.raises(InputError, match=r"gone\.opus"):
        people_corpus(tmp_path / "cache", nothing)


def test_german_keeps_its_letters_until_a_scenario_folds_them(tmp_path):
    assert people_names() == ("people", "people/de")
    corpus = people_corpus(tmp_path, nothing, "people/de")
    assert set(corpus.speakers) == {"kerstin"}
    assert len(corpus.utterances) == len(list((GERMAN / "clips").iterdir())) == 90
    assert {utterance.language for utterance in corpus.utterances} == {"de"}
    letters = set("".join(utterance.text for utterance in corpus.utterances))
    assert set("äöüß") < letters
    folded = corpus.spelled("folded")
    assert set("".join(u.text for u in folded.utterances)) <= set(" abcdefghijklmnopqrstuvwxyz")
    by_id = {utterance.id: utterance.text for utterance in folded.utterances}
    assert "kurfuerstendamm" in " ".join(by_id.values())
    assert max(utterance.duration_s for utterance in corpus.utterances) < 5.1


def rows_of(folder):
    with (folder / "people.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_test_sets_are_only_listened_to_and_nobody_validates_on_what_they_trained_on():
    rows = [*rows_of(FOLDER), *rows_of(GERMAN)]
    trained: dict[str, set[str]] = {}
    for row in rows:
        if row["split"] == "train":
            trained.setdefault(row["speaker"], set()).add(row["text"])
    assert LISTENED_TO.isdisjoint(trained)
    for row in rows:
        if row["split"] == "validation":
            assert row["text"] not in trained.get(row["speaker"], set())


@pytest.mark.parametrize("sources", SOURCES, ids=lambda path: path.parent.name)
def test_each_speaker_has_a_line_in_the_sources(sources):
    lines = [line for line in sources.read_text(encoding="utf-8").splitlines() if "|" in line]
    for speaker in {row["speaker"] for row in rows_of(sources.parent)}:
        (line,) = (line for line in lines if f"| {speaker}" in line or f", {speaker}" in line)
        assert "CC0" in line or "CC BY 4.0" in line or "as above" in line
