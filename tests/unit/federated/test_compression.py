"""Rounds whose weights travel in few bits: what is sent, what comes back, what is made of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.contract.wire import Wire
from harness.errors import InputError
from harness.federated.aggregate import aggregate
from harness.federated.arrived import Answer
from harness.federated.sent import pack_model
from harness.results.federated import models_of
from harness.results.tasks import TaskFolder
from harness.scenario.client_jobs import later_job, share_of
from harness.scenario.compression import Compression
from harness.scenario.federated import Federated
from harness.trainer.checkpoints import write_weights
from harness.trainer.npz import opened_weights
from tests.fixtures.fake_feed import HostDiedError
from tests.fixtures.federated import write_scenario
from tests.unit.federated.test_program import roles, run


def weights(path):
    with opened_weights(path) as stored:
        return {name: stored.read(name) for name in stored.shapes}


def last(folder):
    task = next(model for model in reversed(models_of(folder)))
    return weights(TaskFolder(folder, f"model-{task.federation}-{task.round:03d}").checkpoint_path)


def sent(feed, folder):
    """Return what was sent, by task."""
    names = [task.task_id for task in feed.tasks() if task.task_id.startswith("sent-")]
    return {name: TaskFolder(folder, name) for name in names}


@pytest.mark.parametrize("strategy", ["fedavg", "fedadam", "median"])
def test_any_strategy_comes_to_nearly_the_same_model(tmp_path, strategy):
    text = f"federated: {{rounds: 2, strategy: {strategy}"
    run(tmp_path, f"{text}}}", into="float")
    run(tmp_path, f"{text}, compression: S1E3M7}}", into="small")
    exact, small = last(tmp_path / "float"), last(tmp_path / "small")
    for name, value in exact.items():
        # two rounds of steps of about 0.1, each rounded to 7 bits of mantissa; fedadam's are 1e-3
        step = 0.005 if strategy != "fedadam" else 1e-4
        assert np.abs(small[name] - value).max() < step, name
    assert any(not np.array_equal(small[name], exact[name]) for name in exact)


def test_what_is_sent_and_what_comes_back_is_small_and_recorded(tmp_path):
    feed = run(tmp_path, "federated: {rounds: 2, compression: S1E2M3}")
    folders = sent(feed, tmp_path / "run")
    assert len(folders) == 3, "models of the start and of two rounds; the last is listened to"
    for task in feed.tasks():
        if task.kind == "phone" and task.job.client.role != "start":
            assert all(parent in folders for parent in task.parents)
    for folder in folders.values():
        value = folder.result().value
        assert value["size_bytes"] == folder.checkpoint_path.stat().st_size
        assert value["size_bytes"] < 0.45 * value["float32_bytes"]  # the tiny model has many biases
        assert 0 < value["error"] < 0.1
    for model in models_of(tmp_path / "run")[1:]:
        for answer in model.answers:
            assert answer.sent_bytes < 0.45 * answer.written.float32_bytes
            assert answer.update_bytes < 0.45 * answer.written.float32_bytes
            assert answer.written.changed > 0.9


def test_what_rounding_did_on_the_way_down_is_not_learnt(tmp_path):
    """A client that learns nothing leaves the server's float32 as it is, to the last bit."""
    rng = np.random.default_rng(0)
    server = {"w": rng.normal(0, 0.05, (30, 20)).astype(np.float32), "b": np.zeros(3, np.float32)}
    write_weights(tmp_path / "server.npz", server.items())
    wire = Wire(format="int8", per="column", rounding="nearest_even")
    pack_model(tmp_path / "server.npz", tmp_path / "sent.npz", wire)
    began = weights(tmp_path / "sent.npz")
    assert not np.array_equal(began["w"], server["w"])
    push = {"w": np.float32(0.001) * np.ones_like(server["w"])}
    write_weights(tmp_path / "still.npz", began.items())
    write_weights(tmp_path / "moved.npz", [("w", began["w"] + push["w"])])
    write_weights(tmp_path / "delta.npz", push.items())

    def model(*answers):
        aggregate(
            tmp_path / "server.npz", answers, Federated(strategy={"name": "fedavg"}), round_=1,
            moments=None, model=tmp_path / "new.npz", moments_out=tmp_path / "m.npz",
        )  # fmt: skip
        return weights(tmp_path / "new.npz")

    down = tmp_path / "sent.npz"
    still = model(Answer("a", tmp_path / "still.npz", 4, "weights", down))
    assert all(np.array_equal(still[name], server[name]) for name in server)
    for answer in (
        Answer("a", tmp_path / "moved.npz", 4, "weights", down),
        Answer("a", tmp_path / "delta.npz", 4, "delta", down),
        Answer("a", tmp_path / "delta.npz", 4, "delta"),
    ):
        moved = model(answer)
        assert moved["w"] == pytest.approx(server["w"] + 0.001, abs=1e-7)
        assert np.array_equal(moved["b"], server["b"])


