"""Profiles and scenarios of one's own folders: which file of a name is used, and who says so."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import session
from harness.cli.scenario_file import scenario_file
from harness.devices.profile import broken_profiles, load_profile, load_profiles
from harness.devices.sources import Session
from harness.devices.vendors import load_vendors
from harness.errors import InputError
from harness.paths import data_root, named_files, search_folders, shadowed

PROFILE = (data_root() / "device_profiles" / "pixel-4.yaml").read_text("utf-8")
VENDOR = next((data_root() / "device_profiles" / "vendors").glob("*.yaml"))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The four places in the order in which they count."""
    here, first, second, config = (tmp_path / name for name in ("here", "a", "b", "config"))
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("MOBILEASR_LAB_PATH", f"{first}:{second}:")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    return [here, first, second, config / "mobileasr-lab"]


def put(place: Path, title: str, name: str = "pixel-4") -> Path:
    path = place / "device_profiles" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = PROFILE.replace("name: pixel-4", f"name: {name}")
    lines = [f"title: {title}" if line.startswith("title:") else line for line in text.split("\n")]
    path.write_text("\n".join(lines))
    return path


def test_what_ships_is_found_without_any_other_folder(places: list[Path]) -> None:
    assert search_folders("device_profiles") == (data_root() / "device_profiles",)
    assert load_profile("pixel-4").title in PROFILE
    assert shadowed("device_profiles") == []


def test_the_first_place_that_has_a_name_counts(places: list[Path]) -> None:
    for number, place in reversed(list(enumerate(places))):
        path = put(place, f"place {number}")
        assert load_profile("pixel-4").title == f"place {number}"
        assert load_profiles()["pixel-4"].title == f"place {number}"
        told = shadowed("device_profiles")
        assert len(told) == len(places) - number
        assert all(
            text.startswith(f"device profile pixel-4: {path} is used, not ") for text in told
        )
    folders = search_folders("device_profiles")
    assert [folder.parent for folder in folders[:-1]] == places
    assert folders[-1] == data_root() / "device_profiles"


def test_one_s_own_profile_is_one_more(places: list[Path]) -> None:
    before = set(load_profiles())
    put(places[3], "Mine", "my-phone")
    assert set(load_profiles()) == before | {"my-phone"}
    assert list(load_profiles()) == sorted(load_profiles())
    with pytest.raises(InputError, match="Did you mean my-phone"):
        load_profile("my-phon")
    (places[3] / "device_profiles" / "my-phone.yaml").write_text("name: [\n")
    assert set(load_profiles()) == before, "a broken one stops no command"
    (error,) = broken_profiles()
    assert "my-phone.yaml" in str(error)


def test_a_maker_s_file_of_one_s_own_replaces_the_shipped_one(places: list[Path]) -> None:
    folder = places[1] / "device_profiles" / "vendors"
    folder.mkdir(parents=True)
    text = VENDOR.read_text("utf-8")
    lines = ["title: Mine" if line.startswith("title:") else line for line in text.split("\n")]
    (folder / VENDOR.name).write_text("\n".join(lines))
    titles = {vendor.name: vendor.title for vendor in load_vendors()}
    assert titles[VENDOR.stem] == "Mine"
    assert len(titles) == len(named_files("device_profiles/vendors"))


def test_a_command_that_uses_phones_says_which_profile_is_not_used(
    places: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SimpleNamespace(open=lambda: contextlib.nullcontext(Session(())))
    monkeypatch.setattr(session, "phone_source", lambda **_more: source)
    with session.open_session():
        pass
    assert "is used" not in capsys.readouterr().err
    path = put(places[0], "mine")
    with session.open_session():
        pass
    assert f"pixel-4: {path} is used, not" in capsys.readouterr().err.replace("\n", "")


def test_the_same_folder_twice_is_one(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    put(places[0], "here")
    monkeypatch.setenv("MOBILEASR_LAB_PATH", f"{places[0]}:{data_root()}")
    assert search_folders("device_profiles") == (
        places[0] / "device_profiles",
        data_root() / "device_profiles",
    )
    assert len(shadowed("device_profiles")) == 1


def test_a_scenario_by_its_name(places: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    shipped = data_root() / "scenarios" / "smoke.yaml"
    assert scenario_file(Path("smoke")) == shipped
    own = places[2] / "scenarios" / "smoke.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("name: mine\n")
    assert scenario_file(Path("smoke")) == own
    said = capsys.readouterr().err.replace("\n", "")
    assert f"scenario smoke: {own}, not {shipped}" in said
    for path in ("smoke.yaml", "some/smoke.yaml"):  # a path stays a path
        assert scenario_file(Path(path)) == Path(path)
    Path("smoke").write_text("name: here\n")
    assert scenario_file(Path("smoke")) == Path("smoke")
    with pytest.raises(InputError, match="Did you mean quickstart"):
        scenario_file(Path("quickstar"))


def test_a_scenario_in_an_inner_folder_by_its_name(places: list[Path]) -> None:
    shipped = data_root() / "scenarios" / "paper" / "table1.yaml"
    assert scenario_file(Path("paper/table1")) == shipped
    own = places[2] / "scenarios" / "paper" / "table1.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("name: mine\n")
    assert scenario_file(Path("paper/table1")) == own
    with pytest.raises(InputError, match="Did you mean paper/table2"):
        scenario_file(Path("paper/tabel2"))
