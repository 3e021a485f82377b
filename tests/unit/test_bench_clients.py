"""The bench over other people's clients: how it reads them, and what it says when it cannot ask."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.clients import android_runner, installing
from tests.benchmarks.clients.installing import NotHereError
from tests.benchmarks.clients.known import known
from tests.benchmarks.clients.outcome import Call, Judgement, calls_of_lines, table

SCRIPTS = Path(__file__).parents[1] / "benchmarks/clients"
SCRIPT = """
from calls import call, left_out, raises, run

@call
def good():
    assert str(raises(ValueError, int, "x"))

@call
def bad():
    print("noise of the client")
    assert 1 == 2

left_out("other", "needs a screen")
run()
"""


def test_each_call_of_a_script_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    names = ("PHONE_SERIAL", "APK", "APK_PACKAGE", "SCRATCH")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env={**os.environ, **dict.fromkeys(names, "x"), "PHONE_PORT": "1", "ADB_SERVER_PORT": "2",
             "PYTHONPATH": str(SCRIPTS / "python")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    good, bad, other = calls_of_lines(done.stdout.splitlines())
    assert good == Call("good", "works")
    assert (bad.name, bad.outcome) == ("bad", "fails")
    assert "assert 1 == 2" in bad.reason
    assert other == Call("other", "skipped", "needs a screen")


def test_the_table_counts_and_gives_reasons() -> None:
    calls = (Call("a", "works"), Call("b", "fails", "it broke"), Call("c", "skipped", "no screen"))
    text = table([Judgement("one", "1.2", calls), Judgement("other", "3", skipped="no npm")])
    assert text.splitlines() == [
        "client  version  works  fails  skipped",
        "one     1.2          1      1        1",
        "other   3        -: no npm",
        "one: b fails: it broke",
        "one: c skipped: no screen",
    ]
    assert json.loads(json.dumps(Judgement("one", "1", calls).as_json()))["fails"] == 1


def test_what_is_not_to_be_had_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installing, "CACHE", tmp_path / "cache")
    with pytest.raises(NotHereError, match="--android-runner FOLDER"):
        android_runner.ready(None)
    with pytest.raises(NotHereError, match="no checkout"):
        android_runner.ready(tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(NotHereError, match="pip could not install it"):
        installing.source_distribution("adbutils==2.12.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHereError, match="node is not installed"):
        installing.node_folder(["any@1"])


def test_each_client_is_named_once() -> None:
    names = [client.name for client in known()]
    assert len(set(names)) == len(names)
    assert all(client.version for client in known())
