"""What goes back to the host in federated training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.compression.chosen import is_weight
from harness.compression.packed import pack
from harness.contract import Job
from harness.contract.wire import Wire
from harness.trainer.checkpoints import weights_writer
from harness.trainer.events import EventLog
from harness.trainer.flatbuffer_learner import FlatbufferLearner
from harness.trainer.learner import run_now
from harness.trainer.loop import Training
from harness.trainer.npz import opened_weights
from harness.trainer.runtime import FlatbufferModel
from harness.trainer.share import pulled_back


@pytest.fixture
def start(tmp_path, make_job) -> dict[str, object]:
    """The tiny model's own weights as a checkpoint, as a job names it."""
    path = tmp_path / "start.npz"
    model = FlatbufferModel(Path(make_job().model.path))
    np.savez(path, **model.get_weights())
    return {"checkpoint": str(path)}


def train(job: Job) -> list:
    with EventLog(Path(job.outputs.events)) as log:
        run_now(Training(job, FlatbufferLearner(job, lambda: False), log).run())
    with EventLog(Path(job.outputs.events)) as log:
        return log.before


def of_type(events, name):
    return [event for event in events if event.type == name]


def shared(make_job, start, share, **changes) -> tuple[list, dict[str, np.ndarray]]:
    base = make_job()
    job = make_job(
        **{"keep": "last", "share": share, "model": {**base.model.model_dump(), **start}, **changes}
    )
    events = train(job)
    (update,) = of_type(events, "update")
    with np.load(update.path) as stored:
        return events, {name: stored[name] for name in stored.files}


def test_only_what_was_trained_goes_back(make_job, start):
    events, update = shared(make_job, start, {}, selection={"forced": "S8"})
    (told,) = of_type(events, "update")
    assert told.layers == ("FC1", "FC2")
    assert update
    assert all(name.startswith("fc") for name in update), sorted(update)
    with np.load(of_type(events, "checkpoint")[-1].path) as kept:
        assert all(np.array_equal(kept[name], value) for name, value in update.items())
    assert (told.form, told.utterances, told.epoch) == ("weights", 3, 2)


def test_a_difference_is_from_what_was_sent(make_job, start):
    events, update = shared(make_job, start, {"form": "delta"})
    with (
        np.load(of_type(events, "checkpoint")[-1].path) as kept,
        np.load(start["checkpoint"]) as began,
    ):
        assert update.keys() == set(kept.files)
        for name, value in update.items():
            assert np.array_equal(value, kept[name] - began[name])


def test_training_ends_after_so_many_steps(make_job, start):
    # three utterances in batches of two: two steps an epoch
    events, _ = shared(make_job, start, {"steps": 3}, training={"epochs": 9})
    assert [(e.epoch, e.step) for e in of_type(events, "step")] == [(1, 0), (1, 1), (2, 0)]
    assert [(e.reason, e.epoch) for e in of_type(events, "stopped")] == [("steps_done", 2)]
    assert of_type(events, "update")[0].steps == 3
    assert events[-1].type == "finished"


def test_a_restarted_trainer_counts_the_steps_before(make_job, start):
    base = make_job()
    model = {**base.model.model_dump(), **start}
    share = {"steps": 3}
    first = make_job(keep="last", share=share, model=model, training={"epochs": 1})
    events = train(first)
    cut = next(e.seq for e in events if e.type == "checkpoint" and e.epoch == 1) + 1
    log = Path(first.outputs.events)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:cut]))
    again = train(make_job(keep="last", share=share, model=model, training={"epochs": 9}))
    assert len(of_type(again, "step")) == 3
    assert of_type(again, "update")[0].steps == 3


def test_the_proximal_term_keeps_weights_near_their_start(make_job, start):
    def distance(mu: float) -> float:
        _, update = shared(make_job, start, {"form": "delta", "proximal": mu, "steps": 2})
        Path(make_job().outputs.events).unlink()
        return sum(float(np.abs(value).sum()) for value in update.values())

    free, near = distance(0.0), distance(50.0)
    assert 0 < near < free
    value, began = np.float32([3.0]), np.float32([1.0])
    assert pulled_back(value, began, 0.25).tolist() == [2.5]


