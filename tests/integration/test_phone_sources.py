"""Several adb servers from one host, and an STF farm, by the command as its user has it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.server import AdbServer
from tests.fixtures.command import Command
from tests.fixtures.farm import FarmPhone, eventually
from tests.fixtures.stf import TOKEN, StfServer

SCENARIO = """\
name: everywhere
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 2, stop: {patience: 9, available_below_mb: 0}}
phones: {profile: oneplus-7t, each: true}
gates: off
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    (tmp_path / "everywhere.yaml").write_text(SCENARIO)
    return "everywhere.yaml"


@pytest.fixture
def farm(
    stf: StfServer,
    two_hosts: list[tuple[AdbServer, FarmPhone]],
    harness_env: dict[str, str],
    speech_cache: Path,
    tmp_path: Path,
) -> StfServer:
    """The two phones as phones of a farm, a third of another user, and the token."""
    for _, phone in two_hosts:
        stf.add(phone.serial, address=phone.adb_serial)
    stf.add("THEIRS", owner="other@example.org")
    harness_env["STF_TOKEN"] = TOKEN
    return stf


def test_two_servers_are_one_lab(
    harness_here: Command, two_hosts: list[tuple[AdbServer, FarmPhone]], scenario: str
) -> None:
    servers = [word for server, _ in two_hosts for word in ("--adb", server.address)]
    done = harness_here("run", scenario, *servers, "--name", "both", "--no-report", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["phone"] for row in told["results"]} == {phone.serial for _, phone in two_hosts}
    assert told["finished"] == 2
    # without a word about servers it looks where the run had its phones
    again = harness_here("resume", "both", "--json")
    assert again.returncode == 0, again.stderr
    listed = harness_here("devices", *servers, "--adb", two_hosts[0][0].address, "--json")
    found = {phone["serial"]: phone["adb_server"] for phone in json.loads(listed.stdout)}
    assert found == {phone.serial: server.address for server, phone in two_hosts}


def test_a_server_that_is_not_there(harness_here: Command, scenario: str, tmp_path: Path) -> None:
    done = harness_here("run", scenario, "--adb", "127.0.0.1:1", "--no-report")
    assert done.returncode != 0
    assert "127.0.0.1:1" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_farm_lends_its_phones_and_has_them_back(
    harness: Command, farm: StfServer, scenario: str, tmp_path: Path
) -> None:
    seen: list[dict[str, str | None]] = []
    farm.on_call = lambda call: seen.append(farm.owners())
    done = harness("run", scenario, "--farm", f"stf:{farm.url}", "--name", "lent", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["failed"]) == (2, 0)
    mine = {serial for serial, owner in farm.owners().items() if serial != "THEIRS"}
    assert {row["phone"] for row in told["results"]} == mine
    assert any(all(owners[serial] == "me@example.org" for serial in mine) for owners in seen)
    assert farm.owners() == {**dict.fromkeys(mine), "THEIRS": "other@example.org"}
    assert len(farm.keys) == 1
    assert farm.keys[0].startswith("QAAAA")  # as adb writes a public key
    record = json.loads((tmp_path / "runs/lent/run.json").read_text())
    assert record["farm"]["option"] == f"stf:{farm.url}"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in done.stdout + done.stderr


def test_ctrl_c_gives_back_and_so_does_the_contact_after_a_crash(
    harness_here: Command,
    monkeypatch: pytest.MonkeyPatch,
    start_harness: Callable[..., subprocess.Popen[str]],
    farm: StfServer,
    scenario: str,
    tmp_path: Path,
) -> None:
    (tmp_path / scenario).write_text(SCENARIO.replace("epochs: 2", "epochs: 2000"))
    free = farm.owners()

    def begin(name: str) -> subprocess.Popen[str]:
        process = start_harness(
            "run", scenario, "--farm", f"stf:{farm.url}", "--name", name, "--no-report"
        )
        attempts = tmp_path / "runs" / name / "attempts"
        eventually(lambda: any(attempts.glob("*/1/events.jsonl")), 60)
        assert farm.owners() != free
        return process

    process = begin("cut")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert farm.owners() == free

    process = begin("killed")
    process.kill()
    process.communicate(timeout=60)
    time.sleep(0.5)
    assert farm.owners() != free
    monkeypatch.setenv("STF_TOKEN", TOKEN)
    listed = harness_here("devices", "--farm", f"stf:{farm.url}")
    assert listed.returncode == 0, listed.stderr
    assert "left reserved by a run that died" in listed.stderr
    assert "2 of 3 phones" in listed.stdout
    assert farm.owners() == free


@pytest.mark.parametrize(
    ("token", "code", "words"), [("wrong", 2, "STF_TOKEN"), (TOKEN, 3, "used by other@example.org")]
)
def test_what_a_farm_refuses(
    harness_here: Command,
    farm: StfServer,
    monkeypatch: pytest.MonkeyPatch,
    scenario: str,
    tmp_path: Path,
    token: str,
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("STF_TOKEN", token)
    for device in farm.devices.values():
        device.owner = "other@example.org"
    done = harness_here("run", scenario, "--farm", f"stf:{farm.url}")
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert token not in done.stderr
    assert not (tmp_path / "runs").exists()
