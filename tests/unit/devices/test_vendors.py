"""What makers' Androids do to background work: recognised, checked, or said for a person to do."""

from pathlib import Path
from typing import Any

import pytest

from harness.devices.inventory import PhoneInfo
from harness.devices.profile import load_profiles, read_profile, recognise
from harness.devices.vendors import (
    judge_quirk,
    load_vendors,
    questions,
    quirks_of,
    refusal_advice,
)
from harness.errors import InputError
from harness.readings import parse_getprop

PACKAGE = "org.mobileasr.trainer"
CAPTURES = Path(__file__).parents[2] / "data/captures/getprop"
MIUI = {"ro.miui.ui.version.name": "V125", "ro.product.manufacturer": "Xiaomi"}
OXYGEN = {"ro.oxygen.version": "9.0.4"}


def phone(properties: dict[str, str], **more: Any) -> PhoneInfo:
    fields: dict[str, Any] = {"profile": "generic", "origin": "device", **more}
    return PhoneInfo(
        serial="S1", adb_serial="S1", adb_server="h:1", state="device", properties=properties,
        **fields,
    )  # fmt: skip


def ids(info: PhoneInfo) -> set[str]:
    return {quirk.id for quirk in quirks_of(info)}


def test_a_makers_quirks_hold_for_models_that_no_profile_knows() -> None:
    assert "miui-autostart" in ids(phone(MIUI))
    assert "oxygenos-recent-apps" in ids(phone(OXYGEN))
    assert "oxygenos-recent-apps" in ids(
        phone({"ro.product.manufacturer": "OnePlus", "ro.build.version.sdk": "29"})
    )
    colour = {"ro.product.manufacturer": "OnePlus", "ro.build.version.sdk": "33"}
    assert ids(phone(colour)) == set()
    assert ids(phone({}, profile="pixel-4")) == {"adaptive-battery"}
    assert ids(phone(MIUI, origin="virtual")) == set()


def test_the_maker_says_why_a_setting_is_refused() -> None:
    assert "USB debugging (Security settings)" in refusal_advice(phone(MIUI))
    assert refusal_advice(phone(OXYGEN)) == ""


@pytest.mark.parametrize(
    ("quirk", "properties", "answer", "outcome"),
    [
        ("miui-usb-debugging-security", {"persist.security.adbinput": "1"}, None, "ok"),
        ("miui-usb-debugging-security", {"persist.security.adbinput": "0"}, None, "warning"),
        ("miui-usb-debugging-security", {}, None, "warning"),
        ("miui-install-via-usb", {"persist.security.adbinstall": "true"}, None, "ok"),
        ("miui-autostart", {}, "MIUIOP(10008): ignore; time=+1h2m12s943ms ago; rej", "warning"),
        ("miui-autostart", {}, "MIUIOP(10008): allow; time=+2s\n", "ok"),
        ("miui-autostart", {}, "10008: allow", "ok"),
        ("miui-autostart", {}, "Error: Unknown operation string: 10008", "info"),
        ("miui-autostart", {}, "", "info"),
        ("miui-autostart", {}, None, "info"),
        ("miui-battery-saver", {}, None, "info"),
    ],
)
def test_what_can_be_seen_is_checked(
    quirk: str, properties: dict[str, str], answer: str | None, outcome: str
) -> None:
    info = phone({**MIUI, **properties})
    found = next(known for known in quirks_of(info) if known.id == quirk)
    check = judge_quirk(found, info, PACKAGE, answer)
    assert check.outcome == outcome
    assert bool(check.advice) == (outcome != "ok")


def test_what_a_run_does_by_itself_is_no_warning() -> None:
    info = phone(OXYGEN)
    found = next(known for known in quirks_of(info) if known.id == "oxygenos-battery-optimisation")
    assert judge_quirk(found, info, PACKAGE, "system,com.a,1000").outcome == "info"
    assert judge_quirk(found, info, PACKAGE, f"user,{PACKAGE},10123").outcome == "ok"
    assert judge_quirk(found, info, PACKAGE, f"user,{PACKAGE}.other,10123").outcome == "info"


def test_only_what_needs_the_phone_is_asked_of_it() -> None:
    asked = questions(quirks_of(phone(MIUI)), PACKAGE)
    assert asked == {"miui-autostart": ["cmd", "appops", "get", PACKAGE, "10008"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\ntitle: X\nmatch: []\nquirks: []\n", "match"),
        (
            "name: x\ntitle: X\nmatch: [{a: b}]\nquirks:\n  - {id: q, what: w, advice: a, "
            "check: {good: x}}\n",
            "give one of property, appop, doze_allowed",
        ),
        ("name: y\ntitle: X\nmatch: [{a: b}]\nquirks: [{id: q, what: w, advice: a}]\n", "the name"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        load_vendors(tmp_path)


@pytest.mark.parametrize(
    ("capture", "profile", "vendor", "switched_on"),
    [
        ("android9_oneplus5t_oxygenos9.0.4.txt", "oneplus-5t", "oxygenos", set()),
        ("android10_oneplus7t_oxygenosOB1_EXCERPT.txt", "oneplus-7t", "oxygenos", set()),
        ("android11_oneplus6_h2os11.txt", "generic", "oxygenos", set()),
        (
            "android10_redmi_note7_miui12.5.3.txt",
            "generic",
            "miui",
            {"miui-install-via-usb", "miui-usb-debugging-security"},
        ),
        (
            "android12_redmi_note10_miui14.txt",
            "generic",
            "miui",
            {"miui-install-via-usb", "miui-usb-debugging-security"},
        ),
        ("android13_oneplus8_coloros13.1.txt", "generic", None, set()),
        ("android15_oneplus12_coloros15.txt", "generic", None, set()),
        ("android8.1_smartron_tphoneE_bugreport.txt", "generic", None, set()),
    ],
)
def test_real_phones(capture: str, profile: str, vendor: str | None, switched_on: set[str]) -> None:
    properties = dict(parse_getprop((CAPTURES / capture).read_bytes()).properties)
    found = recognise(properties, load_profiles())
    assert found is not None
    assert found.name == profile
    assert [vendor.name for vendor in load_vendors() if vendor.matches(properties)] == [
        name for name in [vendor] if name
    ]
    info = phone(properties)
    checks = [judge_quirk(quirk, info, PACKAGE, None) for quirk in quirks_of(info)]
    assert {check.name for check in checks if check.outcome == "ok"} == switched_on


def test_a_profiles_own_quirk_may_have_a_check() -> None:
    folder = Path(__file__).parents[3] / "device_profiles"
    quirk = read_profile(folder / "pixel-4.yaml").quirks[0]
    assert quirk.check is not None
    assert quirk.check.doze_allowed
