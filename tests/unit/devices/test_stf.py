"""A farm spoken to without a phone: who gets what, who gives it back, and what errors say."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.adb.errors import AdbError
from harness.devices.stf import StfFarm
from harness.devices.stf_api import StfApi, StfError, StfUnreachableError
from harness.devices.stf_borrowed import Borrowed, _folder, give_back_left
from harness.errors import InputError, NoPhoneError
from harness.scenario.demands import Demands
from tests.fixtures.stf import TOKEN, StfServer

ME, OTHER = "me@example.org", "other@example.org"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBILEASR_LAB_CACHE", str(tmp_path))
    monkeypatch.setenv("STF_TOKEN", TOKEN)


class Adb:
    """An adb server that connects to what it is told, or not."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.connected: list[str] = []
        self.refuses = refuses

    def connect(self, address: str) -> None:
        if self.refuses:
            raise AdbError("refused", serial=address, command="connect")
        self.connected.append(address)

    def disconnect(self, address: str) -> None:
        if address in self.connected:  # one that is not there is no error, as in `AdbServer`
            self.connected.remove(address)


def borrow(stf: StfServer, adb: Any, said: list[str]) -> Any:
    return Borrowed.of(StfApi(stf.url, TOKEN), adb, said.append)


def left_over(stf: StfServer, *serials: str) -> Path:
    """Leave the record of a process that died."""
    path = _folder(StfApi(stf.url, TOKEN)) / "1-dead.json"
    path.write_text(json.dumps({"url": stf.url, "serials": list(serials)}))
    return path


def records(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.glob("stf/*/*") if path.parts[-2] != "adb")


def test_what_is_borrowed_is_given_back(stf: StfServer, tmp_path: Path) -> None:
    stf.add("A", address="10.0.0.1:7401")
    adb = Adb()
    said: list[str] = []
    with borrow(stf, adb, said) as borrowed:
        assert borrowed.take("A", 1000) == "10.0.0.1:7401"
        assert stf.owners() == {"A": ME}
        assert adb.connected == ["10.0.0.1:7401"]
        assert len(records(tmp_path)) == 2
    assert stf.owners() == {"A": None}
    assert (adb.connected, said, records(tmp_path)) == ([], [], [])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_also_after_an_error(stf: StfServer, error: type[BaseException]) -> None:
    stf.add("A")

    def fail() -> None:
        with borrow(stf, Adb(), []) as borrowed:
            borrowed.take("A", 1000)
            raise error

    with pytest.raises(error):
        fail()
    assert stf.owners() == {"A": None}


def test_also_when_adb_does_not_get_through(stf: StfServer) -> None:
    stf.add("A")
    with borrow(stf, Adb(refuses=True), []) as borrowed:
        with pytest.raises(AdbError):
            borrowed.take("A", 1000)
        assert stf.owners() == {"A": ME}
    assert stf.owners() == {"A": None}


def test_a_phone_that_another_took_meanwhile_is_left_to_them(stf: StfServer) -> None:
    stf.add("A", owner=OTHER)
    with borrow(stf, Adb(), []) as borrowed, pytest.raises(StfError, match="being used"):
        borrowed.take("A", 1000)
    assert stf.owners() == {"A": OTHER}
    assert not [call for call in stf.calls if call.startswith("DELETE")]


def test_the_next_process_gives_back_what_a_dead_one_had(stf: StfServer, tmp_path: Path) -> None:
    stf.add("A", owner=ME, usage="automation")
    stf.add("B", owner=OTHER, usage="automation")  # timed out, and somebody else's by now
    stf.add("C", owner=ME, usage=None)  # timed out, and taken in the browser
    left_over(stf, "A", "B", "C")
    said: list[str] = []
    give_back_left(StfApi(stf.url, TOKEN), said.append)
    assert stf.owners() == {"A": None, "B": OTHER, "C": ME}
    assert len(said) == 1
    assert "A of" in said[0]
    assert records(tmp_path) == []


def test_what_a_living_process_has_stays(stf: StfServer) -> None:
    stf.add("A", owner=ME, usage="automation")
    record = left_over(stf, "A")
    with FileLock(record.with_suffix(".lock"), thread_local=False):
        give_back_left(StfApi(stf.url, TOKEN), lambda _: None)
    assert stf.owners() == {"A": ME}
    assert record.exists()


