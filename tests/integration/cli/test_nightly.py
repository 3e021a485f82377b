"""A night after another on a virtual phone, with a webhook; and the examples of the docs."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from harness.cli import verdict as telling
from harness.paths import data_root
from harness.results.nightly import good_before, nightly_runs, read_nightly, write_nightly
from harness.results.store import RunFolder
from tests.fixtures.command import harness_argv

SCENARIO = """\
name: tiny-night
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 1, threads: 1, stop: {patience: 9, available_below_mb: 0}}
phones: {profile: oneplus-7t, each: true}
gates: off
repeats: 2
"""
UNITS = ("harness-nightly.service", "harness-nightly.timer")
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


class Hook:
    """A webhook that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.answers = [200]
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                hook.told.append(json.loads(self.rfile.read(size)))
                answers = hook.answers
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("MOBILEASR_WEBHOOK_WAIT_S", "0")
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def by_cron(lab: Path, cache: str) -> subprocess.CompletedProcess[str]:
    """Run the first line of the example as cron does: by sh, with hardly an environment."""
    home = lab / "home"
    (lab / "scenarios").mkdir()
    (lab / "scenarios" / "nightly.yaml").write_text(SCENARIO)
    program = lab / ".venv" / "bin" / "harness"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\nMOBILEASR_LAB_CACHE='{cache}' exec '{harness_argv()[0]}' \"$@\""
        " --farm virtual --json\n"
    )
    program.chmod(0o755)
    home.mkdir()
    (home / "lab").symlink_to(lab)
    lines = (EXAMPLES / "nightly.crontab").read_text().splitlines()
    command = next(line for line in lines if line[:1].isdigit()).split(None, 5)[5]
    assert "%" not in command, "cron takes % for the end of the line"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=home,
        env={"HOME": str(home), "LOGNAME": "lab", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_two_nights_a_worse_one_and_a_resumed_one(harness, harness_env, tmp_path, hook) -> None:
    (tmp_path / "n.yaml").write_text(SCENARIO)
    night = ("nightly", "n.yaml", "--farm", "virtual", "--json")
    first = harness(*night, "--webhook", hook.url)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["word"] == "no baseline"
    assert hook.told[0]["text"].startswith("tiny-night: first good run")
    again = json.loads(harness(*night, "--once").stdout)
    assert again["run"] == json.loads(first.stdout)["run"]

    first_run = tmp_path / "runs" / again["run"]
    assert "secret" not in (first_run / "run.json").read_text()
    second = by_cron(tmp_path, harness_env["MOBILEASR_LAB_CACHE"])
    assert second.returncode == 0, second.stderr
    told = json.loads(second.stdout)
    assert told["word"] == "too few to tell"
    assert told["comparison"]["before"] == [again["run"]]
    assert {row["phone"] for row in told["comparison"]["findings"]} == {"VLAB-oneplus-7t-1"}
    assert "too few repeats" in (tmp_path / told["page"]).read_text()
    schema = etree.XMLSchema(etree.parse(data_root() / "reports" / "junit.xsd"))
    schema.assertValid(etree.parse(tmp_path / told["junit"]))

    # killed before its verdict: the same command goes on with that run
    cut = RunFolder(tmp_path / "runs" / told["run"])
    record = read_nightly(cut)
    assert record is not None
    write_nightly(cut, record.model_copy(update={"verdict": None}))
    resumed = harness(*night, "--accept")
    assert "going on with" in resumed.stderr
    assert "is accepted" in resumed.stderr
    assert json.loads(resumed.stdout)["run"] == told["run"]
    # accepted: nothing before it counts any more
    accepted = read_nightly(cut)
    assert accepted is not None
    assert accepted.accepted
    nights = nightly_runs(tmp_path / "runs", "tiny-night")
    assert [night.run_id for night in nights] == [again["run"], told["run"]]
    assert [night.run_id for night in good_before(nights, accepted.plan_key, 7)] == [told["run"]]

    # made ten times as large: the same comparison by hand finds it
    shutil.copytree(first_run, tmp_path / "runs" / "slow")
    for path in (tmp_path / "runs" / "slow").glob("attempts/*/1/result.json"):
        result = json.loads(path.read_text())
        result["minutes_per_epoch"] *= 10
        path.write_text(json.dumps(result))
    worse = harness("compare", again["run"], told["run"], "slow", "--alpha", "0.5", "--json")
    assert worse.returncode == 1, worse.stderr
    judged = json.loads(worse.stdout)
    assert "minutes an epoch on VLAB-oneplus-7t-1" in judged["line"]


def test_a_webhook_that_fails_is_said_and_tried_again(hook: Hook) -> None:
    payload = {"line": "all well", "word": "good"}
    hook.answers = [500, 500, 200]
    assert telling.post(hook.url, payload) is None
    assert len(hook.told) == 3
    hook.answers = [500]
    assert telling.post(hook.url, payload) == "HTTP 500"
    assert telling.post("http://127.0.0.1:1/", payload) == "ConnectionError"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nightly", "none.yaml"), "none.yaml"),
        (("nightly", "n.yaml", "--webhook", "ftp://x"), "http or https"),
        (("nightly", "n.yaml", "--phones-file", "none.yaml"), "none.yaml: no such file"),
        (("nightly", "n.yaml", "--minimum", "wer=1"), "no figure 'wer'"),
        (("nightly", "n.yaml", "--minimum", "wer_percent=many"), "number from 0"),
        (("nightly", "n.yaml", "--baseline", "none"), "no such run"),
        (("compare", "one"), "two runs or more"),
        (("compare", "one", "two"), "no such run"),
    ],
)
def test_bad_input(harness_here, tmp_path, arguments, told) -> None:
    (tmp_path / "n.yaml").write_text(SCENARIO)
    done = harness_here(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "runs").exists()


def test_examples_are_right(harness_here) -> None:
    known = harness_here("nightly", "--help").stdout
    texts = {path.name: path.read_text() for path in EXAMPLES.iterdir()}
    commands = re.findall(r"bin/harness nightly[^>\n]*", "\n".join(texts.values()))
    assert len(commands) == 4
    for command in commands:
        assert (data_root() / command.split()[2]).is_file()
        for option in re.findall(r"--[a-z]+", command):
            assert option in known
    workflow = yaml.safe_load(texts["github-nightly.yml"])
    assert workflow["jobs"]["nightly"]["runs-on"] == ["self-hosted", "phone-lab"]
    for name in UNITS:
        unit = configparser.ConfigParser(interpolation=None, strict=True)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(texts[name])
        assert {"Unit", "Install"} <= set(unit.sections())
    for line in texts["nightly.crontab"].splitlines():
        if line[:1].isdigit():
            assert re.match(r"([\d,*-]+ +){5}cd ", line)


def test_systemd_finds_nothing_in_the_units(tmp_path: Path) -> None:
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("needs systemd-analyze")
    program = tmp_path / "lab" / ".venv" / "bin" / "harness"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in UNITS:
        shutil.copy(EXAMPLES / name, tmp_path)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    done = subprocess.run(
        [analyze, "--user", "verify", *(str(tmp_path / name) for name in UNITS)],
        env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")  # unknown keys are only told
