"""The command from scenario to report, on a virtual phone that really trains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.adb.server import adb_binary

SCENARIO = """\
name: two-jobs
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 2, threads: 1, stop: {patience: 9, available_below_mb: 0}}
phones: {profile: oneplus-7t}
pressure: {available_mb: 900}
gates: off
matrix: {trainer.sub_model: [S1, S8]}
"""


def processes_of(marker: str) -> list[str]:
    """Return the command lines of running processes that mention ``marker``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if marker in words and "pytest" not in words:
            found.append(words)
    return found


def test_plan_run_status_report(harness, tmp_path):
    (tmp_path / "two.yaml").write_text(SCENARIO)
    more = SCENARIO.replace("[S1, S8]}", "[S1, S8], include: [{phones.profile: pixel-4}]}")
    (tmp_path / "three.yaml").write_text(more)
    planned = harness("plan", "three.yaml", "--farm", "virtual:oneplus-7t", "--json")
    assert planned.returncode == 3, planned.stderr
    plan = json.loads(planned.stdout)
    assert [job["sub_model"] for job in plan["jobs"]] == ["S1", "S8", "auto"]
    (lacking,) = plan["unplaced"]
    assert lacking["jobs"] == [job["job_id"] for job in plan["jobs"] if not job["candidates"]]
    assert list(lacking["why"].values()) == ["wanted profile pixel-4, has oneplus-7t"]
    assert plan["phones"][0]["origin"] == "virtual"
    assert not (tmp_path / "runs").exists()

    done = harness("run", "two.yaml", "--farm", "virtual", "--name", "first", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["failed"], told["exit_code"]) == (2, 0, 0)
    assert {row["origin"] for row in told["results"]} == {"virtual"}
    assert {row["sub_model"] for row in told["results"]} == {"S1", "S8"}
    assert all(row["peak_rss_mb"] > 30 for row in told["results"])
    page = (tmp_path / told["report"]).read_text()
    assert "virtual" in page
    assert "VLAB-oneplus-7t" in page

    results = sorted((tmp_path / "runs/first/attempts").glob("*/1/result.json"))
    records = [json.loads(path.read_text()) for path in results]
    # what the first job pushed lies on the phone already when the second asks for it
    moved = sorted((r["transfer"]["pushed_files"], r["transfer"]["skipped_files"]) for r in records)
    assert moved == [(0, 7), (7, 0)]
    assert all(record["sampling"]["missing"] == 0 for record in records)

    shown = harness("status", "first", "--json")
    assert json.loads(shown.stdout)["counts"] == {"finished": 2}
    assert "2 finished" in harness("status", "latest").stdout
    other = harness("report", "first", "--out", "page.html")
    assert other.returncode == 0, other.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!")


def test_ctrl_c_releases_the_phone_and_resume_finishes(harness, start_harness, tmp_path):
    # a job of one phone: it needs the very phone again, which a virtual farm starts anew
    long = SCENARIO.replace("epochs: 2", "epochs: 120").replace("7t}", "7t, each: true}")
    (tmp_path / "long.yaml").write_text(long)
    process = start_harness("run", "long.yaml", "--farm", "virtual", "--name", "cut", "--no-report")
    attempts = tmp_path / "runs" / "cut" / "attempts"
    deadline = time.monotonic() + 60
    while not any('"epoch":2' in p.read_text() for p in attempts.glob("*/*/events.jsonl")):
        assert time.monotonic() < deadline, "no epoch was trained"
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "harness resume" in out
    shown = json.loads(harness("status", "cut", "--json").stdout)
    assert shown["leases"] == []
    assert shown["counts"].get("finished", 0) == 0

    record = tmp_path / "runs" / "cut" / "run.json"
    assert json.loads(record.read_text())["finished_utc"] is None
    again = harness("resume", "cut", "--json", timeout_s=200)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["finished"] == 2


def test_farm_up_serves_any_adb_client(start_harness, tmp_path):
    process = start_harness(
        *("farm", "up", "--profile", "oneplus-7t", "--profile", "redmi-note-7-pro=2", "--json")
    )
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert [line["profile"] for line in lines] == [
        "oneplus-7t",
        "redmi-note-7-pro",
        "redmi-note-7-pro",
    ]
    port = lines[0]["adb"].rpartition(":")[2]
    env = {**os.environ, "ANDROID_ADB_SERVER_PORT": port, "HOME": str(tmp_path)}
    listed = subprocess.run(
        [str(adb_binary()), "devices"], env=env, capture_output=True, text=True, check=True
    ).stdout
    for line in lines:
        assert f"{line['adb_serial']}\tdevice" in listed
    code = subprocess.run(
        [str(adb_binary()), "-s", lines[0]["adb_serial"], "shell", "exit 7"], env=env, check=False
    ).returncode
    assert code == 7
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    for line in lines:
        assert not processes_of(line["serial"])


@pytest.mark.parametrize("command", ["devices", "doctor"])
def test_phones_are_shown(harness, command):
    done = harness(command, "--farm", "virtual:oneplus-7t", "--json")
    text = done.stdout
    assert done.returncode == 0, (text, done.stderr)
    assert any("VLAB-oneplus-7t" in json.dumps(row) for row in json.loads(text))
