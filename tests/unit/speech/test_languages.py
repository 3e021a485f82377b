"""Languages: how each is spelled, its sentences, its corpora."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.contract.alphabet import ENGLISH, problem
from harness.errors import InputError
from harness.speech import CorpusSpec, build_corpus, build_pretraining_corpus, load_manifest
from harness.speech.audio import SAMPLE_RATE
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.languages import _problem as problem_of_one_more
from harness.speech.languages import alphabet_of, language, languages, named_alphabet
from harness.speech.languages.grammar import LONGEST
from harness.speech.sources import find_sources
from harness.speech.text import PLAIN, folded, normalise_text, transcript
from harness.speech.worker import Synthesiser

CODES = ("de", "en", "es", "fr", "it", "nl")


def test_six_languages_each_in_a_file():
    assert tuple(languages()) == CODES
    assert {code: each.code for code, each in languages().items()} == {c: c for c in CODES}


@pytest.mark.parametrize("code", CODES)
def test_a_language_passes_what_is_asked_of_a_plug_in(code):
    assert problem_of_one_more(language(code), []) == ""
    assert problem(language(code).alphabet) == ""
    speakers = language(code).speakers
    assert list(speakers) == [f"{code}-male", f"{code}-female"]


EXAMPLES = [
    (
        "it",
        "L\u2019uomo disse: 'Perche\u0301 no?'",
        "l'uomo disse perché no",
        "l uomo disse perche no",
    ),
    ("it", "un po' d'ACQUA, CITTÀ", "un po d'acqua città", "un po d acqua citta"),
    ("it", "naïve Straße", "naive strasse", "naive strasse"),
    ("fr", "Aujourd'hui, L'ŒUF : « cœur »", "aujourd'hui l'œuf cœur", "aujourd hui l oeuf coeur"),
    ("fr", "DÉJÀ-VU, ça", "déjà vu ça", "deja vu ca"),
    ("de", "STRA\u1e9eE, Straße, Über", "straße straße über", "strasse strasse ueber"),
    ("de", "Café don't", "cafe dont", "cafe dont"),
    ("es", "¿Mañana, PINGÜINO?", "mañana pingüino", "manana pinguino"),
    ("nl", "Eén \u0133skoud idee\u0308", "eén ijskoud ideë", "een ijskoud idee"),
    ("en", "Café don't", "cafe dont", "cafe dont"),
]


@pytest.mark.parametrize(("code", "written", "kept", "plain"), EXAMPLES)
def test_spelling(code, written, kept, plain):
    spelling = language(code).spelling
    assert transcript(written, spelling=spelling) == kept
    assert folded(kept, spelling) == plain


def test_the_manual_tells_the_truth():
    manual = (Path(__file__).parents[3] / "docs" / "languages.md").read_text()
    table = manual.split("| | written | `kept` | `folded` |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    assert len(rows) == 6
    codes = {each.name: each.code for each in languages().values()}
    for name, written, kept, plain in rows:
        spelling = language(codes[name]).spelling
        normal = normalise_text(written, spelling)
        assert (normal, folded(normal, spelling)) == (kept, plain)


@pytest.mark.parametrize("code", CODES)
@given(text=st.text(max_size=40))
def test_spelled_text_is_in_the_alphabet_and_stays(code, text):
    own = language(code)
    normal = normalise_text(text, own.spelling)
    assert set(normal) <= set(own.alphabet)
    assert normal == normalise_text(normal, own.spelling) == " ".join(normal.split())
    plain = folded(normal, own.spelling)
    assert set(plain) <= set(ENGLISH)
    assert plain == " ".join(plain.split())


@pytest.mark.parametrize(
    ("code", "written", "message", "hint"),
    [
        ("it", "21 case", "digits", '"ventuno", not "21"'),
        ("de", "5 %", "digits", "einundzwanzig"),
        ("fr", "cœur \u0430", "CYRILLIC", "œ"),
    ],
)
def test_what_is_refused_is_told_in_its_language(code, written, message, hint):
    with pytest.raises(InputError, match=message) as refused:
        transcript(written, "x:1", spelling=language(code).spelling)
    assert hint in refused.value.hint


def test_without_letters_of_its_own_a_language_is_spelled_as_ever():
    assert language("en").spelling == PLAIN


@pytest.mark.parametrize("code", CODES)
def test_sentences(code):
    grammar = language(code).grammar
    train, validation = (
        list(itertools.islice(grammar.sentences(split, 3), 60)) for split in ("train", "validation")
    )
    assert len({*train, *validation}) == 120
    assert train == list(itertools.islice(grammar.sentences("train", 3), 60))
    assert max(map(len, train)) <= LONGEST
    assert {word for text in train for word in text.split()} <= grammar.words
    assert len(grammar.words) > 100


def test_alphabets_by_name():
    assert alphabet_of(["en"]) == ENGLISH
    assert alphabet_of(["it", "de"]) == alphabet_of(["de", "it", "en"]) != alphabet_of(["de"])
    assert named_alphabet("it") == language("it").alphabet
    assert named_alphabet(" abé") == " abé"
    for words, message in (("it+xx", "no language 'xx'"), (" aa", "'a' twice")):
        with pytest.raises(InputError, match=message):
            named_alphabet(words, "--alphabet")


def test_every_voice_speaks():
    with Synthesiser() as speak:
        for each in languages().values():
            bases = [replace(s, voice=v.name) for s in each.speakers.values() for v in each.voices]
            for speaker in bases[: len(each.voices)]:
                text = next(each.grammar.sentences("train", 0))
                assert len(speak.synthesise(text, speaker)) > SAMPLE_RATE / 2


def test_a_corpus_of_a_language(tmp_path):
    spec = CorpusSpec(("fr-female",), 2, 1, language="fr", name="speech/fr")
    corpus = build_corpus(spec, tmp_path)
    assert (corpus.name, corpus.languages, len(corpus.utterances)) == ("speech/fr", ("fr",), 3)
    assert {u.accent for u in corpus.utterances} == {"French"}
    lines = [json.loads(line) for line in corpus.manifest.read_text().splitlines()]
    assert {line["language"] for line in lines} == {"fr"}
    plain = corpus.spelled("folded")
    assert corpus.spelled("kept") is corpus
    assert plain.sha256 == corpus.sha256
    for utterance, other in zip(corpus.utterances, plain.utterances, strict=True):
        assert other.text == folded(utterance.text, language("fr").spelling)
    mixed = build_pretraining_corpus(2, 1, tmp_path, validation=1, code="fr")
    assert {u.language for u in mixed.utterances} == {"fr"}
    assert not {u.speaker for u in mixed.utterances} & set(language("fr").speakers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "xx"}, "no language 'xx'"),
        ({"speakers": ("uk-female",)}, "unknown speaker 'uk-female'"),
        ({"style": "wide"}, "no wide sentences in Italian"),
    ],
)
def test_no_such_corpus(tmp_path, change, message):
    spec = CorpusSpec(("it-male",), 1, 1, language="it")
    with pytest.raises(InputError, match=message) as refused:
        build_corpus(replace(spec, **change), tmp_path)
    assert refused.value.hint


def test_recordings_of_a_language(tmp_path):
    spec = CorpusSpec(("de-male",), 2, 2, language="de", seed=5)
    spoken = build_corpus(spec, tmp_path / "cache")
    table = tmp_path / "in" / "list.tsv"
    table.parent.mkdir()
    rows = ["file\ttext"]
    for utterance in spoken.utterances:
        (table.parent / utterance.audio.name).write_bytes(utterance.audio.read_bytes())
        rows.append(f"{utterance.audio.name}\t{utterance.text.upper()}")
    table.write_text("\n".join(rows))
    fits = []
    options = ImportOptions(language="de", fits=lambda _, text: fits.append(text))
    sources = find_sources(table.parent, "folder")
    corpus = import_recordings(sources, tmp_path / "out", options).corpus
    # capitals lose the sharp s: SS is ss
    texts = {utterance.text.replace("ß", "ss") for utterance in spoken.utterances}
    assert {utterance.text for utterance in corpus.utterances} == texts
    assert corpus.languages == ("de",)
    assert all(set(text) <= set(ENGLISH) for text in fits)


def test_a_manifest_of_an_unknown_language(tmp_path):
    corpus = build_corpus(CorpusSpec(("it-male",), 1, 1, language="it"), tmp_path)
    for value, message in (('"xx"', "no language 'xx'"), ("3", "language is not a str")):
        path = tmp_path / "other.jsonl"
        path.write_text(corpus.manifest.read_text().replace('"it"', value))
        with pytest.raises(InputError, match=f"other.jsonl.*1.*{message}"):
            load_manifest(path)


def test_plug_ins_group():
    assert plugins.LANGUAGES in plugins.GROUPS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "there is 'it' already"),
        ({"code": "X1"}, "is no code"),
        ({"code": "xx", "spelling": PLAIN}, "which is spelled"),
    ],
)
def test_no_language(change, message):
    candidate = replace(language("it"), **change)
    assert message in problem_of_one_more(candidate, list(languages().values()))
    assert "is no Language" in problem_of_one_more("it", [])
