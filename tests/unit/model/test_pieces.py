"""Pieces of words: what is learnt, how texts are taken apart, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.targets import Targets, problem
from harness.errors import InputError
from harness.model.conformer.configuration import MINI
from harness.model.pieces import Pieces, learn

sentencepiece = pytest.importorskip("sentencepiece", reason="needs the extra [model]")

TEXTS = [
    f"{who} {does} the {what} {where}"
    for who in ("she", "the teacher", "every child", "nobody")
    for does in ("sees", "sings to", "is reading", "whistles at")
    for what in ("thing", "other singer", "rest", "queen")
    for where in ("here", "in the garden", "again and again")
]


def test_what_is_learnt_is_a_list_in_order():
    pieces = learn(TEXTS, 60)
    assert len(pieces) == 60
    assert not problem(MINI.alphabet, pieces)
    assert pieces[0] in (" t", "th", "he", "er", "in")
    assert any(len(piece) > 3 and piece.startswith(" ") for piece in pieces)
    assert learn(TEXTS, 60) == pieces


def test_spaces_beside_each_other_make_no_piece():
    spaced = [text.replace(" ", "   ") for text in TEXTS]
    assert learn(spaced, 60) == learn(TEXTS, 60)


def test_texts_are_taken_apart_as_by_sentencepiece():
    """With the model that the pieces were learnt into, of texts that it has not seen, too."""
    count, characters = 60, len(set("".join(TEXTS)))
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=made,
        model_type="bpe",
        vocab_size=characters + count + 1,
        character_coverage=1.0,
        normalization_rule_name="identity",
        bos_id=-1,
        eos_id=-1,
        minloglevel=2,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    ours = Targets(MINI.alphabet, 0, learn(TEXTS, count))
    for text in (*TEXTS, "the singing queen", "then she rested", "inherit everything", "ee sings"):
        labels = ours.labels(text)
        parts = (*ours.alphabet, *ours.pieces)
        pieces = [parts[label - 1].replace(" ", "\u2581") for label in labels]
        assert pieces == theirs.encode(text, out_type=str)
        assert ours.text(labels) == text
        assert len(labels) < len(text)


def test_more_pieces_than_there_are_say_how_many_there_are():
    with pytest.raises(InputError, match="do not have 5000 pieces") as error:
        learn(TEXTS, 5000)
    most = int(error.value.hint.split()[-1].rstrip("."))
    assert len(learn(TEXTS, most)) == most


@pytest.mark.parametrize("words", ["0", "-3", "many", "1.5"])
def test_what_is_no_number_and_no_model(words: str):
    with pytest.raises(InputError, match="no number above 0 and no model folder"):
        Pieces.of(words)


def test_of_a_model_that_writes_characters_there_are_none_to_take():
    with pytest.raises(InputError, match="writes characters"):
        Pieces.of("models/conformer-mini").taken_by(MINI)


def test_pieces_widen_what_writes_and_leave_the_encoder():
    config = replace(MINI, word_pieces=("th", "the", " the"))
    assert config.outputs == MINI.outputs + 3
    assert config.describe().in_words == "a-z in 3 pieces"
    assert config.encoder_layers() == MINI.encoder_layers()
    assert not list(config.problems())
    wrong = replace(MINI, word_pieces=("the",))
    assert [each.location for each in wrong.problems()] == [("word_pieces",)]


def test_weights_of_a_model_that_writes_otherwise_are_refused():
    from harness.model.pretraining.start import Init, read_start

    config = replace(MINI, word_pieces=("th",))
    init = Init.of("models/conformer-mini")
    with pytest.raises(InputError, match=r"writes a-z, and .* is to write a-z in 1 pieces"):
        read_start(init, config)
    start = read_start(Init.of("encoder:models/conformer-mini"), config)
    assert start.fresh == ("Head1", "Head2", "Head3")


def test_a_file_of_sizes_may_list_them(tmp_path: Path):
    from harness.model.config_file import load_network

    path = tmp_path / "mine.yaml"
    path.write_text("base: conformer-mini\nword_pieces: [th, the]\n", encoding="utf-8")
    assert load_network(path).describe().pieces == ("th", "the")
    path.write_text("base: conformer-mini\nword_pieces: [the]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.yaml:2.*which no two before it make"):
        load_network(path)
