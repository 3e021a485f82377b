"""A package from outside, built and installed, adds a gate, a reading, phones and a figure."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.adb.server import AdbServer
from tests.fixtures.command import Command
from tests.fixtures.farm import FarmPhone
from tests.fixtures.outside_package import install, shown_files

SCENARIO = """\
name: outside
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 2, threads: 1, stop: {patience: 9, available_below_mb: 0}}
gates: {preset: off, uptime_s_min: 1}
"""


@pytest.fixture
def with_plugins(
    harness: Command, harness_env: dict[str, str], tmp_path: Path
) -> Callable[[Path], Command]:
    """The command where a folder of packages is installed too."""

    def use(folder: Path) -> Command:
        more = os.environ.get("PYTHONPATH", "")
        harness_env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), more)))
        (tmp_path / "outside.yaml").write_text(SCENARIO)
        return harness

    return use


def test_a_run_on_its_phones_with_its_gate_reading_and_figure(
    with_plugins: Callable[[Path], Command],
    outside_package: Path,
    two_hosts: list[tuple[AdbServer, FarmPhone]],
    tmp_path: Path,
) -> None:
    harness = with_plugins(outside_package)
    told = json.loads(harness("extensions", "--json").stdout)
    used = {(plugin["group"], plugin["name"], plugin["problem"]) for plugin in told["plugins"]}
    assert used == {
        ("mobileasr_lab.gates", "uptime_s_min", ""),
        ("mobileasr_lab.readings", "load", ""),
        ("mobileasr_lab.phone_sources", "rack", ""),
        ("mobileasr_lab.report_figures", "load", ""),
        ("mobileasr_lab.languages", "pt", ""),
    }
    server, phone = two_hosts[0]
    (tmp_path / "hosts.txt").write_text(f"{server.address}\n")
    done = harness("run", "outside.yaml", "--farm", "rack:hosts.txt", "--name", "first", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert row["phone"] == phone.serial
    run = tmp_path / "runs" / "first"
    assert json.loads((run / "run.json").read_text())["farm"]["option"] == "rack:hosts.txt"
    (attempt,) = run.glob("attempts/*/1")
    gates = json.loads((attempt / "result.json").read_text())["gates"]
    assert [(gate["name"], gate["outcome"]) for gate in gates] == [
        ("booted", "passed"),
        ("uptime_s_min", "passed"),
    ]
    load = pq.read_table(attempt / "samples.parquet")["load_1min"].to_pylist()
    assert len([value for value in load if value is not None]) >= 1
    page = (run / "report" / "index.html").read_text()
    assert "Highest load of one minute in each attempt." in page
    assert "Load from " in page  # its line in the strip, in words
    assert harness("export", "perfetto", "first").returncode == 0
    assert b"load" in (attempt / "trace.perfetto-trace").read_bytes()

    # a gate that stays shut, by what the phone itself says
    shut = harness(
        *("run", "outside.yaml", "--farm", "rack:hosts.txt", "--no-report"),
        *("--set", "gates={preset: off, uptime_s_min: 1e9, mode: fail}"),
    )
    assert shut.returncode == 1
    assert "uptime_s_min: wanted at least 1e+09 s" in shut.stdout + shut.stderr

    # where the package is not installed its run is read all the same
    bare = with_plugins(tmp_path / "nothing")
    assert bare("report", "first").returncode == 0
    assert "Highest load" not in (run / "report" / "index.html").read_text()
    refused = bare("plan", "outside.yaml", "--farm", "rack:hosts.txt")
    assert refused.returncode == 2
    assert "uptime_s_min" in refused.stderr or "'rack' is no farm" in refused.stderr


BROKEN = {
    "my_lab/gate.py": "import nothing_of_that_name\n",
    "my_lab/reading.py": "READING = 'no reading'\n",
    "my_lab/source.py": "def rack(words):\n    return 1 / 0\n",
    "my_lab/figure.py": "def FIGURE(:\n",
    "my_lab/portuguese.py": "LANGUAGE = 'pt'\n",
}


def test_what_is_broken_is_named_and_ends_nothing(
    with_plugins: Callable[[Path], Command], tmp_path: Path
) -> None:
    target = tmp_path / "installed"
    install({**shown_files(), **BROKEN}, tmp_path / "source", target)
    harness = with_plugins(target)
    told = harness("extensions", "--json")
    assert told.returncode == 0
    problems = {plugin["name"]: plugin["problem"] for plugin in json.loads(told.stdout)["plugins"]}
    assert problems["uptime_s_min"] == (
        "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    )
    assert "plug-in mobileasr_lab.gates 'uptime_s_min' of my-lab 1.0 is left out" in told.stderr
    table = harness("extensions")
    assert "is no reading" in table.stdout
    assert "is no Language" in table.stdout
    assert "SyntaxError" in table.stdout
    asked = harness("plan", "outside.yaml", "--farm", "virtual")
    failed = harness("devices", "--farm", "rack:hosts.txt")
    for done, words in (
        (asked, "unknown key 'uptime_s_min'"),
        (asked, "is left out: ModuleNotFoundError"),
        (failed, "the phone source 'rack' failed: ZeroDivisionError"),
    ):
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
    for done in (told, table, asked, failed):
        assert "Traceback" not in done.stderr