def test_what_could_not_be_given_back_is_tried_again(stf: StfServer, tmp_path: Path) -> None:
    device = stf.add("A")
    said: list[str] = []
    with borrow(stf, Adb(), said) as borrowed:
        borrowed.take("A", 1000)
        device.answers = False
    assert stf.owners() == {"A": ME}
    assert "could not be given back" in said[0]
    device.answers = True
    give_back_left(StfApi(stf.url, TOKEN), said.append)
    assert stf.owners() == {"A": None}
    assert records(tmp_path) == []


# -- errors ---------------------------------------------------------------------------------------


def test_a_bad_token(stf: StfServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STF_TOKEN", "wrong-secret")
    with pytest.raises(InputError, match="STF_TOKEN") as error:
        StfFarm(stf.url).listed()
    assert "wrong-secret" not in str(error.value)
    assert error.value.exit_code == 2


def test_no_token(stf: StfServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STF_TOKEN")
    with pytest.raises(InputError, match="no access token"):
        StfFarm(stf.url).listed()
    assert stf.calls == []


def test_nobody_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StfUnreachableError, match="Connection refused") as error:
        StfFarm(url).listed()
    assert error.value.exit_code == 3
    assert TOKEN not in str(error.value)


def test_the_token_does_not_follow_a_redirect(stf: StfServer) -> None:
    stf.redirect_to = f"http://localhost:{stf.port}/elsewhere"
    with pytest.raises(InputError, match="sends us on"):
        StfFarm(stf.url).listed()
    assert not [call for call in stf.calls if "elsewhere" in call]


def test_netrc_does_not_replace_the_token(
    stf: StfServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert StfApi(stf.url, TOKEN).devices() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not the address"),
        ("ftp://stf.example.org", "not the address"),
        ("https://", "not the address"),
        ("https://stf.example.org:99999", "not the address"),
        ("https://me:secret@stf.example.org", "no user or password"),
        ("https://stf.example.org/?x=1", "not the address"),
        ("https://stf.example.org,count=0", "no option"),
        ("https://stf.example.org,colour=red", "no option"),
    ],
)
def test_a_wrong_farm(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        StfFarm.parse(text)
    assert "secret" not in str(error.value)


def test_its_options_come_back_as_they_were() -> None:
    farm = StfFarm.parse("https://stf.example.org/,count=3,serial=A,serial=B")
    assert (farm.url, farm.count, farm.serials) == ("https://stf.example.org", 3, ("A", "B"))
    assert StfFarm.parse(farm.option.removeprefix("stf:")) == farm


def test_it_is_not_asked_for_all_it_has(stf: StfServer) -> None:
    with pytest.raises(InputError, match="say which"), StfFarm(stf.url).open():
        pass
    assert stf.calls == []


def test_every_phone_is_taken(stf: StfServer) -> None:
    stf.add("A", owner=OTHER)
    stf.add("B", present=False)
    stf.add("C", ready=False)
    stf.add("D", owner=ME)
    with pytest.raises(NoPhoneError) as error, StfFarm(stf.url, count=2).open():
        pass
    assert error.value.exit_code == 3
    for line in ("A (HD1905): used by other@", "B (HD1905): absent", "C (HD1905): not ready"):
        assert line in str(error.value)
    assert "D (HD1905): used by you" in str(error.value)
    assert stf.owners()["D"] == ME
    assert len(stf.keys) == 1


@pytest.mark.parametrize(
    ("demands", "may"),
    [
        ({}, True),
        ({"profile": "oneplus-7t"}, True),
        ({"profile": "pixel-4"}, False),
        ({"sdk": ">= 30"}, False),
        ({"android": "10"}, True),
        ({"ram_mb": ">= 6000", "tags": ["rack-1"]}, True),  # only the phone itself can tell
        ({"serial": "B"}, False),
    ],
)
def test_only_what_may_fit_is_reserved(stf: StfServer, demands: dict[str, Any], may: bool) -> None:
    stf.add("A", answers=False)  # so that reserving is seen, and fails
    said: list[str] = []
    farm = StfFarm(stf.url, wanted=[Demands(**demands)], note=said.append)
    with pytest.raises(NoPhoneError), farm.open():
        pass
    assert ("POST /api/v1/user/devices" in stf.calls) == may
    assert bool(said) == may


def test_listing_reserves_nothing(stf: StfServer) -> None:
    stf.add("A")
    stf.add("B", owner=OTHER, model="XYZ", marketName="")
    found = StfFarm(stf.url).listed()
    assert [(phone.serial, phone.state, phone.profile) for phone in found] == [
        ("A", "free", "oneplus-7t"),
        ("B", f"used by {OTHER}", ""),
    ]
    assert stf.calls == ["GET /api/v1/devices"]
