"""Rounds over phones: what goes down and up, and a host that dies in a round."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.lab import resume_run, run_scenario, status
from harness.lab.ports import PhoneStatus
from harness.results.federated import models_of
from harness.results.model import AttemptResult
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder
from harness.scenario import LoadedScenario
from harness.scenario.client_jobs import model_task
from tests.fixtures.command import Command
from tests.fixtures.federated import SPEAKERS, settings, write_scenario
from tests.fixtures.lab import FarmLab, Watcher, adb_phone

ROUNDS = """\
federated:
  rounds: 2
  local_steps: 3
  strategy: {name: fedadam}
  evaluate_every: 9
"""


@pytest.fixture(scope="module")
def undisturbed(farm_lab: FarmLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    watcher = Watcher()
    summary = run_scenario(
        write_scenario(folder, ROUNDS),
        farm_lab.bench(folder / "leases"),
        run_root=folder / "runs",
        settings=settings(folder, progress=watcher),
    )
    # three starts, two rounds of three, an evaluation of three, and three models
    assert (summary.exit_code, summary.finished) == (0, 15), watcher.notes
    return summary.folder


def _bits(folder: Path) -> list[str]:
    return [model.sha256 for model in models_of(folder)]


def test_rounds_on_fewer_phones_than_clients_also_if_the_host_is_killed_in_one(
    farm: FarmLab, undisturbed: Path, tmp_path: Path
) -> None:
    _check_rounds(undisturbed)
    write_scenario(tmp_path, ROUNDS)
    assert _bits(_killed_in_round_2(farm, tmp_path)) == _bits(undisturbed)


def test_who_is_late_when_a_round_is_closed_is_stopped_and_the_run_waits_for_nobody(
    farm: FarmLab, tmp_path: Path
) -> None:
    text = "federated: {rounds: 1, local_steps: 3, min_answers: 1, round_limit_s: 30}\n"
    loaded = write_scenario(tmp_path, text, speakers=SPEAKERS[:2])
    closed = threading.Event()

    class Slow(Watcher):
        def note(self, text: str) -> None:
            super().note(text)
            if "is stopped" in text:
                closed.set()

    def hold(status: PhoneStatus) -> None:
        if status.step == "train" and (status.job_id or "").startswith("bob-r001"):
            closed.wait(120)

    watcher = Slow(hold)
    summary = run_scenario(
        loaded,
        farm.bench(tmp_path / "leases"),
        run_root=tmp_path / "runs",
        settings=settings(tmp_path, progress=watcher),
    )
    assert (summary.exit_code, summary.withdrawn, summary.skipped) == (0, 1, 0), watcher.notes
    assert "round 1: bob did not answer in time and is stopped" in watcher.notes
    (late,) = [row for row in status(summary.folder).tasks if row.is_withdrawn]
    assert late.task_id.startswith("bob-r001")
    (attempt,) = [row for row in status(summary.folder).attempts if row.task_id == late.task_id]
    assert (attempt.state, attempt.failure) == ("failed", "Interrupted")
    result = RunFolder.open(summary.folder).attempt(late.task_id, 1).result()
    assert result.failure is not None
    assert result.failure.message.startswith("round 1 was closed before it had answered")
    assert [a.client for a in models_of(summary.folder)[1].answers] == ["ann"]
    assert status(summary.folder).leases == ()


def _check_rounds(folder: Path) -> None:
    """Check what went down and up, and what the host keeps of it."""
    models = models_of(folder)
    assert [model.round for model in models] == [0, 1, 2]
    assert all([a.client for a in model.answers] == list(SPEAKERS) for model in models[1:])
    assert {answer.layers for answer in models[1].answers} == {("FC1", "FC2")}
    assert {answer.steps for answer in models[1].answers} == {3}
    run = RunFolder.open(folder)
    by_role: dict[tuple[str, int], list[AttemptResult]] = {}
    for result in run.last_results():
        assert result.client is not None
        by_role.setdefault((result.client.role, result.client.round), []).append(result)
        attempt = run.attempt(result.job_id, result.attempt)
        assert not attempt.hypotheses_path.exists()
        assert not attempt.checkpoint_path.exists()
        job = json.loads((attempt.path / "job.json").read_text())
        for split in ("train", "validation"):
            assert {utterance["text"] for utterance in job["data"][split]} == {""}
        assert result.wer_before_percent is not None
    assert sorted(by_role) == [("evaluate", 2), ("start", 0), ("train", 1), ("train", 2)]
    # the first round begins with what was evaluated as the start
    assert {r.speaker: r.wer_before_percent for r in by_role["train", 1]} == {
        r.speaker: r.wer_before_percent for r in by_role["start", 0]
    }
    files = {m.round: TaskFolder(folder, model_task(m.federation, m.round)) for m in models}
    with np.load(files[1].checkpoint_path) as sent, np.load(files[2].checkpoint_path) as made:
        answer = models[2].answers[0]
        with np.load(run.attempt(answer.job_id, answer.attempt).update_path) as update:
            trained = set(update.files)
        changed = {name for name in sent.files if not np.array_equal(sent[name], made[name])}
    assert changed
    assert changed <= trained
    # a model is pushed once to a phone, however many clients train there
    size = models[1].size_bytes
    pushed = Counter(
        result.phone.serial
        for result in by_role["train", 2]
        if result.transfer is not None and result.transfer.pushed_bytes >= size
    )
    assert set(pushed.values()) == {1}
    assert status(folder).leases == ()


def _killed_in_round_2(farm: FarmLab, folder: Path) -> Path:
    """Kill the host of a run once a client of round 2 has answered, then go on with it."""
    serials = [phone.info.adb_serial for phone in farm.bench(folder / "x").phones]
    command = [
        *(sys.executable, "-m", "tests.fixtures.federated"),
        *(farm.server.address, str(folder), ",".join(serials)),
    ]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as host:
        assert host.stdout is not None
        for line in host.stdout:
            if line.startswith("ended") and "-r002-" in line:
                host.kill()
                break
    assert host.returncode == -9
    run = folder / "runs" / "r"
    answered = [row for row in status(run).attempts if "-r002-" in row.task_id]
    assert 1 <= sum(row.state == "finished" for row in answered) < len(SPEAKERS)
    again = subprocess.run(command, cwd=root, check=False, timeout=300)
    assert again.returncode == 0
    finished = Counter(row.task_id for row in status(run).attempts if row.state == "finished")
    assert set(finished.values()) == {1}, "nothing is asked twice that was answered"
    return run


def test_a_round_without_enough_answers_ends_the_training_with_a_reason(
    farm: FarmLab, tmp_path: Path
) -> None:
    # the battery is always at or below 100 %: no epoch begins, so nobody has something to send
    loaded = write_scenario(tmp_path, ROUNDS, "trainer.stop.battery_below_percent=100")
    watcher = Watcher()
    bench = farm.bench(tmp_path / "leases")
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=settings(tmp_path, progress=watcher),
    )
    assert (summary.exit_code, summary.failed) == (1, 1)
    (said,) = [note for note in watcher.notes if "federated training ends" in note]
    assert "round 1" in said
    assert "0 clients sent something that can be used, 2 are needed" in said
    assert "ann: it trained no epoch (ended by battery)" in said
    assert models_of(summary.folder)[-1].round == 0
    # the round is tried again when failed tasks are, and comes to the same
    again = resume_run(
        summary.folder,
        bench,
        retry_failed=True,
        settings=settings(tmp_path, progress=(watcher := Watcher())),
    )
    assert (again.exit_code, again.failed) == (1, 1)
    assert len([note for note in watcher.notes if "federated training ends" in note]) == 1


def test_federated_alone_and_one_after_the_other_stand_on_one_page(
    farm: FarmLab, tmp_path: Path, harness: Command
) -> None:
    bench = farm.bench(tmp_path / "leases")
    runs = tmp_path / "runs"

    def run(loaded: LoadedScenario, name: str) -> RunFolder:
        summary = run_scenario(
            loaded, bench, run_root=runs, settings=settings(tmp_path, run_id=name)
        )
        assert summary.exit_code == 0
        return RunFolder.open(summary.folder)

    rounds = """\
        federated:
          clients: {speakers: [ann, bob]}
          rounds: 1
          local_steps: 3
          hypotheses: true
        """
    together = run(write_scenario(tmp_path, rounds), "together")
    alone_text = "matrix: {data.speaker: [ann, bob]}"
    sets = ("trainer.epochs=1", "trainer.keep=last", "model={name: ds2-tiny}")
    alone = run(write_scenario(tmp_path, alone_text, *sets), "alone")
    start = "model={name: ds2-tiny, checkpoint: runs/together}"
    both = run(write_scenario(tmp_path, alone_text, *sets[:2], start), "both")

    made = models_of(together.path)[-1]
    assert {result.start_sha256 for result in both.last_results()} == {made.sha256}
    assert not {result.start_sha256 for result in alone.last_results()} & {made.sha256}
    ends = {
        result.speaker: result.wer_before_percent
        for result in together.last_results()
        if result.client is not None and result.client.role == "evaluate"
    }
    assert {r.speaker: r.wer_before_percent for r in both.last_results()} == ends
    page = tmp_path / "compare.html"
    names = ("together", "alone", "both")
    done = harness("compare", *names, "--runs", str(runs), "--out", str(page))
    assert done.returncode in (0, 1), done.stderr  # 1: three steps may well be worse than none
    heads = re.findall(r'<th scope="colgroup" colspan="2">([^<]+)', page.read_text())
    assert heads == ["federated, 1 round of fedavg", "personalised", "federated, then personalised"]


def test_a_client_whose_phone_is_lost_in_a_round_trains_on_another_to_the_same_bits(
    farm: FarmLab, undisturbed: Path, tmp_path: Path
) -> None:
    loaded = write_scenario(tmp_path, ROUNDS, "limits.lost_s=5", "retry.lost_phone=2")
    lost: list[tuple[str, str]] = []

    def pull(status: PhoneStatus) -> None:
        if not lost and status.step == "train" and "-r002-" in (status.job_id or ""):
            lost.append((status.serial, status.job_id or ""))
            farm.control.do("lose_cable", status.serial)

    class Back(Watcher):
        def ended(self, result: AttemptResult, *, retried: bool) -> None:
            super().ended(result, retried=retried)
            if lost and (result.job_id, result.status) == (lost[0][1], "finished"):
                farm.control.do("restore_cable", lost[0][0])

    watcher = Back(pull)
    bench = farm.bench(tmp_path / "leases")
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=settings(tmp_path, progress=watcher),
    )
    for phone in bench.phones:
        adb_phone(phone).wait_online(20)
        # the lost phone keeps this run's note for three minutes, and the next test would wait
        adb_phone(phone).run(["rm", "-rf", f"{phone.work_dir}/lease"])
    assert (summary.exit_code, summary.finished) == (0, 15), watcher.notes
    ((serial, job_id),) = lost
    tries = [row for row in status(summary.folder).attempts if row.task_id == job_id]
    assert [(row.state, row.failure) for row in tries] == [
        ("failed", "DeviceLost"),
        ("finished", None),
    ]
    assert tries[0].serial == serial
    assert tries[1].serial != serial
    assert len(models_of(summary.folder)[2].answers) == len(SPEAKERS)
    assert _bits(summary.folder) == _bits(undisturbed)
