"""Changing a phone and putting it back: whatever is changed, in whatever way the phone refuses."""

import json

import pytest

from harness.adb.errors import DeviceLost
from harness.devices.changes import (
    AppOp,
    Bucket,
    Change,
    Config,
    DozeAllowed,
    Setting,
    Unplugged,
    refusal,
)
from harness.devices.preparing import (
    NotAllowedError,
    Wishes,
    notes_of,
    wanted_after_gates,
    wanted_before_gates,
)
from harness.devices.settings_guard import SettingsGuard
from tests.unit.devices.changing_phone import FILE, PACKAGE, WORK, ChangingPhone

SECURITY = "java.lang.SecurityException: no\n"
ALL = Wishes(stay_awake=True, unplugged=True, allow_background=True)


def guard(phone: ChangingPhone) -> SettingsGuard:
    return SettingsGuard(phone, WORK)  # type: ignore[arg-type]


def a(value: str | None = "2", key: str = "a") -> Setting:
    return Setting(namespace="global", key=key, value=value)


def everything(sdk: int = 33) -> list[Change]:
    wanted = [*wanted_before_gates(ALL, PACKAGE, sdk), *wanted_after_gates(ALL)]
    return [change for _, change in wanted]


def test_it_is_remembered_before_it_is_changed() -> None:
    phone = ChangingPhone()
    assert guard(phone).change([a()]).made == (a(),)
    assert phone.log == ["remember", "settings put global a 2"]
    before = json.loads(phone.files[FILE])["before"]
    assert before == [{"kind": "setting", "namespace": "global", "key": "a", "value": "1"}]


def test_what_is_so_already_is_left_alone() -> None:
    phone = ChangingPhone()
    assert guard(phone).change([a("1")]).made == ()
    assert (phone.log, phone.files) == ([], {})


def test_all_kinds_come_back_in_reverse_order() -> None:
    phone = ChangingPhone()
    before = phone.state()
    changed = guard(phone).change(everything())
    assert (len(changed.made), changed.refused) == (7, ())
    assert phone.unplugged
    assert phone.doze[PACKAGE] == "user"
    assert phone.ops == {"RUN_ANY_IN_BACKGROUND": "allow"}
    assert phone.bucket == 10
    assert phone.config == {"activity_manager/max_phantom_processes": "2147483647"}
    made, phone.log[:] = phone.log[1:], []
    notes = guard(phone).restore()
    assert phone.state() == before
    assert notes[0] == "put back battery (as measured)"
    assert notes[-1] == "put back setting global stay_on_while_plugged_in (not set)"
    tools = [command.split()[0] for command in made]
    assert [command.split()[0] for command in phone.log] == tools[::-1]
    assert phone.files == {}
    assert guard(phone).restore() == ()


def test_older_phones_are_asked_for_no_more_than_they_have() -> None:
    kinds = [type(change) for change in everything(sdk=27)]
    assert kinds == [Setting, Setting, DozeAllowed, Unplugged]
    assert Config not in {type(change) for change in everything(sdk=30)}


def test_the_first_past_counts_not_one_between() -> None:
    phone = ChangingPhone()
    guard(phone).change([a("2")])
    guard(phone).change([a("3")])
    assert guard(phone).restore() == ("put back setting global a (1)",)
    assert phone.settings["global a"] == "1"


@pytest.mark.parametrize("lost_after", range(15))
def test_a_host_or_cable_lost_anywhere_leaves_a_phone_that_can_be_put_back(lost_after: int) -> None:
    phone = ChangingPhone(lost_after=lost_after)
    before = phone.state()
    with pytest.raises(DeviceLost):
        guard(phone).change(everything())
    phone.lost_after = None
    # another host meets it
    guard(phone).restore()
    assert phone.state() == before
    assert phone.files == {}


def test_a_cable_lost_while_putting_back_is_no_harm() -> None:
    for lost_after in range(14):
        phone = ChangingPhone()
        before = phone.state()
        guard(phone).change(everything())
        phone.lost_after = lost_after
        with pytest.raises(DeviceLost):
            guard(phone).restore()
        phone.lost_after = None
        guard(phone).restore()
        assert phone.state() == before


def test_a_refusal_with_exit_code_0_is_seen_and_nothing_stays_remembered() -> None:
    phone = ChangingPhone(locked="settings put")
    ((change, why),) = guard(phone).change([a()]).refused
    assert change == a()
    assert "SecurityException" in why
    assert phone.files == {}, "what was not changed must not be put back for ever"


