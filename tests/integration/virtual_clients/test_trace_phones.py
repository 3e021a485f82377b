"""Twenty phones whose trainers replay: one matrix over all of them, by the commands of the lab."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from tests.fixtures.command import Command

_PHONES, _JOBS = 20, 12
_SCENARIO = f"""\
name: many
model: ds2-tiny
data: {{corpus: accents, speaker: us-male, train: 4, validation: 2}}
trainer:
  batch_size: 2
  epochs: 1
  threads: 1
  stop: {{patience: 100, available_below_mb: 0, battery_below_percent: 5}}
matrix:
  trainer.seed: {list(range(_JOBS))}
"""


@pytest.mark.timeout(600)  # seconds on a free machine, but a busy one has twenty phones to start
def test_a_matrix_over_twenty_phones_is_complete_and_says_trace(
    start_harness: Callable[..., "Popen[str]"],
    harness: Command,
    harness_env: dict[str, str],
    tmp_path: Path,
) -> None:
    harness_env["MOBILEASR_LAB_ISOLATION"] = "none"  # half the work for twenty phones
    farm = start_harness(
        "farm", "up", "--profile", f"generic={_PHONES}", "--trainer", "trace",
        "--trace-speed", "20", "--json",
    )  # fmt: skip
    assert farm.stdout is not None
    phones = [json.loads(farm.stdout.readline()) for _ in range(_PHONES)]
    (tmp_path / "many.yaml").write_text(_SCENARIO)
    result = harness("run", "many.yaml", "--adb", phones[0]["adb"], timeout_s=500)
    assert result.returncode == 0, (result.stdout[-1500:], result.stderr[-3000:])
    results = [
        json.loads(path.read_text()) for path in tmp_path.glob("runs/*/attempts/*/*/result.json")
    ]
    finished = [row for row in results if row["status"] == "finished"]
    assert len({row["job_id"] for row in finished}) == _JOBS
    assert {row["phone"]["origin"] for row in results} == {"trace"}
    assert len({row["phone"]["serial"] for row in finished}) > _JOBS // 2
    (record,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(record.read_text())["origins"] == ["trace"]
    events = next(tmp_path.glob("runs/*/attempts/*/*/events.jsonl")).read_text()
    assert "nothing is trained" in events


def test_bad_faults_are_one_error_and_no_phone(harness_here: Command, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("faults:\n  - {fault: offline, at_s: soon}\n")
    result = harness_here("farm", "up", "--faults", "f.yaml")
    assert result.returncode == 2
    assert "f.yaml:2: faults[0]" in result.stderr
    assert "at_s" in result.stderr
    assert "Traceback" not in result.stderr
    assert harness_here("farm", "up", "--trainer", "sleepy").returncode == 2
