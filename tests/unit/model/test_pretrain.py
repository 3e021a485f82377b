"""Pre-training of a very small network: interrupted and taken up to the last bit, and refused."""

import hashlib
import itertools
import json
import os
import shutil
import signal
import wave
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra [model]")
from harness.contract.mobileasr import SUB_MODELS
from harness.errors import InputError
from harness.model import folder, ship
from harness.model.configuration import FeatureSettings
from harness.model.conformer.configuration import MINI_AED
from harness.model.deepspeech2.configuration import TINY, Convolution
from harness.model.initial import initial_weights
from harness.model.pieces import Pieces
from harness.model.pretraining import Augmentation, MinWer, Settings, Silent, loop, pretrain
from harness.model.pretraining.augment import at_speed, hardened
from harness.model.pretraining.beginning import read_beginning
from harness.model.pretraining.data import Clip, Speech, choose, model_info
from harness.model.pretraining.engine import Engine
from harness.model.pretraining.loop import DivergedError
from harness.model.pretraining.mixture import Mixture
from harness.model.pretraining.objective import loss_of
from harness.model.pretraining.progress import Place, Progress
from harness.model.pretraining.start import Init, aim_of, read_start
from harness.model.ship import Pretraining, ship_pretrained
from harness.model.speech import Asked
from harness.paths import data_root
from harness.speech import load_manifest
from harness.trainer.manifest import check_files
from harness.trainer.manifest import load_manifest as load_model
from harness.trainer.measure import Need
from harness.trainer.npz import opened_weights
from tests.fixtures.stairs.configuration import SMALL as STAIRS_SMALL

pytestmark = pytest.mark.tensorflow

SHIPPED = data_root() / "models" / "ds2-tiny"

SMALL = replace(
    TINY,
    max_frames=32,
    max_label=8,
    convolutions=(
        Convolution((3, 3), (2, 4), 4),
        Convolution((3, 3), (1, 2), 4),
        Convolution((3, 3), (1, 2), 4),
    ),
    hidden=4,
    dense=8,
    unroll=2,
)
HARD = Settings(epochs=2, batch_size=2, augmentation=Augmentation(0.1, 8, 4, (0.9, 1.0, 1.1)))


def record(where, n, seconds=0.45, *, rate=16_000, loudness=3000.0, **fields):
    """Write a WAV of noise and return its line of a manifest."""
    samples = np.random.default_rng(n).normal(0, loudness, int(seconds * rate)).astype("<i2")
    path = where / f"{n}.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(samples.tobytes())
    line = {
        "id": str(n),
        "audio": path.name,
        "text": "ab"[n % 2] + " ba"[: n % 4],
        "speaker": f"s{n % 2}",
        "accent": "none",
        "duration_s": len(samples) / rate,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "split": "validation" if n >= 100 else "train",
        "round": 1,
    }
    return line | fields


def manifest(where, lines):
    path = where / "manifest.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def corpus(tmp_path):
    lines = [record(tmp_path, n, 0.3 + 0.02 * n) for n in range(8)]
    return load_manifest(manifest(tmp_path, [*lines, record(tmp_path, 100)]))


class Watching(Silent):
    """Takes notes, and does something at a step."""

    def __init__(self, at=0, act=None):
        self.lines, self.reports, self._at, self._act = [], [], at, act

    def said(self, text):
        self.lines.append(text)

    def stepped(self, report):
        self.reports.append(report)
        if report.step == self._at:
            self._act()


def same(weights, expected):
    if weights.keys() != expected.keys():
        return False
    return all(np.array_equal(value, expected[name]) for name, value in weights.items())


def test_learning_rate_rises_stays_and_falls():
    schedule = Settings(learning_rate=1.0)
    rates = [schedule.rate(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[100:500] == [1.0] * 400
    assert rates[750] == pytest.approx(0.5)
    assert rates[999] == pytest.approx(0.02)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))


