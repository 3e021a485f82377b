"""What `settings` of a phone says when it refuses, and what then stays remembered."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.adb.errors import CommandFailed, FileMissing
from harness.adb.shell import ShellResult
from harness.devices.settings_guard import SettingsGuard

WORK = "/data/local/tmp/mobileasr"
FILE = f"{WORK}/restore.json"


class SettingsPhone:
    """A phone with settings, some of which it does not let anyone change."""

    serial = "S1"

    def __init__(self, locked: Sequence[str] = ()) -> None:
        self.values = {"global a": "1"}
        self.files: dict[str, bytes] = {}
        self.locked = set(locked)
        self.log: list[str] = []

    def query(self, words: Sequence[str]) -> str:
        assert words[:2] == ["settings", "get"]
        return self.values.get(" ".join(words[2:]), "null") + "\n"

    def run(self, words: Sequence[str]) -> ShellResult:
        verb, name = words[1], " ".join(words[2:4])
        self.log.append(f"{verb} {name}")
        if words[3] in self.locked:
            # as MIUI does without "USB debugging (Security settings)": exit code 0
            said = "Exception occurred while executing:\njava.lang.SecurityException: Permission"
            return ShellResult(said, "", 0, said.encode())
        if verb == "put":
            self.values[name] = words[4]
        else:
            self.values.pop(name, None)
        return ShellResult("", "", 0, b"")

    def retried(self, call: Callable[[], Any]) -> Any:
        return call()

    def read_file(self, path: str, *, max_bytes: int) -> bytes:
        if path not in self.files:
            raise FileMissing(path, "No such file", serial="S1")
        return self.files[path]

    def write_text(self, path: str, text: str, *, mode: int) -> None:
        self.log.append("remember")
        self.files[path] = text.encode()

    def make_folder(self, path: str) -> None:
        assert path == WORK

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            del self.files[path]


def guard(phone: SettingsPhone) -> SettingsGuard:
    return SettingsGuard(phone, WORK)  # type: ignore[arg-type]


def test_it_is_remembered_before_it_is_changed() -> None:
    phone = SettingsPhone()
    assert guard(phone).change("global", "a", "2")
    assert phone.log == ["remember", "put global a"]
    assert json.loads(phone.files[FILE])["settings"] == [
        {"namespace": "global", "key": "a", "value": "1"}
    ]


def test_what_is_so_already_is_left_alone() -> None:
    phone = SettingsPhone()
    assert not guard(phone).change("global", "a", "1")
    assert (phone.log, phone.files) == ([], {})


def test_a_setting_that_was_not_set_is_deleted() -> None:
    phone = SettingsPhone()
    guard(phone).change("secure", "b", "x")
    assert guard(phone).restore() == ("put back setting secure b (not set)",)
    assert phone.values == {"global a": "1"}
    assert phone.files == {}


def test_a_refusal_is_an_error_though_the_exit_code_is_0() -> None:
    with pytest.raises(CommandFailed, match="SecurityException"):
        guard(SettingsPhone(locked=["a"])).change("global", "a", "2")


def test_what_could_not_be_put_back_stays_remembered() -> None:
    phone = SettingsPhone()
    for key in ("a", "b", "c"):
        guard(phone).change("global", key, "9")
    phone.locked = {"b"}
    notes = guard(phone).restore()
    assert [note.split(":")[0] for note in notes] == [
        "put back setting global c (not set)",
        "could not put back setting global b",
        "put back setting global a (1)",
    ]
    assert [one["key"] for one in json.loads(phone.files[FILE])["settings"]] == ["b"]
    phone.locked = set()
    assert len(guard(phone).restore()) == 1
    assert phone.values == {"global a": "1"}