def test_differences_in_float32_lose_nothing_and_take_less(tmp_path):
    plain = run(tmp_path, "federated: {rounds: 1}", into="plain")
    own = run(tmp_path, "federated: {rounds: 1, compression: {format: float32, ways: up}}")
    assert own.notes == plain.notes == []
    ours, theirs = (models_of(tmp_path / name)[1] for name in ("run", "plain"))
    for answer, other in zip(ours.answers, theirs.answers, strict=True):
        assert answer.written.error == 0
        assert answer.written.coding == "float32/shuffled"
        assert answer.written.changed > 0.9
        assert answer.update_bytes < 0.95 * other.update_bytes
    new, old = (
        weights(TaskFolder(tmp_path / n, f"model-{m.federation}-001").checkpoint_path)
        for n, m in (("run", ours), ("plain", theirs))
    )
    assert all(new[name] == pytest.approx(old[name], abs=1e-6) for name in old)


@pytest.mark.parametrize("field", ["per: column", "transform: true", "rounding: stochastic"])
def test_float32_has_no_settings_of_rounding(tmp_path, field):
    with pytest.raises(InputError, match=field.partition(":")[0]):
        run(tmp_path, f"federated: {{rounds: 1, compression: {{format: float32, {field}}}}}")


def test_each_client_lacks_other_variables_and_all_hear_the_same(tmp_path):
    feed = run(tmp_path, "federated: {rounds: 2, compression: {format: S1E3M7, share: 0.5}}")
    exact = {}
    for name, folder in sent(feed, tmp_path / "run").items():
        with opened_weights(folder.checkpoint_path) as stored:
            exact[name] = {n for n in stored.shapes if stored.packed(n) is None}
    trained = {t.parents[0] for t in feed.tasks() if t.task_id in _jobs(feed, "train")}
    heard = {t.parents[0] for t in feed.tasks() if t.task_id in _jobs(feed, "evaluate")}
    assert len(trained) == len(roles(feed, "train")) == 6
    assert len(heard) == 2
    assert len({frozenset(exact[name]) for name in trained}) > 3
    assert all(exact[name] < exact[other] for name in heard for other in trained)


def _jobs(feed, role):
    return {t.task_id for t in feed.tasks() if t.kind == "phone" and t.job.client.role == role}


def test_client_and_server_draw_the_same_variables(tmp_path):
    loaded = write_scenario(tmp_path, "federated: {compression: {format: S1E3M7, share: 0.5}}")
    feed = run(tmp_path, "federated: {rounds: 1, compression: {format: S1E3M7, share: 0.5}}")
    assert loaded
    for task in feed.tasks():
        if task.task_id in _jobs(feed, "train"):
            up = share_of(task.job).wire
            down = next(t for t in feed.tasks() if t.task_id == task.parents[0]).call.arguments
            assert (up.draw, up.share) == (down["wire"]["draw"], down["wire"]["share"])


