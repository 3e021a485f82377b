"""The epoch loop around a model whose progress is written down beforehand."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.contract import mobileasr
from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    PhaseChange,
    Selected,
    Started,
    Step,
    Stopped,
)
from harness.contract.network import Layer, Network, SubModel
from harness.errors import InputError
from harness.trainer import device, flatbuffer_learner, loop
from harness.trainer.events import EventLog, read_log
from harness.trainer.info import ModelInfo
from harness.trainer.learner import StopCommand, run_now

SAID = "b c d e"
INFO = ModelInfo(
    batch_size=2,
    max_frames=100,
    max_label=40,
    alphabet=" abcdefghijklmnopqrstuvwxyz",
    blank=0,
    sample_rate=16_000,
    window=512,
    hop=256,
    time_stride=2,
    network=mobileasr.network(dict.fromkeys(mobileasr.LAYERS, 1), " abcdefghijklmnopqrstuvwxyz"),
)
STEPS_AN_EPOCH = 2  # three utterances, batch 2


def logits_of(text: str) -> np.ndarray:
    frames = [i for c in text for i in (INFO.alphabet.index(c) + 1, 0)] or [0]
    return np.eye(28, dtype=np.float32)[frames]


class ScriptedModel:
    """Its one weight is the epoch, and it hears what `wers` says of that epoch."""

    wers: tuple[float, ...] = ()
    loss = 1.0
    changed_codes = None

    def __init__(self, path, threads, *, ordered=False):
        self.info, self.network = INFO, INFO.network
        self.steps = self.epoch = 0

    def features(self, pcm):
        return np.zeros((75, 80), np.float32)

    def seed_rounding(self, seed):
        assert 0 <= seed < 2**31

    def train_step(self, sub_model, batch, learning_rate):
        self.epoch += self.steps % STEPS_AN_EPOCH == 0
        self.steps += 1
        return self.loss

    def infer(self, batch):
        words = round(4 * (1 - self.wers[self.epoch] / 100))
        return [logits_of(" ".join(SAID.split()[:words]))] * batch.rows

    def weights(self):
        yield "epoch", np.array([self.epoch], np.float32)

    def load_checkpoint(self, path):
        with np.load(path) as stored:
            self.epoch = int(stored["epoch"][0])


def saying(job, text):
    heard = tuple(u.model_copy(update={"text": text}) for u in job.data.validation)
    return job.model_copy(update={"data": job.data.model_copy(update={"validation": heard})})


@pytest.fixture
def train(make_job, monkeypatch, tmp_path):
    script = tmp_path / "script.tflite"
    script.write_bytes(b"not a flatbuffer")
    files = {"path": str(script), "sha256": hashlib.sha256(script.read_bytes()).hexdigest()}
    monkeypatch.setattr(flatbuffer_learner, "FlatbufferModel", ScriptedModel)
    monkeypatch.setattr(device, "available_mb", lambda: 1000.0)
    monkeypatch.setattr(device, "battery_percent", lambda: 90.0)

    def run(*wers, stop_requested=lambda: False, **changes):
        """Train with these WERs (0, 25, 50, 75 or 100), the first before training."""
        monkeypatch.setattr(ScriptedModel, "wers", wers)
        changes["training"] = {"epochs": len(wers) - 1, **changes.get("training", {})}
        changes["model"] = {**files, **changes.get("model", {})}
        job = saying(make_job(**changes), SAID)
        path = Path(job.outputs.events)
        with EventLog(path) as log:
            learner = flatbuffer_learner.FlatbufferLearner(job, stop_requested)
            run_now(loop.Training(job, learner, log).run())
        return read_log(path)

    return run


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("policy", "patience", "wers", "stopped", "kept"),
    [
        ("best_so_far", 2, (75, 50, 25, 50, 25, 0), ("patience", 4), 2),
        ("best_so_far", 2, (75, 50, 75, 25, 50, 50), ("patience", 5), 3),
        ("best_so_far", 1, (50, 50), ("patience", 1), 0),
        ("best_so_far", 3, (50, 75, 100, 0), ("epochs_done", 3), 3),
        ("as_printed", 1, (100, 75, 50, 25), ("patience", 2), 2),
        ("as_printed", 2, (0, 25, 25, 25, 25, 25), ("epochs_done", 5), 0),
        ("best_so_far", 2, (25,), ("epochs_done", 0), 0),
    ],
)
def test_when_it_stops_and_what_it_keeps(train, policy, patience, wers, stopped, kept):
    events = train(*wers, stop={"policy": policy, "patience": patience})
    assert [e.wer_percent for e in of(events, Epoch)] == list(wers[: stopped[1] + 1])
    assert [(e.reason, e.epoch) for e in of(events, Stopped)] == [stopped]
    last = events[-1]
    assert (last.epochs, last.kept_epoch) == (stopped[1], kept)
    assert (last.wer_before_percent, last.wer_after_percent) == (wers[0], wers[kept])
    assert (last.kept_checkpoint is None) == (kept == 0)
    if kept:
        with np.load(last.kept_checkpoint) as stored:
            assert stored["epoch"] == [kept]


@pytest.mark.parametrize(
    ("wers", "patience", "stopped", "kept"),
    [
        ((25, 50, 75), 9, ("epochs_done", 2), 2),
        ((25, 50, 0, 75), 9, ("epochs_done", 3), 3),
        ((25, 50, 75, 0), 2, ("patience", 2), 2),
        ((25,), 9, ("epochs_done", 0), 0),
    ],
)
def test_the_last_checkpoint_is_kept_where_the_job_says_so(train, wers, patience, stopped, kept):
    events = train(*wers, keep="last", stop={"patience": patience})
    assert [(e.reason, e.epoch) for e in of(events, Stopped)] == [stopped]
    last = events[-1]
    assert (last.keep, last.kept_epoch, last.wer_after_percent) == ("last", kept, wers[kept])
    if not kept:
        assert last.kept_checkpoint is None
        return
    with np.load(last.kept_checkpoint) as stored:
        assert stored["epoch"] == [kept]
    assert [path.name for path in Path(last.kept_checkpoint).parent.iterdir()] == [
        f"epoch-{kept:04d}.npz"
    ]


def test_asked_to_stop_the_last_whole_epoch_is_kept(train):
    asked = iter([*[False] * 14, *[True] * 99])
    events = train(25, 50, 75, 100, keep="last", stop_requested=lambda: next(asked))
    epochs = events[-1].epochs
    assert (of(events, Stopped)[0].reason, 0 < epochs < 3) == ("command", True)
    assert events[-1].kept_epoch == epochs
    assert Path(events[-1].kept_checkpoint).is_file()


def test_killed_and_started_again_it_keeps_the_last(train, tmp_path):
    train(25, 50, 75, keep="last")
    cut_after(tmp_path / "out" / "events.jsonl", Checkpoint, 1)
    np.savez(tmp_path / "out/checkpoints/epoch-0001.npz", epoch=np.array([1.0]))
    hashed = hashlib.sha256((tmp_path / "out/checkpoints/epoch-0001.npz").read_bytes()).hexdigest()
    log = tmp_path / "out" / "events.jsonl"
    saved = of(read_log(log), Checkpoint)[0]
    log.write_text(log.read_text().replace(saved.sha256, hashed))
    assert train(25, 50, 75, keep="last")[-1].kept_epoch == 2


@pytest.mark.parametrize(
    "selection",
    [
        {"forced": "S9"},
        {"candidates": ["S1", "Top"], "need_mb": {"S1": 10, "Top": 1}},
    ],
)
def test_a_sub_model_that_the_file_does_not_have_is_refused(train, tmp_path, selection):
    with pytest.raises(InputError, match=r"no sub-model '(S9|Top)'; there are S1, S2"):
        train(100, 75, selection=selection)
    assert not of(read_log(tmp_path / "out" / "events.jsonl"), Epoch)


def test_another_networks_names_are_as_good(train, monkeypatch):
    own = Network(
        family="tiny",
        layers=(Layer(name="Front", parameters=4), Layer(name="Head", parameters=2)),
        sub_models=(
            SubModel(name="All", layers=("Front", "Head")),
            SubModel(name="Top", layers=("Head",)),
        ),
        alphabet=INFO.alphabet,
    )
    monkeypatch.setattr(sys.modules[__name__], "INFO", replace(INFO, network=own))
    selection = {"candidates": ["All", "Top"], "need_mb": {"All": 2000.0, "Top": 500.0}}
    events = train(100, 75, selection=selection)
    assert of(events, Started)[0].contract_version == 2
    assert of(events, Selected)[0].sub_model == "Top"
    assert events[-1].kept_epoch == 1


def test_a_job_of_version_1_is_for_deepspeech2_alone(train, monkeypatch, tmp_path):
    assert train(100, 75, version=1)[-1].kept_epoch == 1
    (tmp_path / "out" / "events.jsonl").unlink()
    network = INFO.network.model_copy(update={"family": "other"})
    monkeypatch.setattr(sys.modules[__name__], "INFO", replace(INFO, network=network))
    with pytest.raises(InputError, match="a job of version 1 is for deepspeech2"):
        train(100, 75, version=1)


def test_each_epoch_trains_all_utterances_in_another_order(train, monkeypatch):
    seen = []
    real = flatbuffer_learner.make_batch

    def spy(features, texts, info):
        seen.append(list(texts))
        return real(features, texts, info)

    monkeypatch.setattr(flatbuffer_learner, "make_batch", spy)
    events = train(100, 75, 50, 25, 0)
    texts = [batch for batch in seen if any(batch)]
    epochs = [tuple(texts[i] + texts[i + 1]) for i in range(0, len(texts), STEPS_AN_EPOCH)]
    assert all(sorted(epoch) == ["a dog", "the boy", "the king"] for epoch in epochs)
    assert len(set(epochs)) > 1
    sizes = [e.utterances for e in of(events, Step)]
    assert [sorted(sizes[i : i + 2]) for i in range(0, 8, 2)] == [[1, 2]] * 4


def test_the_same_seed_gives_the_same_log(train, tmp_path):
    def told(events):
        clocks = {
            "t_boot_ms",
            "seconds",
            "train_seconds",
            "evaluate_seconds",
            "peak_rss_mb",
            "path",
        }
        return [event.model_dump(exclude=clocks) for event in events]

    first = told(train(100, 75, 50))
    (tmp_path / "out" / "events.jsonl").unlink()
    assert told(train(100, 75, 50)) == first


def test_phases_do_not_nest_and_all_end(train):
    changes = of(train(100, 75, 50), PhaseChange)
    begins, ends = changes[::2], changes[1::2]
    assert {e.state for e in begins} == {"begin"}
    assert {e.state for e in ends} == {"end"}
    assert [(e.phase, e.epoch) for e in begins] == [(e.phase, e.epoch) for e in ends]
    assert [e.phase for e in begins] == [
        "load",
        "preprocess",
        "evaluate",
        *["train", "evaluate", "save"] * 2,
    ]


def test_a_loss_that_is_no_number_ends_it(train, monkeypatch):
    monkeypatch.setattr(ScriptedModel, "loss", float("nan"))
    with pytest.raises(loop.TrainingDivergedError, match="nan in step 0 of epoch 1"):
        train(100, 75)


def test_a_larger_batch_than_the_models_is_refused(train):
    with pytest.raises(InputError, match="batch size 3"):
        train(100, 75, training={"batch_size": 3})


@pytest.mark.parametrize("section", [{"sha256": "0" * 64}, {"checkpoint_sha256": "0" * 64}])
def test_another_file_than_the_jobs_is_refused(train, tmp_path, section):
    path = tmp_path / "start.npz"
    np.savez(path, epoch=np.array([0.0]))
    with pytest.raises(InputError, match="SHA-256"):
        train(100, 75, model={"checkpoint": str(path), **section})


def test_it_starts_from_the_jobs_checkpoint(train, tmp_path):
    np.savez(tmp_path / "start.npz", epoch=np.array([2.0]))
    events = train(
        100, 75, 50, 25, model={"checkpoint": str(tmp_path / "start.npz")}, training={"epochs": 1}
    )
    assert [e.wer_percent for e in of(events, Epoch)] == [50, 25]


def test_memory_that_is_not_told_is_not_zero(train, monkeypatch):
    monkeypatch.setattr(device, "available_mb", lambda: None)
    with pytest.raises(loop.MemoryUnknownError):
        train(100, 75)


def test_memory_that_is_not_told_does_not_matter_where_the_job_decides(train, monkeypatch):
    monkeypatch.setattr(device, "available_mb", lambda: None)
    events = train(100, 75, selection={"forced": "S5"})
    assert (of(events, Selected)[0].sub_model, events[-1].epochs) == ("S5", 1)


def test_asked_to_stop_within_an_epoch_it_keeps_what_was_whole(train, monkeypatch):
    steps = []
    real = ScriptedModel.train_step

    def counting(self, *arguments):
        steps.append(arguments)
        return real(self, *arguments)

    monkeypatch.setattr(ScriptedModel, "train_step", counting)
    events = train(100, 75, 50, 25, stop_requested=lambda: len(steps) > STEPS_AN_EPOCH)
    assert len(steps) == STEPS_AN_EPOCH + 1
    assert [(e.reason, e.epoch) for e in of(events, Stopped)] == [("command", 1)]
    assert events[-1].kept_epoch == 1


def test_asked_to_stop_before_there_is_anything_to_keep(train):
    with pytest.raises(StopCommand):
        train(100, 75, stop_requested=lambda: True)


def cut_after(path: Path, kind: type, number: int) -> list:
    """Take from a log what follows the `number`-th event of a kind."""
    events = read_log(path)
    end = [i for i, event in enumerate(events) if isinstance(event, kind)][number - 1] + 1
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:end]))
    return events[:end]


@pytest.mark.parametrize("kind", [Epoch, Step, PhaseChange, Checkpoint, Stopped])
def test_wherever_it_is_killed_it_comes_to_the_same_end(train, tmp_path, kind):
    """Killed after each event of a kind in turn, and started again."""
    path = tmp_path / "out" / "events.jsonl"
    checkpoints = tmp_path / "out" / "checkpoints"
    wers, rule = (100, 25, 50, 50, 0), {"stop": {"patience": 2}}
    events = train(*wers, **rule)
    whole, end = path.read_bytes(), events[-1]
    assert (end.epochs, end.kept_epoch) == (3, 1)
    for number in range(1, len(of(events, kind)) + 1):
        path.write_bytes(whole)
        before = cut_after(path, kind, number)
        saved = max((e.epoch for e in of(before, Checkpoint)), default=0)
        for epoch in range(1, 4):  # as the disk was then
            place = checkpoints / f"epoch-{epoch:04d}.npz"
            np.savez(place, allow_pickle=False, epoch=np.array([epoch], np.float32))
            if epoch > saved:
                place.unlink()
        again = train(*wers, **rule)
        assert again[: len(before)] == before
        assert [event.seq for event in again] == list(range(len(again)))
        assert [e.epoch for e in of(again, Checkpoint)] == [1, 2, 3]
        assert len(of(again, Stopped)) == 1
        got, want = again[-1], end
        assert got.model_dump(exclude={"seq", "t_boot_ms", "peak_rss_mb"}) == want.model_dump(
            exclude={"seq", "t_boot_ms", "peak_rss_mb"}
        )


def test_a_finished_job_is_not_done_again(train, tmp_path):
    train(100, 75)
    whole = (tmp_path / "out" / "events.jsonl").read_bytes()
    train(100, 75)
    assert (tmp_path / "out" / "events.jsonl").read_bytes() == whole


def test_a_broken_checkpoint_is_not_gone_on_from(train, tmp_path):
    train(100, 75, 50)
    path = tmp_path / "out" / "events.jsonl"
    cut_after(path, Checkpoint, 1)
    (tmp_path / "out" / "checkpoints" / "epoch-0001.npz").write_bytes(b"half")
    with pytest.raises(InputError, match=r"epoch-0001\.npz"):
        train(100, 75, 50)
    assert not of(read_log(path), Finished)
