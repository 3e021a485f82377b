"""Recipes of transfer learning: corpora with weights, what begins from which weights, lineage."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.errors import InputError
from harness.model.conformer.configuration import PRESETS as CONFORMERS
from harness.model.deepspeech2.configuration import MINI_EE, TINY
from harness.model.initial import initial_weights
from harness.model.pretraining.beginning import read_beginning
from harness.model.pretraining.mixture import Mixture, Share, rows_of_epoch
from harness.model.pretraining.start import Init, read_start
from harness.model.speech import Asked, gathered
from harness.paths import data_root
from harness.speech import Corpus, CorpusSpec, build_corpus
from harness.speech.languages import alphabet_of
from harness.trainer.lineage import Begun, Stage
from harness.trainer.manifest import describe_file, load_manifest, manifest_of, save_manifest

ITALIAN = replace(TINY, name="ds2-it", alphabet=alphabet_of(["it"]))
SHIPPED = data_root() / "models" / "ds2-tiny"


# -- weights ----------------------------------------------------------------------------------


@pytest.fixture
def baseline(tmp_path) -> Path:
    """The folder of a model of ``TINY`` with a checkpoint, and with a training."""
    folder = tmp_path / "baseline"
    shutil.copytree(SHIPPED, folder)
    np.savez(folder / "baseline.npz", **initial_weights(TINY, 3))
    manifest = load_manifest(folder)
    stage = Stage(network="ds2-tiny", alphabet=TINY.alphabet, command="first", date="2026-11-30")
    provenance = manifest.provenance.model_copy(update={"lineage": (stage,)})
    entry = describe_file(folder / "baseline.npz")
    save_manifest(
        manifest.model_copy(update={"checkpoint": entry, "provenance": provenance}), folder
    )
    return folder


@pytest.mark.parametrize(
    ("words", "init"),
    [
        ("a/b.npz", Init(Path("a/b.npz"))),
        ("all:a/b", Init(Path("a/b"))),
        ("encoder:a:b", Init(Path("a:b"), "encoder")),
        ("layers:CONV1, BLSTM1:a", Init(Path("a"), "layers", ("CONV1", "BLSTM1"))),
        ("c:b.npz", Init(Path("c:b.npz"))),
    ],
)
def test_what_init_says(words, init):
    assert Init.of(words) == init


@pytest.mark.parametrize("words", ["encoder:", "layers:a.npz", "layers::a.npz", "all:"])
def test_what_init_cannot_say(words):
    with pytest.raises(InputError, match="cannot read") as refused:
        Init.of(words)
    assert "layers:NAME,NAME:FILE" in refused.value.hint


def test_an_encoder_is_what_another_alphabet_leaves_as_it_is():
    names = TINY.describe().layer_names
    assert TINY.encoder_layers() == names[:-1]
    heads = {name for exit_ in MINI_EE.exits() for name in exit_.head} - {"FC1"}
    assert set(MINI_EE.describe().layer_names) - set(MINI_EE.encoder_layers()) == heads
    conformer = CONFORMERS[0].describe()
    assert conformer.trunk == CONFORMERS[0].encoder_layers()


def test_an_encoder_goes_to_another_alphabet(baseline):
    start = read_start(Init(baseline, "encoder"), ITALIAN)
    assert start.fresh == ("FC2",)
    assert start.taken == TINY.encoder_layers()
    assert not [name for name in start.weights if name.startswith("fc2")]
    assert start.identity == f"encoder:{start.sha256}"
    assert start.recorded == Begun(
        part="encoder",
        layers=start.taken,
        fresh=("FC2",),
        file="baseline.npz",
        sha256=describe_file(baseline / "baseline.npz").sha256,
        network="ds2-tiny",
    )


def test_all_of_it_goes_to_the_same_alphabet_only(baseline, tmp_path):
    start = read_start(Init(baseline), TINY)
    assert (start.fresh, start.unused, start.identity) == ((), 0, start.sha256)
    with pytest.raises(
        InputError, match=r"writes a-z, and ds2-it is to write a-z and '"
    ) as refused:
        read_start(Init(baseline), ITALIAN)
    assert f"--init encoder:{baseline}" in refused.value.hint
    # as many letters, and others
    other = replace(TINY, alphabet=TINY.alphabet.replace("z", "ß"))
    with pytest.raises(InputError, match="is to write"):
        read_start(Init(baseline / "baseline.npz"), other)
    # where nothing says what the weights' letters are, sizes tell
    alone = tmp_path / "alone.npz"
    shutil.copy(baseline / "baseline.npz", alone)
    with pytest.raises(InputError, match="fc2_kernel has shape") as refused:
        read_start(Init(alone), ITALIAN)
    assert "encoder:FILE" in refused.value.hint
    assert read_start(Init(alone), other).manifest is None


def test_some_layers(baseline):
    start = read_start(Init(baseline, "layers", ("CONV1", "BLSTM1")), ITALIAN)
    assert start.taken == ("CONV1", "BLSTM1")
    assert start.identity == f"layers:CONV1,BLSTM1:{start.sha256}"
    with pytest.raises(InputError, match="no layer 'conv1'") as refused:
        read_start(Init(baseline, "layers", ("conv1",)), ITALIAN)
    assert "CONV1, CONV2" in refused.value.hint
    few = {n: v for n, v in initial_weights(TINY, 3).items() if not n.startswith("conv2")}
    np.savez(baseline / "few.npz", **few)
    with pytest.raises(InputError, match="no weight of CONV2"):
        read_start(Init(baseline / "few.npz", "layers", ("CONV1", "CONV2")), TINY)


def test_one_baseline_with_the_encoder_of_another(baseline, tmp_path):
    """The paper's recipe B: trained on the target, then another encoder."""
    other = initial_weights(TINY, 4)
    np.savez(tmp_path / "other.npz", **other)
    inits = [Init(baseline), Init(tmp_path / "other.npz", "encoder")]
    beginning = read_beginning(inits, TINY)
    assert [begun.fresh for begun in beginning.recorded] == [(), ()]  # FC2 is the first one's
    assert "at random" not in beginning.words
    alone = read_beginning([inits[1], Init(baseline, "layers", ("CONV1",))], TINY)
    assert [begun.fresh for begun in alone.recorded] == [(), ("FC2",)]
    own = initial_weights(TINY, 3)
    for name, value in beginning.weights.items():
        assert np.array_equal(value, (own if name.startswith("fc2") else other)[name]), name
    assert [begun.part for begun in beginning.recorded] == ["all", "encoder"]
    assert [stage.command for stage in beginning.lineage] == ["first"]
    assert beginning.identity.count("+") == 1
    assert read_beginning(inits[:1], TINY).identity == read_start(inits[0], TINY).identity
    assert read_beginning([], TINY) is None


