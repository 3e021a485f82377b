"""Speech that can be made again: the same bytes, disjoint sentences, nothing made twice."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.speech import SPEAKERS, CorpusSpec, build_corpus, load_manifest, normalise_text
from harness.speech import corpus as corpus_module
from harness.speech.sentences import sentences, split_of
from harness.speech.speakers import Speaker, pretraining_speakers
from harness.speech.synthesis import SynthesisError
from harness.speech.worker import Synthesiser

SMALL = CorpusSpec(speakers=("us-male", "ind-female"), train=3, validation=2, rounds=2)


def test_the_same_text_gives_the_same_bytes_in_any_order_and_process():
    texts = ["the old man", "a green apple", "the king"]
    voices = list(SPEAKERS.values())
    with Synthesiser() as one:
        first = {(t, v.name): one.synthesise(t, v).tobytes() for v in voices for t in texts}
    with Synthesiser() as other:
        for text, voice in itertools.product(reversed(texts), reversed(voices)):
            assert other.synthesise(text, voice).tobytes() == first[text, voice.name]
    assert len(set(first.values())) == len(texts) * len(voices)


def test_pretraining_voices_are_not_the_speakers():
    assert not {s.voice for s in pretraining_speakers()} & {s.voice for s in SPEAKERS.values()}


def test_an_unknown_voice_is_said():
    with Synthesiser() as speak, pytest.raises(SynthesisError, match="nobody"):
        speak.synthesise("hello", Speaker("x", "US", "nobody"))


@given(st.integers(0, 10**6))
def test_train_and_validation_sentences_are_disjoint_whatever_the_seed(seed):
    train = set(itertools.islice(sentences("train", seed), 40))
    other = set(itertools.islice(sentences("validation", seed + 1), 40))
    assert len(train) == len(other) == 40
    assert not train & other
    assert {split_of(text) for text in train} == {"train"}


def test_some_validation_words_are_derived_from_training_roots():
    train = {w for s in itertools.islice(sentences("train", 1), 300) for w in s.split()}
    heard = [w for s in itertools.islice(sentences("validation", 1), 100) for w in s.split()]
    derived = {w for w in heard if w not in train and w.endswith(("s", "ing"))}
    assert derived
    assert all(len(text) <= 90 for text in itertools.islice(sentences("validation", 2), 300))


@given(st.text(max_size=60))
def test_normalised_text_is_in_the_alphabet_and_stays(text):
    normal = normalise_text(text)
    assert set(normal) <= set(" abcdefghijklmnopqrstuvwxyz")
    assert normal == normalise_text(normal) == " ".join(normal.split())


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("Don't stop!", "dont stop"),
        ("Café  déjà-vu", "cafe deja vu"),
        ("42 cars", "cars"),
        ("\tA\n b", "a b"),
    ],
)
def test_normalisation(raw, normal):
    assert normalise_text(raw) == normal


def test_a_corpus_is_complete_and_its_rounds_are_disjoint(tmp_path):
    told = []
    corpus = build_corpus(SMALL, tmp_path, lambda done, total: told.append((done, total)))
    assert told[-1] == (20, 20)
    for speaker in SMALL.speakers:
        parts = [
            [u.text for u in corpus.select(speaker, split, round_)]
            for split in ("train", "validation")
            for round_ in (1, 2)
        ]
        assert [len(part) for part in parts] == [3, 3, 2, 2]
        assert len(set(itertools.chain(*parts))) == 10
    for utterance in corpus.utterances:
        with wave.open(str(utterance.audio)) as wav:
            assert wav.getparams()[:3] == (1, 2, 16_000)
            assert wav.getnframes() / 16_000 == pytest.approx(utterance.duration_s, abs=1e-3)
        assert 1.2 <= utterance.duration_s <= 4.9


def test_full_style_is_as_long_as_the_papers(tmp_path):
    corpus = build_corpus(
        CorpusSpec(speakers=("uk-male",), train=2, validation=1, style="full"), tmp_path
    )
    assert all(9 <= u.duration_s <= 12 and len(u.text) <= 180 for u in corpus.utterances)


def test_a_second_build_speaks_nothing(tmp_path, monkeypatch):
    first = build_corpus(SMALL, tmp_path)

    def fail(*_: object) -> None:
        raise AssertionError("spoke again")

    monkeypatch.setattr(corpus_module, "Synthesiser", fail)
    assert build_corpus(SMALL, tmp_path) == first


def test_a_build_killed_in_the_middle_goes_on(tmp_path):
    whole = build_corpus(SMALL, tmp_path / "whole")

    class PowerCut(BaseException):
        pass

    def cut(done: int, _total: int) -> None:
        if done == 7:
            raise PowerCut

    with pytest.raises(PowerCut):
        build_corpus(SMALL, tmp_path / "cut", cut)
    assert not list((tmp_path / "cut").glob("*.jsonl"))
    again = build_corpus(SMALL, tmp_path / "cut")
    assert again.sha256 == whole.sha256
    assert [u.sha256 for u in again.utterances] == [u.sha256 for u in whole.utterances]


def test_an_unknown_speaker_is_said(tmp_path):
    with pytest.raises(InputError, match="us-male"):
        build_corpus(CorpusSpec(speakers=("nobody",)), tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": "a"}', "lacks 'audio'"),
        (json.dumps({"round": "1"}), "lacks 'id'"),
    ],
)
def test_a_bad_manifest_names_its_line(tmp_path, line, said):
    good = build_corpus(CorpusSpec(speakers=("us-male",), train=1, validation=1), tmp_path)
    path = tmp_path / "mine.jsonl"
    path.write_text(good.manifest.read_text() + line + "\n")
    with pytest.raises(InputError, match=r"mine\.jsonl:3: " + said):
        load_manifest(path)


def test_speaking_needs_no_other_part_of_the_harness():
    code = "import harness.speech, sys; print([m for m in sys.modules if m.startswith('harness.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = eval(out.stdout)
    assert all(m.startswith(("harness.speech", "harness.errors")) for m in modules)
