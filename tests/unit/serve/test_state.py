"""A run as it stands, from its ledger and the partial files of what runs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from harness.lab.holding import EXPIRES_S
from harness.report.load import load_run
from harness.results.model import ClientRecord, ExitsRecord, StreamingRecord
from harness.results.store import RunFolder
from harness.serve import tails
from harness.serve.page import run_page
from harness.serve.state import RunsWatch, RunWatch
from harness.serve.tails import AttemptTail, thinned
from tests.fixtures.command import Command
from tests.fixtures.run_under_way import HOSTILE, LiveRun
from tests.fixtures.tasks import host_task
from tests.unit.lab.fakes import good_training


def test_what_is_told_in_the_middle_of_a_run(live_run: LiveRun) -> None:
    live_run.hear(6)
    live_run.sample(10)
    state = RunWatch(live_run.path).state()
    assert (state.stage, state.total, state.queued) == ("running", 4, 1)
    assert state.counts == {"finished": 2, "running": 1, "queued": 1}
    assert state.queue == (live_run.jobs[3],)
    (phone,) = state.phones
    assert (phone.state, phone.job_id, phone.step) == ("working", live_run.jobs[2], "train")
    assert (phone.available_mb, phone.battery_percent) == (2000, None)
    (one,) = state.running
    assert (one.sub_model, one.phase, one.epoch, one.epochs) == ("S5", "train", 1, 2)
    assert (one.loss, one.steps, one.wer_percent) == ([(1, 3.0)], 1, [(0, 100.0)])
    assert one.axes["pressure.fits"] == "S5"
    assert one.samples["t_s"] == [float(n) for n in range(10)]
    assert one.samples["trainer_cpu_percent_one_core"][1:] == [25.0] * 9
    assert [(one.job_id, one.key) for one in state.ended] == [
        (job, attempt.key)
        for job, attempt in zip(
            live_run.jobs[1::-1], reversed(load_run(live_run.path).attempts), strict=True
        )
    ]


def test_it_is_read_on_as_it_grows(live_run: LiveRun) -> None:
    watch = RunWatch(live_run.path)
    assert watch.state().running[0].wer_percent == []
    live_run.hear(4)  # the last line is half there
    live_run.sample(3)
    (one,) = watch.state().running
    assert (one.phase, len(one.samples["t_s"])) == (None, 3)
    live_run.hear(7)
    live_run.sample(8)
    (one,) = watch.state().running
    assert (one.wer_percent, one.phase) == ([(0, 100.0), (1, 50.0)], None)
    assert one.samples["t_s"] == [float(n) for n in range(8)]
    live_run.end()
    state = watch.state()
    assert (state.stage, state.running, len(state.ended)) == ("finished", (), 2)
    assert state.phones[0].state == "free"


def utterance(epoch: int, name: str, exit_: str, computed: int) -> bytes:
    """Return the event of an utterance for which so many exits were computed."""
    answers = [
        {"exit": f"exit{n}", "text": HOSTILE, "seconds": 0.5} for n in range(1, computed + 1)
    ]
    event = {
        "type": "utterance", "seq": 0, "t_boot_ms": 1, "epoch": epoch, "id": name, "exit": exit_,
        "seconds": 0.5, "rule_seconds": 0.0, "rows": 1, "answers": answers,
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


def test_where_utterances_leave_while_they_are_heard(live_run: LiveRun) -> None:
    watch = RunWatch(live_run.path)
    assert not (live_run.attempt / "events.jsonl").exists()
    with (live_run.attempt / "events.jsonl").open("wb") as log:
        log.write(utterance(0, "u1", "exit1", 1) + utterance(0, "u2", "exit2", 2))
        log.flush()
        assert watch.state().running[0].left_at == [("exit1", 1), ("exit2", 1)]
        log.write(utterance(0, "u1", "exit1", 3) + utterance(0, "u3", "exit1", 1))
        log.flush()
        (one,) = watch.state().running  # told again after a lost trainer: counted once
        assert one.left_at == [("exit1", 2), ("exit2", 1), ("exit3", 0)]
        page = run_page(watch.state(), alone=False)
        assert "3 utterances left at exit1 (2), exit2 (1)" in page
        assert "Where 3 utterances left" in page
        log.write(utterance(1, "u1", "exit2", 2))
        log.flush()
        assert watch.state().running[0].left_at == [("exit1", 0), ("exit2", 1)]


def test_without_exits_nothing_is_said_of_them(live_run: LiveRun) -> None:
    live_run.hear(6)
    state = RunWatch(live_run.path).state()
    assert state.running[0].left_at == []
    page = run_page(state, alone=False)
    assert "utterances left" not in page
    assert ">layers<" not in page


def test_an_ended_attempt_tells_its_layers(live_run: LiveRun) -> None:
    folder = RunFolder.open(live_run.path)
    first = next(iter(folder.attempts()))
    rule = {"rule": "entropy", "threshold": 0.1}
    exits = ExitsRecord(
        epoch=0, rule=rule, utterances=2, rows=1, mean_depth=3.5, mean_segments=1,
        mean_seconds=0.5, mean_rule_seconds=0, by_exit=(),
    )  # fmt: skip
    first.write_result(first.result().model_copy(update={"exits": exits}))
    state = RunWatch(live_run.path).state()
    assert {(ended.rule, ended.mean_depth) for ended in state.ended} == {
        ("entropy 0.1", 3.5),
        (None, None),
    }
    assert '<td class="n w" title="entropy 0.1">3.5</td>' in run_page(state, alone=False)


def test_what_hearing_on_costs(live_run: LiveRun) -> None:
    """Of the last evaluation while an attempt runs, and of attempts that have ended."""
    watch = RunWatch(live_run.path)
    assert "real-time factor" not in run_page(RunWatch(live_run.path).state(), alone=False)
    with (live_run.attempt / "events.jsonl").open("wb") as log:
        for name, compute_s in (("u1", 9.0), ("u1", 0.2), ("u2", 0.6)):
            event = {
                "type": "streamed", "seq": 0, "t_boot_ms": 1, "epoch": 0, "id": name, "steps": 8,
                "audio_s": 2.0, "compute_s": compute_s, "last_word_s": None,
            }  # fmt: skip
            log.write(json.dumps(event).encode() + b"\n")
    first = next(iter(RunFolder.open(live_run.path).attempts()))
    record = StreamingRecord(
        epoch=0, beam=2, utterances=2, audio_s=4.0, real_time_factor=0.4567, step_ms=20.0,
        last_word_ms_median=-15.2,
    )  # fmt: skip
    first.write_result(first.result().model_copy(update={"streaming": record}))
    state = watch.state()
    (one,) = state.running
    assert (one.streamed, one.real_time_factor) == (2, pytest.approx(0.2))
    assert {ended.last_word_ms for ended in state.ended} == {-15.2, None}
    page = run_page(state, alone=False)
    assert "2 utterances heard while they went on, real-time factor 0.200" in page
    assert ">0.457<" in page


def test_a_host_that_says_nothing(live_run: LiveRun) -> None:
    now = datetime.now(timezone.utc)
    watch = RunWatch(live_run.path)
    state = watch.state(now + timedelta(seconds=EXPIRES_S - 20))
    assert (state.stage, state.phones[0].state) == ("running", "working")
    state = watch.state(now + timedelta(seconds=EXPIRES_S + 1))
    assert (state.stage, state.phones[0].state) == ("silent", "silent")


def test_only_the_last_minutes_are_kept(live_run: LiveRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "WINDOW_S", 5)
    live_run.sample(20)
    tail = AttemptTail(live_run.attempt)
    tail.refresh()
    assert tail.samples["t_s"] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_of_a_long_file_only_the_end_is_read(
    live_run: LiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_run.sample(50)
    monkeypatch.setattr(tails, "_FIRST_READ", 2000)
    tail = AttemptTail(live_run.attempt)
    tail.refresh()
    assert 1 < len(tail.samples["t_s"]) < 10


def test_a_log_that_began_anew(live_run: LiveRun) -> None:
    live_run.hear(8)
    tail = AttemptTail(live_run.attempt)
    tail.refresh()
    live_run.hear(3)
    tail.refresh()
    assert tail.training.wer == [(0, 100.0)]


def test_a_damaged_log_is_no_error_here(live_run: LiveRun) -> None:
    pieces = b"".join(piece for _, piece in good_training()[:3])
    (live_run.attempt / "events.jsonl").write_bytes(b"nonsense\n\xff\n" + pieces)
    tail = AttemptTail(live_run.attempt)
    tail.refresh()
    assert tail.training.sub_model == "S5"


def test_runs_of_a_folder(live_run: LiveRun) -> None:
    broken = live_run.path.parent / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    runs = RunsWatch(live_run.path.parent)
    assert [brief.run_id for brief in runs.briefs()] == [live_run.path.name]
    assert runs.watch("../runs") is None
    assert runs.watch("nowhere") is None
    alone = RunsWatch(live_run.path)
    assert (alone.alone, alone.names()) == (True, [live_run.path.name])


def test_long_curves_are_thinned_to_means() -> None:
    few = [(1, 4.0), (2, 2.0)]
    assert thinned(few) == few
    assert thinned([(n, float(n % 2)) for n in range(1, 401)], 200)[-1] == (400, 0.5)


def test_status_says_why_jobs_were_skipped(live_run: LiveRun, harness_here: Command) -> None:
    live_run.end()
    told = harness_here("status", str(live_run.path)).stdout
    assert f"skipped {live_run.jobs[3]}: no phone left that fits" in told


def test_a_task_of_the_host_runs_and_ends_without_a_phone(live_run: LiveRun) -> None:
    with live_run.ledger() as ledger:
        ledger.add([host_task("mean", 90), host_task("next", 91)])
        for name in ("mean", "next"):
            ledger.start_attempt(name, "", "host:1:ab")
        ledger.end_attempt("mean", 1, state="finished", failure=None, task_state="finished")
    state = RunWatch(live_run.path).state()
    assert [(one.job_id, one.serial) for one in state.running if not one.serial] == [("next", "")]
    assert state.counts["finished"] == 3
    assert "mean" not in [one.job_id for one in state.ended]


def test_a_late_job_of_a_round_is_no_fault(live_run: LiveRun, harness_here: Command) -> None:
    """It is withdrawn: neither finished nor skipped, and the run may be good."""
    with live_run.ledger() as ledger:
        ledger.withdraw(live_run.jobs[3], "round 1 is over")
        ledger.end_attempt(
            live_run.jobs[2], 1, state="finished", failure=None, task_state="finished"
        )
    record = live_run.path / "run.json"
    run = json.loads(record.read_text())
    record.write_text(json.dumps({**run, "finished_utc": "2026-11-27T11:00:00Z"}))
    (brief,) = RunsWatch(live_run.path).briefs()
    assert (brief.done, brief.total) == (4, 4)
    assert brief.counts == {"finished": 3, "withdrawn": 1}
    assert (brief.verdict, brief.good) == ("all finished", True)
    told = harness_here("status", str(live_run.path)).stdout
    assert f"withdrawn {live_run.jobs[3]}: round 1 is over" in told


def test_a_client_whose_evaluation_was_tried_again_counts_once(live_run: LiveRun) -> None:
    folder, job = RunFolder.open(live_run.path), live_run.jobs[2]
    client = ClientRecord(federation="f", client="ann", role="start", round=0)
    record = folder.record()
    plan = [
        each.model_copy(update={"client": client}) if each.job_id == job else each
        for each in record.plan
    ]
    folder.write_record(record.model_copy(update={"plan": tuple(plan)}))
    with live_run.ledger() as ledger:
        ledger.end_attempt(job, 1, state="failed", failure="DeviceLost", task_state="queued")
        ledger.start_attempt(job, live_run.serial, "host:1:ab")
        ledger.end_attempt(job, 2, state="finished", failure=None, task_state="finished")
    done = folder.attempt(live_run.jobs[0], 1).result()
    for number, rate in ((1, 90.0), (2, 50.0)):
        own = {"job_id": job, "attempt": number, "client": client, "wer_before_percent": rate}
        folder.attempt(job, number).path.mkdir(exist_ok=True)
        folder.attempt(job, number).write_result(done.model_copy(update=own))
    state = RunWatch(live_run.path).state()
    assert state.round is not None
    assert state.round.rates == ((0, 50.0),)