def test_the_proximal_term_is_taken_after_each_step(make_job, start):
    _, free = shared(make_job, start, {"steps": 1})
    Path(make_job().outputs.events).unlink()
    _, near = shared(make_job, start, {"steps": 1, "proximal": 50.0})
    with np.load(start["checkpoint"]) as began:
        for name, value in free.items():
            # learning rate 0.01 times mu 50
            assert np.array_equal(near[name], pulled_back(value, began[name], 0.5)), name


def test_what_was_heard_stays_on_the_phone_unless_asked_for(make_job, start):
    events, _ = shared(make_job, start, {})
    Path(make_job().outputs.events).unlink()
    told, _ = shared(make_job, start, {"hypotheses": True})
    for silent, open_ in zip(of_type(events, "epoch"), of_type(told, "epoch"), strict=True):
        assert silent.hypotheses == ()
        assert len(open_.hypotheses) == 2
        assert open_.errors is None
        errors = silent.errors
        wrong = errors.substitutions + errors.deletions + errors.insertions
        assert silent.wer_percent == pytest.approx(100 * wrong / errors.reference_words)
        assert silent.wer_percent == open_.wer_percent


def test_what_never_trained_shares_nothing(make_job, start):
    base = make_job()
    model = {**base.model.model_dump(), **start}
    events = train(make_job(keep="last", share={}, model=model, training={"epochs": 0}))
    assert not of_type(events, "update")
    assert events[-1].type == "finished"


def small(make_job, start, wire, **share) -> tuple[Any, dict[str, np.ndarray], dict[str, Any]]:
    base = make_job()
    model = {**base.model.model_dump(), **start}
    job = make_job(keep="last", share={"wire": wire, **share}, model=model)
    events = train(job)
    Path(job.outputs.events).unlink()
    (update,) = of_type(events, "update")
    with opened_weights(Path(update.path)) as stored:
        values = {name: stored.read(name) for name in stored.shapes}
        return update, values, {name: stored.packed(name) for name in stored.shapes}


def test_an_update_is_written_small_and_says_what_that_did(make_job, start):
    whole, _, _ = small(make_job, start, None)
    assert whole.written is None
    update, values, packed = small(make_job, start, {"format": "S1E3M7"}, form="delta")
    with (
        opened_weights(Path(start["checkpoint"])) as began,
        opened_weights(Path(update.path).with_name("epoch-0002.npz")) as kept,
    ):
        for name, value in values.items():
            true = kept.read(name) - began.read(name)
            assert (packed[name] is not None) == is_weight(value.shape), name
            if packed[name] is None:
                assert np.array_equal(value, true)
            else:
                assert np.abs(value - true).max() <= np.abs(true).max() / 64
    assert update.size_bytes < whole.size_bytes
    assert update.written.float32_bytes == sum(value.nbytes for value in values.values())
    assert update.written.variables == sum(each is not None for each in packed.values())
    assert 0 < update.written.error < 0.02
    assert update.written.changed > 0.5


def test_small_steps_are_lost_where_weights_are_rounded_to_the_nearest(make_job, start):
    """The alarm that training stood still: codes as sent, whatever was learnt."""
    coarse = {"format": "S1E2M1", "exponent": "conventional", "rounding": "nearest_even"}
    still, _, _ = small(make_job, start, coarse, steps=1)
    moving, _, _ = small(make_job, start, {"format": "S1E3M7"}, steps=1, form="delta")
    assert still.written.changed < 0.1
    assert moving.written.changed > 0.5


def test_a_job_may_begin_with_what_was_packed(make_job, start, tmp_path):
    sent = tmp_path / "small.npz"
    wire = Wire(format="S1E3M7")
    with opened_weights(Path(start["checkpoint"])) as stored, weights_writer(sent) as writer:
        for name in stored.shapes:
            writer.write_small(name, pack(stored.read(name), wire, name))
    assert sent.stat().st_size < 0.6 * Path(start["checkpoint"]).stat().st_size
    _, values, _ = small(make_job, {"checkpoint": str(sent)}, None, form="delta", steps=1)
    with opened_weights(sent) as began, opened_weights(Path(start["checkpoint"])) as exact:
        assert not np.array_equal(began.read("fc1_kernel"), exact.read("fc1_kernel"))
    assert all(np.abs(value).max() < 0.5 for value in values.values())