def test_a_host_that_dies_comes_to_the_same_bits(tmp_path):
    text = "federated: {rounds: 3, compression: {format: S1E2M3, share: 0.9}}"
    run(tmp_path, text, into="whole")
    expected = [model.sha256 for model in models_of(tmp_path / "whole")]
    with pytest.raises(HostDiedError):
        run(tmp_path, text, into="dies", dies_after=7)
    run(tmp_path, text, into="dies")
    assert [model.sha256 for model in models_of(tmp_path / "dies")] == expected


def test_only_down_and_only_up(tmp_path):
    down = run(tmp_path, "federated: {rounds: 1, compression: {format: int8, ways: down}}",
               into="down")  # fmt: skip
    assert sent(down, tmp_path / "down")
    (share,) = {share_of(t.job) for t in down.tasks() if t.task_id in _jobs(down, "train")}
    assert (share.wire, share.form) == (None, "weights")
    up = run(tmp_path, "federated: {rounds: 1, compression: {format: int8, ways: up}}", into="up")
    assert not sent(up, tmp_path / "up")
    job = next(t.job for t in up.tasks() if t.task_id in _jobs(up, "train"))
    assert share_of(job).form == "delta"
    assert share_of(later_job(job, "evaluate", 1)).wire is None


def test_defaults_and_the_papers_way():
    ours, printed = Compression(format="S1E3M7"), Compression(
        format="S1E3M7", variant="as_printed"
    )  # fmt: skip
    down, up = (ours.wire(way, 1, "a") for way in ("down", "up"))
    assert (down.exponent, down.rounding, down.transform) == ("fitted", "nearest_even", False)
    assert (up.rounding, ours.settled_upload) == ("stochastic", "delta")
    wire = printed.wire("up", 1, "a")
    assert (wire.exponent, wire.rounding, wire.transform) == ("conventional", "nearest_even", True)
    assert printed.settled_upload == "weights"
    kept = Compression(format="S1E3M7", variant="as_printed", transform=False, upload="delta")
    assert not kept.wire("up", 1, "").transform
    assert kept.settled_upload == "delta"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("S1E9M3", "format"),
        ("{format: int8, exponent: fitted}", "exponent is for S1EeMm"),
        ("{format: int8, transform: true}", "transform is for S1EeMm"),
        ("{format: S1E3M7, per: column}", "per: column is for int8"),
        ("{format: int8, kind: ieee}", "kind is for S1EeMm"),
        ("{format: int8, ways: down, upload: delta}", "upload is for what goes back"),
        ("{format: int8, share: 0}", "share"),
        ("{format: int8, way: down}", "way"),
        ("{}", "format"),
    ],
)
def test_what_cannot_be_is_said_before_a_phone_is_touched(tmp_path, words, what):
    with pytest.raises(InputError) as refused:
        write_scenario(tmp_path, f"federated: {{compression: {words}}}")
    assert "federated.compression" in refused.value.message()
    assert what in refused.value.message()


def test_a_job_without_compression_is_written_as_before():
    assert "compression" not in json.loads(Federated().model_dump_json())
    kept = Federated(compression={"format": "int8"})
    assert Federated.model_validate(kept.model_dump(mode="json")) == kept


def test_an_axis_of_the_matrix_says_what_differs(tmp_path):
    feed = run(
        tmp_path,
        "federated: {rounds: 1}\nmatrix: {federated.compression: [null, S1E3M7, {format: int8, "
        "ways: down}]}\n",
    )
    starts = [t.job for t in feed.tasks() if t.kind == "phone" and t.job.client.role == "start"]
    axes = {json.dumps(job.axes["federated.compression"]) for job in starts}
    assert axes == {"null", '{"format": "S1E3M7"}', '{"format": "int8", "ways": "down"}'}
    assert len(models_of(tmp_path / "run")) == 6
