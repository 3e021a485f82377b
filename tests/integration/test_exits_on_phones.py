"""Networks with exits on virtual phones, and what breaks there: no utterance is lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.events import UtteranceExits
from harness.lab import RunSettings, resume_run, run_scenario, status
from harness.lab.ports import PhoneStatus
from harness.report import build_report
from harness.results.store import AttemptFolder, RunFolder
from harness.scenario import LoadedScenario, load_scenario
from harness.trainer.manifest import Provenance, describe_file, save_manifest
from tests.fixtures.jobs import tone_line
from tests.fixtures.lab import FarmLab, Watcher, adb_phone
from tests.fixtures.stairs.configuration import SMALL
from tests.integration.test_attempt import HOST, assert_released

pytestmark = pytest.mark.tensorflow

TRAINED = "upto1"
TEXTS = ("a", "b", "ab", "c", "a b", "ba") * 3
HEARD = [f"u{number}" for number in range(2, len(TEXTS))]
Scenarios = Callable[[str], LoadedScenario]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny family with three exits as a model folder; one sub-model, so that it is quick."""
    pytest.importorskip("tensorflow", reason="needs the extra [model]")
    from harness.model.export import build_model
    from harness.model.folder import NOT_MEASURED, write_manifest

    folder = tmp_path_factory.mktemp("stairs")
    config = replace(SMALL, clip="layer", batch_size=2)
    file = build_model(config, folder / "stairs.tflite", seed=5, sub_models=(TRAINED,))
    manifest = write_manifest(
        config, folder, {2: describe_file(file)}, checkpoint=None, learning_rate=0.01,
        provenance=Provenance(command="none", date="2026-03-01", versions={}),
        costs=NOT_MEASURED, sub_models=(TRAINED,),
    )  # fmt: skip
    save_manifest(manifest.model_copy(update={"need_mb": {2: {TRAINED: 5.0}}}), folder)
    return folder


@pytest.fixture
def scenario(model: Path, tmp_path: Path) -> Scenarios:
    """Return a function that loads a scenario of the model; its text adds to the common head."""

    def make(text: str) -> LoadedScenario:
        lines = [
            tone_line(
                tmp_path, f"u{number}", number, words, speaker="noise", seconds=0.18,
                split="train" if number < 2 else "validation",
            )
            for number, words in enumerate(TEXTS)
        ]  # fmt: skip
        (tmp_path / "noise.jsonl").write_text("".join(lines))
        head = f"""\
            name: stairs
            model: {{path: {model}}}
            data: {{manifest: noise.jsonl, speaker: noise}}
            """
        path = tmp_path / "stairs.yaml"
        path.write_text(textwrap.dedent(head) + textwrap.dedent(text))
        return load_scenario(path)

    return make


def each_once(attempt: AttemptFolder, epochs: int) -> None:
    """Check that each epoch tells of each utterance, and of none twice."""
    told = Counter((row.epoch, row.id) for row in attempt.exits())
    assert told == {(epoch, name): 1 for epoch in range(epochs) for name in HEARD}


def test_a_cable_lost_while_it_listens_loses_no_utterance(
    farm: FarmLab, scenario: Scenarios, tmp_path: Path
) -> None:
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    (phone,) = bench.phones
    cut: list[str] = []

    def lose_cable(status: PhoneStatus) -> None:
        if status.phase == "evaluate" and not cut:
            cut.append(status.serial)
            farm.control.do("lose_cable", status.serial, seconds=3)

    loaded = scenario(
        """\
        trainer: {mode: evaluate, batch_size: 2}
        matrix:
          trainer.exits:
            - {rule: posterior, threshold: 1, n_best: 1000, beam: 1000}  # takes its time
            - agreement
        """
    )
    summary = run_scenario(
        loaded,
        bench,
        run_root=tmp_path / "runs",
        settings=RunSettings(progress=Watcher(lose_cable), keep=True),
    )
    assert cut == [phone.serial]
    assert summary.exit_code == 0, summary.results[0].failure
    run = RunFolder.open(summary.folder)
    attempts = list(run.attempts())
    assert [attempt.result().failure for attempt in attempts] == [None, None]
    for attempt in attempts:
        each_once(attempt, 1)
        result = attempt.result()
        assert (result.attempt, result.stop_reason, result.selection) == (1, "evaluated", None)
        on_phone = f"{phone.work_dir}/attempts/{attempt.job_id}-1/events.jsonl"
        assert adb_phone(phone).read_file(on_phone) == attempt.events_path.read_bytes()
        heard = {row.id: row.hypothesis for row in attempt.hypotheses()}
        assert {row.id: row.text for row in attempt.exits()} == heard
        assert result.exits is not None
        assert sum(exit_.taken for exit_ in result.exits.by_exit) == len(HEARD)
        assert result.exits.wer_percent == result.wer_after_percent
        if result.exits.label != "agreement":
            assert {len(row.answers) for row in attempt.exits()} == {3}, "all answer"
    page = build_report(summary.folder).read_text(encoding="utf-8")
    assert "<figcaption>As measured</figcaption>" in page
    assert "<figcaption>Where utterances left</figcaption>" in page
    adb_phone(phone).remove([f"{phone.work_dir}/attempts", f"{phone.work_dir}/cas"])
    assert_released(phone)


def test_after_a_killed_host_each_utterance_is_there_once(
    farm: FarmLab, scenario: Scenarios, tmp_path: Path
) -> None:
    epochs = 150
    loaded = scenario(
        f"""\
        trainer:
          batch_size: 2
          epochs: {epochs}
          threads: 1
          learning_rate: 0.01
          sub_model: {TRAINED}
          exits: agreement
          stop: {{available_below_mb: 0, battery_below_percent: 0, patience: 100000}}
        """
    )
    arguments = [farm.server.address, str(tmp_path / "leases"), str(loaded.lines.path)]
    with subprocess.Popen(
        [sys.executable, "-c", HOST, *arguments, str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as host:
        assert host.stdout is not None
        for line in host.stdout:
            if line.startswith("train") and line.split()[1] not in ("None", "0"):
                break
        host.send_signal(signal.SIGKILL)
    folder = tmp_path / "runs" / "r"
    (job,) = status(folder).tasks
    assert job.state == "running"
    attempt = AttemptFolder(folder / "attempts" / job.task_id / "1", job.task_id, 1)
    # a line that was cut off with the host is followed again from where it stopped
    attempt.append_events(b'{"type": "utterance", "seq"')
    bench = farm.bench(tmp_path / "leases", "oneplus-7t")
    summary = resume_run(folder, bench)
    assert (summary.exit_code, summary.finished) == (0, 1)
    assert [(row.state, row.attempt) for row in status(folder).attempts] == [("finished", 1)]
    result = attempt.result()
    assert any("host died" in note for note in result.notes)
    assert [epoch.epoch for epoch in result.epochs] == list(range(epochs + 1))
    each_once(attempt, epochs + 1)
    events = attempt.events()
    assert [event.seq for event in events] == list(range(len(events)))
    heard = [event for event in events if isinstance(event, UtteranceExits)]
    assert len(heard) == len(HEARD) * (epochs + 1)
    assert result.exits is not None
    assert result.exits.epoch == result.kept_epoch
    assert_released(bench.phones[0])
