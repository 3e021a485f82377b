"""The log of a run as its keeper reads it the morning after."""

import json

from harness.log import read_log

SCENARIO = """\
name: logged
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 1, threads: 1, stop: {patience: 9, available_below_mb: 0}}
phones: {profile: oneplus-7t}
pressure: {available_mb: 900}
gates: off
"""


def test_a_run_keeps_a_log_and_status_shows_it(harness, tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    words = ["s.yaml", "--farm", "virtual", "--name", "night", "--no-report"]
    done = harness("run", *words, "-v", "--log-file", "mine.log")
    assert done.returncode == 0, done.stderr
    rows = list(read_log(tmp_path / "runs/night"))
    (job,) = {row.job for row in rows if "/" in row.job}
    (serial,) = {row.serial for row in rows if row.serial}
    told = [(row.serial, row.job, row.message) for row in rows]
    for step in ("gate", "provision", "press", "train", "collect", "score", "release"):
        assert (serial, job, f"report Stepped step={step}") in told
    assert (serial, "", "order Prepare") in told
    assert (serial, job, "order RunAttempt") in told
    assert (serial, job, "report Ended") in told
    assert (serial, "", "report Left") in told
    here = [message for where, what, message in told if (where, what) == (serial, job)]
    assert any(message.startswith("pushed 7 files") for message in here)
    assert any("ballast 0 -> " in message for message in here)
    assert any(message.startswith("pressure settled in") for message in here)
    assert told[-1][2] == "run night is left: 1 finished"
    assert f"info: {serial} {job}: report Stepped step=train" in done.stderr
    mine = (tmp_path / "mine.log").read_text()
    assert f" INFO {serial} {job} harness.lab.logbook: report Ended" in mine

    shown = harness("status", "night", "--log")
    assert shown.returncode == 0, shown.stderr
    text = (tmp_path / "runs/night/harness.log").read_text()
    assert shown.stdout == text
    lines = harness("status", "night", "--log", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [row.as_dict() for row in rows]


def test_bad_input(harness, tmp_path):
    done = harness("devices", "--log-file", "no/folder/x.log")
    assert done.returncode == 2
    assert "--log-file no/folder/x.log: no log can be written there" in done.stderr
    (tmp_path / "runs/old").mkdir(parents=True)
    (tmp_path / "runs/old/run.json").write_text("{}")
    done = harness("status", "old", "--log")
    assert done.returncode == 2
    assert "this run has no log" in done.stderr
    assert harness("status", "old", "--log", "--watch").returncode == 2