def test_whose_a_file_is(baseline, tmp_path):
    assert manifest_of(baseline / "baseline.npz") == load_manifest(baseline)
    np.savez(baseline / "other.npz", x=np.zeros(1))
    assert manifest_of(baseline / "other.npz") is None
    assert manifest_of(tmp_path / "no.npz") is None


def test_older_manifests_have_a_lineage_of_what_they_say():
    (stage,) = load_manifest(data_root() / "models" / "ds2-mini").lineage
    assert stage.network == "ds2-mini"
    assert stage.command.startswith("harness model pretrain ds2-mini")
    assert stage.steps
    assert stage.weights_sha256
    assert "synthetic US voices" in stage.words
    assert load_manifest(SHIPPED).lineage == ()


# -- corpora ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "sizes"),
    [((1, 1), (6, 4)), ((2, 1), (12, 4)), ((0.5, 1.25), (3, 5)), ((0.01, 3), (1, 12))],
)
def test_weights_say_how_often_an_utterance_is_heard(weights, sizes):
    epochs = [rows_of_epoch((6, 4), weights, 7, epoch) for epoch in range(40)]
    for rows in epochs:
        assert sum(row < 6 for row in rows) == sizes[0]
        assert len(rows) == sum(sizes)
        assert set(rows) <= set(range(10))
    assert epochs[3] == rows_of_epoch((6, 4), weights, 7, 3)
    assert {row for rows in epochs for row in rows} == set(range(10))
    for weight, first, size in zip(weights, (0, 6), (6, 4), strict=True):
        counts = [[rows.count(row) for row in range(first, first + size)] for rows in epochs]
        assert {n for row in counts for n in row} <= {math.floor(weight), math.ceil(weight)}


def test_one_corpus_is_trained_on_as_ever():
    assert rows_of_epoch((5,), (1.0,), 1, 3) == [0, 1, 2, 3, 4]


def test_what_makes_a_mixture_another(tmp_path):
    corpora = [
        build_corpus(CorpusSpec((f"{code}-male",), 2, 1, language=code, name=code), tmp_path)
        for code in ("it", "de")
    ]
    english = build_corpus(CorpusSpec(("us-male",), 1, 1), tmp_path)
    assert Mixture.of(english).sha256 == english.sha256
    shares = [Share(corpus) for corpus in corpora]
    mixtures = [
        Mixture.of(english),
        Mixture((Share(english, 2.0),)),
        *(Mixture((shares[0],), accents) for accents in ("kept", "folded")),
        *(Mixture(tuple(shares), accents) for accents in ("kept", "folded")),
        Mixture((shares[0], Share(corpora[1], 0.5))),
    ]
    assert len({mixture.sha256 for mixture in mixtures}) == len(mixtures)
    assert mixtures[4].languages == ("de", "it")
    assert all(u.text.isascii() for u in mixtures[5].utterances)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("us", Asked("us")),
        ("speech/it:0.5", Asked("speech/it", 0.5)),
        ("speech/it@far", Asked("speech/it@far")),
        ("speech/fr:2", Asked("speech/fr", 2.0)),
    ],
)
def test_a_corpus_is_asked_for(words, asked):
    assert Asked.of(words) == asked


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("speech/xx", "no language 'xx'"),
        ("speech/it:0", "'0' is no weight"),
        ("speech/it:nan", "'nan' is no weight"),
        ("speech/it:much", "'much' is no weight"),
        ("nowhere", "no corpus 'nowhere'"),
    ],
)
def test_no_such_corpus(words, message):
    with pytest.raises(InputError, match=message) as refused:
        Asked.of(words)
    assert refused.value.where == "--corpus"
    assert refused.value.hint


def test_speech_is_gathered(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.model.speech.LISTENED", CorpusSpec(train=0, validation=1))
    asked = [Asked("speech/it", 2.0), Asked("speech/it@far")]
    told: list[str] = []
    speech = gathered(
        asked, None, utterances=3, seed=1, accents="folded", cache=tmp_path, said=told.append
    )
    near, far = (share.corpus for share in speech.mixture.shares)
    assert [share.weight for share in speech.mixture.shares] == [2.0, 1.0]
    assert near.sha256 != far.sha256
    (listened,) = speech.listened
    assert set(listened.speakers) == {"it-male", "it-female"}
    assert "synthetic Italian voices" in speech.words
    assert "weight 2" in speech.words
    assert any("Italian" in line for line in told)
    assert isinstance(near, Corpus)
    with pytest.raises(InputError, match="asked for twice"):
        gathered(
            [asked[1], asked[1]],
            None,
            utterances=3,
            seed=1,
            accents="folded",
            cache=tmp_path,
            said=told.append,
        )
