"""A list of rare words is checked against what is listened to, before a phone is looked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.errors import InputError
from harness.lab.planning.rare_words import check_rare_words
from harness.metrics.rare_words import Vocabulary
from harness.results.store import RunFolder
from harness.results.word_list import read_words, words_of, write_words
from harness.scenario import expand_jobs, load_scenario

SPEECH = {
    "train": {"t1": "the boat went out", "t2": "the fog", "t3": "the boat"},
    "validation": {"v1": "the boat went", "v2": "the zebra"},
}
HEARD_OF_OTHERS = ("the ocelot",)


class Materials:
    def utterances(self, data, rounds, number, split):
        return [
            SimpleNamespace(speaker="s", id=name, text=text) for name, text in SPEECH[split].items()
        ]

    def others(self, job):
        said = [SimpleNamespace(text=text) for text in HEARD_OF_OTHERS]
        return [SimpleNamespace(validation=said)]


SPEC = SimpleNamespace(content=SimpleNamespace(federated=None))
JOBS = [SimpleNamespace(speech=("data", 1, 1), spec=SPEC) for _ in range(2)]


def check(tmp_path, rare, words=None):
    if words is not None:
        (tmp_path / "w.txt").write_text(words)
        rare = f"{rare}, words: w.txt"
    file = tmp_path / "s.yaml"
    file.write_text(f"name: s\nmodel: ds2-mini\nreport:\n  rare_words: {{{rare}}}\n")
    return check_rare_words(load_scenario(file), Materials(), JOBS)


@pytest.mark.parametrize("rare", ["vocabulary_rank: 2", "max_count: 1", "max_count: 0"])
def test_training_sentences_that_tell_them_apart(tmp_path, rare):
    assert check(tmp_path, rare) is None


def test_a_list_is_kept_for_the_run(tmp_path):
    words = check(tmp_path, "vocabulary_rank: 2", "boat\t3\nThe\t9\nit's\t1\nits\t1\n")
    assert words == Vocabulary(("the", "boat", "its"), (9, 3, 2))
    folder = RunFolder(tmp_path)
    write_words(folder, words)
    assert words_of(folder, set()) == words
    write_words(folder, Vocabulary(("b", "a")))
    assert words_of(folder, set()) == Vocabulary(("b", "a"))


def test_letters_are_kept_where_they_are_said(tmp_path):
    file = tmp_path / "w.txt"
    file.write_text("Über\t2\nÄpfel\t1\n", encoding="utf-8-sig")
    assert read_words(file, {"über"}).words == ("über", "apfel")


@pytest.mark.parametrize(
    ("rare", "words", "message"),
    [
        ("vocabulary_rank: 9", "the\nboat\nwent\nzebra\nocelot\n", "no word of the 5"),
        ("max_count: 3", None, "all of the 5 words"),
        ("max_count: 3", "ciao 1\nbuono 2\n", "none of the 2 words of w.txt is said"),
        ("max_count: 3", "the\n", "the list of words has none"),
        ("max_count: 3", "the boat went\n", "w.txt:1: is no list of words"),
        ("max_count: 3", "the 3\nboat x\n", "w.txt:2: is no list of words"),
        ("max_count: 3", "the 3\nboat\n", "w.txt:2: is no list of words"),
        ("max_count: 3", " \n", "has no word"),
        ("max_count: 3, words: nowhere.txt", None, "nowhere.txt: cannot be read"),
        ("max_count: 3, words: .", None, "cannot be read"),
    ],
)
def test_refused(tmp_path, rare, words, message):
    with pytest.raises(InputError, match=r"s\.yaml:4: report.rare_words") as raised:
        check(tmp_path, rare, words)
    assert message in str(raised.value)


def test_no_text(tmp_path):
    (tmp_path / "w.txt").write_bytes(b"\xff\xfe\x00the")
    with pytest.raises(InputError, match="UTF-8"):
        check(tmp_path, "max_count: 3, words: w.txt")


@pytest.mark.parametrize("asked", ["{rare_words: {max_count: 0}}", "{characters: true}"])
@pytest.mark.parametrize("told", [False, True])
def test_what_stays_on_the_phones_cannot_be_counted(tmp_path, asked, told):
    file = tmp_path / "s.yaml"
    federated = f"{{rounds: 1, hypotheses: {str(told).lower()}}}"
    file.write_text(f"name: s\nmodel: ds2-mini\nfederated: {federated}\nreport: {asked}\n")
    loaded = load_scenario(file)
    jobs = [SimpleNamespace(speech=("data", 1, 1), spec=spec) for spec in expand_jobs(loaded)]
    assert jobs
    if told:
        assert check_rare_words(loaded, Materials(), jobs) is None
        return
    with pytest.raises(InputError, match=r"s\.yaml:4: report: what is heard stays"):
        check_rare_words(loaded, Materials(), jobs)


def test_without_rare_words_nothing_is_read(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("name: s\nmodel: ds2-mini\nreport: {characters: true}\n")
    assert check_rare_words(load_scenario(file), None, JOBS) is None