class ChainEngine:
    """Stands for the network: its state is a digest of all it was given, in order."""

    device = "cpu"

    def __init__(self, *_, **__):
        self._chain = np.zeros(32, np.uint8)

    def train(self, batch, rate, labels=None):
        parts = [self._chain, np.float64(rate), batch.x, batch.in_len, batch.labels]
        digest = hashlib.sha256(b"".join(value.tobytes() for value in parts)).digest()
        self._chain = np.frombuffer(digest, np.uint8)
        return float(self._chain[0])

    def infer(self, batch, exit_name=None):
        return [np.zeros((1, 28), np.float32)] * batch.rows

    def features(self, pcm):
        frames = (len(pcm) - 512) // 256 + 1
        return np.resize(pcm, (frames, 80)).astype(np.float32)

    def state(self):
        return {"chain": self._chain}

    weights = state

    def set_state(self, state):
        self._chain = state["chain"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_stopped_at_any_step_goes_on_there(tmp_path, corpus, monkeypatch, number):
    monkeypatch.setattr(loop, "Engine", ChainEngine)
    calm = Watching()
    whole = pretrain(SMALL, corpus, tmp_path / "whole", HARD, watcher=calm)
    assert whole.steps == whole.place.step == 8
    assert whole.place.taken_up_after == ()
    before = signal.getsignal(number)
    for step in range(1, 8):
        work = tmp_path / str(step)
        stopped = Watching(step, lambda: os.kill(os.getpid(), number))
        with pytest.raises(KeyboardInterrupt):
            pretrain(SMALL, corpus, work, HARD, watcher=stopped)
        assert signal.getsignal(number) is before
        assert stopped.lines[-1].startswith(f"stopped after step {step}/8")
        rest = Watching()
        again = pretrain(SMALL, corpus, work, HARD, watcher=rest)
        assert rest.lines[0] == f"goes on after step {step}/8"
        assert [r.step for r in rest.reports] == list(range(step + 1, 9))
        assert [r.loss for r in rest.reports] == [r.loss for r in calm.reports[step:]]
        assert again.place.taken_up_after == (step,)
        assert same(again.weights, whole.weights)
        assert len(list(work.iterdir())) == 1  # nothing half-written
    finished = Watching()
    assert same(pretrain(SMALL, corpus, work, HARD, watcher=finished).weights, whole.weights)
    assert finished.lines == ["trained already (8 steps)"]
    assert not finished.reports


def test_a_killed_training_comes_to_the_same_weights(tmp_path, corpus):
    """What lies on disk in the middle of step 5 is what a killed process leaves."""
    settings = replace(HARD, batch_size=4, epochs=3)
    killed = tmp_path / "killed"
    watcher = Watching(5, lambda: shutil.copytree(tmp_path / "whole", killed))
    whole = pretrain(SMALL, corpus, tmp_path / "whole", settings, watcher=watcher, keep_every=3)
    fresh = initial_weights(SMALL, settings.seed)
    assert whole.weights.keys() == fresh.keys()
    for name, value in whole.weights.items():
        assert not np.array_equal(value, fresh[name]), name  # statistics move too
    again = Watching()
    rest = pretrain(SMALL, corpus, killed, settings, watcher=again)
    assert [r.step for r in again.reports] == [5, 6]
    assert same(rest.weights, whole.weights)


def test_other_settings_begin_anew_and_spoilt_progress_is_told(tmp_path):
    place, state = Place(step=3, taken_up_after=(1,)), {"weight.a": np.ones(2, np.float32)}
    progress = Progress(tmp_path, SMALL, "0" * 64, HARD)
    progress.keep(place, state)
    restored = progress.restore()
    assert restored is not None
    assert restored[0] == place
    assert same(restored[1], state)
    for unrelated in (
        Progress(tmp_path, SMALL, "1" * 64, HARD),
        Progress(tmp_path, SMALL, "0" * 64, replace(HARD, seed=2)),
        Progress(tmp_path, replace(SMALL, hidden=8), "0" * 64, HARD),
    ):
        assert unrelated.restore() is None
    progress.path.write_bytes(progress.path.read_bytes()[:50])
    with pytest.raises(InputError, match="kept progress cannot be read"):
        progress.restore()


def test_a_setting_that_came_later_names_no_other_file_while_it_is_at_its_default(tmp_path):
    @dataclass(frozen=True)
    class Later(Settings):
        new: int = 0

    Later.__name__ = "Settings"
    own = {f.name: getattr(HARD, f.name) for f in fields(HARD)}
    before = Progress(tmp_path, SMALL, "0" * 64, HARD).path
    assert Progress(tmp_path, SMALL, "0" * 64, Later(**own)).path == before
    assert Progress(tmp_path, SMALL, "0" * 64, Later(**own, new=1)).path != before
    masked = replace(HARD, augmentation=replace(HARD.augmentation, noise=0.3))
    assert Progress(tmp_path, SMALL, "0" * 64, masked).path != before


class Diverging(ChainEngine):
    """Its loss, or else a weight, is wrong from a step on."""

    wrong, at, in_loss = np.nan, 3, True

    def __init__(self, *_, **__):
        super().__init__()
        self._steps = 0

    def train(self, batch, rate, labels=None):
        loss = super().train(batch, rate, labels)
        self._steps += 1
        return float(self.wrong) if self.in_loss and self._steps >= self.at else loss

    def state(self):
        broken = not self.in_loss and self._steps >= self.at
        return super().state() | {"w": np.float32(self.wrong if broken else 0.0)}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("in_loss", [True, False], ids=["loss", "weight"])
@pytest.mark.parametrize("kept", [0, 2])
def test_a_training_that_diverges_stops_with_what_it_had_before(
    tmp_path, corpus, monkeypatch, wrong, in_loss, kept
):
    engine = type("Engine", (Diverging,), {"wrong": wrong, "in_loss": in_loss})
    monkeypatch.setattr(loop, "Engine", engine)
    watcher = Watching()
    keep_every = kept or (50 if in_loss else 3)
    with pytest.raises(DivergedError, match=r"diverged: .* in step") as stopped:
        pretrain(SMALL, corpus, tmp_path, HARD, keep_every=keep_every, watcher=watcher)
    progress = Progress(tmp_path, SMALL, corpus.sha256, HARD)
    if kept:
        place, state = progress.restore()
        assert place.step == kept
        assert np.isfinite(state["w"])
        assert f"step {kept} is kept in {progress.path}" in str(stopped.value)
    else:
        assert not progress.path.exists()
        assert "no step was kept" in str(stopped.value)
    assert len(watcher.reports) == (2 if in_loss else 3 + (kept == 2))


def test_progress_of_a_training_that_diverged_or_of_another_network_is_refused(tmp_path, corpus):
    settings = replace(HARD, epochs=1)
    progress = Progress(tmp_path, SMALL, corpus.sha256, settings)
    for state in ({"weight.a": np.full(2, np.nan, np.float32)}, {"a": np.ones(2, np.float32)}):
        progress.keep(Place(step=1), state)
        with pytest.raises(InputError, match=r"npz: kept progress cannot be read"):
            pretrain(SMALL, corpus, tmp_path, settings)


@pytest.mark.parametrize("speed", [0.5, 0.83, 0.9, 1.0, 1.1, 2.0])
def test_any_recording_that_fits_trains_at_any_speed(tmp_path, speed):
    """What is slowed down may have less than a hop of samples after its last whole window."""
    info = model_info(SMALL)
    engine = Engine(SMALL, 0)
    settings = replace(HARD, augmentation=Augmentation(0.0, 0, 0, (speed,)))
    speech = Speech(engine, SMALL, settings)
    longest = int(info.max_samples * min(speed, 1.0))
    steps = range(info.hop // 8 - 1, info.hop, info.hop // 8)
    edges = [longest, *(longest + int(step * speed) for step in steps), info.window]
    for n, samples in enumerate(min(edge, info.max_samples) for edge in edges):
        line = record(tmp_path, n, samples / info.sample_rate, text="a")
        (utterance,) = load_manifest(manifest(tmp_path, [line])).utterances
        batch = speech.training_batch([Clip(utterance, samples)], 1, 0)
        assert 1 <= batch.in_len[0] <= info.max_frames
    pcm = np.random.default_rng(1).integers(-9000, 9000, info.max_samples + 1000).astype(np.int16)
    features = engine.features(pcm)
    assert np.array_equal(features, engine.features(pcm[: info.max_samples]))


def test_no_gpu_is_told_before_anything():
    with pytest.raises(InputError, match="sees no GPU"):
        Engine(SMALL, 0, "gpu")


def test_masks_hide_and_are_repeatable():
    features = np.ones((40, 80), np.float32)
    masks = Augmentation(noise=0.0, frequency_mask=8, time_mask=10)
    masked = [hardened(features, masks, np.random.default_rng(n)) for n in range(50)]
    bands = [int((f == 0).all(0).sum()) for f in masked]
    frames = [int((f == 0).all(1).sum()) for f in masked]
    assert set(bands) == set(range(9))
    assert set(frames) == set(range(11))
    assert np.array_equal(masked[7], hardened(features, masks, np.random.default_rng(7)))
    assert np.array_equal(
        hardened(features, Augmentation(0.0, 0, 0), np.random.default_rng(0)), features
    )
    noisy = hardened(features, Augmentation(0.2, 0, 0), np.random.default_rng(0))
    assert np.std(noisy) == pytest.approx(0.2, rel=0.05)


def test_speed_moves_length_and_pitch():
    tone = (9000 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)).astype(np.int16)
    assert at_speed(tone, 1.0, 16_000) is tone
    for speed in (0.9, 1.1):
        moved = at_speed(tone, speed, 16_000)
        assert len(moved) == pytest.approx(16_000 / speed, abs=2)
        peak = np.argmax(np.abs(np.fft.rfft(moved))) * 16_000 / len(moved)
        assert peak == pytest.approx(500 * speed, abs=2)


def test_what_does_not_fit_is_counted(tmp_path):
    lines = [
        record(tmp_path, 0),
        record(tmp_path, 1, 0.6),
        record(tmp_path, 2, 0.02),
        record(tmp_path, 3, text="nine long"),
        record(tmp_path, 4, 0.1, text="aaaa"),
        record(tmp_path, 100),
    ]
    chosen = choose(Mixture.of(load_manifest(manifest(tmp_path, lines))), model_info(SMALL))
    assert [c.utterance.id for c in chosen.train] == ["0"]
    assert [c.utterance.id for c in chosen.validation] == ["100"]
    assert chosen.left_out == {
        "longer than 0.53 s": 1,
        "shorter than 0.032 s": 1,
        "of more than 8 characters": 1,
        "too short for their text": 1,
    }
    path = manifest(tmp_path, [*lines[1:], lines[1] | {"id": "1b"}])
    with pytest.raises(InputError, match=r"no train utterance.*2 longer than 0\.53 s") as caught:
        choose(Mixture.of(load_manifest(path)), model_info(SMALL))
    assert caught.value.where == str(path)


BAD = {
    "empty": (lambda _: [], "lists no utterance", ""),
    "digits": (lambda f: [record(f, 0), record(f, 1, text="4 apples")], "digit", ":2"),
    "letters": (lambda f: [record(f, 0), record(f, 1, text="привет")], "no letters|cannot", ":2"),
    "silence": (lambda f: [record(f, 0, loudness=0.0)], "silent", ":1"),
    "rate": (lambda f: [record(f, 0, rate=8000)], "8000 Hz", ":1"),
    "gone": (lambda f: [record(f, 0, audio="no.wav")], "No such file", ":1"),
    "other": (lambda f: [record(f, 0), record(f, 1, sha256="0" * 64)], "sha256", ":2"),
    "half": (lambda f: [record(f, 0)], "no validation utterance", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_error_and_leaves_nothing(tmp_path, name):
    make, message, line = BAD[name]
    path = manifest(tmp_path, make(tmp_path))
    out, work = tmp_path / "out", tmp_path / "work"
    with pytest.raises(InputError, match=message) as caught:
        ship_pretrained(
            SMALL, out, [1], work, Pretraining(corpora=(Asked(str(path)),)), command="test"
        )
    assert caught.value.where == f"{path}{line}"
    assert not out.exists()
    assert not work.exists()


class TinyEngine(ChainEngine):
    """Learns nothing."""

    def weights(self):
        return initial_weights(TINY, 0)


def test_a_baseline_from_a_manifest(tmp_path, monkeypatch):
    """All stages but steps, conversion and measuring, which have tests of their own."""
    monkeypatch.setattr(loop, "Engine", TinyEngine)
    monkeypatch.setattr(
        folder,
        "convert",
        lambda _config, out, **_: shutil.copy(SHIPPED / "ds2-tiny-b2.tflite", out),
    )
    monkeypatch.setattr(
        folder, "measure_needs", lambda *_, **__: {s: Need(40.0, 20.0, 0.1) for s in SUB_MODELS}
    )
    lines = [record(tmp_path, n, 0.6) for n in range(3)] + [record(tmp_path, 9, 6.0)]
    path = manifest(tmp_path, [*lines, record(tmp_path, 100), record(tmp_path, 101)])
    out, work = tmp_path / "models" / "own", tmp_path / "work"
    out.mkdir(parents=True)
    (out / "ds2-tiny-b7.tflite").touch()
    plan = Pretraining(
        corpora=(Asked(str(path)),),
        others=path,
        settings=Settings(epochs=1, batch_size=4),
        learning_rate=1e-3,
    )
    first = Watching()
    model = ship_pretrained(TINY, out, [2], work, plan, command="by hand", watcher=first)
    assert model == load_model(out)
    check_files(model, out)
    assert sorted(p.name for p in out.iterdir()) == [
        "baseline.npz",
        "ds2-tiny-b2.tflite",
        "manifest.json",
    ]
    assert [p.name for p in out.parent.iterdir()] == ["own"]
    assert "1 of 6 utterances left out: longer than 5.14 s" in first.lines
    assert model.provenance.command == "by hand"
    hours, whose = model.provenance.corpus.removeprefix(f"{tmp_path.name}: ").split(" h of ")
    assert (hours, whose) == ("0.0", "speech by 2 speakers")
    assert model.provenance.corpus_sha256 == load_manifest(path).sha256
    assert set(model.provenance.wer_percent) == {"validation", "s0", "s1"}
    expected = {"utterances": 3, "left_out": 1, "steps": 1, "epochs": 1, "device": "cpu"}
    assert model.provenance.training.items() >= expected.items()
    assert model.provenance.training["taken_up_after_steps"] == "never"
    (stage,) = model.lineage
    assert stage.weights_sha256 == model.checkpoint.sha256
    assert (stage.begun_from, stage.loss, stage.steps, stage.accents) == ((), "ctc", 1, "folded")
    assert stage.corpora[0].name == tmp_path.name
    ((sha256, utterances, weight),) = [(c.sha256, c.utterances, c.weight) for c in stage.corpora]
    assert (sha256, utterances, weight) == (load_manifest(path).sha256, 3, 1.0)

    # what is made from it knows where it comes from
    heir = replace(plan, start=read_beginning([Init(out), Init(out, "encoder")], TINY))
    below = ship_pretrained(TINY, tmp_path / "heir", [2], work, heir, command="again")
    assert [each.command for each in below.lineage] == ["by hand", "again"]
    assert below.lineage[0] == stage
    sha256 = model.checkpoint.sha256
    assert [begun.sha256 for begun in below.lineage[1].begun_from] == [sha256, sha256]
    assert below.provenance.training["begun_from"] == f"{sha256}+encoder:{sha256}"

    second = Watching()
    again = ship_pretrained(TINY, out, [2], work, plan, command="by hand", watcher=second)
    assert "trained already (1 steps)" in second.lines
    assert not second.reports
    assert again == model

    named = replace(plan, name="other", number_format="S1E4M7")
    small = ship_pretrained(TINY, out, [2], work, named, command="by hand")
    assert (small.name, small.files[2].file) == ("other", "other-b2.tflite")
    check_files(small, out)
    assert small.checkpoint.bytes < model.checkpoint.bytes / 2
    with opened_weights(out / "baseline.npz") as packed:
        assert packed.shapes == {n: w.shape for n, w in initial_weights(TINY, 0).items()}
        assert packed.packed("conv1_kernel").coding == "S1E4M7/fn"
        assert packed.packed("blstm1_bias") is None
    assert small.provenance.training == model.provenance.training

    # the same flatbuffers with other weights
    shares = replace(plan, name="sharing", files_of=out)
    beside = out.parent / "sharing"
    sharing = ship_pretrained(TINY, beside, [], work, shares, command="by hand")
    assert sorted(p.name for p in beside.iterdir()) == ["baseline.npz", "manifest.json"]
    check_files(sharing, beside)
    assert sharing.files[2].path(beside).samefile(out / "other-b2.tflite")
    assert (sharing.need_mb, sharing.memory) == (small.need_mb, small.memory)
    assert sharing.provenance.wer_percent == model.provenance.wer_percent
    further = replace(shares, files_of=beside)  # of a model that has them from another
    third = ship_pretrained(TINY, out.parent / "third", [2], work, further, command="by hand")
    assert third.files[2] == sharing.files[2]
    for other, sizes, folder_, message in [
        (TINY, [7], beside, "no file for batch size 7"),
        (TINY, [], tmp_path / "away" / "own", "does not lie beside"),
        (TINY, [], out, "does not lie beside"),
        (replace(TINY, max_label=TINY.max_label + 1), [], beside, "another network than ds2-tiny"),
    ]:
        wrong = replace(shares, files_of=out)
        with pytest.raises(InputError, match=message):
            ship_pretrained(other, folder_, sizes, work, wrong, command="by hand")


def test_word_errors_are_nothing_for_decoders():
    settings = replace(HARD, minwer=MinWer(), begun_from="1" * 64)
    assert loss_of(STAIRS, settings) is not None
    with pytest.raises(InputError, match="has attention decoders"):
        loss_of(ATTENTIVE, settings)


def test_pieces_are_learnt_of_what_is_trained_on(tmp_path, monkeypatch):
    pytest.importorskip("sentencepiece")
    given = []

    def stop(config, *_, **__):
        given.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(ship, "pretrain", stop)
    texts = ["bababa bab", "abba bab", "babab", "b"]
    lines = [record(tmp_path, n, text=text) for n, text in enumerate(texts)]
    path = manifest(tmp_path, [*lines, record(tmp_path, 100, text="zzzz zz zz")])
    plan = Pretraining(corpora=(Asked(str(path)),), others=path, pieces=Pieces.of("4"))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ship_pretrained(TINY, tmp_path / "own", [2], tmp_path / "work", plan, command="")
    learnt, again = given
    assert learnt == again
    assert len(learnt.word_pieces) == 4
    assert "ba" in learnt.word_pieces
    assert "z" not in "".join(learnt.word_pieces)
    assert learnt.outputs == TINY.outputs + 4


STAIRS = replace(STAIRS_SMALL, max_frames=40, max_label=8, features=FeatureSettings())
"""A network with exits whose utterances are those of ``corpus``."""


def test_the_wer_of_every_exit_is_told(corpus, tmp_path):
    watching = Watching()
    made = pretrain(STAIRS, corpus, tmp_path / "work", HARD, watcher=watching)
    exits = STAIRS.describe().exit_names
    assert tuple(made.wer_percent) == exits
    lines = [line for line in watching.lines if line.startswith("epoch")]
    assert len(lines) == HARD.epochs
    assert all(f"{name} " in line for line in lines for name in exits)


def test_rising_weights_are_another_training(corpus, tmp_path):
    work = tmp_path / "work"
    equal = pretrain(STAIRS, corpus, work, HARD)
    rising = pretrain(STAIRS, corpus, work, replace(HARD, loss="rising"))
    assert not same(rising.weights, equal.weights)


def test_a_single_exit_trains_nothing_above_it(corpus, tmp_path):
    network = STAIRS.describe()
    name = network.exit_names[0]
    made = pretrain(STAIRS, corpus, tmp_path / "work", replace(HARD, exit=name))
    first = initial_weights(STAIRS, HARD.seed)
    moved = {n for n, value in made.weights.items() if not np.array_equal(value, first[n])}
    exit_ = network.exit(name)
    trained = {*network.trunk[: exit_.depth], *exit_.head}
    specs = {spec.name: spec for spec in STAIRS.layer_specs()}
    assert moved == {n for layer in trained for n in specs[layer].trained}
    assert tuple(made.wer_percent) == (name,)


ATTENTIVE = replace(
    MINI_AED,
    name="attentive",
    max_frames=32,
    max_label=8,
    width=8,
    heads=2,
    layers=1,
    exits_after=(1,),
    feed_forward=8,
    kernel=3,
    unroll=2,
    word_pieces=("ba", " b", " ba"),
)


def test_decoders_train_beside_heads_and_are_taken_up(corpus, tmp_path):
    settings = replace(HARD, batch_size=4)
    killed = tmp_path / "killed"
    watcher = Watching(3, lambda: shutil.copytree(tmp_path / "whole", killed))
    whole = pretrain(ATTENTIVE, corpus, tmp_path / "whole", settings, keep_every=1, watcher=watcher)
    assert list(whole.wer_percent) == ["exit1", "exit1_attention"]
    assert "exit1 by attention" in watcher.lines[-1]
    begun = initial_weights(ATTENTIVE, settings.seed)
    moved = {name.split("_")[0] for name, v in whole.weights.items() if (v != begun[name]).any()}
    assert moved == {layer.lower() for layer in ATTENTIVE.describe().layer_names}
    again = pretrain(ATTENTIVE, corpus, killed, settings)
    assert again.place.taken_up_after == (2,)
    assert same(again.weights, whole.weights)
    assert again.wer_percent == whole.wer_percent


def test_a_single_exit_trains_with_its_decoder():
    aim = aim_of(replace(MINI_AED, exits_after=(1, 6)), replace(HARD, exit="exit1"))
    assert aim.layers == ("Front", "L1", "Head1", "Text", "Decoder1")


@pytest.mark.parametrize("config", [STAIRS, SMALL], ids=["with exits", "without"])
def test_an_exit_that_there_is_not(config, corpus, tmp_path):
    with pytest.raises(InputError, match="has no exit 'exit9'") as refused:
        pretrain(config, corpus, tmp_path / "work", replace(HARD, exit="exit9"))
    assert ("exit1" in refused.value.hint) == (config is STAIRS)


def test_layers_that_a_file_lacks_begin_at_random(tmp_path):
    """As heads do that are added to a trained network."""
    path = tmp_path / "trained.npz"
    trained = {n: v + 1 for n, v in initial_weights(STAIRS, 7).items()}
    heads = {name for exit_ in STAIRS.exits() for name in exit_.head}
    lacking = {
        name: value for name, value in trained.items() if name.split("_")[0].title() not in heads
    }
    assert 0 < len(lacking) < len(trained)
    np.savez(path, **lacking, another=np.zeros(2, np.float32))
    start = read_start(Init(path), STAIRS)
    assert same(start.weights, lacking)
    assert set(start.fresh) == heads
    assert start.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "1 weights of the file left out" in start.words
    engine = Engine(STAIRS, 3, begun_from=start.weights)
    assert same(engine.weights(), initial_weights(STAIRS, 3) | lacking)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, something=np.zeros(2, np.float32))
    with pytest.raises(InputError, match="no weight of stairs-small"):
        read_start(Init(path), STAIRS)
    name, value = next(iter(initial_weights(STAIRS, 1).items()))
    np.savez(path, **{name: np.zeros((*value.shape, 2), np.float32)})
    with pytest.raises(InputError, match=f"{name} has shape"):
        read_start(Init(path), STAIRS)
    path.write_bytes(b"none")
    with pytest.raises(InputError):
        read_start(Init(path), STAIRS)
    with pytest.raises(InputError, match="no checkpoint beside"):
        read_start(Init(SHIPPED), TINY)