def test_a_phone_that_does_nothing_in_silence_is_seen() -> None:
    phone = ChangingPhone(deaf="device_config put")
    changed = guard(phone).change(everything())
    assert [(type(change), why) for change, why in changed.refused] == [
        (Config, "it stays device_config activity_manager max_phantom_processes (not set)")
    ]
    assert len(changed.made) == 6
    assert len(json.loads(phone.files[FILE])["before"]) == 6


def test_what_could_not_be_put_back_stays_remembered() -> None:
    phone = ChangingPhone()
    guard(phone).change([a("9"), a("9", "b"), a("9", "c")])
    phone.locked = "global b"
    notes = guard(phone).restore()
    assert [note.split(":")[0] for note in notes] == [
        "put back setting global c (not set)",
        "could not put back setting global b (not set)",
        "put back setting global a (1)",
    ]
    assert [change["key"] for change in json.loads(phone.files[FILE])["before"]] == ["b"]
    phone.locked = ""
    assert len(guard(phone).restore()) == 1
    assert "global b" not in phone.settings


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}x",
        b'{"version": 1, "settings": []}',
        b'{"version": 2, "before": [{"kind": "setting", "namespace": "global; reboot", "key": "x",'
        b' "value": "1"}]}',
        b'{"version": 2, "before": [{"kind": "appop", "package": "a.b", "op": "X; reboot", '
        b'"mode": "allow"}]}',
        b'{"version": 2, "before": [{"kind": "doze_allowed", "package": "$(reboot)", '
        b'"allowed": true}]}',
        b'{"version": 2, "before": [{"kind": "reboot"}]}',
        b"\xff" * 70000,
    ],
)
def test_a_foreign_or_broken_file_is_not_obeyed_and_said(text: bytes) -> None:
    phone = ChangingPhone()
    phone.files[FILE] = text
    (note,) = guard(phone).restore()
    assert "could not be read and was removed" in note
    assert (phone.files, phone.log) == ({}, [])


@pytest.mark.parametrize(
    ("change", "answer", "expected"),
    [
        (Bucket(package=PACKAGE, bucket=10), "5\n", Bucket(package=PACKAGE, bucket=5)),
        (Bucket(package=PACKAGE, bucket=10), "50\n", Bucket(package=PACKAGE, bucket=50)),
        (Bucket(package=PACKAGE, bucket=10), "99\n", None),
        (Bucket(package=PACKAGE, bucket=10), "30\n", Bucket(package=PACKAGE, bucket=30)),
        (Bucket(package=PACKAGE, bucket=10), "Error: unknown package\n", None),
        (Unplugged(unplugged=True), "Can't find service: battery\n", None),
        (a(), SECURITY, None),
        (a(), "two\nlines\n", None),
        (a(), "\n", a("")),
        (
            AppOp(package=PACKAGE, op="RUN_ANY_IN_BACKGROUND", mode="allow"),
            "Error: Unknown operation string: RUN_ANY_IN_BACKGROUND\n",
            None,
        ),
    ],
)
def test_what_a_phone_tells_of_now(change: Change, answer: str, expected: Change | None) -> None:
    assert change.now(answer) == expected


def test_refusals_are_told_in_the_phones_words() -> None:
    assert refusal(0, "") == ""
    assert refusal(0, "Added: org.mobileasr.trainer") == ""
    assert refusal(0, f"Exception occurred:\n{SECURITY}") == SECURITY.strip()
    assert refusal(255, "") == "exit code 255"
    assert refusal(127, "cmd: not found") == "cmd: not found"


def test_a_refusal_is_a_note_with_advice_unless_it_was_required() -> None:
    phone = ChangingPhone(locked="battery unplug|settings put")
    wanted = [*wanted_before_gates(ALL, PACKAGE, 30), *wanted_after_gates(ALL)]
    changed = guard(phone).change([change for _, change in wanted])
    notes = notes_of(ALL, wanted, changed, "Switch it on.")
    refused = [note for note in notes if "does not allow" in note]
    assert len(refused) == 3
    assert refused[-1].startswith("unplugged: the phone does not allow battery (unplugged, sim")
    assert all(note.endswith("Switch it on.") for note in refused)
    must = Wishes(unplugged="required")
    with pytest.raises(NotAllowedError, match=r"unplugged: .*Switch it on\.") as caught:
        notes_of(must, wanted, changed, "Switch it on.")
    assert any("stay_awake" in note for note in caught.value.notes)
