"""A replay says what the trainer would say, and never that it trained."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.events import Checkpoint, Epoch, Finished, Selected, Started, Step, Stopped
from harness.contract.exits import ExitRule
from harness.contract.job import Job, Utterance
from harness.contract.mobileasr import SUB_MODELS
from harness.errors import InputError
from harness.metrics.words import wer_percent
from harness.trainer.events import EventLog, boot_ms, read_log
from harness.trainer.flatbuffer_learner import FlatbufferLearner
from harness.trainer.learner import StopCommand, run_now
from harness.trainer.loop import Training
from harness.virtual.phone import PhoneSpec
from harness.virtual.root import open_root
from harness.virtual.system.apps import Apps
from harness.virtual.system.logs import LogStore
from harness.virtual.trace.app import TraceTrainer
from harness.virtual.trace.replay import TraceLearner, TraceLog, TracePhone, misheard
from harness.virtual.trace.table import Table, load_table
from harness.virtual.userland import install_userland

_WORDS = "the boy saw a dog in the garden of my father"


def _utterances(count: int) -> tuple[Utterance, ...]:
    return tuple(Utterance(id=f"u{n}", path=f"/data/{n}.wav", text=_WORDS) for n in range(count))


def _job(folder: Path, **training: Any) -> Job:
    return Job.model_validate(
        {
            "job_id": "S1-1",
            "model": {"name": "ds2-mini", "path": "/data/m.tflite", "sha256": "0" * 64},
            "data": {"speaker": "x", "train": [u.model_dump() for u in _utterances(12)],
                     "validation": [u.model_dump() for u in _utterances(10)]},
            "training": {"batch_size": 5, "epochs": 3, **training},
            "selection": {"candidates": ["S1", "S5", "S8"],
                          "need_mb": {"S1": 200, "S5": 150, "S8": 100}},
            "stop": {"patience": 100, "available_below_mb": 0},
            "outputs": {"folder": str(folder), "events": f"{folder}/events.jsonl",
                        "checkpoints": f"{folder}/checkpoints", "stop_file": f"{folder}/stop"},
        }
    )  # fmt: skip


class _Clock:
    """Time that passes by sleeping alone."""

    def __init__(self, act: Callable[[float], None] = lambda _: None) -> None:
        self.now = 0.0
        self._act = act

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._act(self.now)


def _replay(
    job: Job, clock: _Clock, *, available_mb: float = 1000.0, speed: float = 1.0
) -> list[Any]:
    phone = TracePhone(41, "PHONE", lambda: available_mb, lambda: 80.0, Path, clock.sleep)
    events = Path(job.outputs.events)
    with TraceLog(events) as log:
        learner = TraceLearner(job, load_table(job.model.name), phone, speed)
        asyncio.run(Training(job, learner, log).run())
    return read_log(events)


def _of(events: list[Any], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@given(st.floats(0, 150), st.integers(1, 30))
def test_what_is_heard_has_the_word_error_rate_asked_for(percent: float, count: int) -> None:
    utterances = _utterances(count)
    heard = misheard(utterances, percent)
    rate = wer_percent(
        (utterance.text, text) for utterance, text in zip(utterances, heard, strict=True)
    )
    words = count * len(_WORDS.split())
    assert rate == pytest.approx(min(percent, 100), abs=51 / words)


def test_a_whole_job(tmp_path: Path) -> None:
    clock = _Clock()
    events = _replay(_job(tmp_path), clock)
    table = load_table("ds2-mini")
    assert _of(events, Started)[0].trainer == "trace"
    assert "nothing is trained" in _of(events, Started)[0].runtime
    assert _of(events, Selected)[0].sub_model == "S1"
    assert [e.utterances for e in _of(events, Step)] == [5, 5, 2] * 3
    rates = [e.wer_percent for e in _of(events, Epoch)]
    assert rates == pytest.approx(table.sub_models["S1"].wer_percent[:4], abs=0.6)
    assert _of(events, Stopped)[0].reason == "epochs_done"
    end = _of(events, Finished)[0]
    assert (end.epochs, end.kept_epoch) == (3, 3)
    assert end.peak_rss_mb == table.sub_models["S1"].peak_rss_mb
    checkpoint = next(e for e in _of(events, Checkpoint) if e.path == end.kept_checkpoint)
    data = Path(checkpoint.path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == checkpoint.sha256
    assert b"no weights" in data
    spent = 12 * 3 * table.sub_models["S1"].train_utterance_s
    rest = table.load_s + 22 * table.preprocess_utterance_s + 40 * table.evaluate_utterance_s
    assert clock.now == pytest.approx(spent + rest, rel=0.4)  # steps spread as the measured ones


@pytest.mark.parametrize("keep", ["best", "last"])
def test_it_says_what_the_trainer_says_in_the_same_order(
    tmp_path: Path, make_job: Callable[..., Job], keep: str
) -> None:
    job = make_job(keep=keep, training={"epochs": 3}, selection={"forced": "S8"})
    with EventLog(Path(job.outputs.events)) as log:
        run_now(Training(job, FlatbufferLearner(job, lambda: False), log).run())
    trained = read_log(Path(job.outputs.events))
    (tmp_path / "out").rename(tmp_path / "trained")
    replayed = _replay(job, _Clock())

    def order(events: list[Any]) -> list[Any]:
        names = ("type", "phase", "state", "epoch", "keep")
        return [tuple(getattr(event, name, None) for name in names) for event in events]

    assert order(replayed) == order(trained)
    if keep == "last":
        saved = list((tmp_path / "out" / "checkpoints").iterdir())
        assert [str(path) for path in saved] == [_of(replayed, Finished)[0].kept_checkpoint]


def test_a_learner_that_waits_needs_an_event_loop() -> None:
    async def wait() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="needs an event loop"):
        run_now(wait())


def test_faster_is_said(tmp_path: Path) -> None:
    slow, fast = _Clock(), _Clock()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _replay(_job(tmp_path / "a"), slow)
    events = _replay(_job(tmp_path / "b"), fast, speed=20)
    assert slow.now == pytest.approx(20 * fast.now)
    assert "20 times as fast" in _of(events, Started)[0].runtime


@pytest.mark.parametrize(
    ("available_mb", "chosen"), [(250.0, "S1"), (160.0, "S5"), (100.0, "S8"), (99.0, None)]
)
def test_the_choice_is_the_real_one(
    tmp_path: Path, available_mb: float, chosen: str | None
) -> None:
    events = _replay(_job(tmp_path), _Clock(), available_mb=available_mb)
    assert _of(events, Selected)[0].sub_model == chosen
    assert _of(events, Stopped)[0].reason == ("epochs_done" if chosen else "no_sub_model_fits")


def test_the_stop_file_ends_it(tmp_path: Path) -> None:
    def touch(now: float) -> None:
        if now > 6.0:
            (tmp_path / "stop").touch()

    events = _replay(_job(tmp_path, epochs=50), _Clock(touch))
    assert _of(events, Stopped)[0].reason == "command"
    assert 1 <= _of(events, Finished)[0].epochs < 50
    (tmp_path / "early").mkdir()
    (tmp_path / "early/stop").touch()
    with pytest.raises(StopCommand):
        _replay(_job(tmp_path / "early"), _Clock())


def test_a_killed_replay_goes_on_where_it_was(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    def kill(now: float) -> None:
        if now > 5.0:
            raise Killed

    with pytest.raises(Killed):
        _replay(_job(tmp_path), _Clock(kill))
    before = _of(read_log(tmp_path / "events.jsonl"), Epoch)
    assert 1 <= before[-1].epoch < 3
    events = _replay(_job(tmp_path), _Clock())
    assert [e.epoch for e in _of(events, Epoch)][-1] == 3
    assert [event.seq for event in events] == list(range(len(events)))


def test_a_sub_model_without_figures_gets_those_of_the_next_that_trains_more() -> None:
    table: Table = load_table("a model without a table")
    assert table.name == "ds2-mini"
    costs = table.sub_models
    for name, whose in {"S1": "S1", "S4": "S1", "S5": "S5", "S7": "S5", "S8": "S8"}.items():
        assert table.cost(name, SUB_MODELS) == costs[whose]
    assert table.cost("Top", ("All", "Top")) == costs["S1"]
    assert table.cost("Top", ("S5", "Top")) == costs["S5"]
    assert table.cost(None, SUB_MODELS) == costs["S1"]


@pytest.mark.parametrize("job_is_bad", [False, True])
def test_its_times_are_of_the_phones_clock(tmp_path: Path, job_is_bad: bool) -> None:
    """A phone with a clock of its own booted after the host; the replay runs outside of it."""

    async def replay() -> tuple[int, list[int], int]:
        root = open_root(PhoneSpec("TRACE-CLOCK", tmp_path / "phone", "none"))
        root.clock_offset_s = 40_000_000.0
        events = root.host_path("/w/events.jsonl")
        events.parent.mkdir(parents=True)
        job = _job(Path("/w"))
        outputs = f'{{"outputs": {job.outputs.model_dump_json()}}}'
        text = outputs if job_is_bad else job.model_dump_json()
        root.host_path("/w/job.json").write_text(text)
        trainer = TraceTrainer(root, lambda: 1000.0, lambda: 80.0, 1000.0)
        app = SimpleNamespace(pid=7, ended=asyncio.Event(), process=SimpleNamespace(stdin=None))
        before = boot_ms()
        await asyncio.wait_for(trainer._run(cast("Any", app), "/w/job.json"), 60)
        return before, [event.t_boot_ms for event in read_log(events)], boot_ms()

    before, times, after = asyncio.run(replay())
    assert times
    assert before <= min(times) - 40_000_000_000 <= max(times) - 40_000_000_000 <= after


def test_a_replay_goes_down_with_its_phone(tmp_path: Path) -> None:
    async def reboot() -> tuple[bytes, bytes]:
        root = open_root(PhoneSpec("TRACE-REBOOT", tmp_path / "phone", "none"))
        install_userland(root)
        await root.start()
        try:
            apps = Apps(root, LogStore(), tmp_path / "table", 30)
            app = await apps.start("org.x", None, package="org.x", uid=10001, adj=0)
            folder = "/data/local/tmp/w"
            events = root.host_path(f"{folder}/events.jsonl")
            events.parent.mkdir(parents=True)
            job = root.host_path(f"{folder}/job.json")
            job.write_text(_job(Path(folder)).model_dump_json())
            trainer = TraceTrainer(root, lambda: 1000.0, lambda: 80.0, 1.0)
            trainer.start(app, f"{folder}/job.json")
            while not events.is_file() or not events.stat().st_size:
                await asyncio.sleep(0.01)
            await apps.stop()
        finally:
            await root.stop()
        assert trainer._task is not None
        await asyncio.wait_for(trainer._task, 20)
        before = events.read_bytes()
        await asyncio.sleep(0.1)
        return before, events.read_bytes()

    before, after = asyncio.run(reboot())
    assert before == after
    assert b"finished" not in after


def test_an_evaluation_is_replayed_as_one(tmp_path: Path) -> None:
    job = _job(tmp_path).model_copy(update={"mode": "evaluate"})
    events = _replay(job, _Clock())
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [0]
    assert [event.sub_model for event in events if isinstance(event, Selected)] == [None]
    assert [event.reason for event in events if isinstance(event, Stopped)] == ["evaluated"]


def test_it_has_no_exits(tmp_path: Path) -> None:
    job = _job(tmp_path).model_copy(update={"exits": ExitRule()})
    with pytest.raises(InputError, match="a replayed trainer has no exits"):
        _replay(job, _Clock())
