"""Device profiles: the shipped ones, and what is said of a wrong one."""

from pathlib import Path

import pytest

from harness.devices.profile import (
    broken_profiles,
    load_profile,
    load_profiles,
    read_profile,
    recognise,
)
from harness.devices.vendors import load_vendors
from harness.errors import InputError

PAPER = {  # MobileASR, Table 8: available and total GB, Android, SoC
    "oneplus-7t": (4.5, 8, "10", "Snapdragon 855 Plus"),
    "oneplus-5t": (4.0, 6, "10", "Snapdragon 835"),
    "redmi-note-10-pro-max": (4.5, 8, "11", "Snapdragon 732G"),
    "redmi-note-7-pro": (2.8, 6, "10", "Snapdragon 675"),
}


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_phones(name: str) -> None:
    available, total, android, soc = PAPER[name]
    profile = load_profile(name)
    assert profile.idle_available_mb == pytest.approx(available * 1024, abs=1)
    assert profile.ram_total_mb == total * 1024
    assert (profile.android, profile.soc) == (android, soc)
    assert sum(cluster.count for cluster in profile.cores) == 8


def test_every_profile_recognises_its_own_phone_and_no_other() -> None:
    profiles = load_profiles()
    assert {*PAPER, "pixel-4", "generic"} == set(profiles)
    for profile in profiles.values():
        assert recognise(profile.properties, profiles) == profile


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"ro.product.device": "OnePlus7TTMO"}, "oneplus-7t"),
        ({"ro.product.device": "OnePlus7TPro"}, "generic"),
        # the Note 10 Pro has the same device name; only the model tells them apart
        ({"ro.product.device": "sweetin", "ro.product.model": "M2101K6P"}, "generic"),
        ({"ro.product.device": "sweetin", "ro.product.model": "M2101K6I"}, "redmi-note-10-pro-max"),
        ({"ro.vlab.profile": "pixel-4"}, "pixel-4"),
        ({"ro.vlab.profile": "no-such"}, "generic"),
        ({}, "generic"),
    ],
)
def test_recognising(properties: dict[str, str], name: str) -> None:
    found = recognise(properties, load_profiles())
    assert found is not None
    assert found.name == name


GOOD = """\
name: {name}
title: A phone
match: {{ro.product.device: "x(y)?"}}
ram_total_mb: 4096
idle_available_mb: 2048
soc: s
android: "12"
sdk: 31
abi: arm64-v8a
cores: [{{kind: big, count: 4, max_mhz: 2000}}]
battery_capacity_mah: 4000
lmkd_kill_below_mb: 100
"""


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    written(tmp_path, GOOD.format(name="mine"))
    assert list(load_profiles(tmp_path)) == ["mine"]
    assert load_profile("mine", tmp_path).matches({"ro.product.device": "xy"})
    with pytest.raises(InputError, match="no device profile 'mime'") as caught:
        load_profile("mime", tmp_path)
    assert "Did you mean mine?" in str(caught.value)
    with pytest.raises(InputError):
        load_profile("../mine", tmp_path / "below")
    (tmp_path / "mine.yaml").unlink()
    with pytest.raises(InputError, match="no device profiles"):
        load_profiles(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("sdk: 31", "sdk: '31'"), "mine.yaml:8: sdk: "),
        (("sdk: 31", "sdk: 31\nsdkk: 3"), "mine.yaml:9: sdkk: unknown key 'sdkk'"),
        (("x(y)?", "x("), "mine.yaml:3: match.ro.product.device: not a regular expression"),
        (("kind: big", "kind: bigg"), "mine.yaml:10: cores[0].kind"),
        (("name: mine", "name: other"), "mine.yaml:1: name: the name is 'other', but the file"),
        (("idle_available_mb: 2048", "idle_available_mb: 5000"), "must hold: lmkd_kill_below_mb"),
        (("ram_total_mb: 4096", "ram_total_mb: .inf"), "mine.yaml:4: ram_total_mb"),
        (("soc: s", "soc: s\nwork_dir: /data/$(reboot)"), "mine.yaml:7: work_dir"),
    ],
)
def test_a_wrong_profile(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = written(tmp_path, GOOD.format(name="mine").replace(*change))
    with pytest.raises(InputError) as caught:
        read_profile(path)
    assert message in str(caught.value)


def test_a_wrong_one_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "device_profiles"
    (own / "vendors").mkdir(parents=True)
    written(own, GOOD.format(name="mine"))
    written(own, "name: [", name="torn")
    written(own, GOOD.format(name="pixel-4").replace("sdk: 31", "sdk: many"), name="pixel-4")
    written(own / "vendors", "name: acme", name="acme")
    monkeypatch.chdir(tmp_path)
    known = load_profiles()
    assert "mine" in known
    assert "oneplus-7t" in known
    # one that was meant to stand in place of a shipped one is not replaced by it unasked
    assert not {"torn", "pixel-4"} & set(known)
    assert len(broken_profiles()) == 2
    assert load_vendors()
    assert sum("left out" in record.message for record in caplog.records) == 3
    with pytest.raises(InputError, match="sdk"):
        load_profile("pixel-4")


def test_when_a_virtual_phone_kills_need_not_be_said(tmp_path: Path) -> None:
    text = GOOD.format(name="mine").replace("lmkd_kill_below_mb: 100\n", "")
    assert read_profile(written(tmp_path, text)).lmkd_kill_below_mb > 0


def test_a_version_without_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.format(name="mine").replace('android: "12"', "android: 12"))
    with pytest.raises(InputError, match='write "12", in quotes'):
        read_profile(path)
